import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow } from './cost/row-prices.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Move = refOf('Move');

readModel('ExperimentSummary', {
  columns: ['experimentCount', 'runningCount', 'completedCount', 'stoppedCount', 'failedCount'],
});

builder.prismaObjectField(Move, 'experimentSummary', (t) =>
  t.relation('experimentSummary', priced(readModelRow)),
);
