import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
} from '../../src/context/database/client.ts';
import { databaseError } from '../../src/context/database/database-errors.ts';
import { runInSession } from '../../src/context/session.ts';
import { Work, WorkStoppedError } from '../../src/context/work.ts';
import { holding } from '../server/support/held.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, type Tenant } from './tenants.ts';

let testDatabase: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  tenant = await createTenant(testDatabase, 'a');
});
afterAll(() => testDatabase.close());

let database: Database;
let sent: string[] = [];
const open = (options: Partial<DatabaseOptions>) => {
  sent = [];
  database = createDatabase({
    connectionString: testDatabase.gatewayUrl,
    onStatement: (sql) => sent.push(sql),
    ...options,
  });
};
afterEach(() => database?.close());

/** Runs something as a request of its own. */
const request = <T>(fn: () => Promise<T>, work = new Work()) =>
  runInSession(tenant.settings, fn, work);
const many = (count: number, sql: string) =>
  Promise.all(Array.from({ length: count }, () => database.query(sql)));

describe('one request', () => {
  it.each([
    [10, 5],
    [7, 3],
    [2, 1],
    [1, 1],
  ])('of a pool of %i connections has %i at a time', async (maxConnections, share) => {
    open({ maxConnections });
    await holding(testDatabase, async ({ sql, waiting, release }) => {
      const reading = request(() => many(30, sql));
      await waiting(share);
      // What others ask for meanwhile is answered, though it came later than all of that.
      if (maxConnections > share) {
        for (let i = 0; i < 5; i += 1) {
          expect(await request(() => database.query('select 1 as one'))).toEqual([{ one: 1 }]);
        }
      }
      await waiting(share);
      expect(sent.filter((text) => text === sql)).toHaveLength(share);
      await release();
      expect(await reading).toHaveLength(30);
    });
  });

  it('waits for its own statements without an end, not for a connection of others', async () => {
    open({ maxConnections: 4, acquireTimeoutMs: 200 });
    await holding(testDatabase, async ({ sql, waiting, release }) => {
      const reading = request(() => many(10, sql));
      await waiting(2);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await release();
      expect(await reading).toHaveLength(10);
    });
  });

  it.each([1, 2, 3, 10])(
    'reads beside its transaction, and so do 20 others: a pool of %i',
    async (max) => {
      open({ maxConnections: max, acquireTimeoutMs: max === 1 ? 200 : 5_000 });
      const write = () =>
        database.prisma.$transaction(
          async (tx) => {
            await tx.campaign.count();
            // By another connection than the transaction's.
            await Promise.all([database.query('select 1'), database.prisma.campaign.count()]);
            return tx.campaign.count();
          },
          { maxWait: 20_000, timeout: 20_000 },
        );
      // A pool of one has none to read by: that ends too, with an error.
      if (max === 1) {
        await expect(request(write)).rejects.toThrow(/connection/i);
        return;
      }
      const counts = await Promise.all(Array.from({ length: 20 }, () => request(write)));
      expect(counts).toEqual(Array(20).fill(20));
    },
  );

  it('leaves nothing behind of a transaction that it did not wait for', async () => {
    open({ maxConnections: 2 });
    const write = (sql: string, maxWait = 20_000) =>
      request(() => database.prisma.$transaction((tx) => tx.$queryRawUnsafe(sql), { maxWait }));
    await holding(testDatabase, async ({ sql, waiting, release }) => {
      const first = write(sql);
      await waiting();
      await expect(write('select 2', 100)).rejects.toThrow(/transaction/i);
      await release();
      await first;
    });
    await write('select 3');
    expect(sent).not.toContain('select 2');
    await eventually(() => database.connections()).toMatchObject({ idle: 1, waiting: 0 });
  });

  it('waits for its turn to begin a transaction no longer than for a connection', async () => {
    open({ maxConnections: 2, acquireTimeoutMs: 200 });
    await holding(testDatabase, async ({ sql, waiting, release }) => {
      const first = request(() => database.transaction((query) => query(sql)));
      await waiting();
      const error = await request(() => database.transaction((query) => query('select 2'))).catch(
        (refusal: unknown) => refusal,
      );
      expect(databaseError(error)?.kind).toBe('unavailable');
      await release();
      await first;
    });
    expect(await request(() => database.transaction((query) => query('select 3 as n')))).toEqual([
      { n: 3 },
    ]);
  });

  it('reads in its snapshot where it has a single connection', async () => {
    open({ maxConnections: 1 });
    const read = () => database.inSnapshot(() => many(5, 'select 1 as one'));
    const results = await Promise.all(Array.from({ length: 5 }, () => request(read)));
    expect(results.flat(2)).toHaveLength(25);
  });
});

describe('the time that a request has of the database', () => {
  const SLEEP = 'select pg_sleep(0.2)';

  it('is up when its statements have run for so long together, and the running ones are cancelled', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    await holding(testDatabase, async ({ sql, waiting }) => {
      const results = await request(() =>
        Promise.allSettled([...Array.from({ length: 20 }, () => database.query(sql))]),
      );
      const reasons = results.map((result) => result.status === 'rejected' && result.reason);
      expect(new Set(reasons).size).toBe(1);
      expect(reasons[0]).toBeInstanceOf(WorkStoppedError);
      expect(reasons[0].reason).toMatchObject({ code: 'TIMEOUT', status: 504 });
      expect(reasons[0].message).toMatch(/0\.5 seconds of the database's time.*less at a time/);
      await waiting(0);
    });
    expect(sent).toHaveLength(2);
    expect(await request(() => database.query('select 1 as one'))).toEqual([{ one: 1 }]);
  });

  it('is up for one statement after the other as well', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const work = new Work();
    const read = async () => {
      for (let i = 0; i < 10; i += 1) await database.query(SLEEP);
    };
    await expect(request(read, work)).rejects.toThrow(WorkStoppedError);
    expect(sent.length).toBeLessThanOrEqual(3);
    await expect(request(() => database.query('select 1'), work)).rejects.toThrow(WorkStoppedError);
    expect(sent).not.toContain('select 1');
  });

  it('is the time of all statements of its work, in whichever session', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const work = new Work();
    const read = async () => {
      for (let i = 0; i < 10; i += 1) await request(() => database.query(SLEEP), work);
    };
    await expect(read()).rejects.toThrow(WorkStoppedError);
    expect(sent.length).toBeLessThanOrEqual(3);
  });

  it('is that of as many requests as its work counts for', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const read = async () => {
      for (let i = 0; i < 4; i += 1) await database.query(SLEEP);
    };
    await request(read, new Work(10));
    expect(sent).toHaveLength(4);
  });

  it('takes a transaction back that has begun', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const where = { id: tenant.campaignIds[0] as string };
    const write = () =>
      database.prisma.$transaction(async (tx) => {
        await tx.campaign.update({ where, data: { name: 'too long' } });
        await tx.$queryRawUnsafe('select pg_sleep(5)::text');
      });
    await expect(request(write)).rejects.toThrow(WorkStoppedError);
    const { name } = await request(() => database.prisma.campaign.findUniqueOrThrow({ where }));
    expect(name).toBe('a');
    await eventually(() => database.connections()).toMatchObject({ idle: 1, waiting: 0 });
  });
});
