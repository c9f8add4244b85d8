import { once } from 'node:events';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MEMBERSHIP_CHECKS } from '../../src/context/workspace.ts';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { DEPARTURES } from './support/departing.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { holding } from './support/held.ts';

const CAMPAIGNS = '{ campaigns { nodes { name } } }';
const ALERTS = '{ systemAlerts { totalCount } }';
const CREATE = (name: string) =>
  `mutation { createCampaign(input: { name: "${name}" }) { campaign { name } } }`;

const CONNECTIONS = 4;
const CLIENTS = 50;

const metrics = new Registry();
let database: TestDatabase;
let gateway: TestGateway;
let tenant: Tenant;
let headers: Record<string, string>;
let statements: string[] = [];
let roundTrips = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  await insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name: 'Held' });
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: true,
    metrics,
    maxConnections: CONNECTIONS,
    statementTimeoutMs: 20_000,
    onStatement: (sql) => void statements.push(sql),
    onRoundTrip: () => {
      roundTrips += 1;
    },
  });
  const sub = tenant.people.Owner;
  headers = {
    authorization: `Bearer ${await token({ sub, exp: Math.floor(Date.now() / 1000) + 600 })}`,
    'x-workspace-id': tenant.workspaceId,
  };
  const known = [CAMPAIGNS, ALERTS, ...names.map(CREATE)];
  for (const query of known) expect((await gateway.ask(query, headers)).errors).toBeUndefined();
  await database.query('delete from campaigns where name = any ($1)', [names]);
  // All reads and writes of campaigns wait.
  await database.query(
    `create policy held on campaigns as restrictive to authenticated
     using (pg_advisory_xact_lock_shared(1)::text = '')`,
  );
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});
beforeEach(() => {
  [statements, roundTrips] = [[], 0];
});

const names = Array.from({ length: CONNECTIONS }, (_, n) => `Left ${n}`);

/** The number of people's requests in flight. */
async function inFlight(): Promise<number> {
  const all = await metrics.metrics();
  return Number(
    /codex_quota_in_use\{resource="requests",scope="person"\} (\d+)/.exec(all)?.[1] ?? 0,
  );
}

/** Sends each query on its own connection. Returns a function that disconnects all clients. */
async function begin(way: string, queries: readonly string[]): Promise<() => void> {
  const send = DEPARTURES[way];
  if (!send) throw new Error(`No client disconnects like this: ${way}`);
  const leaving = await Promise.all(queries.map((query) => send(gateway.url, headers, query)));
  await eventually(inFlight).toBe(queries.length);
  return () => {
    for (const leave of leaving) leave();
  };
}

describe.each(['POST, hung up', 'POST, reset'])(
  'when clients of the fast lane disconnect (%s)',
  (way) => {
    it('their running reads are cancelled, and their waiting reads are never sent', async () => {
      await holding(database, async ({ waiting }) => {
        const leave = await begin(way, Array<string>(CLIENTS).fill(CAMPAIGNS));
        await waiting(CONNECTIONS);
        leave();
        await waiting(0);
        await eventually(inFlight).toBe(0);
        const sent = statements.filter((sql) => sql.includes('"campaigns"'));
        expect(sent).toHaveLength(CONNECTIONS);
        // All of them came from the fast lane.
        for (const sql of sent) expect(sql).toContain(MEMBERSHIP_CHECKS.chosen);
        const { data } = await gateway.ask(ALERTS, headers);
        expect(data).toEqual({ systemAlerts: { totalCount: 0 } });
      });
      const { data } = await gateway.ask(CAMPAIGNS, headers);
      expect(data).toEqual({ campaigns: { nodes: [{ name: 'Held' }] } });
      expect(gateway.log).toEqual([]);
    });
  },
);

it('sends nothing to the database for clients that disconnect right after asking', async () => {
  const body = JSON.stringify({ query: CAMPAIGNS });
  const head = Object.entries({
    ...headers,
    host: new URL(gateway.url).host,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) {
    socket.write(`POST /graphql HTTP/1.1\r\n${head.join('')}\r\n${body}`);
    socket.resetAndDestroy();
  }
  await Promise.all(closed);
  expect((await gateway.ask(ALERTS, headers)).errors).toBeUndefined();
  await eventually(inFlight).toBe(0);
  expect(statements.filter((sql) => sql.includes('"campaigns"'))).toEqual([]);
  expect(gateway.log).toEqual([]);
});

describe.each(['POST, hung up', 'POST, reset'])(
  'when clients of a write disconnect (%s)',
  (way) => {
    it('the write continues and is committed once', async () => {
      await holding(database, async ({ waiting, release }) => {
        const leave = await begin(way, names.map(CREATE));
        await waiting(CONNECTIONS);
        leave();
        // Long enough for cancel requests, which would be sent at once.
        await new Promise((resolve) => setTimeout(resolve, 100));
        await waiting(CONNECTIONS);
        await release();
        await eventually(inFlight).toBe(0);
      });
      expect(roundTrips).toBe(CONNECTIONS);
      const written = await database.query(
        'delete from campaigns where name = any ($1) returning name',
        [names],
      );
      expect(written.map(({ name }) => name).sort()).toEqual(names);
      expect((await gateway.ask(ALERTS, headers)).errors).toBeUndefined();
      expect(gateway.log).toEqual([]);
    });
  },
);
