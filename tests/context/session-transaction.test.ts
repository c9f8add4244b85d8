import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createDatabase,
  type Database,
  type OpenTransaction,
} from '../../src/context/database/client.ts';
import { databaseError } from '../../src/context/database/database-errors.ts';
import { runInSession } from '../../src/context/session.ts';
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
let roundTrips = 0;
beforeEach(async () => {
  [sent, roundTrips] = [[], 0];
  database = createDatabase({
    connectionString: testDatabase.gatewayUrl,
    maxConnections: 1,
    statementTimeoutMs: 1_000,
    onStatement: (sql) => sent.push(sql),
    onRoundTrip: () => {
      roundTrips += 1;
    },
  });
  await testDatabase.query('update campaigns set total_reach = 0');
});
afterEach(() => database.close());

const inTransaction = <T>(fn: (transaction: OpenTransaction) => Promise<T>) =>
  runInSession(tenant.settings, () => database.inTransaction(fn));
const reach = (totalReach: number) =>
  database.prisma.campaign.updateMany({ data: { totalReach } }).then(({ count }) => count);
const reached = async () => {
  const rows = await testDatabase.query<{ total_reach: number }>(
    'select distinct total_reach::int from campaigns where workspace_id = $1',
    [tenant.workspaceId],
  );
  return rows.map((row) => row.total_reach);
};
const kindOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => databaseError(error)?.kind ?? String(error),
  );

describe('the transaction of a session', () => {
  it('runs the statements of Prisma and of SQL on one connection', async () => {
    await inTransaction(async (transaction) => {
      await reach(1);
      const [row] = await database.query<{ total_reach: number }>(
        'select total_reach::int from campaigns where workspace_id = $1 limit 1',
        [tenant.workspaceId],
      );
      expect(row?.total_reach).toBe(1);
      expect(await reached()).toEqual([0]);
      await transaction.commit();
    });
    expect(await reached()).toEqual([1]);
    expect(sent.map((sql) => sql.trim().split(/\s/, 1)[0])).toEqual([
      'BEGIN',
      'UPDATE',
      'select',
      'COMMIT',
    ]);
    expect(roundTrips).toBe(3);
  });

  it('rolls back what is not committed, and returns its connection to the pool', async () => {
    await inTransaction(() => reach(2));
    await expect(
      inTransaction(async () => {
        await reach(3);
        throw new Error('Given up');
      }),
    ).rejects.toThrow('Given up');
    expect(await reached()).toEqual([0]);
    await eventually(() => database.connections()).toEqual({ total: 1, idle: 1, waiting: 0 });
  });

  it('starts a new transaction after a rollback or commit', async () => {
    await inTransaction(async (transaction) => {
      await reach(4);
      await transaction.rollback();
      expect(await reached()).toEqual([0]);
      await reach(5);
      await transaction.commit();
      await reach(6);
      await transaction.commit();
    });
    expect(await reached()).toEqual([6]);
  });

  it('takes no connection without a statement', async () => {
    await inTransaction(async (transaction) => {
      expect(database.connections().total).toBe(0);
      await transaction.rollback();
      await transaction.commit();
    });
    expect(database.connections().total).toBe(0);
  });

  it('rejects later statements and the commit with its first error, and sends none of them', async () => {
    await inTransaction(async (transaction) => {
      await reach(7);
      const first = database.query('select 1 / 0');
      const second = database.query('select 2');
      const errors = await Promise.all(
        [first, second, transaction.commit()].map((each) => each.catch((error: unknown) => error)),
      );
      expect(new Set(errors)).toEqual(new Set([transaction.failure]));
      expect(sent.at(-1)).toBe('select 1 / 0');
    });
    expect(await reached()).toEqual([0]);
  });

  it('continues after a rollback to a savepoint, with little time left', async () => {
    await inTransaction(async (transaction) => {
      await reach(8);
      await database.prisma.$executeRawUnsafe('SAVEPOINT before');
      // Less than the statement timeout: a statement gets the time that is left as its timeout.
      transaction.limit(990);
      expect(await kindOf(database.query('select 1 / 0'))).toBe('invalidInput');
      await database.prisma.$executeRawUnsafe('ROLLBACK TO SAVEPOINT before');
      expect(transaction.failure).toBeUndefined();
      await transaction.commit();
    });
    expect(await reached()).toEqual([8]);
  });

  it("contains Prisma's own transactions, and is rolled back when one of them fails", async () => {
    await inTransaction(async (transaction) => {
      await database.prisma.$transaction(async (part) =>
        part.campaign.updateMany({ data: { totalReach: 9 } }),
      );
      expect(await reached()).toEqual([0]);
      await transaction.commit();
    });
    expect(await reached()).toEqual([9]);
    await inTransaction(async (transaction) => {
      await reach(10);
      const part = database.prisma.$transaction(async () => {
        throw new Error('Given up');
      });
      await expect(part).rejects.toThrow('Given up');
      await expect(transaction.commit()).rejects.toThrow(/rolled back/);
    });
    expect(await reached()).toEqual([9]);
    expect(sent.filter((sql) => sql === 'BEGIN')).toHaveLength(2);
  });

  it('refuses a statement after its end', async () => {
    let late: Promise<unknown> = Promise.resolve();
    await inTransaction(async (transaction) => {
      await reach(11);
      await transaction.commit();
      late = Promise.resolve()
        .then(() => new Promise((resolve) => setImmediate(resolve)))
        .then(() => reach(12));
    });
    await expect(late).rejects.toThrow(/ended/);
    expect(await reached()).toEqual([11]);
  });

  it('fails as unavailable when its connection is lost, and writes nothing', async () => {
    const kinds = await inTransaction(async (transaction) => {
      await reach(13);
      await testDatabase.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
      );
      return [await kindOf(reach(14)), await kindOf(transaction.commit())];
    });
    expect(kinds).toEqual(['unavailable', 'unavailable']);
    expect(await reached()).toEqual([0]);
    expect(await runInSession(tenant.settings, () => reach(15))).toBeGreaterThan(0);
  });
});

describe('the time limit of a transaction', () => {
  it('stops the statement that exceeds it', async () => {
    await inTransaction(async (transaction) => {
      await reach(16);
      transaction.limit(100);
      expect(await kindOf(database.query('select pg_sleep(0.9)'))).toBe('timeout');
    });
    expect(await reached()).toEqual([0]);
  });

  it('counts all statements together, and sends none after it', async () => {
    await inTransaction(async (transaction) => {
      await database.query('select 1');
      transaction.limit(900);
      await database.query('select pg_sleep(0.5)');
      expect(await kindOf(database.query('select pg_sleep(0.5)'))).toBe('timeout');
      await transaction.rollback();
      transaction.limit(1);
      await database.query('select 1').catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 5));
      const count = sent.length;
      expect(await kindOf(database.query('select 2'))).toBe('timeout');
      expect(sent).toHaveLength(count);
    });
  });

  it('ends with the transaction, and can be extended', async () => {
    await inTransaction(async (transaction) => {
      transaction.limit(500);
      await reach(17);
      transaction.limit(5_000);
      await database.query('select pg_sleep(0.6)');
      transaction.limit(500);
      await transaction.commit();
      await database.query('select pg_sleep(0.6)');
    });
    expect(await reached()).toEqual([17]);
  });

  it('does not raise the statement timeout', async () => {
    await inTransaction(async (transaction) => {
      transaction.limit(5_000);
      expect(await kindOf(database.query('select pg_sleep(3)'))).toBe('timeout');
    });
  });
});
