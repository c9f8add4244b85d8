import { loadRow } from '../resolvers/loaders.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { foundRow } from './cost/row-prices.ts';
import { weights } from './cost/weights.ts';
import { untyped } from './model/any-model.ts';
import { selectionOf } from './model/links.ts';
import { refOf } from './models.ts';

const Asset = refOf('Asset');
const Campaign = refOf('Campaign');
const Cohort = refOf('Cohort');
const Move = refOf('Move');
const Positioning = refOf('Positioning');
const StrategyInsight = refOf('StrategyInsight');

const sources = {
  campaign: Campaign,
  move: Move,
  cohort: Cohort,
  asset: Asset,
  positioning: Positioning,
};

const InsightSource = builder.unionType('InsightSource', {
  description: 'The source of a strategy insight.',
  types: Object.values(sources),
});

builder.prismaObjectField(StrategyInsight, 'source', (t) =>
  t.field({
    type: InsightSource,
    nullable: true,
    description: 'The source of the insight; null if it is unknown, deleted or not visible to you.',
    ...priced({ ...foundRow, once: Object.keys(sources).length * weights.statement }),
    select: { sourceType: true, sourceId: true },
    resolve: async ({ sourceType, sourceId }, _args, context, info) => {
      if (!sourceId) return null;
      const { name } = sources[sourceType];
      const row = await loadRow(context, name, 'id', sourceId, selectionOf(context, info, name));
      return untyped(row && { __typename: name, ...row });
    },
  }),
);
