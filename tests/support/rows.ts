import { randomUUID } from 'node:crypto';
import { GUARDED_COLUMNS } from '../../src/database/secret-columns.ts';
import { catalog } from '../../src/generated/catalog.ts';
import type { Query } from './database.ts';

export type Row = Record<string, unknown>;

interface Column {
  name: string;
  type: string;
  /** Most characters of a varchar. */
  length: number | null;
  labels: string[] | null;
  required: boolean;
}

interface Reference {
  columns: string[];
  target: string;
  targetColumns: string[];
}

export interface Table {
  name: string;
  columns: Column[];
  references: Reference[];
}

/** The owners of the rows. */
export interface Owner {
  workspaceId: string | null;
  userIds: string[];
}

/** Returns the tables of schema `public`, each after those that its rows need. */
export async function readTables(query: Query): Promise<Table[]> {
  const tables = await query<Table>(`
    select relname::text as name,
      (select jsonb_agg(jsonb_build_object(
                'name', attname, 'type', format_type(atttypid, null), 'required', attnotnull,
                'length', case when atttypid = 'varchar'::regtype and atttypmod > 0 then atttypmod - 4 end,
                'labels', (select jsonb_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = atttypid)
              ) order by attnum)
       from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as columns,
      coalesce((
        select jsonb_agg(jsonb_build_object(
                 'target', replace(confrelid::regclass::text, 'public.', ''),
                 'columns', (select jsonb_agg(attname order by n) from unnest(conkey) with ordinality as k(num, n)
                             join pg_attribute on attrelid = conrelid and attnum = num),
                 'targetColumns', (select jsonb_agg(attname order by n) from unnest(confkey) with ordinality as k(num, n)
                                   join pg_attribute on attrelid = confrelid and attnum = num)))
        from pg_constraint where contype = 'f' and conrelid = pg_class.oid), '[]') as references
    from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relname !~ '^_'
    order by relname`);
  return inOrder(tables);
}

function inOrder(tables: Table[]): Table[] {
  const ordered: Table[] = [];
  const waiting = new Set(tables);
  while (waiting.size > 0) {
    const blocks = (table: Table, all: boolean) =>
      table.references.some(
        ({ target, columns }) =>
          target !== table.name &&
          [...waiting].some(({ name }) => name === target) &&
          (all || columns.every((name) => isRequired(table, name))),
      );
    const next =
      [...waiting].find((table) => !blocks(table, true)) ??
      // A circle of references begins at a column that can be null.
      [...waiting].find((table) => !blocks(table, false));
    if (!next) throw new Error('Tables need each other in a circle.');
    waiting.delete(next);
    ordered.push(next);
  }
  return ordered;
}

function isRequired(table: Table, column: string): boolean {
  return table.columns.some(({ name, required }) => name === column && required);
}

/** Returns the source to select a table's rows from as a client: the columns that it may read. */
export function openRows(table: string): string {
  const guarded = GUARDED_COLUMNS.filter((each) => each.table === table);
  if (guarded.length === 0) return table;
  const model = Object.values(catalog.models).find((each) => each.table === table);
  const columns = Object.values(model?.columns ?? {})
    .map(({ column }) => column)
    .filter((name) => !guarded.some(({ column }) => column === name));
  return `(select ${columns.join(', ')} from ${table})`;
}

/** Returns whether the table's rows belong to a workspace. */
export function isTenant(table: Table): boolean {
  return table.columns.some(({ name }) => name === 'workspace_id');
}

/**
 * Makes the values of the n-th row of a table: every column filled, references to rows in `made`;
 * only references to missing rows are null.
 */
export function buildRow(table: Table, owner: Owner, made: ReadonlyMap<string, Row[]>, n: number) {
  const row: Row = {};
  for (const column of table.columns) row[column.name] = valueFor(column, n);
  if (isTenant(table)) row.workspace_id = owner.workspaceId;
  for (const { columns, target, targetColumns } of table.references) {
    if (target === 'workspaces') continue;
    const rows =
      target === 'auth.users' ? owner.userIds.map((id) => ({ id })) : (made.get(target) ?? []);
    const chosen: Row | undefined = rows[n % Math.max(rows.length, 1)];
    columns.forEach((name, i) => {
      if (name !== 'workspace_id') row[name] = chosen?.[targetColumns[i] ?? ''] ?? null;
    });
  }
  return row;
}

function valueFor({ name, type, length, labels }: Column, n: number): unknown {
  if (labels) return labels[n % labels.length];
  switch (type) {
    case 'uuid':
      return randomUUID();
    case 'boolean':
      return true;
    case 'jsonb':
      // Adds up to 1, as weights and shares have to.
      return '{"a": 1}';
    case 'date':
      return '2026-01-02';
    case 'timestamp with time zone':
      return '2026-01-02T03:04:05.678Z';
    case 'uuid[]':
      return [randomUUID(), randomUUID()];
    case 'text[]':
    case 'character varying[]':
      return ['one', 'two'];
    case 'text':
    case 'character varying':
      return `${name} ${n} ${randomUUID()}`.slice(-(length ?? 100));
    case 'integer':
    case 'bigint':
    case 'smallint':
    case 'numeric':
    case 'double precision':
      // Within every range that a CHECK allows; distinct where it is part of a key.
      return name === 'measurement_hour' ? n : 1;
    default:
      throw new Error(`No value is known for ${type}.`);
  }
}

/** Returns the statement that inserts a row. */
export function insertOf(table: string, row: Row): { sql: string; values: unknown[] } {
  const names = Object.keys(row).map((name) => `"${name}"`);
  const places = names.map((_, n) => `$${n + 1}`);
  return {
    sql: `insert into public.${table} (${names.join(', ')}) values (${places.join(', ')})`,
    values: Object.values(row),
  };
}

/**
 * Fills the tables with rows of a workspace, and global tables with shared ones; people and the
 * workspace itself exist. Returns the rows by table, those in `made` included.
 */
export async function fillTables(
  query: Query,
  tables: readonly Table[],
  owner: Owner,
  count = 2,
): Promise<Map<string, Row[]>> {
  const made = new Map<string, Row[]>();
  for (const table of tables) {
    if (table.name === 'workspaces') continue;
    for (let n = 0; n < count; n++) {
      const { sql, values } = insertOf(table.name, buildRow(table, owner, made, n));
      await query(`${sql} on conflict do nothing`, values);
      const scope = isTenant(table) ? 'where workspace_id = $1' : 'where $1::uuid is null or true';
      made.set(
        table.name,
        await query<Row>(`select * from public.${table.name} ${scope}`, [owner.workspaceId]),
      );
    }
  }
  return made;
}
