import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/row-prices.ts';
import { NULLABLE_LIST } from './model/any-model.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Agent = refOf('Agent');

readModel('AgentPerformanceDay', {
  columns: [
    'measurementDate',
    'executionCount',
    'successCount',
    'failureCount',
    'errorCount',
    'avgExecutionTimeSeconds',
    'minExecutionTimeSeconds',
    'maxExecutionTimeSeconds',
    'p50ExecutionTimeSeconds',
    'p95ExecutionTimeSeconds',
    'p99ExecutionTimeSeconds',
    'totalInputTokens',
    'totalOutputTokens',
    'totalCostIncurred',
    'avgCostPerExecution',
    'successRatePercentage',
    'errorRatePercentage',
  ],
  one: ['agent'],
});

builder.prismaObjectField(Agent, 'dailyPerformance', (t) =>
  t.relation('dailyPerformance', {
    nullable: NULLABLE_LIST,
    description:
      'Performance of the agent in the current workspace, latest day first; at most 100 days.',
    ...priced(readModelRows(limits.maxPageSize)),
    args: {
      from: t.arg({ type: 'Date', description: 'The first day, in UTC.' }),
      to: t.arg({ type: 'Date', description: 'The last day, in UTC.' }),
    },
    query: ({ from, to }) => ({
      where: {
        measurementDate: { ...(from ? { gte: from } : {}), ...(to ? { lte: to } : {}) },
      },
      orderBy: { measurementDate: 'desc' },
      take: limits.maxPageSize,
    }),
  }),
);
