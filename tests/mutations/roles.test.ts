import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import type { Client } from '../support/api.ts';
import type { Actor } from '../support/database.ts';
import { insertOf, type Row } from '../support/rows.ts';
import type { Role } from '../support/tenant.ts';
import { type Call, mutateAll } from './mutate.ts';
import { changeOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, named, SINGLE, type Writable, writables } from './writable.ts';

/** From the widest; each includes the rights of the next one. */
const ROLES: readonly Role[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

/** The writers of a domain's tables, except for tables that are listed themselves. */
const WRITERS: Record<string, Role | null> = {
  workspace: 'Owner',
  billing: 'Owner',
  strategy: 'Strategist',
  campaigns: 'Strategist',
  cohorts: 'Strategist',
  moves: 'Strategist',
  content: 'Creator',
  experiments: 'Creator',
  intelligence: 'Analyst',
  alerts: 'Analyst',
  learning: 'Analyst',
  gamification: 'Owner',
  agents: 'Owner',
  AgentAssignment: 'Strategist',
  // Rows of a person.
  UserProfile: 'Viewer',
  OnboardingResponse: 'Viewer',
  UserNotification: 'Viewer',
  UserAchievement: 'Viewer',
  // Shared rows: no person writes them.
  Agent: null,
  AgentCapability: null,
  ManeuverType: null,
  JourneyStage: null,
  ChannelRole: null,
};

interface Member {
  role: Role;
  userId: string;
  actor: Actor;
  client: Client;
}

let world: WritingWorld;
let members: Member[];

beforeAll(async () => {
  world = await createWritingWorld();
  const { workspaceId } = world.ours;
  members = await Promise.all(
    ROLES.map(async (role) => {
      const userId = randomUUID();
      await world.database.query('insert into auth.users (id) values ($1)', [userId]);
      await world.database.query(
        'insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)',
        [userId, workspaceId, role],
      );
      const client = await world.api.as(userId, workspaceId);
      return { role, userId, client, actor: { userId, workspaceId } };
    }),
  );
});
afterAll(() => world?.close());

function mayWrite(role: Role, { name }: Writable): boolean {
  const domain = String(catalog.models[name]?.domain);
  const writer = name in WRITERS ? WRITERS[name] : WRITERS[domain];
  return writer != null && ROLES.indexOf(role) <= ROLES.indexOf(writer);
}

/** The row that a member tries to write: their own, if rows belong to people. */
async function rowFor(writable: Writable, { userId }: Member): Promise<string> {
  const { name, table } = writable;
  if (name === 'Workspace') return world.ours.workspaceId;
  if (name === 'UserProfile') return userId;
  if (WRITERS[name] !== 'Viewer') return world.some(writable);
  const row = { ...world.ours.rows.get(table)?.[0], id: randomUUID(), user_id: userId };
  const { sql, values } = insertOf(table, row);
  await world.database.query(sql, values);
  return row.id;
}

/** How many rows the same write as the person in SQL writes; none if it is refused. */
async function written(actor: Actor, sql: string, values: unknown[]): Promise<number> {
  try {
    return await world.database.rehearse(actor, async (query) => (await query(sql, values)).length);
  } catch (error) {
    expect(error).toMatchObject({ code: '42501' });
    return 0;
  }
}

/** The values of a new row in the database. */
function toSql(writable: Writable, input: Row, { userId }: Member): Row {
  const values = Object.entries(input).map(([name, value]) => {
    const { column, kind, type } = columnOf(writable, name);
    const label = catalog.enums[kind === 'enum' ? type : '']?.values.find(
      (each) => each.name.toUpperCase() === value,
    )?.name;
    return [column, label ?? value];
  });
  return {
    ...(writable.name === 'RecommendationPattern' ? { agent_ids: [] } : {}),
    ...Object.fromEntries(values),
    ...(writable.tenancy === 'other' ? {} : { workspace_id: world.ours.workspaceId }),
    ...(writable.name === 'OnboardingResponse' ? { user_id: userId } : {}),
  };
}

describe('each role has the declared rights, in the API and in SQL', () => {
  const each = named(writables).flatMap(([name, writable]) =>
    ROLES.map((role): [string, Writable, Role] => [`${name} as ${role}`, writable, role]),
  );
  it.each(each)('%s', async (_, writable, role) => {
    const { name, table, operations, requiredFields, updateFields } = writable;
    const member = members.find((one) => one.role === role) as Member;
    const id = await rowFor(writable, member);
    const allowed = mayWrite(role, writable);
    const input = sampleRow(writable, requiredFields, 2, world.around);
    const [field = ''] = updateFields;
    const change = changeOf(writable, field, 0, world.around).input;
    const calls: Call[] = [];
    const agreed: number[] = [];

    if (operations.includes('create') && !SINGLE.includes(name)) {
      calls.push([`create${name}`, { input, dryRun: true }]);
      const row = toSql(writable, input, member);
      const columns = Object.keys(row).map((column) => `"${column}"`);
      agreed.push(
        await written(
          member.actor,
          `insert into ${table} (${columns}) select ${columns} from jsonb_populate_record(null::${table}, $1) returning id`,
          [JSON.stringify(row)],
        ),
      );
    }
    if (operations.includes('update')) {
      calls.push([`update${name}`, { id, input: change, dryRun: true }]);
      const { column } = columnOf(writable, field);
      const sql = `update ${table} set "${column}" = "${column}" where id = $1 returning id`;
      agreed.push(await written(member.actor, sql, [id]));
    }
    if (operations.includes('delete')) {
      calls.push([`delete${name}`, { id, dryRun: true }]);
      agreed.push(
        await written(member.actor, `delete from ${table} where id = $1 returning id`, [id]),
      );
    }

    const payloads = await mutateAll(member.client, writable, calls);
    expect(payloads.map(({ errors }) => errors.map(({ __typename }) => __typename))).toEqual(
      calls.map(() => (allowed ? [] : ['ForbiddenError'])),
    );
    expect(agreed).toEqual(calls.map(() => (allowed ? 1 : 0)));
  });
});

/** The key by which an upsert finds the first row. */
function keyOf(writable: Writable): Row {
  const row = world.ours.rows.get(writable.table)?.[0];
  return Object.fromEntries(
    writable.keyFields.map((field) => [field, row?.[columnOf(writable, field).column]]),
  );
}

describe('bulk mutations and upserts have the same rights', () => {
  it.each(named(writables.filter(({ operations }) => operations.includes('upsert'))))(
    '%s',
    async (name, writable) => {
      const input = sampleRow(writable, writable.requiredFields, 0, world.around);
      const calls: Call[] = [
        [`create${writable.plural}`, { inputs: [input], dryRun: true }],
        [
          `update${writable.plural}`,
          { filter: { id: { notIn: [] } }, atMost: 100, input: {}, dryRun: true },
        ],
        [`delete${writable.plural}`, { filter: { id: { notIn: [] } }, atMost: 100, dryRun: true }],
        [`upsert${name}`, { key: keyOf(writable), create: input, update: {}, dryRun: true }],
      ];
      for (const { role, client } of members.filter(({ role }) => !mayWrite(role, writable))) {
        const payloads = await mutateAll(client, writable, calls);
        const errors = payloads.map(({ results, errors = [] }) =>
          (results?.flatMap((result) => result.errors) ?? errors).map((error) => error.__typename),
        );
        expect(errors, role).toEqual(calls.map(() => ['ForbiddenError']));
      }
    },
  );
});
