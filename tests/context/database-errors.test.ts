import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Query } from '../../src/context/database/client.ts';
import { type DatabaseFailure, databaseError } from '../../src/context/database/database-errors.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import {
  a,
  database,
  failureOf,
  inA,
  limited,
  pidOf,
  setUp,
  testDatabase,
} from './database-error-world.ts';

setUp();

describe('databaseError', () => {
  const cases: [sql: string, expected: Partial<DatabaseFailure>][] = [
    [
      'insert into probe values (1, null, 1)',
      { kind: 'unique', sqlstate: '23505', constraint: 'probe_pkey' },
    ],
    [
      'insert into probe values (2, gen_random_uuid(), 1)',
      { kind: 'foreignKey', sqlstate: '23503', constraint: 'probe_workspace_id_fkey' },
    ],
    [
      'insert into probe values (2, null, 0)',
      { kind: 'check', sqlstate: '23514', constraint: 'amount_is_positive' },
    ],
    ['insert into probe values (2)', { kind: 'notNull', sqlstate: '23502', columns: ['amount'] }],
    ['select * from closed', { kind: 'permission', sqlstate: '42501' }],
    [
      `insert into campaigns (workspace_id, name) values (gen_random_uuid(), 'x')`,
      { kind: 'permission', sqlstate: '42501' },
    ],
    ["select 'x'::text::uuid", { kind: 'invalidInput', sqlstate: '22P02' }],
    ["select 'x'::text::timestamptz", { kind: 'invalidInput', sqlstate: '22007' }],
    ['select 1 / 0', { kind: 'invalidInput', sqlstate: '22012' }],
    ['select pg_sleep(60)::text', { kind: 'timeout', sqlstate: '57014' }],
    ['select nonsense', { kind: 'unknown', sqlstate: '42703' }],
    ['insert into deferred values (77)', { kind: 'foreignKey', sqlstate: '23503' }],
  ];

  it.each(cases)('%s', async (sql, expected) => {
    const { query, transaction, prisma } = expected.kind === 'timeout' ? limited : database;
    await inA(() => query('select 1'));
    const pids = await Promise.all([1, 2].map(() => inA(() => pidOf(query))));
    expect(await failureOf(() => query(sql))).toMatchObject(expected);
    expect(await failureOf(() => transaction((run) => run(sql)))).toMatchObject(expected);
    expect(await failureOf(() => prisma.$queryRawUnsafe(sql))).toMatchObject(expected);
    expect(
      await failureOf(() => prisma.$transaction((tx) => tx.$executeRawUnsafe(sql))),
    ).toMatchObject(expected);
    expect(pids).toContain(await inA(() => pidOf(query)));
  });

  it("reads message, detail and hint of a function's own error", async () => {
    await testDatabase.query(`create function refuse() returns void language plpgsql as
      $$ begin raise exception 'not now' using detail = 'why', hint = 'wait'; end $$`);
    const expected = {
      kind: 'raised',
      sqlstate: 'P0001',
      message: 'not now',
      detail: 'why',
      hint: 'wait',
    };
    expect(await failureOf(() => database.query('select refuse()'))).toMatchObject(expected);
    expect(await failureOf(() => database.prisma.$queryRaw`select refuse()::text`)).toMatchObject(
      expected,
    );
  });

  it("reads Prisma's own errors", async () => {
    const { campaign, workspace } = database.prisma;
    const data = { name: 'x', workspaceId: a.workspaceId };
    const id = randomUUID();
    expect(await failureOf(() => campaign.update({ where: { id }, data: {} }))).toMatchObject({
      kind: 'notFound',
    });
    expect(await failureOf(() => campaign.create({ data: { ...data, id: 'x' } }))).toMatchObject({
      kind: 'invalidInput',
    });
    expect(
      await failureOf(() => campaign.create({ data: { ...data, totalReach: 'x' as never } })),
    ).toMatchObject({ kind: 'invalidInput' });
    expect(
      await failureOf(() => campaign.create({ data: { ...data, name: 'nul \0' } })),
    ).toMatchObject({ kind: 'invalidInput', sqlstate: '22021' });
    expect(
      await failureOf(() => campaign.create({ data: { name: 'x', workspaceId: id } })),
    ).toMatchObject({ kind: 'permission' });
    expect(
      await failureOf(() =>
        workspace.update({ where: { id: a.workspaceId }, data: { name: 'x'.repeat(300) } }),
      ),
    ).toMatchObject({ kind: 'invalidInput', sqlstate: '22001' });
  });

  it('reads serialization failures', async () => {
    const [id = ''] = a.campaignIds;
    const update = 'update campaigns set total_reach = total_reach + 1 where id = $1';
    const failed = await failureOf(() =>
      database.transaction(async (query) => {
        await query('select name from campaigns');
        await database.query(update, [id]);
        await query(update, [id]);
      }, 'REPEATABLE READ'),
    );
    expect(failed).toMatchObject({ kind: 'serialization', sqlstate: '40001' });
  });

  it('returns null for any other error', () => {
    expect(databaseError(new Error('other'))).toBeNull();
    expect(databaseError(undefined)).toBeNull();
  });
});

describe('a transaction', () => {
  const names = () => inA(() => database.query("select 1 from campaigns where name = 'new'"));
  const create = (tx: Pick<PrismaClient, 'campaign'>) =>
    tx.campaign.create({ data: { name: 'new', workspaceId: a.workspaceId } });

  it('is rolled back when its function rejects', async () => {
    const { prisma, transaction } = database;
    const stop = new Error('stop');
    const fail = () => Promise.reject(stop);
    await expect(inA(() => prisma.$transaction((tx) => create(tx).then(fail)))).rejects.toBe(stop);
    const insert = "insert into campaigns (workspace_id, name) values ($1, 'new')";
    await expect(
      inA(() => transaction((query) => query(insert, [a.workspaceId]).then(fail))),
    ).rejects.toBe(stop);
    expect(await names()).toEqual([]);
  });

  it('fails if its function ignores the error of a statement', async () => {
    const { prisma, transaction } = database;
    const swallowed = await failureOf(() =>
      prisma.$transaction(async (tx) => {
        await create(tx);
        await tx.$queryRaw`select 1 / 0`.catch(() => {});
      }),
    );
    expect(swallowed).toMatchObject({ sqlstate: '25P02' });
    expect(
      await failureOf(() => transaction((query) => query('select 1 / 0').catch(() => []))),
    ).toMatchObject({ sqlstate: '25P02' });
    expect(await names()).toEqual([]);
  });

  it('ends at its timeout and returns its connection to the pool', async () => {
    const failure = await failureOf(() =>
      database.prisma.$transaction((tx) => tx.$queryRaw`select pg_sleep(0.3)::text`, {
        timeout: 100,
      }),
    );
    expect(failure).toMatchObject({ kind: 'timeout' });
    await Promise.all([1, 2, 3].map(() => inA(() => database.query('select pg_sleep(0.05)'))));
    expect(database.connections().waiting).toBe(0);
  });

  it('runs its statements in order, even if they are sent at once', async () => {
    const numbers = await inA(() =>
      database.transaction((query) =>
        Promise.all(
          [1, 2, 3].map((number) => query<{ n: number }>('select $1::int as n', [number])),
        ),
      ),
    );
    expect(numbers.flat().map(({ n }) => n)).toEqual([1, 2, 3]);
  });

  it('uses the requested isolation level', async () => {
    const level = (rows: unknown) => rows as { level: string }[];
    const sql = "select current_setting('transaction_isolation') as level";
    const rows = await inA(() =>
      database.prisma.$transaction((tx) => tx.$queryRawUnsafe(sql), {
        isolationLevel: 'RepeatableRead',
      }),
    );
    expect(level(rows)).toEqual([{ level: 'repeatable read' }]);
    expect(await inA(() => database.transaction((query) => query(sql), 'SERIALIZABLE'))).toEqual([
      { level: 'serializable' },
    ]);
  });

  it('refuses statements once it has ended', async () => {
    let kept: Query | undefined;
    await inA(() =>
      database.transaction(async (query) => {
        kept = query;
      }),
    );
    await expect(kept?.('select 1')).rejects.toMatchObject({ code: '25P01' });
  });
});
