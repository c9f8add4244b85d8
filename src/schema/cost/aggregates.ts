import {
  type AggregateArguments,
  type GroupBounds,
  pageOfGroups,
  RELATED_GROUPS,
  ROOT_GROUPS,
} from '../../aggregate/read-aggregate.ts';
import { filterPrice } from './filter-price.ts';
import type { Arguments, PriceOf } from './price.ts';
import { weights } from './weights.ts';

/** The price of groups over a model's rows. */
export function aggregatePrice(model: string): PriceOf {
  return (args) => {
    const { given, scanned, groups } = groupingOf(model, args, ROOT_GROUPS);
    return {
      once: weights.statement + given + scanned + groups * weights.row,
      below: { groups: { rows: groups } },
    };
  };
}

/** The price of groups over related rows, which are read for all parents at once. */
export function relatedAggregatePrice(parent: string, model: string): PriceOf {
  // The lists of a workspace are as long as those of Query.
  const share = parent === 'Workspace' ? 1 : weights.ofRow;
  return (args) => {
    const { given, scanned, groups } = groupingOf(model, args, RELATED_GROUPS);
    return {
      once: weights.statement + given,
      each: weights.lookup + scanned * share + groups * weights.row,
      below: { groups: { rows: groups } },
    };
  };
}

/** The price of a count, which may have a filter of its own. */
export function countPrice(model: string): PriceOf {
  return ({ filter }) => {
    const { given, scan } = filterPrice(model, filter);
    return { once: given + scan };
  };
}

function groupingOf(model: string, args: Arguments, bounds: GroupBounds) {
  const { filter, groupBy, orderBy, partitionBy, compareTo } = args as AggregateArguments;
  const filters = [filter, ...(orderBy ?? []).map((each) => each.filter)];
  const prices = filters.map((each) => filterPrice(model, each));
  const scan = prices.reduce((sum, { scan }) => sum + scan, 0) + weights.scan;
  const keys = (groupBy?.length ?? 0) * weights.condition.plain;
  const size = partitionBy?.length ? bounds.most : pageOfGroups(args, bounds);
  return {
    given: prices.reduce((sum, { given }) => sum + given, 0),
    scanned: (scan + keys) * (compareTo ? 2 : 1),
    groups: Math.min(Math.max(size, 1), bounds.most),
  };
}
