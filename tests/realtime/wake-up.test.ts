import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PollSchedule } from '../../src/realtime/poll-schedule.ts';
import { createPostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';
import { Received, raise } from './alerts.ts';
import { startProxy } from './proxy.ts';

let db: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
});

afterAll(() => db?.close());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** How long a delivery may take on a busy machine. A reader that is not woken waits for a minute. */
const PATIENCE_MS = 10_000;

/** Raises alerts one after the other, each once the reader has delivered the one before. */
async function raiseEach(
  received: Received,
  count: number,
  betweenMs = 20,
  query = db.query,
): Promise<void> {
  for (let n = 0; n < count; n++) {
    await pause(betweenMs + Math.random() * 20);
    const before = received.batches.length;
    await raise(query, tenant.workspaceId);
    await vi.waitUntil(() => received.batches.length > before, {
      timeout: PATIENCE_MS,
      interval: 1,
    });
  }
}

/** Listens as readers do, and counts: all, and those of one writer, since readers notify themselves. */
async function countNotifications() {
  const [client, writer] = [new pg.Client(db.gatewayUrl), new pg.Client(db.url)];
  await Promise.all([client.connect(), writer.connect()]);
  const { rows } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
  const counter = {
    count: 0,
    byWriter: 0,
    write: async <T extends object>(sql: string, values?: unknown[]) =>
      (await writer.query(sql, values)).rows as T[],
    stop: () => Promise.all([client.end(), writer.end()]),
  };
  client.on('notification', ({ processId }) => {
    counter.count += 1;
    if (processId === rows[0]?.pid) counter.byWriter += 1;
  });
  await client.query('LISTEN gateway_change');
  return counter;
}

describe('a reader', () => {
  it('is woken by each commit while there are few', async () => {
    const feed = await createPostgresFeed({
      connectionString: db.gatewayUrl,
      pollMs: 60_000,
      unheardPollMs: 60_000,
    });
    const received = new Received(feed);
    const notifications = await countNotifications();
    await raiseEach(received, 20, 200, notifications.write);
    await eventually(() => notifications.byWriter).toBe(20);
    await notifications.stop();
    await feed.close();
  });

  it('is woken by each of a hundred commits a second', async () => {
    const feed = await createPostgresFeed({ connectionString: db.gatewayUrl });
    const received = new Received(feed);
    await pause(200);
    const notifications = await countNotifications();
    await raiseEach(received, 50, 10, notifications.write);
    await eventually(() => notifications.byWriter).toBe(50);
    await notifications.stop();
    await feed.close();
  });

  it('polls while there are many commits, which do not wake it', async () => {
    const feed = await createPostgresFeed({ connectionString: db.gatewayUrl });
    const received = new Received(feed);
    await pause(200);
    const writeFor = async (ms: number) => {
      const end = performance.now() + ms;
      const write = async (): Promise<number> => {
        let count = 0;
        for (; performance.now() < end; count++) await raise(db.query, tenant.workspaceId);
        return count;
      };
      const counts = await Promise.all(Array.from({ length: 8 }, write));
      return counts.reduce((a, b) => a + b);
    };
    let commits = await writeFor(500);
    const notifications = await countNotifications();
    const busy = await writeFor(1_500);
    commits += busy;
    expect(busy).toBeGreaterThan(300);
    // If readers were not kept awake, there would be one every 25 ms: 60 of them.
    expect(notifications.count).toBeLessThan(20);
    await eventually(() => received.ids.length).toBe(commits);
    expect(new Set(received.ids).size).toBe(commits);
    // Then it sleeps again.
    await pause(500);
    await raiseEach(received, 5, 500, notifications.write);
    await eventually(() => notifications.byWriter).toBe(5);
    await notifications.stop();
    await feed.close();
  });

  it('finds changes without notifications, and reports that none arrive', async () => {
    const proxy = await startProxy(db.gatewayUrl);
    proxy.isDeaf = true;
    let unheard = 0;
    const feed = await createPostgresFeed({
      connectionString: proxy.url,
      pollMs: 60_000,
      onUnheard: () => {
        unheard += 1;
      },
    });
    const received = new Received(feed);
    await raiseEach(received, 20);
    await eventually(() => unheard).toBe(1);
    await raiseEach(received, 20);
    expect(unheard).toBe(1);
    await feed.close();
    await proxy.close();
  });

  it('notices that notifications no longer arrive', async () => {
    const proxy = await startProxy(db.gatewayUrl);
    let unheard = 0;
    const feed = await createPostgresFeed({
      connectionString: proxy.url,
      pollMs: 100,
      onUnheard: () => {
        unheard += 1;
      },
    });
    const received = new Received(feed);
    await pause(200);
    await raiseEach(received, 4);
    expect(unheard).toBe(0);
    proxy.isDeaf = true;
    await raiseEach(received, 24);
    await eventually(() => unheard).toBe(1);
    await feed.close();
    await proxy.close();
  });

  it('polls until a notification arrives, and sometimes sends one to itself', () => {
    const schedule = new PollSchedule({ pollMs: 250, unheardPollMs: 20 });
    schedule.connected(0);
    const steps = Array.from({ length: 600 }, (_, n) => {
      schedule.read(n * 20, { found: false, awake: false, isOnTime: true });
      return schedule.probe(n * 20);
    });
    const times = (wanted: string) => steps.flatMap((step, n) => (step === wanted ? n * 20 : []));
    expect(times('notify')).toEqual([0, 300, 600, 900, 2_900, 4_900, 6_900, 8_900, 10_900]);
    expect(times('unheard')).toEqual([10_000]);
    expect(schedule.waitMs(12_000)).toBe(20);
    schedule.heard();
    expect(schedule.waitMs(12_000)).toBe(250);
    expect(schedule.probe(20_000)).toBeNull();
  });

  it('stays awake if half of its scheduled reads find changes; reads after a wake-up do not count', () => {
    const keptAwake = (finds: (n: number) => boolean, isOnTime: boolean) => {
      const schedule = new PollSchedule({ pollMs: 250, unheardPollMs: 20 });
      const reads = Array.from({ length: 50 }, (_, n) => {
        schedule.read(n * 5, { found: finds(n), awake: true, isOnTime });
        return schedule.keepAwake(n * 5);
      });
      return reads.some((ms) => ms > 0);
    };
    expect(keptAwake(() => true, false)).toBe(false);
    expect(keptAwake((n) => (n % 5) % 2 === 1, true)).toBe(false);
    expect(keptAwake((n) => n % 5 < 3, true)).toBe(true);
  });

  it('pauses after a notification to itself, even with many commits', () => {
    const schedule = new PollSchedule({ pollMs: 250, unheardPollMs: 20 });
    schedule.connected(0);
    schedule.read(0, { found: true, awake: true, isOnTime: true });
    expect(schedule.waitMs(0)).toBeLessThan(5);
    expect(schedule.probe(0)).toBe('notify');
    expect(schedule.waitMs(0)).toBe(25);
    schedule.read(25, { found: true, awake: true, isOnTime: true });
    expect(schedule.waitMs(25)).toBeLessThan(5);
  });
});
