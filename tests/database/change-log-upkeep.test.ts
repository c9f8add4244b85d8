import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type Query } from '../support/database.ts';
import { expectRefusal } from '../support/tenant.ts';
import { type Connection, OpenLog, rowsOf } from './change-log.ts';

let log: OpenLog;

beforeAll(async () => {
  log = await OpenLog.create();
});
afterEach(() => log.disconnect());
afterAll(() => log.close());

describe('readers are woken', () => {
  const nobodyListens = () =>
    log.database.query(
      `select setval('gateway.readers_listen_until', 0), setval('gateway.readers_awake_until', 0)`,
    );
  const listener = async () => {
    const connection = await log.connect('gateway');
    await connection.query('listen gateway_change');
    return connection;
  };
  const heard = async (connection: Connection) => {
    await sleep(50);
    await connection.query('select');
    return connection.notifications.splice(0).length;
  };

  test('if there are any', async () => {
    await nobodyListens();
    const ear = await listener();
    await log.raise();
    expect(await heard(ear)).toBe(0);
    await log.after(await log.snapshot());
    await log.raise();
    expect(await heard(ear)).toBe(1);
  });

  test('by each of 100 commits a second, once by commits that follow closer, and once by a transaction', async () => {
    const ear = await listener();
    await log.reader.query('select gateway.open_change_log()');
    await sleep(50);
    await log.database.query(
      `do $$ begin
         for n in 1 .. 20 loop
           insert into system_alerts (workspace_id, alert_type, title)
           values ('${log.tenant.workspaceId}', 'error', 'Alert');
           commit;
         end loop;
       end $$`,
    );
    expect(await heard(ear)).toBeLessThan(10);
    await sleep(50);
    for (let n = 0; n < 5; n++) {
      await log.raise();
      await sleep(10);
    }
    expect(await heard(ear)).toBe(5);
    const long = await log.connect('superuser');
    await long.query('begin');
    for (let n = 0; n < 3; n++) {
      await log.raise(1, long);
      await sleep(40);
    }
    await log.raise();
    expect(await heard(ear)).toBe(1);
    await long.query('commit');
    expect(await heard(ear)).toBe(1);
  });

  test('not by statements without effect', async () => {
    const ear = await listener();
    await sleep(50);
    await log.database.query('update system_alerts set title = title');
    await log.database.query('delete from system_alerts where false');
    expect(await heard(ear)).toBe(0);
  });

  test('not while they are kept awake, for at most a second', async () => {
    const ear = await listener();
    await sleep(50);
    const keepAwake = (ms: number) =>
      log.reader.query('select gateway.keep_readers_awake($1)', [ms]);
    await keepAwake(3_600_000);
    expect(await heard(ear)).toBe(1);
    const awake = async () => (await log.after(await log.snapshot())).awake;
    expect(await awake()).toBe(true);
    await log.raise();
    await keepAwake(100);
    expect(await heard(ear)).toBe(0);
    await sleep(150);
    expect(await awake()).toBe(false);
    await log.raise();
    expect(await heard(ear)).toBe(1);
    await keepAwake(-5);
    expect(await awake()).toBe(false);
  });
});

describe('trimming', () => {
  const trim = async (...values: unknown[]) => {
    const places = values.map((_, n) => `$${n + 1}`).join(', ');
    const [row] = await log.reader.query<{ trimmed: string }>(
      `select gateway.trim_change_log(${places}) as trimmed`,
      values,
    );
    return Number(row?.trimmed);
  };
  const state = async () => {
    const [row] = await log.database.query<{ left: number; trimmed: string; newest: string }>(
      `select (select count(*)::int from gateway.change) as left, trimmed_xid::text as trimmed,
              (select max(xid)::text from gateway.change) as newest from gateway.change_log`,
    );
    return row as { left: number; trimmed: string; newest: string };
  };
  const age = (days: number) =>
    log.database.query(`update gateway.change set occurred_at = now() - $1 * interval '1 day'`, [
      days,
    ]);

  test('deletes what is older than seven days, in pages, and records the newest deleted transaction', async () => {
    await trim('0', 100_000);
    await log.raise(25);
    await age(8);
    const { newest } = await state();
    await log.raise(3);
    expect([await trim('7 days', 10), await trim('7 days', 10)]).toEqual([10, 10]);
    expect((await state()).trimmed).toBe(newest);
    expect([await trim(), await trim()]).toEqual([5, 0]);
    expect(await state()).toMatchObject({ left: 3, trimmed: newest });
  });

  test('by several sessions at once deletes nothing twice', async () => {
    await trim('0', 100_000);
    for (let n = 0; n < 10; n++) await log.raise(10);
    await age(8);
    const gateways = await Promise.all(Array.from({ length: 4 }, () => log.connect('gateway')));
    const counts = await Promise.all(
      gateways.map(async (gateway) => {
        let sum = 0;
        for (let page = -1; page !== 0; sum += Math.max(page, 0)) {
          const [row] = await gateway.query<{ trimmed: string }>(
            `select gateway.trim_change_log('7 days', 7) as trimmed`,
          );
          page = Number(row?.trimmed);
        }
        return sum;
      }),
    );
    expect(counts.reduce((a, b) => a + b)).toBe(100);
    expect(await state()).toMatchObject({ left: 0 });
  });

  test('keeps new changes even if their transaction began long ago', async () => {
    await trim('0', 100_000);
    const long = await log.connect('superuser');
    await long.query('begin; select pg_current_xact_id()');
    await log.raise(2);
    await age(8);
    const young = await log.raise(1, long);
    await long.query('commit');
    expect(await trim()).toBe(2);
    const left = await log.database.query('select row_id from gateway.change');
    expect(left).toEqual(young.map((row_id) => ({ row_id })));
  });

  test('refuses a negative duration', async () => {
    await expectRefusal(trim('-1 day'), '22023', /^keep/);
  });
});

describe('opening', () => {
  const open = async (connection: { query: Query } = log.reader) => {
    const [opened] = await connection.query<{ identity: string; key: Buffer; trimmed_xid: string }>(
      'select * from gateway.open_change_log()',
    );
    return opened as { identity: string; key: Buffer; trimmed_xid: string };
  };

  test('returns the same identity every time, and another one for every other database', async () => {
    const opened = await open();
    expect(await open()).toEqual(opened);
    expect(opened.key).toHaveLength(32);
    const copy = await createTestDatabase();
    expect((await open(copy)).identity).not.toBe(opened.identity);
    await copy.close();
  });

  test('restarts a log that was written on another server, once', async () => {
    const before = await open();
    await log.raise(3);
    await log.database.query(
      `update gateway.change_log set cluster = 'elsewhere', trimmed_xid = '9000000000'`,
    );
    const gateways = await Promise.all(Array.from({ length: 4 }, () => log.connect('gateway')));
    const logs = await Promise.all(gateways.map(open));
    expect(new Set(logs.map(({ identity }) => identity)).size).toBe(1);
    expect(logs[0]).toMatchObject({ key: before.key, trimmed_xid: '0' });
    expect(logs[0]?.identity).not.toBe(before.identity);
    expect(await log.database.query('select from gateway.change')).toEqual([]);
    const start = await log.snapshot();
    const ids = await log.raise();
    expect(rowsOf(await log.after(start))).toEqual(ids);
  });
});
