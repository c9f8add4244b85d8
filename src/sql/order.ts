import { relationOf } from '../resolvers/catalog.ts';
import type { Ordering, RelatedValue } from '../resolvers/ordering.ts';
import { filterSql, type OperandOf } from './filter.ts';
import { join, type Sql, sql } from './fragment.ts';
import { addColumn, JsonText } from './json.ts';
import { measuresOver } from './measure-text.ts';
import { joinSql } from './relation.ts';
import type { Scope, Scopes } from './scope.ts';
import { sqlType } from './types.ts';

const DIRECTIONS = { asc: sql`asc`, desc: sql`desc` };
const NULLS = { first: sql`nulls first`, last: sql`nulls last` };

/** What the values that a list is ordered by are composed with. */
export interface OrderOptions {
  scopes: Scopes;
  operandOf: OperandOf;
}

/** Returns the text after ORDER BY. To be called before the table of the scope is written. */
export function orderSql(scope: Scope, orderings: readonly Ordering[], options: OrderOptions): Sql {
  const parts = orderings.map((ordering, n) => {
    const { column, direction, nulls } = ordering;
    const ordered = sql`${valueSql(scope, ordering, n, options)} ${DIRECTIONS[direction]}`;
    // Of a required column it would keep Postgres from using an index.
    return column.isRequired ? ordered : sql`${ordered} ${NULLS[nulls]}`;
  });
  return join(parts, ', ');
}

/** The value of the n-th term of an order for a row. */
function valueSql(scope: Scope, { name, via }: Ordering, n: number, options: OrderOptions): Sql {
  if (!via) return scope.column(name);
  return scope.made(`o${n}`, (row) => relatedValueSql(row, via, options));
}

function relatedValueSql(row: Scope, via: RelatedValue, { scopes, operandOf }: OrderOptions): Sql {
  const related = scopes.over(relationOf(row.model, via.relation).to);
  const joined = joinSql(row, via.relation, related);
  if (via.kind === 'one') {
    return sql`select ${related.column(via.column)} as value from ${related.table} where ${joined}`;
  }
  const value = measuresOver(related, true).textOf(via.measure);
  const where = via.filter
    ? sql`${joined} and ${filterSql(scopes, related, via.filter, operandOf)}`
    : joined;
  return sql`select ${value} as value from ${related.table} where ${where}`;
}

/**
 * Returns the condition that a row comes after a place in an order. `valueAt` gives the parameter for
 * each term's value there, which may be null. To be called before the table of the scope is written.
 */
export function beyondSql(
  scope: Scope,
  orderings: readonly Ordering[],
  options: OrderOptions,
  valueAt: (index: number, type: Sql) => Sql,
): Sql {
  const terms = orderings.map((ordering, n): Term => {
    const { column, direction, nulls } = ordering;
    const value = valueAt(n, sqlType(column));
    const e = valueSql(scope, ordering, n, options);
    return { direction, nulls, isRequired: column.isRequired, e, value };
  });
  const [leading] = terms as [Term];
  const isAlike = terms.every(
    ({ isRequired, direction }) => isRequired && direction === leading.direction,
  );
  if (isAlike) {
    const columns = terms.map(({ e }) => e);
    const values = terms.map(({ value }) => value);
    return sql`(${join(columns, ', ')}) ${comparison(leading)} (${join(values, ', ')})`;
  }
  const alternatives = terms.map((term, n) => {
    const ties = terms.slice(0, n).map(tied);
    return sql`(${join([...ties, behind(term)], ' and ')})`;
  });
  const somewhere = sql`(${join(alternatives, ' or ')})`;
  // Implied by the alternatives, and the only part that an index can start from.
  return leading.isRequired
    ? sql`${leading.e} ${comparison(leading)}= ${leading.value} and ${somewhere}`
    : somewhere;
}

interface Term extends Pick<Ordering, 'direction' | 'nulls'> {
  isRequired: boolean;
  e: Sql;
  value: Sql;
}

function tied({ e, value, isRequired }: Term): Sql {
  return isRequired ? sql`${e} = ${value}` : sql`${e} is not distinct from ${value}`;
}

function comparison({ direction }: Term): Sql {
  return direction === 'asc' ? sql`>` : sql`<`;
}

function behind(term: Term): Sql {
  const { e, value, isRequired, nulls } = term;
  const isBeyond = sql`${e} ${comparison(term)} ${value}`;
  if (isRequired) return isBeyond;
  return nulls === 'last'
    ? sql`(${isBeyond} or (${e} is null and ${value} is not null))`
    : sql`(${isBeyond} or (${e} is not null and ${value} is null))`;
}

/** Returns the cursor of a row: the signature of its list and order, in JSON, and the ordered values. */
export function cursorSql(
  scope: Scope,
  signature: Sql | string,
  orderings: readonly Ordering[],
  options: OrderOptions,
): Sql {
  const json = new JsonText().known('[');
  if (typeof signature === 'string') json.known(signature);
  else json.expression(signature);
  for (const [n, ordering] of orderings.entries()) {
    json.known(',');
    addColumn(json, ordering.column, valueSql(scope, ordering, n, options), 'stored');
  }
  const text = json.known(']').toSql();
  return sql`coalesce(${base64url(sql`nullif(${text}, chr(1))`)}, chr(1))`;
}

/** Returns the base64 of a text, in one line. */
export function base64(text: Sql): Sql {
  return sql`translate(encode(convert_to(${text}, 'UTF8'), 'base64'), chr(10), '')`;
}

function base64url(text: Sql): Sql {
  return sql`translate(encode(convert_to(${text}, 'UTF8'), 'base64'), '+/='||chr(10), '-_')`;
}
