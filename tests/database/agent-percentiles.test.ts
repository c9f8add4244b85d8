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

const record = (agent: string, seconds: number) =>
  database.as(service, (query) =>
    query('select * from record_agent_execution($1, $2, $3, 1, 1, 0, true)', [
      tenant.workspaceId,
      agent,
      seconds,
    ]),
  );

/** Records all executions in one statement, in one hour. */
const recordMany = (agent: string, durations: number[]) =>
  database.as(service, (query) =>
    query(
      `select r.id from unnest($3::float8[]) as seconds,
         record_agent_execution($1, $2, seconds::numeric, 1, 1, 0, true) as r`,
      [tenant.workspaceId, agent, durations],
    ),
  );

/** The exact percentile by nearest rank. */
function percentile(durations: number[], share: number): number {
  const sorted = [...durations].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

describe('percentiles', () => {
  const shapes: [name: string, duration: (n: number) => number][] = [
    ['evenly spread', (n) => n / 10],
    ['long-tailed', (n) => 0.2 * Math.exp(((n * 7919) % 1000) / 150)],
    ['from a millisecond to a day', (n) => 0.001 * 86_400_000 ** (n / 1000)],
    ['all the same', () => 2.71],
  ];
  test.each(shapes)('percentiles are within 1 %%: %s', async (_, duration) => {
    const agent = await newAgent();
    const durations = Array.from({ length: 1000 }, (_, n) => Number(duration(n + 1).toFixed(6)));
    await recordMany(agent, durations);
    const [row] = await database.query('select * from agent_performance where agent_id = $1', [
      agent,
    ]);
    for (const [column, share] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      const exact = percentile(durations, share);
      const error = Math.abs(Number(row?.[`${column}_execution_time_seconds`]) / exact - 1);
      expect(error, column).toBeLessThanOrEqual(0.0101);
    }
  });

  test('durations beyond the histogram stay within the measured range', async () => {
    const agent = await newAgent();
    await recordMany(agent, [0, 0.0001]);
    const [short] = await record(agent, 0.0002);
    expect(Number(short?.p99_execution_time_seconds)).toBeLessThanOrEqual(0.0002);
    const [long] = await record(agent, 1_000_000);
    expect(Number(long?.p99_execution_time_seconds)).toBeLessThanOrEqual(1_000_000);
  });

  test('each workspace has its own histogram', async () => {
    const agent = await newAgent();
    await record(agent, 2);
    const count = (actor: Actor) =>
      database.as(actor, async (query) => {
        const rows = await query(
          `select from gateway.agent_execution_buckets
           where performance_id in (select id from agent_performance where agent_id = $1)
              or workspace_id = $2`,
          [agent, tenant.workspaceId],
        );
        return rows.length;
      });
    expect(await count(tenant.actor('Viewer'))).toBeGreaterThan(0);
    expect(await count(stranger.actor('Owner'))).toBe(0);
    expect(await count({ userId: tenant.people.Owner })).toBe(0);
    const forge = database.as(tenant.actor('Analyst'), (query) =>
      query(
        `insert into gateway.agent_execution_buckets (workspace_id, performance_id, bucket, executions)
         select workspace_id, id, 1, 1 from agent_performance where agent_id = $1`,
        [agent],
      ),
    );
    await expectRefusal(forge, '42501', /row-level security/);
  });
});

describe('agent_performance_daily', () => {
  test('sums up hours, with percentiles of all executions of the day', async () => {
    const agent = await newAgent();
    const [morning, evening] = [
      Array.from({ length: 50 }, (_, n) => n + 1),
      Array.from({ length: 10 }, (_, n) => 1000 + n),
    ];
    await recordMany(agent, morning);
    // Moves the executions so far to another hour of the day.
    await database.query(
      `update agent_performance set measurement_hour = (measurement_hour + 1) % 24 where agent_id = $1`,
      [agent],
    );
    await recordMany(agent, evening);
    const read = () =>
      database.as(tenant.actor('Viewer'), (query) =>
        query('select * from agent_performance_daily where agent_id = $1', [agent]),
      );
    const [day] = await read();
    const all = [...morning, ...evening];
    expect(day).toMatchObject({
      workspace_id: tenant.workspaceId,
      execution_count: 60,
      success_count: 60,
      min_execution_time_seconds: '1',
      max_execution_time_seconds: '1009',
      total_input_tokens: '60',
      success_rate_percentage: '100.00',
    });
    const mean = all.reduce((sum, seconds) => sum + seconds) / all.length;
    expect(Number(day?.avg_execution_time_seconds)).toBeCloseTo(mean, 4);
    for (const [column, share] of [
      ['p50', 0.5],
      ['p95', 0.95],
    ] as const) {
      const exact = percentile(all, share);
      const error = Math.abs(Number(day?.[`${column}_execution_time_seconds`]) / exact - 1);
      expect(error, column).toBeLessThanOrEqual(0.0101);
    }

    // A row that sums up the day is not counted in addition to its hours, and percentiles are not guessed.
    const row = { workspace_id: tenant.workspaceId, agent_id: agent, execution_count: 7 };
    await insert(database, 'agent_performance', {
      ...row,
      measurement_date: day?.measurement_date,
    });
    expect(await read()).toMatchObject([{ execution_count: 60 }]);
    await insert(database, 'agent_performance', {
      ...row,
      measurement_date: day?.measurement_date,
      measurement_hour: (new Date().getUTCHours() + 2) % 24,
    });
    expect(await read()).toMatchObject([{ execution_count: 67, p50_execution_time_seconds: null }]);
  });

  test('uses the row of the whole day if there are no hours', async () => {
    const agent = await newAgent();
    await insert(database, 'agent_performance', {
      workspace_id: tenant.workspaceId,
      agent_id: agent,
      measurement_date: '2026-01-05',
      execution_count: 12,
      error_count: 3,
      p95_execution_time_seconds: 9.5,
    });
    expect(
      await database.query('select * from agent_performance_daily where agent_id = $1', [agent]),
    ).toMatchObject([
      { execution_count: 12, p95_execution_time_seconds: '9.5', error_rate_percentage: '25.00' },
    ]);
  });
});
