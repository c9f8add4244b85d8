import { GUARDED_COLUMNS } from '../../database/secret-columns.ts';
import { catalog } from '../../generated/catalog.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { lookupOf } from '../../models/descriptor.ts';

const isGuarded = (table: string, column: string) =>
  GUARDED_COLUMNS.some((each) => each.table === table && each.column === column);

/** Returns what Prisma omits from rows by default: columns that clients have no privilege on. */
export function guardedColumns(): Prisma.GlobalOmitConfig {
  const omitted: Record<string, Record<string, true>> = {};
  for (const [model, { table, columns }] of Object.entries(catalog.models)) {
    for (const [name, { column }] of Object.entries(columns)) {
      if (!isGuarded(table, column)) continue;
      const property = lookupOf(model);
      omitted[property] = { ...omitted[property], [name]: true };
    }
  }
  return omitted;
}

/** The unguarded columns of each table that has guarded ones. */
const OPEN_COLUMNS = new Map(
  Object.values(catalog.models)
    .filter(({ table }) => GUARDED_COLUMNS.some((each) => each.table === table))
    .map(({ schema, table, columns }) => [
      `"${schema}"."${table}"`,
      Object.values(columns)
        .map(({ column }) => column)
        .filter((column) => !isGuarded(table, column)),
    ]),
);
const TABLES = [...OPEN_COLUMNS.keys()];
const WHOLE_ROWS = new RegExp(
  String.raw`"(t\d+)"\.\* FROM (${TABLES.join('|').replaceAll('.', String.raw`\.`)}) AS "\1"`,
  'g',
);

/**
 * Returns the statement with the unguarded columns named where it reads whole rows of a guarded
 * table.
 */
export function nameOpenColumns(sql: string): string {
  if (!TABLES.some((table) => sql.includes(table))) return sql;
  return sql.replace(WHOLE_ROWS, (_, alias: string, table: string) => {
    const columns = (OPEN_COLUMNS.get(table) ?? []).map((column) => `"${alias}"."${column}"`);
    return `${columns.join(', ')} FROM ${table} AS "${alias}"`;
  });
}
