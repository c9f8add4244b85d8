import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/context/database/client.ts';
import { eventually } from '../support/eventually.ts';
import {
  database,
  failureOf,
  inA,
  limited,
  lost,
  pidOf,
  setUp,
  testDatabase,
} from './database-error-world.ts';

setUp();

describe('a lost connection', () => {
  const unavailable = { kind: 'unavailable' };
  const terminate = (pid?: number) => testDatabase.query('select pg_terminate_backend($1)', [pid]);

  it('fails only its statement, and the pool keeps working', async () => {
    for (const run of [
      () => database.query('select pg_sleep(20), pg_backend_pid()'),
      () => database.prisma.$queryRaw`select pg_sleep(20)::text`,
    ]) {
      const failure = failureOf(run);
      await eventually(() =>
        testDatabase.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where wait_event = 'PgSleep' and usename = 'codex_gateway' and datname = current_database()`,
        ),
      ).toHaveLength(1);
      expect(await failure).toMatchObject(unavailable);
      expect(await inA(() => database.prisma.campaign.count())).toBe(20);
    }
  });

  it('fails its transaction and leaks no connection', async () => {
    const failure = await failureOf(() =>
      database.transaction(async (query) => {
        await terminate(await pidOf(query));
        await query('select 1');
      }),
    );
    expect(failure).toMatchObject(unavailable);
    const inPrisma = await failureOf(() =>
      database.prisma.$transaction(async (tx) => {
        const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await terminate(row?.pid);
        await tx.campaign.count();
      }),
    );
    expect(inPrisma).toMatchObject(unavailable);
    await Promise.all([1, 2, 3].map(() => inA(() => database.query('select 1'))));
  });

  it('is reported and replaced if it was idle', async () => {
    const pid = await inA(() => pidOf(database.query));
    lost.length = 0;
    await terminate(pid);
    await eventually(() => lost.length).toBe(1);
    expect(await inA(() => pidOf(database.query))).not.toBe(pid);
  });
});

describe('without a free connection', () => {
  it('a statement fails after the acquire timeout', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    // An idle transaction keeps its connection and runs into no statement timeout.
    const busy = [1, 2].map(() => inA(() => limited.inSnapshot(() => released)));
    await eventually(() => limited.connections()).toMatchObject({ total: 2, idle: 0 });
    const [raw, prisma, transaction] = await Promise.all([
      failureOf(() => limited.query('select 1')),
      failureOf(() => limited.prisma.campaign.count()),
      failureOf(() => limited.prisma.$transaction((tx) => tx.campaign.count())),
    ]);
    for (const failure of [raw, prisma, transaction]) {
      expect(failure).toMatchObject({ kind: 'unavailable' });
    }
    release();
    await Promise.all(busy);
    expect(await inA(() => limited.prisma.campaign.count())).toBe(20);
  });

  it('a statement fails if the server is unreachable, refuses or does not respond', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const noDatabase = new URL(testDatabase.gatewayUrl);
    noDatabase.pathname = '/nowhere';
    const urls = [
      'postgres://x:x@127.0.0.1:1/x',
      'postgres://x@/x?host=/nowhere',
      `postgres://x:x@127.0.0.1:${port}/x`,
      noDatabase.href,
    ];
    for (const connectionString of urls) {
      const other = createDatabase({ connectionString, acquireTimeoutMs: 200 });
      const run = [
        () => other.query('select 1'),
        () => other.prisma.campaign.count(),
        () => other.prisma.$transaction((tx) => tx.campaign.count()),
      ];
      for (const fn of run) {
        expect(await failureOf(fn)).toMatchObject({ kind: 'unavailable' });
      }
      await other.close();
    }
    silent.close();
  });
});
