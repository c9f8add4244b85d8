import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
import { SessionPool } from '../../src/context/database/pool.ts';
import { runInSession } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openProtocolTap, type ProtocolTap } from './protocol-tap.ts';
import { createTenant, type Tenant } from './tenants.ts';

const WHO = `select current_user as role, auth.uid() as person,
  current_workspace_id() as workspace, pg_backend_pid() as pid`;

let testDatabase: TestDatabase;
let a: Tenant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  a = await createTenant(testDatabase, 'a');
});

afterAll(() => testDatabase.close());

describe('messages to Postgres', () => {
  let tap: ProtocolTap;
  let database: Database;
  let roundTrips = 0;

  beforeAll(async () => {
    tap = await openProtocolTap(testDatabase.gatewayUrl);
    database = createDatabase({
      connectionString: tap.url,
      maxConnections: 1,
      onRoundTrip: () => {
        roundTrips += 1;
      },
    });
  });

  afterAll(async () => {
    await database.close();
    await tap.close();
  });

  /** Runs `fn` in a's session. Returns the types of the messages sent to Postgres. */
  async function messagesOf(fn: () => Promise<unknown>): Promise<string> {
    tap.takeMessages();
    roundTrips = 0;
    await runInSession(a.settings, fn);
    const messages = tap.takeMessages();
    expect(roundTrips).toBe(messages.split('S').length - 1);
    return messages;
  }

  it('a read is one batch with one Sync, and its statement is prepared once', async () => {
    const read = () => database.prisma.campaign.findMany({ where: { name: 'a' } });
    expect(await messagesOf(read)).toBe('PBEPBDES');
    expect(await messagesOf(read)).toBe('BEBES');
    expect(await messagesOf(() => database.query('select 1 as one'))).toBe('BEPBDES');
    expect(await messagesOf(() => database.query('select 1 as one'))).toBe('BEBES');
  });

  it('a read with relations is one batch', async () => {
    const read = () =>
      database.prisma.campaign.findMany({
        include: { workspace: true, quests: { take: 5 }, _count: { select: { quests: true } } },
      });
    expect(await messagesOf(read)).toBe('BEPBDES');
  });

  it('a transaction with one statement takes two round trips, an empty one none', async () => {
    const write = () =>
      database.prisma.$transaction((tx) => tx.campaign.updateMany({ data: { totalReach: 2 } }));
    await messagesOf(write);
    expect(await messagesOf(write)).toBe('BEBEBES' + 'BES');
    await messagesOf(() => database.transaction((query) => query('select 1 as one')));
    expect(await messagesOf(() => database.transaction((query) => query('select 1 as one')))).toBe(
      'BEBEBES' + 'BES',
    );
    expect(await messagesOf(() => database.transaction(async () => 1))).toBe('');
  });

  it('a prepared statement is closed when there are more than the limit', async () => {
    for (let index = 0; index < 110; index += 1) {
      await runInSession(a.settings, () => database.query(`select ${index} as number`));
    }
    expect(await messagesOf(() => database.query('select 1000 as number'))).toBe('CBEPBDES');
    const [count] = await runInSession(a.settings, () =>
      database.query<{ count: string }>('select count(*) from pg_prepared_statements'),
    );
    expect(Number(count?.count)).toBe(100);
  });
});

describe('a connection', () => {
  let pool: SessionPool;

  beforeAll(() => {
    pool = new SessionPool({ connectionString: testDatabase.gatewayUrl, maxConnections: 1 });
  });

  afterAll(() => pool.end());

  /** Reads the settings of the pool's connection outside of any session. */
  async function settingsOfConnection() {
    const client = await new Promise<pg.PoolClient>((resolve, reject) => {
      pg.Pool.prototype.connect.call(pool, (error, taken) =>
        taken ? resolve(taken) : reject(error),
      );
    });
    try {
      const { rows } = await client.query(
        `select session_user = current_user as own_role, pg_backend_pid() as pid,
           coalesce(current_setting('request.jwt.claims', true), '') as claims,
           coalesce(current_setting('app.current_workspace_id', true), '') as workspace,
           current_setting('timezone') as timezone`,
      );
      expect(client.getTransactionStatus()).toBe('I');
      return rows[0];
    } finally {
      client.release();
    }
  }

  const clean = { own_role: true, claims: '', workspace: '', timezone: 'UTC' };

  it('keeps no settings of a session after success, error, commit or rollback', async () => {
    const run = (text: string) => runInSession(a.settings, () => pool.run({ text }));
    const transact = (...texts: string[]) =>
      runInSession(a.settings, async () => {
        const transaction = await pool.begin();
        try {
          for (const text of texts) await transaction.query({ text });
        } finally {
          transaction.release();
        }
      });
    await run(WHO);
    const { pid } = await settingsOfConnection();
    expect(await settingsOfConnection()).toEqual({ ...clean, pid });
    await expect(run('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    expect(await settingsOfConnection()).toEqual({ ...clean, pid });
    await expect(run('select nonsense')).rejects.toMatchObject({ code: '42703' });
    expect(await settingsOfConnection()).toEqual({ ...clean, pid });
    await transact('BEGIN', WHO, 'COMMIT');
    expect(await settingsOfConnection()).toEqual({ ...clean, pid });
    await transact('BEGIN', WHO, 'ROLLBACK');
    expect(await settingsOfConnection()).toEqual({ ...clean, pid });
  });

  it('is closed when it is released with an open transaction', async () => {
    const { pid } = await settingsOfConnection();
    await runInSession(a.settings, async () => {
      const transaction = await pool.begin();
      await transaction.query({ text: WHO });
      transaction.release();
    });
    const after = await settingsOfConnection();
    expect(after).toMatchObject(clean);
    expect(after.pid).not.toBe(pid);
  });

  it('uses UTC even if the connection string sets another time zone', async () => {
    const url = new URL(testDatabase.gatewayUrl);
    url.searchParams.set('options', '-c timezone=Asia/Kolkata -c enable_seqscan=off');
    const other = createDatabase({ connectionString: url.href });
    try {
      const [row] = await runInSession(a.settings, () =>
        other.query(
          "select current_setting('timezone') as zone, current_setting('enable_seqscan') as seqscan",
        ),
      );
      expect(row).toEqual({ zone: 'UTC', seqscan: 'off' });
    } finally {
      await other.close();
    }
  });

  it('prepares statements again when their tables have changed', async () => {
    await testDatabase.query('create table changing (value int)');
    await testDatabase.query('grant select on changing to authenticated');
    await testDatabase.query('insert into changing values (1)');
    const read = () => runInSession(a.settings, () => pool.run({ text: 'select * from changing' }));
    expect((await read()).rows).toEqual([{ value: 1 }]);
    expect((await read()).rows).toEqual([{ value: 1 }]);
    await testDatabase.query('alter table changing alter value type text');
    expect((await read()).rows).toEqual([{ value: '1' }]);
    await testDatabase.query('alter table changing add other int');
    expect((await read()).rows).toEqual([{ value: '1', other: null }]);
  });

  it('returns large results and special characters unchanged', async () => {
    const strings = ["'; drop table campaigns; --", '\\', '\u{1F600}\r\n\t', '$1', '', '{"a":1}'];
    const { rows } = await runInSession(a.settings, () =>
      pool.run({
        text: `select $1::text[] as strings, $2::text as big, $3::jsonb as json, $4::bytea as bytes
               from generate_series(1, 200)`,
        values: [strings, 'x'.repeat(100_000), { strings }, Buffer.from([0, 255, 1])],
      }),
    );
    expect(rows).toHaveLength(200);
    expect(rows[199]).toEqual({
      strings,
      big: 'x'.repeat(100_000),
      json: { strings },
      bytes: Buffer.from([0, 255, 1]),
    });
  });
});
