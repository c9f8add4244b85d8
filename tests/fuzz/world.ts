import { uuidOf } from '../../prisma/seed/random.ts';
import { cases } from '../contract/cases.ts';
import { openUncheckedWriter } from '../contract/unchecked-writer.ts';
import { openDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { insertOf, isTenant, type Row, readTables, type Table } from '../support/rows.ts';
import { databaseUrl, type TestServer } from '../support/server.ts';
import type { Role } from '../support/tenant.ts';
import { copyDatabase, deleteTenant, usingDatabase } from './databases.ts';
import { invite, makePeople, markPeople } from './people.ts';
import { CANARY, rowOf } from './rows.ts';

const ROLES: readonly Role[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];
/** Assigned to the other workspace only. */
const FOREIGN_AGENT = 4;

/** Ids of a model's rows: of our workspace, of the other one, and of nobody's. */
export interface Ids {
  ours: string[];
  theirs: string[];
  shared: string[];
}

/** A workspace in a database with another one and, in a copy, without it. */
export interface FuzzWorld {
  /** With the other workspace, whose texts contain the canary or equal those of our rows. */
  whole: TestDatabase;
  /** Without it, and otherwise equal, including ids and times. */
  alone: TestDatabase;
  workspaceId: string;
  otherWorkspaceId: string;
  people: Record<Role, string>;
  /** Signed in, but a member of no workspace. */
  stranger: string;
  agents: { ours: string; foreign: string };
  /** By model; ids of people are under UserProfile. */
  ids: ReadonlyMap<string, Ids>;
  /** Ids that no answer may contain unless they were sent, with their models. */
  secrets: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

interface Side {
  name: 'ours' | 'theirs';
  workspaceId: string;
  people: string[];
  count: number;
}

/** Makes both databases on the server, the same ones every time. */
export async function createFuzzWorld(server: TestServer, name: string): Promise<FuzzWorld> {
  const people = Object.fromEntries(ROLES.map((role) => [role, uuidOf(`person ${role}`)]));
  // Works in both workspaces, so we may see their profile.
  const both = uuidOf('person of both');
  const stranger = uuidOf('stranger');
  const theirPeople = [uuidOf('their owner'), uuidOf('their viewer')];
  const ours: Side = {
    name: 'ours',
    workspaceId: uuidOf('our workspace'),
    people: [...Object.values(people), both],
    count: 5,
  };
  const theirs: Side = {
    name: 'theirs',
    workspaceId: uuidOf('their workspace'),
    people: [...theirPeople, both],
    count: 4,
  };

  const [whole, alone] = [`${server.prefix}${name}_whole`, `${server.prefix}${name}_alone`];
  await copyDatabase(server, `${server.prefix}migrated`, whole);
  const rows = await usingDatabase(server, whole, async (query) => {
    await makePeople(query, [...new Set([...ours.people, ...theirs.people, stranger])]);
    await makeWorkspace(query, ours);
    await makeWorkspace(query, theirs);
    const tables = await readTables(query);
    const shared = await fillShared(query, tables);
    const made = await fill(query, tables, ours, new Map(shared));
    const foreign = await fill(query, tables, theirs, new Map(made));
    await assignAgents(query, ours.workspaceId, theirs.workspaceId);
    await markPeople(query, tables, theirPeople);
    made.set('invitation', await invite(query, ours, [stranger]));
    foreign.set('invitation', await invite(query, theirs, []));
    return { shared, made, foreign };
  });
  const linked = await plantLinks(databaseUrl(server.url, whole), rows.made, rows.foreign);
  await copyDatabase(server, whole, alone);
  await deleteTenant(databaseUrl(server.url, alone), theirs.workspaceId, theirPeople);

  const ids = idsOf(rows, ours, theirs, theirPeople);
  const secrets = [...ids].flatMap(([model, each]) =>
    each.theirs.filter((id) => !linked.has(id)).map((id): [string, string] => [id, model]),
  );
  const databases = [whole, alone].map((each) =>
    openDatabase(databaseUrl(server.url, each), server.gatewayPassword, 4),
  ) as [TestDatabase, TestDatabase];
  const agentAt = (n: number) => String(rows.made.get('agent_registry')?.[n]?.agent_name);
  return {
    whole: databases[0],
    alone: databases[1],
    workspaceId: ours.workspaceId,
    otherWorkspaceId: theirs.workspaceId,
    people: people as Record<Role, string>,
    stranger,
    agents: { ours: agentAt(0), foreign: agentAt(FOREIGN_AGENT) },
    ids,
    secrets: new Map(secrets),
    async close() {
      for (const each of databases) await each.close();
    },
  };
}

async function makeWorkspace(query: Query, { name, workspaceId, people }: Side): Promise<void> {
  const label = name === 'ours' ? 'Ours' : CANARY;
  await query(
    `insert into workspaces (id, name, slug, cohorts_limit, moves_per_sprint_limit)
     values ($1, $2, $3, 1000, 1000)`,
    [workspaceId, label, label.toLowerCase()],
  );
  for (const [n, person] of people.entries()) {
    await query('insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)', [
      person,
      workspaceId,
      ROLES[n] ?? 'Viewer',
    ]);
  }
}

/** Fills shared tables: dictionaries, the registry, and rows without a workspace. */
async function fillShared(query: Query, tables: readonly Table[]): Promise<Map<string, Row[]>> {
  const made = new Map<string, Row[]>();
  const shared = tables.filter(
    (table) =>
      !['workspaces', 'user_profiles'].includes(table.name) &&
      (!isTenant(table) || isShared(table)),
  );
  for (const table of shared) {
    for (let n = 0; n < 5; n += 1) {
      const owner = { workspaceId: null, userIds: [] };
      await insert(query, table, rowOf(table, owner, made, n, 'shared'));
    }
    made.set(table.name, await query<Row>(`select * from ${table.name} order by created_at, id`));
  }
  return made;
}

/** Whether rows can be without a workspace and a person. */
function isShared({ columns }: Table): boolean {
  const column = (name: string) => columns.find((each) => each.name === name);
  return column('workspace_id')?.required === false && !column('user_id');
}

async function fill(
  query: Query,
  tables: readonly Table[],
  side: Side,
  made: Map<string, Row[]>,
): Promise<Map<string, Row[]>> {
  const owner = { workspaceId: side.workspaceId, userIds: side.people };
  for (const table of tables.filter(isTenant)) {
    made.delete(table.name);
    for (let n = 0; n < side.count; n += 1) {
      await insert(query, table, rowOf(table, owner, made, n, side.name));
    }
    made.set(
      table.name,
      await query<Row>(`select * from ${table.name} where workspace_id = $1 order by id`, [
        side.workspaceId,
      ]),
    );
  }
  return made;
}

async function insert(query: Query, table: Table, row: Row): Promise<void> {
  const { sql, values } = insertOf(table.name, row);
  await query(`${sql} on conflict do nothing`, values);
}

/** Assigns the first agent to us only, the last one to the other workspace only. */
async function assignAgents(query: Query, ours: string, theirs: string): Promise<void> {
  const agent = '(select id from agent_registry order by created_at, id offset $2 limit 1)';
  await query(`update agent_assignments set assignment_status = 'active'`);
  await query(
    `update agent_assignments set agent_id = ${agent} where workspace_id = $1
       and agent_id = (select id from agent_registry order by created_at, id limit 1)`,
    [theirs, FOREIGN_AGENT],
  );
  await query(`delete from agent_assignments where workspace_id = $1 and agent_id = ${agent}`, [
    ours,
    FOREIGN_AGENT,
  ]);
}

/** Lets our rows refer to foreign ones by plain values; returns their ids. */
async function plantLinks(
  url: string,
  made: ReadonlyMap<string, Row[]>,
  foreign: ReadonlyMap<string, Row[]>,
): Promise<Set<string>> {
  const writer = await openUncheckedWriter(url);
  const linked = new Set<string>();
  try {
    for (const shown of cases) {
      for (const [, { to, by, column }] of shown.links) {
        const target = cases.find(({ name }) => name === to)?.table ?? '';
        const isList = shown.columns.some(([name, { isList }]) => name === column && isList);
        const name = shown.columns.find(([each]) => each === column)?.[1].column;
        if (by || !name) continue;
        const first = String(foreign.get(target)?.[0]?.id);
        const own = String(made.get(target)?.[0]?.id);
        linked.add(first);
        for (const [rows, ids] of [
          [made, [first, own]],
          [foreign, [own, first]],
        ] as const) {
          await writer.write(`update ${shown.table} set "${name}" = $1 where id = any ($2)`, [
            isList ? ids : ids[0],
            (rows.get(shown.table) ?? []).slice(0, 2).map(({ id }) => id),
          ]);
        }
      }
    }
  } finally {
    await writer.close();
  }
  return linked;
}

function idsOf(
  rows: Record<'shared' | 'made' | 'foreign', ReadonlyMap<string, Row[]>>,
  ours: Side,
  theirs: Side,
  theirPeople: readonly string[],
): Map<string, Ids> {
  const listed = (rows: Row[] | undefined) => (rows ?? []).map(({ id }) => String(id));
  const invitations = {
    ours: listed(rows.made.get('invitation')),
    theirs: listed(rows.foreign.get('invitation')),
    shared: [],
  };
  const ofTables = cases.map(({ name, table, tenancy }): [string, Ids] => {
    if (name === 'Workspace') {
      return [name, { ours: [ours.workspaceId], theirs: [theirs.workspaceId], shared: [] }];
    }
    if (name === 'UserProfile') {
      return [name, { ours: ours.people, theirs: [...theirPeople], shared: [] }];
    }
    const shared = listed(rows.shared.get(table));
    if (tenancy === 'other') return [name, { ours: [], theirs: [], shared }];
    const own = { ours: listed(rows.made.get(table)), theirs: listed(rows.foreign.get(table)) };
    return [name, { ...own, shared }];
  });
  return new Map([...ofTables, ['Invitation', invitations]]);
}
