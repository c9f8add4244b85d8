import { builder } from './builder.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';

export const Campaign = model('Campaign', {
  root: 'campaigns',
  columns: [
    'id',
    'workspaceId',
    'name',
    'description',
    'objective',
    'status',
    'positioningId',
    'messageArchitectureId',
    'targetSegments',
    'targetGeographies',
    'startDate',
    'endDate',
    'plannedDurationDays',
    'budgetAllocation',
    'allocatedBudgetAmount',
    'resourceAllocation',
    'totalReach',
    'totalEngagements',
    'conversionCount',
    'roiPercentage',
    'createdById',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'positioning', 'messageArchitecture'],
  many: ['quests', 'cohortLinks', 'moves', 'agentAssignments', 'alerts', 'notifications'],
  people: ['createdBy'],
  stateMachine: 'status',
  writes: {
    readOnly: ['totalReach', 'totalEngagements', 'conversionCount'],
    nested: ['quests', 'cohortLinks'],
  },
});

export const CampaignQuest = model('CampaignQuest', {
  root: 'campaignQuests',
  columns: [
    'id',
    'workspaceId',
    'campaignId',
    'name',
    'description',
    'objective',
    'parentQuestId',
    'questOrder',
    'status',
    'startDate',
    'endDate',
    'dueDate',
    'assignedToAgentNames',
    'expectedOutput',
    'actualOutput',
    'createdById',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'campaign', 'parentQuest'],
  many: ['childQuests'],
  people: ['createdBy'],
  links: {
    assignedToAgents: { column: 'assignedToAgentNames', to: 'Agent', by: 'agentName' },
  },
  stateMachine: 'status',
  writes: { nested: ['childQuests'] },
});

export const CampaignCohort = model('CampaignCohort', {
  root: 'campaignCohorts',
  columns: [
    'id',
    'workspaceId',
    'campaignId',
    'cohortId',
    'allocationPercentage',
    'targetCount',
    'reachedCount',
    'convertedCount',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'campaign', 'cohort'],
  writes: { readOnly: ['reachedCount', 'convertedCount'] },
});

readModel('CampaignHealth', {
  columns: [
    'moveCount',
    'completedMoveCount',
    'cohortCount',
    'questCount',
    'completedQuestCount',
    'reach',
    'state',
  ],
});

builder.prismaObjectField(Campaign, 'health', (t) =>
  t.relation('health', { complexity: { field: 1, multiplier: 1 } }),
);
