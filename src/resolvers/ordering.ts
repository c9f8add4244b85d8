import type { Column } from '../generated/catalog.ts';
import { columnOf, modelOf } from './catalog.ts';
import type { Condition, Input } from './conditions.ts';
import type { Measure } from './measure.ts';

export type Direction = 'asc' | 'desc';
export type Nulls = 'first' | 'last';

/** One term of an order; the last one of every order is the primary key, so that no two rows tie. */
export interface Ordering {
  /** Its name in cursors; that of the column, if it is one of the rows themselves. */
  name: string;
  /** The type of the values that rows are ordered by. */
  column: Column;
  direction: Direction;
  nulls: Nulls;
  /** The related rows that the values are of. */
  via?: RelatedValue;
}

/** A column of the row of a to-one relation, or a measure of the rows of a to-many one. */
export type RelatedValue =
  | { kind: 'one'; relation: string; column: string }
  | { kind: 'many'; relation: string; filter: Condition | null; measure: Measure };

/** An entry of a client's `orderBy`: a column, or a relation by its name. */
export interface OrderBy extends Input {
  field?: string | null | undefined;
  direction?: Direction | null | undefined;
  nulls?: Nulls | null | undefined;
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

/** Returns the order by a column of a model's rows. */
export function columnOrdering(
  model: string,
  name: string,
  direction: Direction,
  nulls: Nulls,
): Ordering {
  return { name, column: columnOf(model, name), direction, nulls };
}

/** Completes an order, which is newest first if nothing is asked for, so that no two rows tie. */
export function completed(model: string, asked: readonly Ordering[]): Ordering[] {
  const newest = creationColumn(model);
  const orderings = [...asked];
  if (orderings.length === 0 && newest) {
    orderings.push(columnOrdering(model, newest, 'desc', 'last'));
  }
  if (!orderings.some(({ name, via }) => name === 'id' && !via)) {
    orderings.push(columnOrdering(model, 'id', orderings[0]?.direction ?? 'asc', 'last'));
  }
  return orderings;
}

/** Whether an order is by related rows, which only a statement of our own can express. */
export function isByRelated(orderings: readonly Ordering[]): boolean {
  return orderings.some(({ via }) => via);
}

/** The same order read from the other end. */
export function reversed(orderings: readonly Ordering[]): Ordering[] {
  return orderings.map((ordering) => ({
    ...ordering,
    direction: ordering.direction === 'asc' ? 'desc' : 'asc',
    nulls: ordering.nulls === 'first' ? 'last' : 'first',
  }));
}

/** Prisma's `orderBy`, of an order by columns. */
export function toOrderBy(orderings: readonly Ordering[]): object[] {
  return orderings.map(({ name, column, direction, nulls }) => ({
    [name]: column.isRequired ? direction : { sort: direction, nulls },
  }));
}
