import { requireWorkspace } from '../context/workspace.ts';
import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow, readModelRows } from './cost/row-prices.ts';
import { NULLABLE_LIST } from './model/any-model.ts';
import { functionList } from './model/function-list.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Trend = refOf('Trend');
const Workspace = refOf('Workspace');

readModel('TrendOpportunity', {
  columns: [
    'topic',
    'lifecycleStage',
    'velocity',
    'opportunityScore',
    'expiryDate',
    'mentionCount',
    'engagementCount',
    'triggeredMoveCount',
  ],
  one: ['trend'],
});

builder.prismaObjectField(Trend, 'opportunity', (t) =>
  t.relation('opportunity', {
    description: 'Current value of the trend; null once it has expired.',
    ...priced(readModelRow),
  }),
);

builder.prismaObjectField(Workspace, 'trendOpportunities', (t) =>
  t.relation('trendOpportunities', {
    nullable: NULLABLE_LIST,
    description: 'Trends that have not expired, the most promising first; at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ opportunityScore: { sort: 'desc', nulls: 'last' } }, { trendId: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);

functionList('activeInsights', {
  model: 'MarketInsight',
  description: 'Active insights that are relevant today (UTC), most confident first.',
  sql: 'get_active_insights',
  values: (context) => [requireWorkspace(context).id],
});

functionList('prioritySignals', {
  model: 'IntelligenceSignal',
  description:
    'New signals whose confidence x relevance / 100 reaches the threshold, highest first, then newest.',
  sql: 'get_priority_signals',
  args: (arg) => ({ threshold: arg({ type: 'Decimal', required: true, defaultValue: '50' }) }),
  values: (context, { threshold }) => [requireWorkspace(context).id, threshold],
});
