import { columnOf } from '../resolvers/catalog.ts';
import type { Ordering } from '../resolvers/ordering.ts';
import { join, type Sql, sql } from './fragment.ts';
import { addColumn, JsonText } from './json.ts';
import type { Scope } from './scope.ts';
import { sqlType } from './types.ts';

const DIRECTIONS = { asc: sql`asc`, desc: sql`desc` };
const NULLS = { first: sql`nulls first`, last: sql`nulls last` };

/** Returns the text after ORDER BY. */
export function orderSql(scope: Scope, orderings: readonly Ordering[]): Sql {
  const parts = orderings.map(({ column, direction, nulls }) => {
    const ordered = sql`${scope.column(column)} ${DIRECTIONS[direction]}`;
    // Of a required column it would keep Postgres from using an index.
    return columnOf(scope.model, column).isRequired ? ordered : sql`${ordered} ${NULLS[nulls]}`;
  });
  return join(parts, ', ');
}

/**
 * Returns the condition that a row comes after a place in an order. `valueAt` gives the parameter for
 * each column's value there, which may be null.
 */
export function beyondSql(
  scope: Scope,
  orderings: readonly Ordering[],
  valueAt: (index: number, type: Sql) => Sql,
): Sql {
  const terms = orderings.map((ordering, n) => {
    const column = columnOf(scope.model, ordering.column);
    const value = valueAt(n, sqlType(column));
    return { ...ordering, isRequired: column.isRequired, e: scope.column(ordering.column), value };
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

interface Term extends Ordering {
  isRequired: boolean;
  e: Sql;
  value: Sql;
}

function tied({ e, value, isRequired }: Term): Sql {
  return isRequired ? sql`${e} = ${value}` : sql`${e} is not distinct from ${value}`;
}

function comparison({ direction }: Ordering): Sql {
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

/** Returns the cursor of a row: the signature of its list and order, and the values of the ordered columns. */
export function cursorSql(scope: Scope, signature: string, orderings: readonly Ordering[]): Sql {
  const json = new JsonText().known(`[${JSON.stringify(signature)}`);
  for (const { column } of orderings) {
    json.known(',');
    addColumn(json, columnOf(scope.model, column), scope.column(column), 'stored');
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
