import type { Context } from '../context/context.ts';
import { GUARDED_COLUMNS, SECRET_COLUMNS } from '../database/secret-columns.ts';
import { columnOf, modelOf } from './catalog.ts';
import { loader } from './loaders.ts';
import type { Row } from './rows.ts';

/** The functions that return these columns to those who may read them, by table. */
const SOURCES: Readonly<Record<string, string>> = { agent_registry: 'gateway.agent_prompts' };

/** Whether no history shows the column. */
export function isSecret(model: string, name: string): boolean {
  return columnOf(model, name).column in (SECRET_COLUMNS[modelOf(model).table] ?? {});
}

/** Whether the column is hidden from some who see the row. */
export function isGuarded(model: string, name: string): boolean {
  const { table } = modelOf(model);
  const { column } = columnOf(model, name);
  return GUARDED_COLUMNS.some((each) => each.table === table && each.column === column);
}

/**
 * Returns the value of a guarded column, null for those who may not read it. The database decides;
 * look-ups of one answer share a statement.
 */
export async function loadGuarded(
  context: Context,
  model: string,
  name: string,
  id: string,
): Promise<unknown> {
  const source = guardedSource(model);
  const row = await loader<string, Row | undefined>(context, `guarded ${model}`, async (ids) => {
    const rows = await context.database.query<Row>(`SELECT * FROM ${source}($1::uuid[])`, [ids]);
    const byId = new Map(rows.map((each) => [each.id, each]));
    return ids.map((each) => byId.get(each));
  }).load(id);
  return row?.[columnOf(model, name).column] ?? null;
}

/** Returns the SQL of a column's stored value in a statement that changes its row. */
export function storedValue(model: string, name: string): string {
  const { schema, table } = modelOf(model);
  const { column } = columnOf(model, name);
  if (!isGuarded(model, name)) return `"${column}"`;
  return `(SELECT s."${column}" FROM ${guardedSource(model)}(ARRAY["${schema}"."${table}".id]) AS s)`;
}

/** Returns the function that gives the guarded columns of rows by their ids. Throws TypeError without one. */
export function guardedSource(model: string): string {
  const source = SOURCES[modelOf(model).table];
  if (!source) throw new TypeError(`No function gives the guarded columns of ${model}`);
  return source;
}
