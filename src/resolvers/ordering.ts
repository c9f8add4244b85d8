import type { Column } from '../generated/catalog.ts';
import { modelOf } from './catalog.ts';

/** One column of an order; the last one of every order is the primary key, so that no two rows tie. */
export interface Ordering {
  column: string;
  direction: 'asc' | 'desc';
  nulls: 'first' | 'last';
}

/** An entry of a client's `orderBy`. */
export interface OrderBy {
  field: string;
  direction?: 'asc' | 'desc' | null | undefined;
  nulls?: 'first' | 'last' | null | undefined;
}

const CREATION_COLUMNS = [
  'createdAt',
  'joinedAt',
  'detectedAt',
  'discoveredAt',
  'evaluationDate',
  'scrapedAt',
  'identifiedAt',
  'timestamp',
];

/** The column with the moment that a row was created. */
export function creationColumn(model: string): string | undefined {
  return CREATION_COLUMNS.find((column) => column in modelOf(model).columns);
}

/** Whether a list can be ordered by the column. */
export function isOrderable(column: Column): boolean {
  return !column.isList && column.type !== 'Json';
}

/** The complete order of a list: the client's or newest first, then by id. */
export function orderingsOf(
  model: string,
  orderBy: readonly OrderBy[] | null | undefined,
): Ordering[] {
  const newest = creationColumn(model);
  const asked: readonly OrderBy[] = orderBy?.length
    ? orderBy
    : newest
      ? [{ field: newest, direction: 'desc' }]
      : [];
  const orderings: Ordering[] = [];
  for (const { field, direction, nulls } of asked) {
    if (orderings.some((ordering) => ordering.column === field)) continue;
    orderings.push({ column: field, direction: direction ?? 'asc', nulls: nulls ?? 'last' });
  }
  if (!orderings.some(({ column }) => column === 'id')) {
    orderings.push({ column: 'id', direction: orderings[0]?.direction ?? 'asc', nulls: 'last' });
  }
  return orderings;
}

/** The same order read from the other end. */
export function reversed(orderings: readonly Ordering[]): Ordering[] {
  return orderings.map(({ column, direction, nulls }) => ({
    column,
    direction: direction === 'asc' ? 'desc' : 'asc',
    nulls: nulls === 'first' ? 'last' : 'first',
  }));
}

/** Prisma's `orderBy`. */
export function toOrderBy(model: string, orderings: readonly Ordering[]): object[] {
  const { columns } = modelOf(model);
  return orderings.map(({ column, direction, nulls }) => ({
    [column]: columns[column]?.isRequired ? direction : { sort: direction, nulls },
  }));
}
