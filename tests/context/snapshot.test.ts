import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
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
beforeEach(() => {
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
});
afterEach(() => database.close());

const inSnapshot = <T>(fn: () => Promise<T>) =>
  runInSession(tenant.settings, () => database.inSnapshot(fn));
const count = () => database.prisma.campaign.count();
const addCampaign = () =>
  testDatabase.query(`insert into campaigns (workspace_id, name) values ($1, 'Another')`, [
    tenant.workspaceId,
  ]);

describe('a snapshot', () => {
  it('hides from all its statements what is committed after its start', async () => {
    const [before, during, listed] = await inSnapshot(async () => {
      const first = await count();
      await addCampaign();
      const rows = await database.prisma.campaign.findMany();
      const [{ n } = { n: 0 }] = await database.query<{ n: number }>(
        'select count(*)::int as n from campaigns',
      );
      return [first, n, rows.length];
    });
    expect([during, listed]).toEqual([before, before]);
    expect(await runInSession(tenant.settings, count)).toBe((before ?? 0) + 1);
  });

  it('starts with its first statement', async () => {
    const before = await runInSession(tenant.settings, count);
    const seen = await inSnapshot(async () => {
      await addCampaign();
      return count();
    });
    expect(seen).toBe(before + 1);
  });

  it('takes one connection, and one round trip for each statement', async () => {
    const pids = await inSnapshot(() =>
      Promise.all(
        [1, 2, 3].map(() => database.query<{ pid: number }>('select pg_backend_pid() as pid')),
      ),
    );
    expect(new Set(pids.flat().map(({ pid }) => pid)).size).toBe(1);
    // The last one ends it, after the answer.
    await eventually(() => sent.at(-1)).toBe('ROLLBACK');
    expect(roundTrips).toBe(4);
    expect(database.connections()).toMatchObject({ total: 1, waiting: 0 });
  });

  it('shows only the rows of the session, and is read-only', async () => {
    const error = await inSnapshot(async () => {
      expect(await count()).toBeGreaterThan(0);
      return database.query(`update campaigns set name = 'x'`).catch((refusal: unknown) => refusal);
    });
    expect(error).toMatchObject({ code: '25006' });
    const { workspaceId: _, ...nowhere } = tenant.settings;
    expect(await runInSession(nowhere, () => database.inSnapshot(count))).toBe(0);
  });

  it('continues after a statement fails, even the first one', async () => {
    const failures = await inSnapshot(async () => {
      const first = database.query('select 1 / 0').catch((error: unknown) => error);
      const [, before] = await Promise.all([first, count()]);
      const second = await database.query('select pg_sleep(3)').catch((error: unknown) => error);
      await addCampaign();
      expect(await count()).toBe(before);
      return [await first, second];
    });
    expect(failures.map((error) => databaseError(error)?.kind)).toEqual([
      'invalidInput',
      'timeout',
    ]);
  });

  it('prepares statements again when their tables have changed', async () => {
    const read = () =>
      database.query<{ name: string }>('select name from workspaces where id = $1', [
        tenant.workspaceId,
      ]);
    await inSnapshot(read);
    for (const type of ['varchar(300)', 'text']) {
      await testDatabase.query(`alter table workspaces alter column name type ${type}`);
      const rows = await inSnapshot(async () => [await read(), await read()]);
      expect(rows).toMatchObject([[{ name: 'a' }], [{ name: 'a' }]]);
    }
  });

  it('returns its connection to the pool, unused or after an error', async () => {
    await inSnapshot(async () => {});
    await expect(
      inSnapshot(async () => {
        await count();
        throw new Error('Given up');
      }),
    ).rejects.toThrow('Given up');
    expect(await runInSession(tenant.settings, count)).toBeGreaterThan(0);
    await eventually(() => database.connections()).toEqual({ total: 1, idle: 1, waiting: 0 });
  });

  it('ends after the statements that were not awaited, without blocking its caller', async () => {
    let late: Promise<unknown> = Promise.resolve();
    let isOver = false;
    await inSnapshot(async () => {
      late = database.query('select pg_sleep(0.5)').finally(() => {
        isOver = true;
      });
    });
    expect(isOver).toBe(false);
    await expect(late).resolves.toHaveLength(1);
    expect(await runInSession(tenant.settings, count)).toBeGreaterThan(0);
  });

  it('can be opened again after its connection was lost', async () => {
    const error = await inSnapshot(async () => {
      const [row] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
      await testDatabase.query('select pg_terminate_backend($1)', [row?.pid]);
      return count().catch((lost: unknown) => lost);
    });
    expect(databaseError(error)?.kind).toBe('unavailable');
    expect(await inSnapshot(count)).toBeGreaterThan(0);
  });

  it('is separate for each of many requests', async () => {
    const counts = await Promise.all(
      Array.from({ length: 10 }, () =>
        inSnapshot(async () => {
          const first = await count();
          await addCampaign();
          return [first, await count()];
        }),
      ),
    );
    for (const [first, second] of counts) expect(second).toBe(first);
    const open = `select pid from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`;
    await eventually(() => testDatabase.query(open)).toEqual([]);
  });
});
