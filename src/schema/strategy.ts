import { loadRow } from '../resolvers/loaders.ts';
import { builder } from './builder.ts';
import { Campaign } from './campaigns.ts';
import { Cohort } from './cohorts.ts';
import { Asset } from './content.ts';
import { priced } from './cost/price.ts';
import { foundRow } from './cost/rows.ts';
import { weights } from './cost/weights.ts';
import { selectionOf } from './model/links.ts';
import { model } from './model/model.ts';
import { Move } from './moves.ts';

export const GlobalStrategy = model('GlobalStrategy', {
  root: 'globalStrategies',
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
  one: ['workspace'],
  writes: {},
});

export const Positioning = model('Positioning', {
  root: 'positionings',
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
  one: ['workspace'],
  many: ['messageArchitectures', 'campaigns'],
  people: ['createdBy'],
  writes: {},
});

export const MessageArchitecture = model('MessageArchitecture', {
  root: 'messageArchitectures',
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
  one: ['workspace', 'positioning'],
  many: ['campaigns'],
  people: ['createdBy'],
  writes: {},
});

export const StrategyInsight = model('StrategyInsight', {
  root: 'strategyInsights',
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
  one: ['workspace'],
  writes: {},
});

export const JourneyStage = model('JourneyStage', {
  root: 'journeyStages',
  columns: ['id', 'name', 'description', 'sortOrder', 'createdAt'],
  many: ['movesFrom', 'movesTo'],
  writes: {},
});

export const ChannelRole = model('ChannelRole', {
  root: 'channelRoles',
  columns: ['id', 'name', 'description', 'createdAt'],
  writes: {},
});

const sources = {
  campaign: Campaign,
  move: Move,
  cohort: Cohort,
  asset: Asset,
  positioning: Positioning,
};

const InsightSource = builder.unionType('InsightSource', {
  description: 'What a strategy insight was drawn from.',
  types: Object.values(sources),
});

builder.prismaObjectField(StrategyInsight, 'source', (t) =>
  t.field({
    type: InsightSource,
    nullable: true,
    description: 'What the insight was drawn from; null when unknown, gone or not yours to see.',
    ...priced({ ...foundRow, once: Object.keys(sources).length * weights.statement }),
    select: { sourceType: true, sourceId: true },
    resolve: async ({ sourceType, sourceId }, _args, context, info) => {
      if (!sourceId) return null;
      const { name } = sources[sourceType];
      const row = await loadRow(context, name, 'id', sourceId, selectionOf(context, info, name));
      return (row && { __typename: name, ...row }) as never;
    },
  }),
);
