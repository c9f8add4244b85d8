import { uuidOf } from '../../prisma/seed/random.ts';
import { catalog } from '../../src/generated/catalog.ts';
import { type Api, type Client, type GatewayChanges, openApi } from '../support/api.ts';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { isTenant, type Row, readTables, type Table } from '../support/rows.ts';
import { cases } from './cases.ts';
import { openUncheckedWriter } from './unchecked-writer.ts';
import { variedValue } from './values.ts';

/** One workspace with rows that have different values in all columns for filters and orders. */
export interface VariedWorld {
  database: TestDatabase;
  api: Api;
  client: Client;
  userId: string;
  workspaceId: string;
  /** Runs SQL without triggers, foreign keys and checks. */
  writeUnchecked: Query;
  /** Runs SQL that sees only the rows that the client may see. */
  readAsClient: Query;
  /** The SQL types of columns, by `table.column`. */
  sqlTypes: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

type VariedOptions = Omit<GatewayChanges, 'database'> & {
  /** A migrated database without rows; a new one by default. */
  database?: TestDatabase;
  rows?: number;
  gaps?: boolean;
};

/** Tables whose rows are visible only to their person. */
const PERSONAL = ['user_notifications', 'onboarding_responses', 'subscriptions'];
const PEOPLE = 'auth.users';

/**
 * Fills every table with rows of one workspace, whose Owner is the first person. With `gaps`, every
 * third optional value is missing and several rows refer to the same row. Without, no value is missing
 * and the n-th row refers to the n-th row of every other table.
 */
export async function createVariedWorld({
  database: given,
  rows = 12,
  gaps = true,
  ...options
}: VariedOptions = {}): Promise<VariedWorld> {
  const database = given ?? (await createTestDatabase('migrated'));
  const { write, close } = await openUncheckedWriter(database.url);

  await dropChecks(write);
  const tables = await readTables(database.query);
  const ids = new Map(
    [...tables.map(({ name }) => name), PEOPLE].map((name) => [name, uuids(name, rows)]),
  );
  const factory = new RowFactory(ids, rows, gaps);
  await insert(
    write,
    PEOPLE,
    factory.idsOf(PEOPLE).map((id) => ({ id, email: `${id}@example.com` })),
  );
  for (const table of tables) await insert(write, `public.${table.name}`, factory.table(table));
  const [userId, workspaceId] = [factory.idsOf(PEOPLE)[0], factory.idsOf('workspaces')[0]] as [
    string,
    string,
  ];
  await write(
    `insert into user_workspaces (user_id, workspace_id, role)
     select $1, id, 'Owner' from workspaces on conflict do nothing`,
    [userId],
  );
  await write(`update user_workspaces set role = 'Owner' where user_id = $1`, [userId]);
  await write('analyze');
  const api = await openApi(database, 3, options);
  const types = tables.flatMap(({ name, columns }) =>
    columns.map((column): [string, string] => [`${name}.${column.name}`, column.type]),
  );
  return {
    database,
    api,
    userId,
    workspaceId,
    sqlTypes: new Map(types),
    client: await api.as(userId, workspaceId),
    writeUnchecked: write,
    readAsClient: (sql, values) =>
      database.as({ userId, workspaceId }, (query) => query(sql, values)) as never,
    async close() {
      await api.close();
      await close();
      await database.close();
    },
  };
}

/** Runs a query. Returns its data and its SQL statements. */
export async function runCounted({ api, client }: VariedWorld, query: string, variables?: object) {
  api.statements();
  const data = await client.data(query, variables);
  return { data, statements: api.statements() };
}

const uuids = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => uuidOf(`${name} ${n}`));

// Check constraints have their own tests. Here any value of a column's type is allowed.
async function dropChecks(query: Query): Promise<void> {
  await query(`
    do $$
    declare statement text;
    begin
      for statement in
        select format('alter table %s drop constraint %I', conrelid::regclass, conname)
        from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace
      loop execute statement; end loop;
    end $$`);
}

async function insert(query: Query, table: string, rows: readonly Row[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {})
    .map((name) => `"${name}"`)
    .join(', ');
  await query(
    `insert into ${table} (${names})
     select ${names} from jsonb_populate_recordset(null::${table}, $1) on conflict do nothing`,
    [JSON.stringify(rows)],
  );
}

class RowFactory {
  readonly #made = new Map<string, Row[]>();
  readonly #ids: ReadonlyMap<string, string[]>;
  readonly #count: number;
  readonly #gaps: boolean;

  constructor(ids: ReadonlyMap<string, string[]>, count: number, gaps: boolean) {
    this.#ids = ids;
    this.#count = count;
    this.#gaps = gaps;
  }

  idsOf(table: string): string[] {
    return this.#ids.get(table) ?? [];
  }

  table(table: Table): Row[] {
    const model = modelOfTable(table.name);
    const distinct = new Set(
      model?.uniqueKeys.flat().map((name) => model.columns[name]?.column ?? name),
    );
    const rows = Array.from({ length: this.#count }, (_, n) => this.#row(table, distinct, n));
    this.#made.set(table.name, rows);
    return rows;
  }

  #row(table: Table, distinct: ReadonlySet<string>, n: number): Row {
    const row: Row = {};
    for (const [i, column] of table.columns.entries()) {
      const missing = this.#gaps && !column.required && (n + i) % 3 === 2;
      row[column.name] = missing ? null : variedValue(column, n, distinct.has(column.name));
    }
    row.id = this.idsOf(table.name)[n];
    this.#refer(table, distinct, n, row);
    this.#link(table.name, n, row);
    if (isTenant(table)) {
      const shared = this.#gaps && !isRequired(table, 'workspace_id') && n % 4 === 3;
      row.workspace_id = shared ? null : this.idsOf('workspaces')[0];
    }
    if (PERSONAL.includes(table.name)) row.user_id = this.idsOf(PEOPLE)[0];
    // The current workspace is first in the default order.
    if (table.name === 'workspaces' && n === 0) row.created_at = '2026-02-01T00:00:00Z';
    return row;
  }

  #refer(table: Table, distinct: ReadonlySet<string>, n: number, row: Row): void {
    for (const { columns, target, targetColumns } of table.references) {
      const unique = columns.some((name) => name !== 'workspace_id' && distinct.has(name));
      const at = this.#gaps && !unique && table.name !== 'user_profiles' ? n >> 1 : n;
      columns.forEach((name, i) => {
        if (name === 'workspace_id' || row[name] === null) return;
        const column = targetColumns[i] ?? '';
        row[name] =
          column === 'id' ? this.idsOf(target)[at] : this.#made.get(target)?.[at]?.[column];
      });
    }
  }

  #link(table: string, n: number, row: Row): void {
    const shown = cases.find((each) => each.table === table);
    for (const [, { column, to, by }] of shown?.links ?? []) {
      const { column: name = '', isList } = modelOfTable(table)?.columns[column] ?? {};
      if (row[name] === null) continue;
      const target = catalog.models[to]?.table ?? '';
      const values = by
        ? (this.#made.get(target) ?? []).map((made) => made.agent_name)
        : this.idsOf(target);
      row[name] = isList ? [values[n], values[(n + 1) % this.#count], values[n]] : values[n];
    }
    if (table === 'strategy_insights') {
      const target = { positioning: 'positioning' }[String(row.source_type)];
      row.source_id = this.idsOf(target ?? `${row.source_type}s`)[n];
    }
  }
}

function modelOfTable(table: string) {
  return Object.values(catalog.models).find((model) => model.table === table);
}

function isRequired(table: Table, column: string): boolean {
  return table.columns.some(({ name, required }) => name === column && required);
}
