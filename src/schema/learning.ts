import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/row-prices.ts';
import { NULLABLE_LIST } from './model/any-model.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Workspace = refOf('Workspace');

readModel('AgentRecommendationSummary', {
  columns: [
    'agentName',
    'recommendationCount',
    'undecidedCount',
    'pendingCount',
    'approvedCount',
    'rejectedCount',
    'partialCount',
    'implementedCount',
    'averageConfidence',
    'averageQuality',
  ],
  one: ['agent'],
});

builder.prismaObjectField(Workspace, 'agentRecommendationSummaries', (t) =>
  t.relation('agentRecommendationSummaries', {
    nullable: NULLABLE_LIST,
    description: 'Outcomes of recommendations by agent; the busiest agents first, at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ recommendationCount: 'desc' }, { agentName: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);

readModel('PatternEffectiveness', {
  columns: [
    'patternCategory',
    'patternCount',
    'strongPatternCount',
    'caseCount',
    'successRate',
    'averageConfidence',
    'lastConfirmedAt',
  ],
});

builder.prismaObjectField(Workspace, 'patternEffectiveness', (t) =>
  t.relation('patternEffectivenessList', {
    nullable: NULLABLE_LIST,
    description: 'Success of learned patterns by category; the most successful first, at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ successRate: { sort: 'desc', nulls: 'last' } }, { patternCategory: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);
