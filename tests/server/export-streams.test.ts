import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { SessionPool } from '../../src/context/database/pool.ts';
import { createExportPool, MOST_EXPORTS } from '../../src/server/export/export-pool.ts';
import { type Api, type GatewayChanges, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';
import {
  type Download,
  download,
  exportPath,
  type PausedDownload,
  pausedDownload,
  readNdjson,
} from './support/exports.ts';

/** More than the system keeps for a client that does not read. */
const ROWS = 4_000;
const PATH = exportPath('systemAlerts.ndjson', { columns: 'id,message' });

let database: TestDatabase;
let pool: SessionPool;
let metrics: Registry;
let tenants: [Tenant, Tenant, Tenant];
let api: Api;
let fetches = 0;
const onStatement = (sql: string) => {
  if (sql.startsWith('FETCH')) fetches += 1;
};
const open = (changes: GatewayChanges = {}) => openApi(database, 2, { metrics, ...changes });
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createExportPool({ connectionString: database.gatewayUrl, onStatement });
  metrics = new Registry();
  tenants = [
    await createTenant(database),
    await createTenant(database),
    await createTenant(database),
  ];
  for (const { workspaceId } of tenants) {
    await database.query(
      `insert into system_alerts (workspace_id, alert_type, title, message)
       select $1, 'error', 'Alert', repeat('x', 4000) from generate_series(1, ${ROWS})`,
      [workspaceId],
    );
  }
  api = await open({ exports: { pool } });
}, 60_000);
afterAll(async () => {
  await api?.close();
  await pool?.end();
  await database?.close();
});
afterEach(() => eventually(working).toBe(0));

/** Connections of exports that run a statement or hold a transaction open. */
async function working(): Promise<number> {
  const rows = await database.query(
    `select from pg_stat_activity
     where datname = current_database() and usename = 'codex_gateway' and state <> 'idle'
       and (query like 'FETCH%' or query like 'DECLARE%')`,
  );
  return rows.length;
}

const headersOf = async ({ people, workspaceId }: Tenant) =>
  (await api.as(people.Viewer, workspaceId)).headers;
const begin = async (tenant: Tenant, { url } = api) =>
  pausedDownload(`${url}${PATH}`, await headersOf(tenant));
const ask = async (tenant: Tenant): Promise<Download> =>
  download(`${api.url}${PATH}`, { headers: await headersOf(tenant) });
const length = async (paused: PausedDownload) => (await paused.text()).length;
const metric = async (name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.metrics())?.[1]);
const outcome = (name: string) => metric(`codex_exports_total\\{outcome="${name}"\\}`);

it('an export is read as its client reads, and there is one of a workspace, and two in all', async () => {
  fetches = 0;
  const first = await begin(tenants[0]);
  expect(first.status).toBe(200);
  const again = await ask(tenants[0]);
  expect(again.status).toBe(429);
  expect(again.headers.get('retry-after')).toBe('10');
  const [error] = JSON.parse(again.text).errors;
  expect(error.extensions).toEqual({ code: 'TOO_MANY_REQUESTS' });
  expect(error.message).toContain('This workspace has an export running');

  const second = await begin(tenants[1]);
  expect(second.status).toBe(200);
  const third = await ask(tenants[2]);
  expect([third.status, third.headers.get('retry-after')]).toEqual([429, '10']);
  expect(pool.totalCount).toBe(MOST_EXPORTS);
  expect(await metric('codex_exports_running')).toBe(2);

  const before = fetches;
  const finished = await outcome('finished');
  for (const each of [first, second]) {
    const rows = readNdjson(await each.text());
    expect(new Set(rows.map(({ id }) => id)).size).toBe(ROWS);
  }
  // Neither was read ahead of its client.
  expect(before).toBeLessThan(fetches / 2);
  await eventually(() => metric('codex_exports_running')).toBe(0);
  expect(await outcome('finished')).toBe(finished + 2);
  expect((await ask(tenants[2])).status).toBe(200);
});

it('a client that leaves half-way ends its export, and the connection is used again', async () => {
  const left = await outcome('left');
  const leaving = await begin(tenants[0]);
  expect(await working()).toBe(1);
  leaving.leave();
  await eventually(() => outcome('left')).toBe(left + 1);
  expect(await working()).toBe(0);
  const connections = pool.totalCount;
  expect(pool.idleCount).toBe(connections);
  expect((await ask(tenants[0])).status).toBe(200);
  expect(pool.totalCount).toBe(connections);
});

it('a client that leaves before the first row cancels the statement', async () => {
  const headers = await headersOf(tenants[0]);
  const leaving = new AbortController();
  let asked: Promise<unknown> = Promise.resolve();
  await database.as({ role: 'service_role' }, async (query) => {
    await query('lock table system_alerts in access exclusive mode');
    asked = fetch(`${api.url}${PATH}`, { headers, signal: leaving.signal }).catch(() => 'left');
    await eventually(working).toBe(1);
    leaving.abort();
    await eventually(working).toBe(0);
  });
  expect(await asked).toBe('left');
});

it('a client that does not read is cut off', async () => {
  const impatient = await open({ exports: { pool, stallMs: 100 }, metrics: new Registry() });
  try {
    const stalled = await begin(tenants[0], impatient);
    expect(stalled.status).toBe(200);
    await eventually(working).toBe(0);
    await expect(length(stalled)).rejects.toThrow();
  } finally {
    await impatient.close();
  }
});

it('an export that fails does not look complete', async () => {
  const failed = await outcome('failed');
  const reading = await begin(tenants[0]);
  const end = () =>
    database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and query like 'FETCH%' and state = 'idle in transaction'`,
    );
  await eventually(async () => (await end()).length).toBe(1);
  await expect(length(reading)).rejects.toThrow();
  await eventually(() => outcome('failed')).toBe(failed + 1);
  expect((await ask(tenants[0])).status).toBe(200);
});

it('a gateway that stops lets an export finish, and cuts it off after a while', async () => {
  for (const graceMs of [20_000, 100]) {
    const stopping = await open({ exports: { pool }, metrics: new Registry() });
    const reading = await begin(tenants[0], stopping);
    const stopped = stopping.close(graceMs);
    if (graceMs > 1_000) expect(readNdjson(await reading.text())).toHaveLength(ROWS);
    await stopped;
    if (graceMs < 1_000) await expect(length(reading)).rejects.toThrow();
  }
});
