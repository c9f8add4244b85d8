import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { demoWorkspaces } from '../../prisma/seed/people.ts';
import { findEmbeddedPostgres } from '../../src/database/embedded.ts';
import { type Program, run } from '../server/support/process.ts';
import { eventually } from '../support/eventually.ts';
import { type Listener, listen, type Subscription, TRANSPORTS } from '../support/subscribe.ts';

const WORKSPACE = demoWorkspaces[0]?.id as string;
const ALERTS = `subscription ($after: String) {
  alertRaised(after: $after) { cursor node { title } }
}`;

let folder: string;
let gateway: Program;
let url: string;
let headers: Record<string, string>;
let sql: pg.Client;
let listeners: Listener[] = [];

async function start(): Promise<void> {
  gateway = run('src/main.ts', { PORT: '0', DATA_DIR: folder });
  [, url = ''] = await gateway.prints(
    /answers at (http:\/\/127\.0\.0\.1:\d+)\/graphql[\s\S]*Ctrl-C/,
  );
  const [, token = ''] = await gateway.prints(/^(eyJ\S+)$/m);
  headers = { authorization: `Bearer ${token}`, 'x-workspace-id': WORKSPACE };
  sql = new pg.Client((await findEmbeddedPostgres(folder))?.url());
  // The gateway stops its Postgres, which closes this connection.
  sql.on('error', () => {});
  await sql.connect();
}

async function stop(): Promise<void> {
  gateway.child.kill('SIGTERM');
  expect(await gateway.ends()).toBe(0);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-gateway-live-'));
  await start();
}, 120_000);
afterEach(() => {
  for (const listener of listeners) listener.close();
  listeners = [];
});
afterAll(async () => {
  gateway?.child.kill('SIGKILL');
  await gateway?.ends();
  const lock = join(folder, 'postgres', 'postmaster.pid');
  // Postgres stops a moment after the gateway was killed.
  await vi.waitUntil(async () => (await readFile(lock).catch(() => null)) === null, {
    timeout: 10_000,
  });
  await rm(folder, { recursive: true, force: true });
});

async function ask(query: string, variables = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = Object(await response.json());
  expect(errors).toBeUndefined();
  return data;
}

const raise = (title: string) =>
  sql.query(
    `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'error', $2)`,
    [WORKSPACE, title],
  );
const raiseByMutation = (title: string) =>
  ask(
    `mutation ($title: String!) {
       createSystemAlert(input: { alertType: ERROR, title: $title }) { errors { message } }
     }`,
    { title },
  );
const liveCursor = async () =>
  (await ask('{ systemAlerts { liveCursor } }')).systemAlerts.liveCursor;
const titles = (subscription: Subscription | undefined) =>
  subscription?.received().map((event) => event?.node?.title);

/** Subscribes over every transport, from the same cursor. */
function subscribeAll(after: string): Subscription[] {
  return TRANSPORTS.map((transport) => {
    const listener = listen(url, { headers }, transport);
    listeners.push(listener);
    return listener.subscribe(ALERTS, { after });
  });
}

it('sends changes made by SQL and by mutations, over every transport', async () => {
  const subscriptions = subscribeAll(await liveCursor());
  const expected: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    await raise(`By SQL ${n}`);
    await raiseByMutation(`By mutation ${n}`);
    expected.push(`By SQL ${n}`, `By mutation ${n}`);
  }
  for (const each of subscriptions) await eventually(() => titles(each)).toEqual(expected);
});

it('resumes from a cursor after a restart of the gateway and Postgres', async () => {
  const [subscription] = subscribeAll(await liveCursor());
  await raise('Before');
  await eventually(() => titles(subscription)).toEqual(['Before']);
  await stop();
  await eventually(() => listeners[0]?.closeCode()).toBe(1001);
  await start();
  await raise('During the restart');
  const again = subscribeAll(subscription?.received()[0].cursor);
  await raise('After');
  for (const each of again) {
    await eventually(() => titles(each)).toEqual(['During the restart', 'After']);
  }
}, 60_000);
