import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import type { Actor } from '../support/database.ts';
import { A, AGENT, B, MEMBERS, OUTSIDER, Tenants } from './tenancy-fixture.ts';
import { type Operation, ROLES, RULES, type Rule, SCOPES } from './tenancy-rules.ts';

let tenants: Tenants;
beforeAll(async () => {
  tenants = await Tenants.create();
});
afterAll(() => tenants.database.close());

const OPERATIONS: readonly Operation[] = ['insert', 'update', 'delete'];

const cases = TABLE_NAMES.map((name) => ({ name, rule: RULES[name] as Rule }));
const tenantCases = cases.filter(
  ({ name, rule }) => name !== 'user_profiles' && rule.tenancy !== 'global',
);

test('every table has a rule', () => {
  expect(Object.keys(RULES).sort()).toEqual([...TABLE_NAMES].sort());
});

describe.each(cases)('$name', ({ name, rule }) => {
  test('shows a person exactly the rows of the rule', async () => {
    const actors: Record<string, Actor> = {
      ...Object.fromEntries(ROLES.map((role) => [role, { userId: MEMBERS[role], workspaceId: A }])),
      'Owner without a workspace': { userId: MEMBERS.Owner },
      'Owner in no workspace of theirs': { userId: MEMBERS.Owner, workspaceId: randomUUID() },
      outsider: { userId: OUTSIDER, workspaceId: A },
      nobody: { workspaceId: A },
    };
    const seen: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    for (const [label, actor] of Object.entries(actors)) {
      seen[label] = await tenants.idsSeenBy(actor, name);
      wanted[label] = await tenants.idsWhere(name, rule.visible, [
        actor.userId ?? null,
        actor.workspaceId ?? null,
      ]);
    }
    expect(seen).toEqual(wanted);
    expect(wanted.Owner).not.toEqual([]);
  });

  test('can be written by the roles of the rule only', async () => {
    const { column, may } = rule;
    for (const role of ROLES) {
      const userId = MEMBERS[role];
      const actor = { userId, workspaceId: A };
      const { id } = tenants.rowOf(A, name, userId);
      const insert = tenants.newRow(name, { userId });
      const able = {
        insert: await tenants.allowed(actor, insert.sql, insert.values),
        update: await tenants.allowed(
          actor,
          `update ${name} set "${column}" = "${column}" where id = $1`,
          [id],
        ),
        delete: await tenants.allowed(actor, `delete from ${name} where id = $1`, [id]),
      };
      expect({ role, ...able }).toEqual({
        role,
        insert: may.insert.includes(role),
        update: may.update.includes(role),
        delete: may.delete.includes(role),
      });
    }
  });

  test('can be read and written by an agent only with the scopes of the rule', async () => {
    const { column } = rule;
    const id =
      name === 'agent_assignments'
        ? tenants.assignmentId
        : tenants.rowOf(A, name, MEMBERS.Owner).id;
    // The database fills in the agent's own name.
    const insert = tenants.newRow(name, await tenants.unsigned(name));
    const statements: Record<Operation, [sql: string, values: unknown[]]> = {
      insert: [insert.sql, insert.values],
      update: [`update ${name} set "${column}" = "${column}" where id = $1`, [id]],
      delete: [`delete from ${name} where id = $1`, [id]],
    };
    for (const scopes of [[], ...SCOPES.map((scope) => [scope])]) {
      const actor: Actor = { agent: AGENT, scopes, workspaceId: A };
      const able: Record<string, unknown> = { scopes, sees: await tenants.idsSeenBy(actor, name) };
      const wanted: Record<string, unknown> = {
        scopes,
        sees: await tenants.idsWhere(name, rule.visibleToAgent(scopes), [null, A]),
      };
      for (const operation of OPERATIONS) {
        able[operation] = await tenants.allowed(actor, ...statements[operation]);
        wanted[operation] = rule.agentMay(operation, scopes);
      }
      expect(able).toEqual(wanted);
    }
  });

  test('can be read and written by trusted writers', async () => {
    const { column } = rule;
    const actor: Actor = { role: 'service_role' };
    const { id } = tenants.rowOf(A, name, MEMBERS.Owner);
    const insert = tenants.newRow(name);
    expect(await tenants.idsSeenBy(actor, name)).toEqual(
      await tenants.idsWhere(name, 'true', [null, A]),
    );
    expect({
      insert: await tenants.allowed(actor, insert.sql, insert.values),
      update: await tenants.allowed(
        actor,
        `update ${name} set "${column}" = "${column}" where id = $1`,
        [id],
      ),
      delete: await tenants.allowed(actor, `delete from ${name} where id = $1`, [id]),
    }).toEqual({ insert: true, update: true, delete: true });
  });

  test('cannot be written by a person without a workspace, an outsider or nobody', async () => {
    const { column } = rule;
    const id = tenants.rowOf(A, name, MEMBERS.Owner).id;
    const insert = tenants.newRow(name);
    const personal = name === 'user_profiles';
    const actors: Actor[] = [
      ...(personal ? [] : [{ userId: MEMBERS.Owner }]),
      { userId: OUTSIDER, workspaceId: A },
      { userId: OUTSIDER, workspaceId: B },
      { workspaceId: A },
    ];
    for (const actor of actors) {
      expect({
        actor,
        insert: await tenants.allowed(actor, insert.sql, insert.values),
        update: await tenants.allowed(
          actor,
          `update ${name} set "${column}" = "${column}" where id = $1`,
          [id],
        ),
        delete: await tenants.allowed(actor, `delete from ${name} where id = $1`, [id]),
        all: await tenants.allowed(actor, `delete from ${name}`, []),
      }).toEqual({ actor, insert: false, update: false, delete: false, all: false });
    }
  });
});

describe.each(tenantCases)('$name of another workspace', ({ name, rule }) => {
  test('cannot be changed, deleted, inserted or moved', async () => {
    const { column } = rule;
    const actor = { userId: MEMBERS.Owner, workspaceId: A };
    const id = tenants.rowOf(B, name, MEMBERS.Owner).id;
    const insert = tenants.newRow(name, { workspaceId: B });
    const outcome: Record<string, boolean> = {
      insert: await tenants.allowed(actor, insert.sql, insert.values),
      update: await tenants.allowed(
        actor,
        `update ${name} set "${column}" = "${column}" where id = $1`,
        [id],
      ),
      delete: await tenants.allowed(actor, `delete from ${name} where id = $1`, [id]),
    };
    if (tenants.isTenant(name)) {
      const ownId = tenants.rowOf(A, name, MEMBERS.Owner).id;
      const move = `update ${name} set workspace_id = $2 where id = $1`;
      outcome.take = await tenants.allowed(actor, move, [id, A]);
      outcome.give = await tenants.allowed(actor, move, [ownId, B]);
    }
    expect(Object.entries(outcome).filter(([, done]) => done)).toEqual([]);
  });
});

test('no setting stays on a connection after a commit or an error', async () => {
  const client = new pg.Client(tenants.database.gatewayUrl);
  await client.connect();
  const left = `select current_user as role, nullif(current_setting('request.jwt.claims', true), '') as claims,
                       current_workspace_id() as workspace`;
  try {
    for (const work of ['select id from moves', 'select 1 / 0']) {
      await client.query('begin');
      await client.query(
        `select set_config('role', 'authenticated', true), set_config('app.current_workspace_id', $1, true),
                set_config('request.jwt.claims', $2, true)`,
        [A, JSON.stringify({ sub: MEMBERS.Owner })],
      );
      await client.query(work).catch(() => {});
      await client.query('commit');
      const { rows } = await client.query(left);
      expect(rows).toEqual([{ role: 'codex_gateway', claims: null, workspace: null }]);
      await expect(client.query('select from moves')).rejects.toMatchObject({ code: '42501' });
    }
  } finally {
    await client.end();
  }
});
