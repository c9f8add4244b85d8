import { columnOf } from '../resolvers/catalog.ts';
import type { Condition } from '../resolvers/conditions.ts';
import type { Ordering } from '../resolvers/ordering.ts';
import { guardedSource, isGuarded } from '../resolvers/secrets.ts';
import { filterSql, type OperandOf, operandValue } from './filter.ts';
import { empty, identifier, join, prepare, type Sql, sql } from './fragment.ts';
import { addColumn, JsonText } from './json.ts';
import { orderSql } from './order.ts';
import { type Scope, Scopes } from './scope.ts';
import { Values } from './values.ts';

/** The rows of a model that a statement reads. */
export interface ListedRows {
  model: string;
  columns: readonly string[];
  filter: Condition | null;
  orderings: readonly Ordering[];
}

/** Returns the statement for all rows of a list. Each column is its JSON text, as the API shows it. */
export function listStatement({ model, columns, filter, orderings }: ListedRows) {
  const values = new Values();
  const scopes = new Scopes();
  const scope = scopes.over(model);
  const selected = columns.map((name) => cellSql(scope, name));
  const operandOf: OperandOf = (comparison, type, part) =>
    values.add(part === 'path' ? [...comparison.path] : operandValue(comparison), type);
  const where = filter ? sql` where ${filterSql(scopes, scope, filter, operandOf)}` : empty;
  const ordered = orderSql(scope, orderings, { scopes, operandOf });
  const { text, bind } = prepare(
    sql`select ${join(selected, ', ')} from ${scope.table}${where} order by ${ordered}`,
  );
  return { text, values: bind({}) };
}

function cellSql(scope: Scope, name: string): Sql {
  const column = columnOf(scope.model, name);
  const json = new JsonText();
  // A guarded column is missing for those who may not read it.
  if (isGuarded(scope.model, name)) {
    addColumn(json, { ...column, isRequired: false }, guardedSql(scope, column.column));
  } else {
    addColumn(json, column, scope.column(name));
  }
  return json.toSql();
}

function guardedSql(scope: Scope, column: string): Sql {
  const source = join(guardedSource(scope.model).split('.').map(identifier), '.');
  return sql`(select s.${identifier(column)} from ${source}(array[${scope.column('id')}]) s)`;
}
