import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VIEWS } from '../../src/database/verify/expected.ts';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import type { Query } from '../support/database.ts';
import { openRows } from '../support/rows.ts';
import { Audiences } from './audience.ts';
import { A, B, MEMBERS, OUTSIDER, Tenants } from './tenancy-fixture.ts';
import { BILLING, GLOBAL, ROLES, type Role, RULES, SHARED } from './tenancy-rules.ts';

let tenants: Tenants;
let audiences: Audiences;
/** A second member for each role, without own rows or other workspaces. */
const TWINS = Object.fromEntries(ROLES.map((role) => [role, randomUUID()])) as Record<Role, string>;

beforeAll(async () => {
  tenants = await Tenants.create();
  audiences = new Audiences(tenants.database);
  for (const role of ROLES) {
    await tenants.database.query('insert into auth.users (id) values ($1)', [TWINS[role]]);
    await tenants.database.query(
      'insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)',
      [TWINS[role], A, role],
    );
  }
});
afterAll(async () => {
  await audiences.close();
  await tenants.database.close();
});

/** Each row as text, in order. */
async function rowsOf(query: Query, relation: string): Promise<string[]> {
  const rows = await query<{ row: string }>(
    `select to_jsonb(r)::text as row from ${openRows(relation)} as r order by 1`,
  );
  return rows.map(({ row }) => row);
}

/** What all members with this role see. */
async function common(role: Role, relation: string): Promise<string[]> {
  const seen = (userId: string) =>
    tenants.database.rehearse({ userId, workspaceId: A }, (query) => rowsOf(query, relation));
  const [one, other] = [await seen(MEMBERS[role]), new Set(await seen(TWINS[role]))];
  return one.filter((row) => other.has(row));
}

/** Tables in which people see only their own rows. */
const PERSONAL = ['onboarding_responses', 'subscriptions', 'user_notifications'];

describe('an audience reads what all members with its role can read', () => {
  test.each([...TABLE_NAMES])('in %s', async (name) => {
    for (const role of ROLES) {
      const seen = await audiences.as(role, A, (query) => rowsOf(query, name));
      const expected = PERSONAL.includes(name) ? [] : await common(role, name);
      expect(seen, role).toEqual(expected);
      const isShown = role === 'Owner' || !BILLING.includes(name);
      expect(seen.length > 0, role).toBe(isShown && !PERSONAL.includes(name));
    }
  });

  test.each(VIEWS)('in the view %s', async (name) => {
    for (const role of ROLES) {
      const seen = await audiences.as(role, A, (query) => rowsOf(query, name));
      expect(seen, role).toEqual(await common(role, name));
    }
  });

  test('in the history of rows', async () => {
    const history = 'gateway.audit_log';
    for (const role of ROLES) {
      const seen = await audiences.as(role, A, (query) => rowsOf(query, history));
      expect(seen, role).toEqual(await common(role, history));
      const tables = new Set(seen.map((row) => JSON.parse(row).table_name));
      expect([...PERSONAL.filter((name) => tables.has(name))]).toEqual([]);
      expect([...tables]).toEqual(expect.arrayContaining(['moves', 'maneuver_types']));
      expect(BILLING.filter((name) => tables.has(name))).toEqual(role === 'Owner' ? BILLING : []);
    }
  });

  test('of achievements, only public ones', async () => {
    const seen = await audiences.as('Owner', A, (query) =>
      query<{ visibility: string }>('select visibility from user_achievements'),
    );
    expect(new Set(seen.map(({ visibility }) => visibility))).toEqual(new Set(['public']));
    const all = await tenants.database.query('select from user_achievements');
    expect(all.length).toBeGreaterThan(seen.length);
  });
});

test('without a workspace, or in a missing one, an audience reads what all share', async () => {
  for (const workspaceId of [null, randomUUID()]) {
    for (const name of TABLE_NAMES) {
      const seen = await audiences.as('Owner', workspaceId, (query) =>
        query<{ workspace_id?: string | null }>(`select * from ${openRows(name)} as r`),
      );
      expect(seen.length > 0, name).toBe(GLOBAL.includes(name) || SHARED.includes(name));
      for (const row of seen) expect(row.workspace_id ?? null, name).toBeNull();
    }
  }
});

describe('claims that make no audience', () => {
  const reaches = (claims: object) =>
    audiences.withClaims(claims, A, async (query) => {
      const reached: Record<string, boolean> = {};
      for (const name of ['moves', 'workspaces', 'maneuver_types', 'user_profiles']) {
        reached[name] = (await query(`select from ${name}`)).length > 0;
      }
      return reached;
    });
  const nothing = { moves: false, workspaces: false, maneuver_types: false, user_profiles: false };

  test.each([
    ['no claims', {}],
    ['the audience null', { audience: null }],
    ['an empty audience', { audience: '' }],
    ['an audience and the person null', { audience: 'Owner', sub: null }],
    ['an audience and an unknown agent', { audience: 'Owner', agent: 'x', scopes: ['*:read'] }],
    ['an audience and the agent null', { audience: 'Owner', agent: null }],
  ])('%s', async (_, claims) => {
    expect(await reaches(claims)).toEqual(nothing);
  });

  test('a session with an audience and a person reads what the person reads', async () => {
    expect(await reaches({ audience: 'Owner', sub: OUTSIDER })).toEqual({
      ...nothing,
      ...{ maneuver_types: true, user_profiles: true },
    });
    const member = { audience: 'Viewer', sub: MEMBERS.Owner };
    const mine = await audiences.withClaims(member, A, (query) =>
      rowsOf(query, 'user_notifications'),
    );
    expect(mine).not.toEqual([]);
  });

  test('an audience alone makes one', async () => {
    expect(await reaches({ audience: 'Viewer' })).toEqual({
      ...{ moves: true, workspaces: true, maneuver_types: true, user_profiles: true },
    });
  });
});

describe('an audience cannot write', () => {
  test.each([...TABLE_NAMES])('%s', async (name) => {
    const column = RULES[name]?.column;
    const add = tenants.newRow(name);
    const { id } = tenants.rowOf(A, name, MEMBERS.Owner);
    const changed = `"${column}" = "${column}"`;
    const statements: [sql: string, values: unknown[]][] = [
      [`${add.sql} returning 1`, add.values],
      [`update ${name} set ${changed} where id = $1 returning 1`, [id]],
      [`update ${name} set ${changed} returning 1`, []],
      [`delete from ${name} where id = $1 returning 1`, [id]],
      [`delete from ${name} returning 1`, []],
      [`select 1 from ${name} for update`, []],
      [`truncate ${name} cascade`, []],
    ];
    for (const role of ROLES) {
      for (const [sql, values] of statements) {
        const touched = await audiences.as(role, A, (query) =>
          query(sql, values).then(
            (rows) => rows.length,
            ({ code }: { code: string }) => code,
          ),
        );
        expect([0, '42501'], `${role}: ${sql}`).toContain(touched);
      }
    }
  });
});

test('an audience cannot write the gateway’s own tables', async () => {
  const tables = await tenants.database.query<{ name: string; column: string }>(
    `select distinct on (attrelid) attrelid::regclass::text as name, attname::text as column
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where relnamespace = 'gateway'::regnamespace and relkind = 'r' and attnum > 0 and attidentity = ''
     order by attrelid, attnum`,
  );
  expect(tables.length).toBeGreaterThan(5);
  for (const { name, column } of tables) {
    for (const sql of [`delete from ${name}`, `update ${name} set ${column} = ${column}`]) {
      const write = audiences.as('Owner', A, async (query) => {
        expect(await query(`${sql} returning 1`), sql).toEqual([]);
      });
      await write.catch((error) => expect(error, sql).toMatchObject({ code: '42501' }));
    }
  }
});

test('an audience in one workspace sees nothing of another', async () => {
  const seen = await audiences.as('Owner', B, (query) => rowsOf(query, 'moves'));
  expect(seen).not.toEqual([]);
  for (const row of seen) expect(JSON.parse(row).workspace_id).toBe(B);
});
