import { describe } from './descriptor.ts';

export const GlobalStrategy = describe('GlobalStrategy', {
  root: 'globalStrategies',
  writer: 'Strategist',
  columns: [
    'id',
    'workspaceId',
    'businessContext',
    'offers',
    'markets',
    'centerOfGravity',
    'successMetrics',
    'ninetyDayGoal',
    'constitution',
    'strategyState',
    'createdAt',
    'updatedAt',
  ],
  writes: {},
});

export const Positioning = describe('Positioning', {
  root: 'positionings',
  writer: 'Strategist',
  columns: [
    'id',
    'workspaceId',
    'name',
    'description',
    'marketSegment',
    'targetPersona',
    'keyMessage',
    'valueProposition',
    'differentiation',
    'targetPainPoints',
    'solutionBenefits',
    'createdById',
    'createdAt',
    'updatedAt',
  ],
  searched: [
    'name',
    'marketSegment',
    'targetPersona',
    'keyMessage',
    'valueProposition',
    'differentiation',
    'description',
  ],
  writes: {},
});

export const MessageArchitecture = describe('MessageArchitecture', {
  root: 'messageArchitectures',
  writer: 'Strategist',
  columns: [
    'id',
    'workspaceId',
    'name',
    'description',
    'positioningId',
    'primaryMessage',
    'secondaryMessages',
    'contentPillars',
    'brandVoice',
    'toneGuidelines',
    'targetAudience',
    'keyTopics',
    'contentThemes',
    'createdById',
    'createdAt',
    'updatedAt',
  ],
  writes: {},
});

export const StrategyInsight = describe('StrategyInsight', {
  root: 'strategyInsights',
  writer: 'Strategist',
  columns: [
    'id',
    'workspaceId',
    'sourceType',
    'sourceId',
    'insightType',
    'title',
    'description',
    'evidence',
    'recommendedAction',
    'confidenceScore',
    'impactScore',
    'status',
    'createdAt',
    'reviewedAt',
    'actionedAt',
  ],
  searched: ['title', 'description', 'recommendedAction'],
  writes: {},
});

export const JourneyStage = describe('JourneyStage', {
  root: 'journeyStages',
  global: true,
  columns: ['id', 'name', 'description', 'sortOrder', 'createdAt'],
  writes: {},
});

export const ChannelRole = describe('ChannelRole', {
  root: 'channelRoles',
  global: true,
  columns: ['id', 'name', 'description', 'createdAt'],
  writes: {},
});
