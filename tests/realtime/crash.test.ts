import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Position, parseSnapshot, type Snapshot } from '../../src/realtime/position.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { Deliveries, NOTHING_WRONG } from '../support/deliveries.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp, endOfLog, letReadersBe } from '../support/log.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';
import { alertsOf, Received, raise, replayed } from './alerts.ts';
import { OwnServer } from './own-server.ts';

let server: OwnServer;
let tenant: Tenant;
let feed: PostgresFeed;
let received: Received;
let resets: number;
let losses: unknown[];

beforeAll(async () => {
  server = await OwnServer.start();
  tenant = await createTenant(server.db);
});

afterAll(() => server?.remove());

beforeEach(async () => {
  resets = 0;
  losses = [];
  feed = await createPostgresFeed({
    connectionString: server.db.gatewayUrl,
    onError: (error) => losses.push(error),
  });
  received = new Received(feed);
  feed.onReset(() => {
    resets += 1;
  });
});

afterEach(() => feed.close());

const here = async (): Promise<Snapshot> => (await endOfLog(server.db)).seen;
const settled = () => caughtUp(feed, server.db);

/** Takes transaction ids that the server forgets when it crashes: nothing of them is written. */
async function takeTransactionIds(): Promise<void> {
  const client = new pg.Client(server.db.url);
  await client.connect();
  for (let n = 0; n < 50; n++) {
    await client.query('begin; select pg_current_xact_id(); rollback');
  }
  await client.end();
}

async function newestXid(): Promise<bigint> {
  const [row] = await server.db.query<{ xid: string }>(
    'select max(xid::text::bigint)::text as xid from gateway.change',
  );
  return BigInt(row?.xid ?? 0);
}

describe('when Postgres reuses transaction ids after a crash', () => {
  /** Returns a cursor from before the crash, and the rows that were committed after it. */
  async function crashBehindCursor() {
    await raise(server.db.query, tenant.workspaceId);
    await letReadersBe(server.db.query);
    // The feed connects again only after the ids were reused.
    await server.db.query('alter role codex_gateway nologin');
    await takeTransactionIds();
    const [row] = await server.db.query<{ xmax: string }>(
      'select pg_snapshot_xmax(pg_current_snapshot())::text as xmax',
    );
    const seen = await here();
    await settled();
    await server.crash();
    const ids = await raise(server.db.query, tenant.workspaceId);
    // Otherwise the test proves nothing.
    expect(await newestXid()).toBeLessThan(BigInt(row?.xmax ?? 0));
    await server.db.query('alter role codex_gateway login');
    return { seen, ids };
  }

  it('their changes are delivered, also to clients that resume', async () => {
    const { seen, ids } = await crashBehindCursor();
    await eventually(() => received.ids.slice(1)).toEqual(ids);
    await settled();
    const filter = alertsOf(tenant.workspaceId);
    const batches = await replayed(feed, { seen }, feed.position(), filter);
    expect(batches.flatMap(({ changes }) => changes.map(({ rowId }) => rowId))).toEqual(ids);
    expect(losses).toHaveLength(1);
    expect(resets).toBe(0);
  });

  it('their changes would be lost if snapshots were not cut off after the newest one in the log', async () => {
    const [source] = await server.db.query<{ text: string }>(
      `select pg_get_functiondef('gateway.change_snapshot'::regproc) as text`,
    );
    await server.db.query(
      `create or replace function gateway.change_snapshot() returns pg_snapshot
       language sql stable security definer as 'select pg_current_snapshot()'`,
    );
    try {
      const { seen } = await crashBehindCursor();
      // At least connected readers notice it.
      await eventually(() => resets).toBe(1);
      expect(received.ids.slice(1)).toEqual([]);
      const filter = alertsOf(tenant.workspaceId);
      expect(await replayed(feed, { seen }, { seen: await here() }, filter)).toEqual([]);
    } finally {
      await server.db.query(source?.text ?? '');
    }
  });
});

/** Crashes after a change was delivered; returns its position, undefined if the change was kept. */
async function loseWhatWasRead(): Promise<Position | undefined> {
  await letReadersBe(server.db.query);
  const client = new pg.Client(server.db.url);
  await client.connect();
  await client.query('set synchronous_commit = off');
  const query = async <T extends object>(sql: string, values?: unknown[]) =>
    (await client.query(sql, values)).rows as T[];
  const [lost] = await raise(query, tenant.workspaceId);
  await eventually(() => received.ids).toContain(lost);
  await client.end();
  const position = feed.position();
  await server.crash();
  const kept = await server.db.query('select from system_alerts where id = $1', [lost]);
  return kept.length === 0 ? position : undefined;
}

it('a log that lost delivered changes starts again', async () => {
  await raise(server.db.query, tenant.workspaceId);
  await settled();
  const filter = alertsOf(tenant.workspaceId);
  let future = await loseWhatWasRead();
  // The change is kept if the server happens to write it before the crash.
  while (!future) future = await loseWhatWasRead();
  await eventually(() => resets).toBe(1);
  await expect(feed.reach(future)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  const [start, before] = [feed.position(), received.ids.length];
  const ids = await raise(server.db.query, tenant.workspaceId);
  await eventually(() => received.ids.slice(before)).toEqual(ids);
  const batches = await replayed(feed, start, feed.position(), filter);
  expect(batches.flatMap(({ changes }) => changes.map(({ rowId }) => rowId))).toEqual(ids);
});

it('cursors wait while the server is down, and stay valid', async () => {
  const cursor = feed.seal(feed.position(), tenant.workspaceId);
  const ids = await raise(server.db.query, tenant.workspaceId);
  const seen = await here();
  await settled();
  await server.stop();
  const position = feed.open(cursor, tenant.workspaceId, 'after');
  const future = parseSnapshot(`${seen.xmax + 1n}:${seen.xmax + 1n}:`);
  await expect(feed.reach({ seen: future })).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
  });
  await feed.reach(position);
  await server.start();
  await settled();
  const batches = await replayed(feed, position, feed.position(), alertsOf(tenant.workspaceId));
  expect(batches.flatMap(({ changes }) => changes.map(({ rowId }) => rowId))).toEqual(ids);
  expect(losses).toHaveLength(1);
});

it('loses nothing while it crashes and restarts under writers', async () => {
  const deliveries = new Deliveries();
  feed.listen(({ changes }) => {
    for (const { rowId } of changes) deliveries.delivered(rowId);
  });
  let isOver = false;
  const write = async () => {
    while (!isOver) {
      const client = new pg.Client(server.db.url);
      client.on('error', () => {});
      const begun = Deliveries.now();
      let id = '';
      let isCommitting = false;
      try {
        await client.connect();
        while (!isOver) {
          id = randomUUID();
          isCommitting = false;
          await client.query('begin');
          await client.query(
            `insert into system_alerts (id, workspace_id, alert_type, title) values ($1, $2, 'error', 'A')`,
            [id, tenant.workspaceId],
          );
          isCommitting = true;
          await client.query('commit');
          deliveries.committed([id], begun);
        }
      } catch {
        if (isCommitting) deliveries.maybeCommitted([id], begun);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await client.end().catch(() => {});
    }
  };
  const writers = Array.from({ length: 8 }, write);
  for (let n = 0; n < 4; n++) {
    const before = deliveries.report().delivered;
    await new Promise((resolve) => setTimeout(resolve, 500));
    await eventually(() => deliveries.report().delivered - before).toBeGreaterThan(50);
    if (n % 2 === 0) await server.crash();
    else await server.restart();
  }
  isOver = true;
  await Promise.all(writers);
  await eventually(() => deliveries.isComplete).toBe(true);
  const report = deliveries.report();
  expect(report).toMatchObject(NOTHING_WRONG);
  expect(report.delivered).toBeGreaterThan(200);
  expect(resets).toBe(0);
});

describe('earlier cursors', () => {
  const refused = (code: string) => expect.objectContaining({ code, argument: 'after' });

  it('expire with a failover, and new changes are delivered', async () => {
    await raise(server.db.query, tenant.workspaceId);
    await settled();
    const cursor = feed.seal(feed.position(), tenant.workspaceId);
    await server.failOver();
    await eventually(() => resets).toBe(1);
    expect(() => feed.open(cursor, tenant.workspaceId, 'after')).toThrow(refused('CURSOR_EXPIRED'));
    const ids = await raise(server.db.query, tenant.workspaceId);
    await eventually(() => received.ids.slice(1)).toEqual(ids);
    const now = feed.seal(feed.position(), tenant.workspaceId);
    await server.restart();
    await settled();
    expect(resets).toBe(1);
    expect(feed.open(now, tenant.workspaceId, 'after')).toEqual(feed.position());
  });

  it('expire when an old copy is restored, and new changes are delivered', async () => {
    await raise(server.db.query, tenant.workspaceId);
    await server.stop();
    const old = await server.copy('old');
    await server.start();
    await raise(server.db.query, tenant.workspaceId);
    await settled();
    const cursor = feed.seal(feed.position(), tenant.workspaceId);
    await server.stop();
    server.use(old);
    await server.start();
    await eventually(() => resets).toBe(1);
    const position = feed.open(cursor, tenant.workspaceId, 'after');
    await expect(feed.reach(position)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    const ids = await raise(server.db.query, tenant.workspaceId);
    await eventually(() => received.ids.slice(2)).toEqual(ids);
  });
});
