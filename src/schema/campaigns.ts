import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow } from './cost/rows.ts';
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

const CampaignHealth = readModel('CampaignHealth', {
  columns: [
    'moveCount',
    'completedMoveCount',
    'cohortCount',
    'questCount',
    'completedQuestCount',
    'reach',
  ],
});

const CampaignState = builder.enumType('CampaignState', {
  description: 'Where a campaign is by its dates, in UTC.',
  values: {
    UPCOMING: {
      value: 'upcoming',
      description: 'Its first day is still to come, or it has not begun.',
    },
    ON_TRACK: { value: 'on_track', description: 'Between its first and its last day.' },
    OVERDUE: {
      value: 'overdue',
      description: 'Past its last day, or past its first one and not begun.',
    },
    ENDED: { value: 'ended', description: 'Completed or archived.' },
  } as const,
});

builder.prismaObjectField(CampaignHealth, 'state', (t) =>
  t.field({
    type: CampaignState,
    nullable: false,
    select: { state: true },
    resolve: ({ state }) => state as 'upcoming' | 'on_track' | 'overdue' | 'ended',
  }),
);

builder.prismaObjectField(Campaign, 'health', (t) => t.relation('health', priced(readModelRow)));
