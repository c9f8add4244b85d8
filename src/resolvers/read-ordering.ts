import { createHash } from 'node:crypto';
import type { Relation } from '../generated/catalog.ts';
import { columnOf, modelOf } from './catalog.ts';
import type { Input } from './conditions.ts';
import { type Measure, measureColumn } from './measure.ts';
import {
  columnOrdering,
  completed,
  type Direction,
  type OrderBy,
  type Ordering,
} from './ordering.ts';
import { readRelatedFilter } from './read-filter.ts';
import { readMeasureOrder } from './read-measures.ts';
import { refusal } from './refusal.ts';

/** The complete order of a list: the client's or newest first, then by id. Throws BAD_USER_INPUT. */
export function orderingsOf(
  model: string,
  orderBy: readonly OrderBy[] | null | undefined,
): Ordering[] {
  const orderings: Ordering[] = [];
  for (const [n, entry] of (orderBy ?? []).entries()) {
    const ordering = readEntry(model, entry, `orderBy[${n}]`);
    // Measures with another filter are not the same, and a plan must not depend on its values.
    const isMeasure = ordering.via?.kind === 'many';
    if (!isMeasure && orderings.some(({ name }) => name === ordering.name)) continue;
    orderings.push(ordering);
  }
  return completed(model, orderings);
}

function readEntry(model: string, entry: OrderBy, at: string): Ordering {
  const { field, direction, nulls, ...others } = entry;
  const related = Object.entries(others).filter(([, value]) => value != null);
  const [[name, value] = ['', {}], more] = related as [string, Input][];
  if (more || (field != null) === (name !== '')) {
    throw refusal(at, 'Each entry orders by one thing: a "field" or a relation.');
  }
  if (field) return columnOrdering(model, field, direction ?? 'asc', nulls ?? 'last');
  // Their defaults are given, too.
  if (direction === 'desc') {
    throw refusal(`${at}.direction`, `"direction" goes with "field": say it within "${name}".`);
  }
  const relation = modelOf(model).relations[name] as Relation;
  if (!relation.isList) return byRow(name, relation, value, nulls ?? 'last');
  if (nulls === 'first') {
    throw refusal(`${at}.nulls`, `"nulls" goes with "field": say it within "${name}".`);
  }
  return byRows(name, relation, value, `${at}.${name}`);
}

/** The order by a column of the row of a to-one relation, of which there may be none. */
function byRow(name: string, { to }: Relation, value: Input, nulls: Ordering['nulls']): Ordering {
  const [column, direction] = Object.entries(value)[0] as [string, Direction];
  return {
    name: `${name}.${column}`,
    column: { ...columnOf(to, column), isRequired: false },
    direction,
    nulls,
    via: { kind: 'one', relation: name, column },
  };
}

/** The order by a measure of the rows of a to-many relation. */
function byRows(name: string, { to }: Relation, value: Input, at: string): Ordering {
  // It may be a variable, which is no part of a plan.
  if (value.at != null)
    throw refusal(`${at}.at`, 'Take P50, P90, P95 or P99: only groups have others.');
  const { measure, direction, nulls } = readMeasureOrder(to, value, at);
  if (!measure) throw refusal(`${at}.key`, 'Only groups have keys: give "count" or "statistic".');
  const filter = readRelatedFilter(to, value.filter as Input | null, `${at}.filter`);
  // A cursor belongs to a filter, too: with another one, its value would be of other rows.
  const among = filter ? `#${digest(value.filter)}` : '';
  return {
    name: `${name}.${nameOf(measure)}${among}`,
    column: measureColumn(to, measure),
    direction,
    nulls,
    via: { kind: 'many', relation: name, filter, measure },
  };
}

/** Returns a name that is equal for equal measures only, such as `count` or `statistic.totalReach.sum`. */
function nameOf(measure: Measure): string {
  const parts = Object.values(measure).filter((part) => part !== null);
  return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('.');
}

function digest(filter: unknown): string {
  const text = JSON.stringify(filter, (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
