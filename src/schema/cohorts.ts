import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/rows.ts';
import { ASSUMED_ROWS } from './cost/weights.ts';
import { NULLABLE_LIST } from './model/fields.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';

export const Cohort = model('Cohort', {
  root: 'cohorts',
  columns: [
    'id',
    'workspaceId',
    'name',
    'executiveSummary',
    'demographics',
    'buyerRole',
    'psychographics',
    'painPoints',
    'goals',
    'behavioralTriggers',
    'communication',
    'budget',
    'timeline',
    'decisionStructure',
    'tags',
    'createdAt',
    'updatedAt',
    'driftDetected',
    'lastDriftCheck',
    'buyingTriggers',
    'decisionCriteria',
    'objectionMap',
    'attentionWindows',
    'journeyDistribution',
    'competitiveFrame',
    'decisionMakingUnit',
    'healthScore',
    'lastValidated',
  ],
  one: ['workspace'],
  many: ['campaignLinks', 'moves', 'assets', 'alerts'],
  writes: {},
});

export const SupportFeedback = model('SupportFeedback', {
  root: 'supportFeedbackList',
  columns: [
    'id',
    'workspaceId',
    'type',
    'source',
    'title',
    'content',
    'sentiment',
    'extractedTags',
    'relatedCohortIds',
    'triggersDefensiveMove',
    'customerId',
    'createdAt',
  ],
  one: ['workspace'],
  links: {
    relatedCohorts: { column: 'relatedCohortIds', to: 'Cohort' },
  },
  writes: {},
});

readModel('CohortJourneyShare', {
  columns: ['journeyStageId', 'share'],
  one: ['journeyStage'],
});

builder.prismaObjectField(Cohort, 'journeyShares', (t) =>
  t.relation('journeyShares', {
    nullable: NULLABLE_LIST,
    description: 'Where the people of the cohort are on their journey, the largest share first.',
    ...priced(readModelRows(ASSUMED_ROWS)),
    query: { orderBy: [{ share: 'desc' }, { journeyStageId: 'asc' }], take: limits.maxPageSize },
  }),
);
