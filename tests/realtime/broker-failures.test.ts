import { randomBytes } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerCodec, RESIGNED } from '../../src/realtime/broker-codec.ts';
import { openLog } from '../../src/realtime/log.ts';
import { parseSnapshot } from '../../src/realtime/position.ts';
import { createFeed } from '../../src/realtime/shared-feed.ts';
import { type BrokerKind, hasBroker } from '../support/brokers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';
import { Received, raise } from './alerts.ts';
import { startProxy } from './proxy.ts';
import { Replicas, SOON } from './replicas.ts';

let db: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
});

afterAll(() => db?.close());

/** Publishes like a stranger that can reach the broker. */
async function publish(kind: BrokerKind, url: string, subject: string, messages: string[]) {
  if (kind === 'nats') {
    const connection = await connect({ servers: new URL(url).host });
    for (const message of messages) connection.publish(subject, message);
    await connection.flush();
    await connection.close();
  } else {
    const client = await createClient({ url }).connect();
    for (const message of messages) await client.publish(subject, message);
    client.destroy();
  }
}

describe.each<BrokerKind>(['nats', 'redis'])('replicas connected by %s', (kind) => {
  if (!hasBroker(kind)) return it.skip('are not tested: there is no server');

  let replicas: Replicas;
  const raiseSome = (count = 2) => raise(db.query, tenant.workspaceId, count);

  beforeAll(async () => {
    replicas = await Replicas.start(kind, db);
    await replicas.open(3);
  });

  beforeEach(() => replicas.settle());

  afterAll(() => replicas?.stop());

  it('deliver changes after the connection of the reader is terminated', async () => {
    const [holder] = await replicas.lockHolders();
    await db.query('select pg_terminate_backend($1)', [holder]);
    const ids = await raiseSome();
    await replicas.receive(ids);
    await vi.waitFor(async () => {
      const holders = await replicas.lockHolders();
      expect(holders).toHaveLength(1);
      expect(holders).not.toEqual([holder]);
    }, SOON);
    await replicas.become('follower', 'follower', 'reader');
    await replicas.receive([...ids, ...(await raiseSome())]);
  });

  it('elect another reader at once when the reader stops', async () => {
    const { reader } = replicas;
    replicas.all = replicas.followers;
    await reader.feed.close();
    const began = performance.now();
    const ids = await raiseSome();
    await replicas.receive(ids);
    // Sooner than followers notice missing messages.
    expect(performance.now() - began).toBeLessThan(1_500);
    await replicas.become('follower', 'reader');
    await replicas.open(1);
  });

  it('elect another reader when the reader loses Postgres, which rejoins later', async () => {
    await replicas.closeAll();
    const proxy = await startProxy(db.gatewayUrl);
    const [lost] = await replicas.open(1, { connectionString: proxy.url });
    await replicas.become('reader');
    await replicas.open(2);
    await replicas.settle();
    proxy.target = 'postgresql://127.0.0.1:1/nowhere';
    proxy.cut();
    const all = replicas.all;
    replicas.all = all.filter((replica) => replica !== lost);
    const ids = await raiseSome();
    await replicas.receive(ids);
    await replicas.become('follower', 'reader');
    proxy.target = db.gatewayUrl;
    replicas.all = all;
    await replicas.receive(ids);
    await replicas.become('follower', 'follower', 'reader');
    await replicas.receive([...ids, ...(await raiseSome())]);
    await replicas.closeAll();
    await proxy.close();
    await replicas.open(3);
  });

  it('read for themselves while the broker is down', async () => {
    await replicas.server.stop('SIGKILL');
    await replicas.become('alone', 'alone', 'alone');
    const ids = await raiseSome();
    await replicas.receive(ids);
    await vi.waitFor(async () => expect(await replicas.lockHolders()).toEqual([]), SOON);
    // One error for each outage.
    for (const { errors } of replicas.all) expect(errors).toHaveLength(1);
    await replicas.server.start();
    await replicas.become('follower', 'follower', 'reader');
    await replicas.receive([...ids, ...(await raiseSome())]);
  });

  it('read for themselves while the broker does not respond', async () => {
    replicas.server.freeze(true);
    const ids = await raiseSome();
    await replicas.receive(ids);
    replicas.server.freeze(false);
    await replicas.become('follower', 'follower', 'reader');
    await replicas.receive([...ids, ...(await raiseSome())]);
  });

  it('start while the broker is down, and elect a reader when it is back', async () => {
    await replicas.closeAll();
    await replicas.server.stop();
    await replicas.open(2);
    const ids = await raiseSome();
    await replicas.receive(ids);
    expect(replicas.roles).toEqual(['alone', 'alone']);
    await replicas.server.start();
    await replicas.become('follower', 'reader');
    await replicas.receive([...ids, ...(await raiseSome())]);
    await replicas.open(1);
  });

  it('ignore messages of strangers', async () => {
    const client = new pg.Client(db.gatewayUrl);
    await client.connect();
    const log = await openLog(client);
    await client.end();
    const codec = new BrokerCodec(log);
    const { seen } = replicas.reader.feed.position();
    // Beyond the transaction ids of other tests on the same server.
    const last = seen.xmax + 1_000_000_000n;
    const here = { from: { seen }, to: { seen }, changes: [] };
    const ahead = { ...here, to: { seen: parseSnapshot(`${last}:${last}:`) } };
    const forger = new BrokerCodec({ ...log, key: randomBytes(32) });
    await publish(kind, replicas.server.url, codec.subject, [
      '',
      'nonsense',
      'x'.repeat(500_000),
      forger.seal(ahead),
      forger.seal(RESIGNED),
      codec.seal(here).slice(0, 43) + forger.seal(ahead).slice(43),
      new BrokerCodec({ ...log, identity: 'another' }).seal(ahead),
    ]);
    const ids = await raiseSome();
    await replicas.receive(ids);
    for (const { feed } of replicas.all) expect(feed.position().seen.xmax).toBeLessThan(last);
    // The same message with the right key has an effect, so the test would notice it.
    const before = replicas.all.map(({ roles }) => roles.length);
    await publish(kind, replicas.server.url, codec.subject, [codec.seal(RESIGNED)]);
    await vi.waitFor(() => {
      const since = replicas.all.flatMap(({ roles }, n) => roles.slice(before[n]));
      expect(since).toContain('alone');
    }, SOON);
  });

  it('share the feed if its options name the broker', async () => {
    const roles: string[] = [];
    const feed = await createFeed({
      connectionString: db.gatewayUrl,
      natsUrl: kind === 'nats' ? replicas.server.url : undefined,
      redisUrl: kind === 'redis' ? replicas.server.url : undefined,
      onRoleChange: (role) => roles.push(role),
    });
    await vi.waitFor(() => expect(roles).toEqual(['follower']), SOON);
    const received = new Received(feed);
    const ids = await raiseSome();
    await vi.waitFor(() => expect(received.ids).toEqual(ids), SOON);
    await feed.close();
  });
});

it('a feed without a broker reads the log itself', async () => {
  const roles: string[] = [];
  const feed = await createFeed({
    connectionString: db.gatewayUrl,
    onRoleChange: (role) => roles.push(role),
  });
  const received = new Received(feed);
  const ids = await raise(db.query, tenant.workspaceId, 2);
  await vi.waitFor(() => expect(received.ids).toEqual(ids), SOON);
  expect(roles).toEqual([]);
  await feed.close();
});
