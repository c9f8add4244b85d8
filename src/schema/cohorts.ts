import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/row-prices.ts';
import { ASSUMED_ROWS } from './cost/weights.ts';
import { NULLABLE_LIST } from './model/any-model.ts';
import { readModel } from './model/read-model.ts';
import { refOf } from './models.ts';

const Cohort = refOf('Cohort');

readModel('CohortJourneyShare', {
  columns: ['journeyStageId', 'share'],
  one: ['journeyStage'],
});

builder.prismaObjectField(Cohort, 'journeyShares', (t) =>
  t.relation('journeyShares', {
    nullable: NULLABLE_LIST,
    description: 'Shares of the cohort by stage of the journey, largest first.',
    ...priced(readModelRows(ASSUMED_ROWS)),
    query: { orderBy: [{ share: 'desc' }, { journeyStageId: 'asc' }], take: limits.maxPageSize },
  }),
);
