import { limits } from '../../resolvers/limits.ts';
import { filterPrice, orderPrice } from './filter-price.ts';
import type { Arguments, Price, PriceOf } from './price.ts';
import { weights } from './weights.ts';

/** Fields of a connection that read no row. */
export const WITHOUT_ROWS: ReadonlySet<string> = new Set([
  'totalCount',
  'liveCursor',
  '__typename',
]);

/** The price of a model's list. */
export function listPrice(model: string): PriceOf {
  return (args, selected) => {
    const { given, scanned, counted } = readingOf(model, args);
    const size = pageSize(args);
    return {
      once: readsRows(selected) ? weights.statement + given + scanned + size * weights.row : 0,
      below: connection(size, { once: weights.statement + given + counted }),
    };
  };
}

/** The price of a list of related rows, which is read with the rows that it belongs to. */
export function relatedListPrice(parent: string, model: string): PriceOf {
  // The lists of a workspace are as long as those of Query.
  const share = parent === 'Workspace' ? 1 : weights.ofRow;
  return (args, selected) => {
    const { given, scanned, counted } = readingOf(model, args);
    const size = pageSize(args);
    const read = readsRows(selected);
    return {
      once: read ? weights.join + given : 0,
      each: read ? weights.list + scanned * share + size * weights.row : 0,
      below: connection(size, {
        once: weights.statement + given,
        each: weights.lookup + counted * share,
      }),
    };
  };
}

/** The price of a page that is looked up for each row, such as its history. */
export function lookedUpListPrice(args: Arguments): Price {
  const size = pageSize(args);
  return {
    once: weights.statement,
    each: weights.lookup + size * weights.row,
    below: connection(size, {}),
  };
}

/** The price of rows that a function of the database lists. */
export function functionListPrice(args: Arguments): Price {
  const size = pageSize(args);
  return {
    once: 2 * weights.statement + weights.scan + size * weights.row,
    rows: Math.max(size, 1),
  };
}

/** The price of rows by their nodeIds, each of which may be of another type. */
export function nodesPrice({ nodeIds }: Arguments): Price {
  const size = Math.min(Array.isArray(nodeIds) ? nodeIds.length : 1, limits.maxNodes);
  return {
    once: size * weights.statement,
    each: size * weights.row,
    rows: Math.max(size, 1),
  };
}

/** The price of delivering a change, with the filter that its row has to match. */
export function subscriptionPrice(model: string): PriceOf {
  return ({ filter }) => {
    const { given, scan } = filterPrice(model, filter);
    return { once: weights.statement + given + scan * weights.ofRow };
  };
}

/** The price of finding the rows of a list: for a page, and to count them. */
function readingOf(model: string, { filter, orderBy }: Arguments) {
  const { given, scan } = filterPrice(model, filter);
  const order = orderPrice(model, orderBy);
  const counted = weights.scan + scan;
  return {
    given: given + order.given,
    counted,
    scanned: filter || orderBy ? counted + order.scan : 0,
  };
}

function connection(size: number, totalCount: Price): Record<string, Price> {
  const rows = { rows: Math.max(size, 1) };
  return { totalCount, nodes: rows, edges: rows, liveCursor: { once: weights.statement } };
}

function readsRows(selected: ReadonlySet<string>): boolean {
  return [...selected].some((name) => !WITHOUT_ROWS.has(name));
}

function pageSize({ first, last }: Arguments): number {
  const size = Number(first ?? last ?? limits.defaultPageSize);
  return Math.min(Math.max(size, 0), limits.maxPageSize);
}
