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

/** Runs `fn` as a separate request. */
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
  ])('with a pool of %i connections uses at most %i at a time', async (maxConnections, share) => {
    open({ maxConnections });
    await holding(testDatabase, async ({ sql, waiting, release }) => {
      const reading = request(() => many(30, sql));
      await waiting(share);
      // Later requests of others are answered in the meantime.
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

  it('has no acquire timeout while it waits for its own statements', async () => {
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
    'can read outside of its transaction while 20 others do so, with a pool of %i',
    async (max) => {
      open({ maxConnections: max, acquireTimeoutMs: max === 1 ? 200 : 5_000 });
      const write = () =>
        database.prisma.$transaction(
          async (tx) => {
            await tx.campaign.count();
            // Over another connection than the transaction's.
            await Promise.all([database.query('select 1'), database.prisma.campaign.count()]);
            return tx.campaign.count();
          },
          { maxWait: 20_000, timeout: 20_000 },
        );
      // A pool of one has no connection left to read with, so it fails.
      if (max === 1) {
        await expect(request(write)).rejects.toThrow(/connection/i);
        return;
      }
      const counts = await Promise.all(Array.from({ length: 20 }, () => request(write)));
      expect(counts).toEqual(Array(20).fill(20));
    },
  );

  it('does not start a transaction after it has timed out waiting for its turn', async () => {
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

  it('waits for its turn to start a transaction at most for the acquire timeout', async () => {
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

  it('can read in a snapshot with a pool of one connection', async () => {
    open({ maxConnections: 1 });
    const read = () => database.inSnapshot(() => many(5, 'select 1 as one'));
    const results = await Promise.all(Array.from({ length: 5 }, () => request(read)));
    expect(results.flat(2)).toHaveLength(25);
  });
});

describe('the time budget of a request', () => {
  const SLEEP = 'select pg_sleep(0.2)';

  it('counts statements that run at once, and cancels those that run when it is used up', async () => {
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

  it('counts statements that run one after the other', async () => {
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

  it('counts the statements of all sessions of its work', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const work = new Work();
    const read = async () => {
      for (let i = 0; i < 10; i += 1) await request(() => database.query(SLEEP), work);
    };
    await expect(read()).rejects.toThrow(WorkStoppedError);
    expect(sent.length).toBeLessThanOrEqual(3);
  });

  it('is multiplied by the number of requests that its work counts for', async () => {
    open({ maxConnections: 4, timeBudgetMs: 500 });
    const read = async () => {
      for (let i = 0; i < 4; i += 1) await database.query(SLEEP);
    };
    await request(read, new Work(10));
    expect(sent).toHaveLength(4);
  });

  it('rolls back an open transaction when it is used up', async () => {
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
