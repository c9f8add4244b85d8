import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { covers } from '../../src/realtime/position.ts';
import { type BrokerKind, hasBroker } from '../support/brokers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING_WRONG } from '../support/deliveries.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';
import { Received, raise } from './alerts.ts';
import { startProxy } from './proxy.ts';
import { intercepted, Replicas, SOON, unreliable } from './replicas.ts';

const WRITERS = 8;
/** How often a follower reads for itself. */
const LOOK_MS = 5_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let db: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
});

afterAll(() => db?.close());

describe.each<BrokerKind>(['nats', 'redis'])('replicas connected by %s', (kind) => {
  if (!hasBroker(kind)) return it.skip('are not tested: there is no server');

  let replicas: Replicas;

  beforeAll(async () => {
    replicas = await Replicas.start(kind, db);
    await replicas.open(3);
  });

  afterAll(() => replicas?.stop());

  const write = (milliseconds: number) =>
    Promise.all(
      Array.from({ length: WRITERS }, () => replicas.write(tenant.workspaceId, milliseconds)),
    );

  const expectNothingWrong = () =>
    vi.waitFor(() => {
      for (const { deliveries } of replicas.all) {
        expect(deliveries.report()).toMatchObject(NOTHING_WRONG);
      }
    }, SOON);

  it('elect a reader, which sends every change once and in order', async () => {
    await replicas.settle();
    expect(await replicas.lockHolders()).toHaveLength(1);
    await write(1_500);
    await expectNothingWrong();
    expect(replicas.reader.deliveries.report().delivered).toBeGreaterThan(100);
    expect(replicas.all.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('receive the same changes and positions to resume from', async () => {
    await replicas.settle();
    const ids = await raise(db.query, tenant.workspaceId, 3);
    await replicas.receive(ids);
    const { places } = replicas.reader.received;
    for (const { received } of replicas.followers) expect(received.places).toEqual(places);
  });

  it('read from Postgres only in the reader', async () => {
    await replicas.settle();
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const begun = performance.now();
    const ids: string[] = [];
    for (let n = 0; n < 60; n++) {
      ids.push(...(await raise(db.query, tenant.workspaceId)));
      await pause(25);
    }
    await replicas.receive(ids);
    const reads = new Map<unknown, number>();
    query.mock.calls.forEach(([statement], call) => {
      const client = query.mock.contexts[call];
      if (/changes_(after|between)/.test((statement as { text?: string }).text ?? '')) {
        reads.set(client, (reads.get(client) ?? 0) + 1);
      }
    });
    query.mockRestore();
    const looks = 1 + Math.ceil((performance.now() - begun) / LOOK_MS);
    const [most = 0, ...others] = [...reads.values()].sort((a, b) => b - a);
    expect(most).toBeGreaterThan(25);
    // A follower sometimes reads what no message brought, and where the messages continue.
    const allowed = replicas.followers.length * 2 * looks;
    expect(others.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(allowed);
  });

  it('read up to the cursor of another replica before its message arrives', async () => {
    const held: (() => void)[] = [];
    let isHeld = false;
    const hold = intercepted((pass) => (isHeld ? void held.push(pass) : pass()));
    const [late] = await replicas.open(1, { wrap: hold });
    await replicas.settle();
    if (!late) throw new Error('There is no replica');
    isHeld = true;
    const ids = await raise(db.query, tenant.workspaceId, 2);
    const position = await replicas.position();
    await late.feed.reach(position);
    expect(late.received.ids).toEqual(ids);
    expect(covers(late.feed.position(), position)).toBe(true);
    isHeld = false;
    for (const pass of held) pass();
    await replicas.receive([...ids, ...(await raise(db.query, tenant.workspaceId))]);
    replicas.all.pop();
    await late.feed.close();
  });

  it('deliver a page that is too long for a message', async () => {
    await replicas.closeAll();
    await replicas.open(2, { pageSize: 9_000 });
    await replicas.settle();
    const ids = await raise(db.query, tenant.workspaceId, 10_000);
    await replicas.receive(ids);
    await replicas.receive([...ids, ...(await raise(db.query, tenant.workspaceId))]);
    expect(replicas.all.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('lose no change if the broker loses, repeats, delays and reorders messages', async () => {
    await replicas.closeAll();
    await replicas.open(3, { pageSize: 50, wrap: unreliable });
    await replicas.settle();
    const writing = write(3_000);
    for (let n = 0; n < 4; n++) {
      for (let client = 0; client < 10; client++) {
        await pause(60);
        const position = await replicas.position();
        for (const { feed } of replicas.all) void feed.reach(position).catch(() => {});
      }
      // So many that they come in pages.
      await raise(db.query, tenant.workspaceId, 500).then((ids) => {
        for (const { deliveries } of replicas.all) deliveries.committed(ids, 0);
      });
      for (const holder of n % 2 ? await replicas.lockHolders() : []) {
        await db.query('select pg_terminate_backend($1)', [holder]);
      }
    }
    await writing;
    await expectNothingWrong();
    for (const { deliveries } of replicas.all) {
      expect(deliveries.report().delivered).toBeGreaterThan(2_100);
    }
  });

  it('do not receive changes of another database', async () => {
    await replicas.closeAll();
    const other = await createTestDatabase();
    const otherTenant = await createTenant(other);
    const theirs = await replicas.open(2, { connectionString: other.gatewayUrl });
    await replicas.become('follower', 'reader');
    replicas.all = [];
    await replicas.open(2);
    await replicas.settle();
    const received = theirs.map(({ feed }) => new Received(feed));
    const ids = await raise(db.query, tenant.workspaceId, 2);
    const otherIds = await raise(other.query, otherTenant.workspaceId, 2);
    await replicas.receive(ids);
    await vi.waitFor(() => {
      for (const each of received) expect(each.ids).toEqual(otherIds);
    }, SOON);
    await Promise.all(theirs.map(({ feed }) => feed.close()));
    await other.close();
  });

  it.runIf(hasPgBouncer())(
    'share a reader behind a transaction pooler if they have a direct connection',
    async () => {
      await replicas.closeAll();
      const bouncer = await startPgBouncer('transaction', [db.gatewayUrl]);
      const pooled = {
        connectionString: bouncer.url(db.gatewayUrl),
        poolMode: 'transaction',
      } as const;
      await replicas.open(2, pooled);
      await pause(1_200);
      await replicas.receive(await raise(db.query, tenant.workspaceId, 2));
      expect(replicas.roles).toEqual(['alone', 'alone']);
      expect(await replicas.lockHolders()).toEqual([]);
      await replicas.closeAll();
      await replicas.open(2, { ...pooled, directUrl: db.gatewayUrl });
      await replicas.settle();
      await replicas.receive(await raise(db.query, tenant.workspaceId, 2));
      expect(await replicas.lockHolders()).toHaveLength(1);
      await replicas.closeAll();
      await bouncer.close();
    },
  );

  it('read for themselves behind a transaction pooler that the settings do not mention', async () => {
    await replicas.closeAll();
    const proxy = await startProxy(db.gatewayUrl);
    proxy.isDeaf = true;
    await replicas.open(2, { connectionString: proxy.url });
    await pause(1_200);
    await replicas.receive(await raise(db.query, tenant.workspaceId, 2));
    expect(replicas.roles).toEqual(['alone', 'alone']);
    expect(await replicas.lockHolders()).toEqual([]);
    // When notifications arrive again, they elect a reader although nothing is committed.
    proxy.isDeaf = false;
    await replicas.become('follower', 'reader');
    await replicas.closeAll();
    await proxy.close();
  });
});
