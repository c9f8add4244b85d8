import { describe, expect, it } from 'vitest';
import { Work, WorkStoppedError } from '../../src/context/work.ts';
import { eventually } from '../support/eventually.ts';
import {
  database,
  during,
  ENDS,
  held,
  LIMIT,
  nameOf,
  open,
  outcomeOf,
  pid,
  rename,
  sent,
  setUp,
  tenant,
  testDatabase,
} from './cancellation-world.ts';

setUp();

describe.each(ENDS)('when %s, work', (_, end, code) => {
  it.each([
    ['a read', (sql: string) => database.query(sql)],
    ['a read by Prisma', (sql: string) => database.prisma.$queryRawUnsafe(sql)],
    ['a snapshot', (sql: string) => database.inSnapshot(() => database.query(sql))],
  ])('cancels %s, and its connection can be used again', async (_, read) => {
    const before = await pid();
    await held(async ({ sql, waiting }) => {
      const work = new Work();
      const reading = outcomeOf(during(work, () => read(sql)));
      await waiting();
      end(work);
      // The error comes without waiting for Postgres.
      const error = await reading;
      expect(error).toBeInstanceOf(WorkStoppedError);
      expect((error as WorkStoppedError).reason.code).toBe(code);
      await waiting(0);
    });
    await eventually(() => database.connections()).toEqual({ total: 1, idle: 1, waiting: 0 });
    expect(await pid()).toBe(before);
  });

  it('starts neither queued nor new statements', async () => {
    await held(async ({ sql, waiting }) => {
      const work = new Work();
      const reading = during(work, () =>
        Promise.allSettled([
          ...Array.from({ length: 20 }, () => database.query(sql)),
          ...Array.from({ length: 20 }, () => database.prisma.campaign.findMany()),
        ]),
      );
      await waiting(2);
      end(work);
      const results = await reading;
      expect(results.map(({ status }) => status)).toEqual(Array(40).fill('rejected'));
      await expect(during(work, () => database.prisma.campaign.count())).rejects.toThrow(
        WorkStoppedError,
      );
      await expect(during(work, () => database.inSnapshot(async () => 1))).rejects.toThrow(
        WorkStoppedError,
      );
      expect(sent).toEqual([sql, sql]);
    });
  });

  it('starts no transaction', async () => {
    const work = new Work();
    end(work);
    const write = () => database.prisma.$transaction((tx) => tx.campaign.count());
    await expect(during(work, write)).rejects.toThrow(WorkStoppedError);
    await expect(during(work, () => database.transaction(async () => 1))).rejects.toThrow(
      WorkStoppedError,
    );
    expect(sent).toEqual([]);
  });

  it('stops waiting for a free connection', async () => {
    await held(async ({ sql, waiting, release }) => {
      const others = [1, 2].map(() =>
        during(new Work(), () => Promise.all([database.query(sql), database.query(sql)])),
      );
      await waiting(4);
      const work = new Work();
      const reading = outcomeOf(during(work, () => database.query('select 1')));
      await eventually(() => database.connections().waiting).toBe(1);
      end(work);
      expect(await reading).toBeInstanceOf(WorkStoppedError);
      await release();
      await Promise.all(others);
    });
    expect(sent).not.toContain('select 1');
    await eventually(() => database.connections()).toEqual({ total: 4, idle: 4, waiting: 0 });
  });
});

describe('a transaction that has started', () => {
  const WAYS = [
    [
      'by Prisma',
      (name: string, sql: string) =>
        database.prisma.$transaction(async (tx) => {
          await tx.campaign.update(rename(name));
          await tx.$queryRawUnsafe(sql);
          await tx.campaign.count();
        }),
    ],
    [
      'in a session',
      (name: string, sql: string) =>
        database.inTransaction(async (transaction) => {
          await database.prisma.campaign.update(rename(name));
          await database.query(sql);
          await database.prisma.campaign.count();
          await transaction.commit();
        }),
    ],
    [
      'in SQL',
      (name: string, sql: string) =>
        database.transaction(async (query) => {
          await query('update campaigns set name = $1 where id = $2', [
            name,
            tenant.campaignIds[0],
          ]);
          await query(sql);
          await query('select count(*) from campaigns');
        }),
    ],
  ] as const;

  it.each(WAYS)('%s is completed when its client disconnects', async (way, write) => {
    await held(async ({ sql, waiting, release }) => {
      const work = new Work();
      const writing = during(work, () => write(`finished ${way}`, sql));
      await waiting();
      work.leave();
      await waiting();
      await release();
      await writing;
    });
    expect(await nameOf()).toBe(`finished ${way}`);
  });

  it.each(WAYS)(
    '%s is rolled back at a limit, and its connection can be used again',
    async (way, write) => {
      const before = await pid();
      const name = await nameOf();
      await held(async ({ sql, waiting }) => {
        const work = new Work();
        const writing = outcomeOf(during(work, () => write(`kept ${way}`, sql)));
        await waiting();
        work.stop(LIMIT);
        expect(await writing).toMatchObject({ name: 'WorkStoppedError', reason: LIMIT });
        await waiting(0);
      });
      expect(await nameOf()).toBe(name);
      expect(await pid()).toBe(before);
      const [{ open } = { open: -1 }] = await testDatabase.query<{ open: number }>(
        `select count(*)::int as open from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
      );
      expect(open).toBe(0);
    },
  );

  it('is completed before the connections are closed', async () => {
    const own = open();
    await held(async ({ sql, waiting, release }) => {
      const work = new Work();
      const writing = during(work, () =>
        own.prisma.$transaction(async (tx) => {
          await tx.campaign.update(rename('closing'));
          await tx.$queryRawUnsafe(sql);
        }),
      );
      await waiting();
      work.leave();
      const closing = own.close();
      await release();
      await Promise.all([writing, closing]);
    });
    expect(await nameOf()).toBe('closing');
  });

  it('is not committed once a limit is reached between its statements', async () => {
    const name = await nameOf();
    const work = new Work();
    const writing = during(work, () =>
      database.prisma.$transaction(async (tx) => {
        await tx.campaign.update(rename('too late'));
        work.stop(LIMIT);
      }),
    );
    await expect(writing).rejects.toThrow(WorkStoppedError);
    expect(await nameOf()).toBe(name);
    await eventually(() => database.connections().waiting).toBe(0);
  });

  it('can be retried as part of the same write after its client has disconnected', async () => {
    const work = new Work();
    const write = () => database.prisma.$transaction((tx) => tx.campaign.update(rename('again')));
    await during(work, () =>
      work.finish(async () => {
        work.leave();
        // Reads outside of the transaction are part of the write too.
        await database.prisma.campaign.count();
        await write();
      }),
    );
    expect(await nameOf()).toBe('again');
    await expect(during(work, write)).rejects.toThrow(WorkStoppedError);
  });
});
