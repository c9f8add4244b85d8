import { randomUUID } from 'node:crypto';
import { openUncheckedWriter, type UncheckedWriter } from '../contract/unchecked-writer.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillTables, type Row, readTables, type Table } from '../support/rows.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

export type Operation = 'CREATED' | 'UPDATED' | 'DELETED' | 'LEFT';

/** A workspace with a person in every role, an agent, and rows in every table. */
export interface Side extends Tenant {
  agent: string;
}

/** A person or agent that subscribes. */
export interface Participant {
  name: string;
  actor: Actor;
  client: Client;
}

/** Two workspaces with rows in every table, some of which refer to rows of the other workspace. */
export interface LiveWorld {
  database: TestDatabase;
  uncheckedWriter: UncheckedWriter;
  api: LiveApi;
  tables: readonly Table[];
  ours: Side;
  theirs: Side;
  /** Every role and an agent of our workspace, the Owner and an agent of theirs, and an outsider. */
  participants: readonly Participant[];
  close(): Promise<void>;
}

export const ROLES = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'] as const;
/** The tables that decide who may subscribe. They have their own tests. */
const ACCESS_TABLES = ['workspaces', 'user_workspaces', 'user_profiles'];

export async function createLiveWorld(): Promise<LiveWorld> {
  const database = await createTestDatabase();
  const uncheckedWriter = await openUncheckedWriter(database.url);
  const tables = await readTables(database.query);
  const side = async (): Promise<Side> => {
    const tenant = await createTenant(database);
    const { workspaceId, people } = tenant;
    const userIds = ROLES.map((role) => people[role]);
    await fillTables(database.query, tables, { workspaceId, userIds });
    await shareRows(uncheckedWriter, tables, workspaceId);
    const agent = `agent ${randomUUID()}`;
    await addAgent(database, agent, workspaceId);
    return { ...tenant, agent };
  };
  const ours = await side();
  const theirs = await side();
  await addForeignReferences(database, uncheckedWriter, tables, ours, theirs);
  const api = await openLiveApi(database);
  return {
    database,
    uncheckedWriter,
    api,
    tables,
    ours,
    theirs,
    participants: await participantsOf(database, api, ours, theirs),
    async close() {
      await api.close();
      await uncheckedWriter.close();
      await database.close();
    },
  };
}

/** Registers an agent and assigns it to a workspace. */
export async function addAgent(
  database: TestDatabase,
  agent_name: string,
  workspace_id: string,
): Promise<string> {
  const agent_id = await insert(database, 'agent_registry', {
    agent_name,
    agent_type: 'researcher',
  });
  await insert(database, 'agent_assignments', { workspace_id, agent_id });
  return agent_id;
}

/** Copies rows of tables where the workspace is optional to rows without a workspace. */
async function shareRows(
  { write: plant }: UncheckedWriter,
  tables: readonly Table[],
  workspaceId: string,
) {
  for (const { name, columns } of tables) {
    if (!columns.some((column) => column.name === 'workspace_id' && !column.required)) continue;
    const [row] = await plant<{ row: Row }>(
      `select to_jsonb(t) as row from ${name} as t where workspace_id = $1 limit 1`,
      [workspaceId],
    );
    await plant(
      `insert into ${name} select * from jsonb_populate_record(null::${name}, $1) on conflict do nothing`,
      [JSON.stringify({ ...row?.row, id: randomUUID(), workspace_id: null })],
    );
  }
}

/** Makes the last row of every table refer to rows of the other workspace, as only a superuser can. */
async function addForeignReferences(
  { query }: TestDatabase,
  { write: plant }: UncheckedWriter,
  tables: readonly Table[],
  ours: Side,
  theirs: Side,
): Promise<void> {
  for (const [side, other] of [
    [ours, theirs],
    [theirs, ours],
  ] as const) {
    for (const { name, columns, references } of tables) {
      if (!columns.some((column) => column.name === 'workspace_id')) continue;
      for (const { columns: from, target, targetColumns } of references) {
        const at = from.findIndex((each) => each !== 'workspace_id');
        const [column, to] = [from[at], targetColumns[at]];
        if (!column || !from.includes('workspace_id')) continue;
        await plant(
          `update ${name} set ${column} = (select ${to} from ${target} where workspace_id = $2 limit 1)
           where id = (select id from ${name} where workspace_id = $1 order by id desc limit 1)`,
          [side.workspaceId, other.workspaceId],
        );
      }
    }
  }
  const [row] = await query<{ count: number }>(
    `select count(*)::int as count from moves as m join sprints as s on s.id = m.sprint_id
     where s.workspace_id <> m.workspace_id`,
  );
  if (row?.count !== 2) throw new Error('No rows refer to those of the other workspace');
}

async function participantsOf(
  database: TestDatabase,
  api: LiveApi,
  ours: Side,
  theirs: Side,
): Promise<Participant[]> {
  const person = async (name: string, actor: Actor): Promise<Participant> => ({
    name,
    actor,
    client: await api.as(String(actor.userId), actor.workspaceId),
  });
  const { workspaceId, agent } = ours;
  const scopes = ['*:read'];
  const outsider = randomUUID();
  await database.query('insert into auth.users (id) values ($1)', [outsider]);
  return [
    ...(await Promise.all(ROLES.map((role) => person(role, ours.actor(role))))),
    {
      name: 'agent',
      actor: { agent, scopes, workspaceId },
      client: await api.asAgent(agent, scopes, workspaceId),
    },
    await person('outsider', { userId: outsider }),
    await person('their Owner', theirs.actor('Owner')),
    {
      name: 'their agent for billing',
      actor: { agent: theirs.agent, scopes: ['billing:read'], workspaceId: theirs.workspaceId },
      client: await api.asAgent(theirs.agent, ['billing:read'], theirs.workspaceId),
    },
  ];
}

/** A row that changes. */
export interface Target {
  table: string;
  id: string;
  /** The column that changes, and its new value. */
  column: string;
  value: unknown;
  /** The row as it was when it was deleted. */
  last?: Row;
}

/** The columns that a subscription other than to all changes of the table depends on. */
const WATCHED_COLUMNS: Record<string, [column: string, value: unknown]> = {
  system_alerts: ['status', 'resolved'],
  campaigns: ['status', 'completed'],
  user_achievements: ['is_locked', false],
  agent_performance: ['execution_count', 7],
};

/** New values for tables without a text column, by type. */
const OTHER_VALUES: Record<string, unknown> = {
  jsonb: '{"a": 1, "b": 0}',
  boolean: false,
  integer: 2,
  numeric: 0.5,
  'timestamp with time zone': '2026-01-03T00:00:00Z',
};

/** Returns all rows except those that decide who may subscribe, the other workspace's first. */
export async function targetsOf({ database, tables, ours, theirs }: LiveWorld): Promise<Target[]> {
  const targets: Target[] = [];
  // A deactivated agent receives nothing.
  const agents = await database.query<{ ids: string[] }>(
    `select array[a.id::text, r.id::text] as ids
     from agent_registry as r join agent_assignments as a on a.agent_id = r.id where r.agent_name = any ($1)`,
    [[ours.agent, theirs.agent]],
  );
  const working = agents.flatMap(({ ids }) => ids);
  for (const { name, columns, references } of tables) {
    if (ACCESS_TABLES.includes(name)) continue;
    const referring = new Set(['id', ...references.flatMap((reference) => reference.columns)]);
    const texts = columns.filter(
      (column) => /^(text|character varying)$/.test(column.type) && !referring.has(column.name),
    );
    const other = columns.find(
      (column) =>
        column.type in OTHER_VALUES && !/_at$/.test(column.name) && !referring.has(column.name),
    );
    const rows = await database.query<{ row: Row }>(
      `select to_jsonb(t) as row from ${name} as t where id::text <> all ($1)
       order by to_jsonb(t) ->> 'workspace_id' = $2 nulls first, id`,
      [working, ours.workspaceId],
    );
    for (const { row } of rows) {
      // A random value that identifies the row, cut to the length of the column.
      const text = texts.find((column) => /[0-9a-f]{12}$/.test(String(row[column.name])));
      const marker = `changed ${randomUUID()}`.slice(-(text?.length ?? 100));
      const [column, value] =
        WATCHED_COLUMNS[name] ??
        (text ? [text.name, marker] : [String(other?.name), OTHER_VALUES[String(other?.type)]]);
      targets.push({ table: name, id: String(row.id), column, value });
    }
  }
  return targets;
}

/** Changes each row with its own statement. */
export async function updateAll({ uncheckedWriter }: LiveWorld, targets: readonly Target[]) {
  for (const { table, id, column, value } of targets) {
    await uncheckedWriter.write(`update ${table} set ${column} = $2 where id = $1`, [id, value]);
  }
}

export async function deleteAll({ uncheckedWriter }: LiveWorld, targets: readonly Target[]) {
  for (const target of targets) {
    const { table, id } = target;
    const [deleted] = await uncheckedWriter.write<{ row: Row }>(
      `delete from ${table} as t where id = $1 returning to_jsonb(t) as row`,
      [id],
    );
    target.last = deleted?.row ?? {};
  }
}

/** Inserts the rows again, as they were. */
export async function insertAll({ uncheckedWriter }: LiveWorld, targets: readonly Target[]) {
  for (const { table, last } of targets) {
    await uncheckedWriter.write(
      `insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`,
      [JSON.stringify(last)],
    );
  }
}
