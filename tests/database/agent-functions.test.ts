import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
});
afterAll(() => database.close());

const newAgent = () =>
  insert(database, 'agent_registry', { agent_name: randomUUID(), agent_type: 'researcher' });

interface Execution {
  workspace?: string;
  seconds?: number | string | null;
  input?: number | null;
  output?: number | null;
  cost?: number | null;
  success?: boolean | null;
}

const record = (actor: Actor, agent: string, execution: Execution = {}) => {
  const values = { seconds: 1, input: 100, output: 10, cost: 0.5, success: true, ...execution };
  const { workspace = tenant.workspaceId, seconds, input, output, cost, success } = values;
  return database.as(actor, (query) =>
    query('select * from record_agent_execution($1, $2, $3, $4, $5, $6, $7)', [
      workspace,
      agent,
      seconds,
      input,
      output,
      cost,
      success,
    ]),
  );
};

describe('record_agent_execution', () => {
  test('updates the counts, extremes, averages and rates of the hour', async () => {
    const agent = await newAgent();
    expect(await record(service, agent, { seconds: 1.5 })).toMatchObject([
      { p50_execution_time_seconds: '1.5', p99_execution_time_seconds: '1.5' },
    ]);
    await record(service, agent, { seconds: 4.5, input: 200, output: 20, success: false });
    const [row] = await record(service, agent, { seconds: 3, input: 0, output: 0, cost: 0 });
    expect(row).toMatchObject({
      workspace_id: tenant.workspaceId,
      agent_id: agent,
      execution_count: 3,
      success_count: 2,
      failure_count: 1,
      error_count: 1,
      avg_execution_time_seconds: '3',
      min_execution_time_seconds: '1.5',
      max_execution_time_seconds: '4.5',
      total_input_tokens: 300,
      total_output_tokens: 30,
      avg_input_tokens_per_execution: '100.00',
      avg_output_tokens_per_execution: '10.00',
      total_cost_incurred: '1.0',
      avg_cost_per_execution: '0.333333',
      success_rate_percentage: '66.67',
      error_rate_percentage: '33.33',
    });
    const [now] = await database.query<{ day: Date; hour: number }>(
      `select (now() at time zone 'UTC')::date as day, extract(hour from now() at time zone 'UTC')::int as hour`,
    );
    expect(now).toEqual({ day: row?.measurement_date, hour: row?.measurement_hour });
  });

  test('counts every concurrent execution, in the row and in assignments', async () => {
    const agent = await newAgent();
    const workspace_id = tenant.workspaceId;
    const assign = async (assignment_status: string) =>
      insert(database, 'agent_assignments', {
        workspace_id,
        agent_id: agent,
        assignment_status,
        assigned_to_campaign_id: await insert(database, 'campaigns', { workspace_id, name: 'C' }),
      });
    const [first, second, paused] = [
      await assign('active'),
      await assign('active'),
      await assign('paused'),
    ];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        record(service, agent, { seconds: n + 1, success: n % 4 !== 0 }),
      ),
    );
    const rows = await database.query('select * from agent_performance where agent_id = $1', [
      agent,
    ]);
    expect(rows).toMatchObject([
      {
        execution_count: 40,
        success_count: 30,
        failure_count: 10,
        min_execution_time_seconds: '1',
        max_execution_time_seconds: '40',
        total_input_tokens: 4000,
        total_cost_incurred: '20.0',
        success_rate_percentage: '75.00',
      },
    ]);
    expect(Number(rows[0]?.avg_execution_time_seconds)).toBeCloseTo(20.5, 9);
    const assignments = await database.query(
      'select * from agent_assignments where agent_id = $1 order by array_position($2, id)',
      [agent, [first, second, paused]],
    );
    const counted = {
      tasks_completed: 30,
      tasks_failed: 10,
      total_tokens_used: 4400,
      total_cost_incurred: '20.0',
    };
    expect(assignments).toMatchObject([counted, counted, { tasks_completed: 0, tasks_failed: 0 }]);
  });

  test('a full token counter of an assignment does not stop the recording', async () => {
    const agent = await newAgent();
    await insert(database, 'agent_assignments', {
      workspace_id: tenant.workspaceId,
      agent_id: agent,
      total_tokens_used: 2_147_483_600,
    });
    await record(service, agent);
    expect(
      await database.query('select * from agent_assignments where agent_id = $1', [agent]),
    ).toMatchObject([{ total_tokens_used: 2_147_483_647, tasks_completed: 1 }]);
  });

  test('is allowed for trusted writers and Owners', async () => {
    const agent = await newAgent();
    expect(await record(tenant.actor('Owner'), agent)).toMatchObject([{ execution_count: 1 }]);
    expect(await record(service, agent)).toMatchObject([{ execution_count: 2 }]);
    for (const role of ['Strategist', 'Creator', 'Analyst', 'Viewer'] as const) {
      await expectRefusal(record(tenant.actor(role), agent), '42501', /role Owner/);
    }
    const foreign = record(stranger.actor('Owner'), agent);
    await expectRefusal(foreign, '42501', /role Owner/);
    await expectRefusal(record(service, randomUUID()), 'P0002', /no such agent/);
    const nowhere = record(service, agent, { workspace: randomUUID() });
    await expectRefusal(nowhere, 'P0002', /no such workspace/);
  });

  const bad: [field: string, execution: Execution][] = [
    ['seconds', { seconds: -1 }],
    ['seconds', { seconds: 'NaN' }],
    ['seconds', { seconds: 'Infinity' }],
    ['seconds', { seconds: null }],
    ['input_tokens', { input: -1 }],
    ['output_tokens', { output: null }],
    ['cost', { cost: -0.01 }],
    ['success', { success: null }],
  ];
  test.each(bad)('refuses a bad %s: %o', async (field, execution) => {
    await expectRefusal(record(service, await newAgent(), execution), '22023', RegExp(`^${field}`));
  });
});
