import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let agentId: string;
let otherAgentId: string;
let cohort: string;

const AGENT = 'intel-scout';
const OTHER = 'lord-seer';

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  agentId = await register(AGENT);
  otherAgentId = await register(OTHER);
  await assign(tenant, agentId);
  cohort = await insert(database, 'cohorts', { workspace_id: tenant.workspaceId, name: 'Cohort' });
});
afterAll(() => database.close());

const register = (agent_name: string, values = {}) =>
  insert(database, 'agent_registry', { agent_name, agent_type: 'intelligence', ...values });

const assign = ({ workspaceId: workspace_id }: Tenant, agent_id: string, values = {}) =>
  insert(database, 'agent_assignments', { workspace_id, agent_id, ...values });

const agentWith = (...scopes: string[]): Actor => ({
  agent: AGENT,
  scopes,
  workspaceId: tenant.workspaceId,
});

const run = (actor: Actor, sql: string, ...values: unknown[]) =>
  database.rehearse(actor, (query) => query(sql, values));

const SIGNAL = `insert into intelligence_signals (workspace_id, source_type, signal_category, signal_title, source_agent_id)
  values ($1, 'trend', 'market_trend', 'Rising', $2) returning source_agent_id, created_by`;
const MOVE = `insert into moves (workspace_id, name, primary_icp_id, created_by_agent)
  values ($1, 'Move', $2, $3) returning created_by_agent`;

describe('an agent with an active assignment', () => {
  test('reads the workspace with any scope, the registry and the dictionaries', async () => {
    const actor = agentWith('alerts:read');
    expect(await run(actor, 'select id from cohorts')).toEqual([{ id: cohort }]);
    expect(await run(actor, 'select id from workspaces')).toEqual([{ id: tenant.workspaceId }]);
    expect(await run(actor, 'select agent_name from agent_registry')).toHaveLength(2);
    expect(await run(actor, 'select id from user_notifications')).toEqual([]);
    expect(await run(agentWith(), 'select id from cohorts')).toEqual([]);
  });

  test('writes in the domains of its scopes only', async () => {
    const workspace = tenant.workspaceId;
    for (const scope of ['intelligence:write', '*:write']) {
      expect(await run(agentWith(scope), SIGNAL, workspace, null)).toEqual([
        { source_agent_id: agentId, created_by: null },
      ]);
    }
    for (const scope of ['moves:write', 'intelligence:read', '*:read', 'intelligence']) {
      const write = run(agentWith(scope), SIGNAL, workspace, null);
      await expectRefusal(write, '42501', /row-level security/);
    }
    expect(
      await run(agentWith('moves:read'), `update cohorts set name = 'X' returning id`),
    ).toEqual([]);
    expect(
      await run(agentWith('cohorts:write'), `update cohorts set name = 'X' returning id`),
    ).toEqual([{ id: cohort }]);
  });

  test('writes in its own name only', async () => {
    const { workspaceId } = tenant;
    const actor = agentWith('*:write');
    expect(await run(actor, MOVE, workspaceId, cohort, null)).toEqual([
      { created_by_agent: AGENT },
    ]);
    expect(await run(actor, MOVE, workspaceId, cohort, AGENT)).toEqual([
      { created_by_agent: AGENT },
    ]);
    const message = `insert into agent_messages (workspace_id, type, origin) values ($1, 'ask', $2)`;
    const forged: [sql: string, ...values: unknown[]][] = [
      [MOVE, workspaceId, cohort, OTHER],
      [SIGNAL, workspaceId, otherAgentId],
      [message, workspaceId, OTHER],
    ];
    for (const [sql, ...values] of forged) {
      await expectRefusal(run(actor, sql, ...values), '42501', /in its own name/);
    }
    const theirs = await insert(database, 'moves', {
      workspace_id: workspaceId,
      name: 'Theirs',
      primary_icp_id: cohort,
      created_by_agent: OTHER,
    });
    const update = 'update moves set created_by_agent = $2 where id = $1';
    for (const name of [AGENT.slice(1), null]) {
      await expectRefusal(run(actor, update, theirs, name), '42501', /in its own name/);
    }
    expect(
      await run(actor, `update moves set goal = 'G' where id = $1 returning goal`, theirs),
    ).toHaveLength(1);
    expect(
      await run(
        actor,
        `insert into agent_messages (workspace_id, type) values ($1, 'ask') returning origin`,
        workspaceId,
      ),
    ).toEqual([{ origin: AGENT }]);
  });

  test('people and trusted writers can name any agent', async () => {
    for (const actor of [tenant.actor('Strategist'), service]) {
      expect(await run(actor, MOVE, tenant.workspaceId, cohort, OTHER)).toEqual([
        { created_by_agent: OTHER },
      ]);
    }
  });

  test('cannot write assignments, memberships, the workspace or billing', async () => {
    const actor = agentWith('*:write');
    const { workspaceId, people } = tenant;
    const refused: [sql: string, ...values: unknown[]][] = [
      [
        'insert into agent_assignments (workspace_id, agent_id) values ($1, $2)',
        workspaceId,
        otherAgentId,
      ],
      ['select assign_agent($1, $2)', workspaceId, otherAgentId],
      [
        'insert into user_workspaces (workspace_id, user_id) values ($1, $2)',
        workspaceId,
        people.Owner,
      ],
      [`select invite_workspace_member($1, 'a@example.com')`, workspaceId],
      ['select remove_member($1, $2)', workspaceId, people.Viewer],
      [`select create_workspace('Mine')`],
      [
        `insert into billing_history (user_id, workspace_id, merchant_transaction_id, amount) values ($2, $1, 't', 1)`,
        workspaceId,
        people.Owner,
      ],
    ];
    for (const [sql, ...values] of refused) {
      await expect(run(actor, sql, ...values), sql).rejects.toMatchObject({ code: '42501' });
    }
    const untouched = [
      `update workspaces set name = 'X' returning id`,
      'delete from user_workspaces returning id',
      `update user_profiles set bio = 'X' returning id`,
      'delete from agent_assignments returning id',
    ];
    for (const sql of untouched) expect(await run(actor, sql), sql).toEqual([]);
  });

  test('can call the functions of its domains', async () => {
    const { workspaceId, people } = tenant;
    const achievement = await insert(database, 'achievements', {
      workspace_id: workspaceId,
      name: 'First',
      badge_type: 'milestone',
      condition_type: 'count',
    });
    const cases: [scope: string, sql: string, ...values: unknown[]][] = [
      ['alerts', `select create_system_alert($1, 'error', 'high', 'T')`, workspaceId],
      [
        'alerts',
        `select send_user_notification($1, $2, 'message', 'T', 'M')`,
        workspaceId,
        people.Viewer,
      ],
      ['intelligence', `select record_signal($1, 'trend', 'market_trend', 'T')`, workspaceId],
      [
        'gamification',
        'select unlock_achievement($2, $3, $1)',
        workspaceId,
        people.Viewer,
        achievement,
      ],
      ['gamification', 'select record_achievement_progress($1, $2, 1)', people.Viewer, achievement],
      ['agents', 'select record_agent_execution($1, $2, 1, 1, 1, 1, true)', workspaceId, agentId],
    ];
    for (const [domain, sql, ...values] of cases) {
      expect(await run(agentWith(`${domain}:write`), sql, ...values), sql).toHaveLength(1);
      const other = run(agentWith('cohorts:write'), sql, ...values);
      await expect(other, sql).rejects.toMatchObject({ code: '42501' });
    }
    const recorded = `select * from record_agent_execution($1, $2, 1, 1, 1, 1, true)`;
    await expectRefusal(
      run(agentWith('agents:write'), recorded, workspaceId, otherAgentId),
      '42501',
      /in its own name/,
    );
    expect(
      await database.rehearse(agentWith('agents:write'), async (query) => {
        await query(recorded, [workspaceId, agentId]);
        return query('select tasks_completed from agent_assignments');
      }),
    ).toEqual([{ tasks_completed: 1 }]);
  });

  test('can only create rows in their first status, like people', async () => {
    const asset = `insert into assets (workspace_id, name, type, status) values ($1, 'A', 'video', 'published')`;
    await expectRefusal(
      run(agentWith('content:write'), asset, tenant.workspaceId),
      '55000',
      /new asset is draft/,
    );
  });
});

describe('an agent has no access', () => {
  test('in another workspace, whether it exists or not', async () => {
    for (const workspaceId of [stranger.workspaceId, randomUUID()]) {
      const actor = { ...agentWith('*:write'), workspaceId };
      expect(await run(actor, 'select id from workspaces where id = $1', workspaceId)).toEqual([]);
      await expectRefusal(run(actor, SIGNAL, workspaceId, null), '42501', /row-level security/);
      await expectRefusal(
        run(actor, `select record_signal($1, 'trend', 'market_trend', 'T')`, workspaceId),
        '42501',
        /scope intelligence:write/,
      );
    }
    const none = { agent: AGENT, scopes: ['*:write'] };
    expect(await run(none, 'select id from cohorts')).toEqual([]);
  });

  test('while its assignments, or the agent itself, are not active', async () => {
    const lazy = await register('lazy-agent');
    const assignment = await assign(tenant, lazy, { assignment_status: 'paused' });
    const actor = { ...agentWith('*:write'), agent: 'lazy-agent' };
    const sees = async () => (await run(actor, 'select id from cohorts')).length;
    const workspaces = async () =>
      (await run(actor, 'select * from gateway.agent_workspaces()')).length;
    expect([await sees(), await workspaces()]).toEqual([0, 0]);
    await database.query(
      `update agent_assignments set assignment_status = 'active' where id = $1`,
      [assignment],
    );
    expect([await sees(), await workspaces()]).toEqual([1, 1]);
    await database.query('update agent_registry set is_active = false where id = $1', [lazy]);
    expect([await sees(), await workspaces()]).toEqual([0, 0]);
    expect(await run(actor, 'select id from agent_registry')).toEqual([]);
  });

  test('with the claims of a member, or with an unregistered name', async () => {
    const both = { ...agentWith('*:write'), agent: 'nobody', userId: tenant.people.Owner };
    expect(await run(both, 'select id from cohorts')).toEqual([]);
    await expectRefusal(run(both, SIGNAL, tenant.workspaceId, null), '42501', /row-level/);
    expect(
      await run({ ...agentWith('*:write'), agent: 'nobody' }, 'select id from maneuver_types'),
    ).toEqual([]);
  });
});
