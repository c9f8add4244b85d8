import { randomUUID } from 'node:crypto';
import type { Context } from '../context/context.ts';
import type { Statement } from '../context/database/statement-batch.ts';
import type { Column } from '../generated/catalog.ts';
import { columnOf, modelOf } from '../resolvers/catalog.ts';
import { limits } from '../resolvers/limits.ts';
import type { Row } from '../resolvers/rows.ts';
import { defaultsOf } from '../resolvers/writes/drafts.ts';
import { keyType } from '../resolvers/writes/locks.ts';
import { type JsonChange, problemOf } from '../resolvers/writes/values.ts';
import { Unsupported } from '../sql/fragment.ts';
import { sqlType } from '../sql/types.ts';

/** Statements that write, with the ids of the rows that they write. */
export interface WriteStatements {
  statements: Statement[];
  ids: string[];
}

/**
 * Returns the statements that insert rows. Throws Unsupported for rows with rows of their own, and for
 * invalid values.
 */
export function insertion(
  context: Context,
  model: string,
  inputs: readonly Row[],
): WriteStatements {
  if (inputs.length === 0 || inputs.length > limits.maxBulkRows) throw new Unsupported('so many');
  const ids: string[] = [];
  const byColumns = new Map<string, Row[]>();
  for (const input of inputs) {
    const id = (input.id as string | undefined) ?? randomUUID();
    ids.push(id);
    const row = stored(model, { ...defaultsOf(context, model), ...input, id });
    const key = Object.keys(row).join();
    const rows = byColumns.get(key);
    if (rows) rows.push(row);
    else byColumns.set(key, [row]);
  }
  const statements = [...byColumns.values()].map((rows) => insertRows(model, rows));
  return { statements, ids };
}

/** One parameter for all of them: the statement is the same for any number of rows. */
function insertRows(model: string, rows: readonly Row[]): Statement {
  const table = tableOf(model);
  const columns = Object.keys(rows[0] ?? {})
    .map((name) => `"${name}"`)
    .join(', ');
  const text = `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, $1::json)`;
  return { text, values: [JSON.stringify(rows)] };
}

/** Returns a row for Postgres to read from JSON, by its columns. */
function stored(model: string, input: Row): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const { columns, relations } = modelOf(model);
    if (relations[name]) {
      if (value) throw new Unsupported('rows of relations');
      continue;
    }
    const column = columns[name] as Column;
    if (problemOf(column, value)) throw new Unsupported(`the value of ${name}`);
    row[column.column] = Array.isArray(value) && column.isList ? value.map(inJson) : inJson(value);
  }
  return row;
}

/** Returns a value as JSON holds it without loss. */
function inJson(value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Returns the statement that changes a row, if nobody has changed it after a moment. */
export function change(
  model: string,
  id: string,
  input: Row,
  unmodifiedSince: Date | null | undefined,
): WriteStatements {
  const values: unknown[] = [];
  const assignments = Object.entries(input).flatMap(([name, given]) => {
    if (given === undefined) return [];
    const column = columnOf(model, name);
    values.push(assigned(name, column, given));
    const type = column.type === 'Json' ? 'jsonb' : sqlType(column).text;
    return `"${column.column}" = $${values.length}::${type}${column.isList ? '[]' : ''}`;
  });
  if (assignments.length === 0) throw new Unsupported('nothing to change');
  const text = `update ${tableOf(model)} set ${assignments.join(', ')} where ${isRow(model, id, unmodifiedSince, values)}`;
  return { statements: [{ text, values }], ids: [id] };
}

function assigned(name: string, column: Column, given: unknown): unknown {
  const isJson = column.type === 'Json' && given !== null;
  if (isJson && (given as JsonChange).patch) throw new Unsupported('patches');
  const value = isJson ? (given as JsonChange).replace : given;
  if (value === undefined || problemOf(column, value))
    throw new Unsupported(`the value of ${name}`);
  if (value === null) return null;
  if (column.type === 'Json') return JSON.stringify(value);
  if (value instanceof Date) return momentText(column, value);
  return Array.isArray(value) ? value : String(value);
}

function momentText({ nativeType }: Column, value: Date): string {
  return nativeType === 'Date' ? value.toISOString().slice(0, 10) : value.toISOString();
}

/**
 * Returns what deletes a row and returns its id, if nobody has changed it after a moment. Adds its own
 * values to those of the statement that it is a part of.
 */
export function deletion(
  model: string,
  id: string,
  unmodifiedSince: Date | null | undefined,
  values: unknown[],
): string {
  return `delete from ${tableOf(model)} where ${isRow(model, id, unmodifiedSince, values)} returning id`;
}

function isRow(
  model: string,
  id: string,
  unmodifiedSince: Date | null | undefined,
  values: unknown[],
): string {
  values.push(id);
  const isIt = `id = $${values.length}::${keyType(model)}`;
  if (!unmodifiedSince || !modelOf(model).columns.updatedAt) return isIt;
  values.push(unmodifiedSince.toISOString());
  return `${isIt} and updated_at <= $${values.length}::timestamptz`;
}

function tableOf(model: string): string {
  const { schema, table } = modelOf(model);
  return `"${schema}"."${table}"`;
}
