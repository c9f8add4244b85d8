import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { insert } from '../support/tenant.ts';
import { type Change, type News, OpenLog, rowsOf } from './change-log.ts';

let log: OpenLog;

beforeAll(async () => {
  log = await OpenLog.create();
});
afterEach(() => log.disconnect());
afterAll(() => log.close());

// There may be other running transactions, in other databases of the server.
const endOf = (snapshot: string) => snapshot.split(':')[1];

describe('a snapshot', () => {
  test('is followed by each later commit once, in any order of commits', async () => {
    const [first, second, third] = [
      await log.connect('superuser'),
      await log.connect('superuser'),
      await log.connect('superuser'),
    ];
    for (const connection of [first, second, third]) await connection.query('begin');
    const start = await log.snapshot();
    const ids = [
      await log.raise(1, first),
      await log.raise(1, second),
      await log.raise(1, third),
    ].flat();
    expect(rowsOf(await log.after(start))).toEqual([]);

    await third.query('commit');
    const one = await log.after(start);
    expect(rowsOf(one)).toEqual([ids[2]]);
    await first.query('commit');
    const two = await log.after(one.snapshot);
    expect(rowsOf(two)).toEqual([ids[0]]);
    const late = await log.raise();
    await second.query('commit');
    const three = await log.after(two.snapshot);
    expect(rowsOf(three)).toEqual([ids[1], ...late]);
    expect(rowsOf(await log.after(three.snapshot))).toEqual([]);
    expect(rowsOf(await log.after(start)).sort()).toEqual([...ids, ...late].sort());
  });

  test('ends after the newest transaction of the log, whatever ran since', async () => {
    await log.raise();
    const before = await log.snapshot();
    for (let n = 0; n < 3; n++) await log.database.query('select pg_current_xact_id()');
    const rolledBack = await log.connect('superuser');
    await rolledBack.query('begin');
    await log.raise(1, rolledBack);
    await rolledBack.query('rollback');
    expect(endOf(await log.snapshot())).toBe(endOf(before));
    const [newest] = await log.database.query<{ xid: string }>(
      'select max(xid)::text as xid from gateway.change',
    );
    expect(endOf(before)).toBe(String(BigInt(newest?.xid ?? 0) + 1n));
  });

  test('still ends there when the newest changes are deleted', async () => {
    await log.raise();
    const before = await log.snapshot();
    await log.reader.query(`select gateway.trim_change_log('0')`);
    expect(endOf(await log.snapshot())).toBe(endOf(before));
    const ids = await log.raise(2);
    expect(rowsOf(await log.after(before))).toEqual(ids);
  });

  test('is that of the transaction, if it reads a list in one snapshot', async () => {
    const actor = { ...log.tenant.actor('Viewer'), isolation: 'repeatable read' as const };
    const [cursor, late] = await log.database.as(actor, async (query) => {
      const count = async () => (await query('select id from system_alerts')).length;
      const before = await count();
      const made = await log.raise();
      const [row] = await query<{ cursor: string }>(
        'select gateway.change_snapshot()::text as cursor',
      );
      expect(await count()).toBe(before);
      return [row?.cursor as string, made];
    });
    expect(rowsOf(await log.after(cursor))).toEqual(late);
  });

  test.each([
    ['1:1:', '5:5:', [[1, 5]]],
    ['5:5:', '5:5:', []],
    [
      '3:7:3,5',
      '8:8:',
      [
        [3, 4],
        [5, 6],
        [7, 8],
      ],
    ],
    [
      '3:7:3,5',
      '3:12:3,7,9,11',
      [
        [5, 6],
        [8, 9],
        [10, 11],
      ],
    ],
    ['9:9:', '8:8:', []],
  ])('between %s and %s are the transactions %j', async (seen, until, ranges) => {
    const found = await log.database.query<{ range: number[] }>(
      `select array[first::text::int, beyond::text::int] as range
       from gateway.transactions_between($1, $2) order by 1`,
      [seen, until],
    );
    expect(found.map(({ range }) => range)).toEqual(ranges);
  });
});

describe('pages', () => {
  const between = async (...values: unknown[]) => {
    const [page] = await log.reader.query<{ more: boolean; changes: Change[] }>(
      'select * from gateway.changes_between($1, $2, $3, $4, $5, $6, $7)',
      [...values, null, null, null].slice(0, 7),
    );
    return page as { more: boolean; changes: Change[] };
  };

  test('follow one another in the order of the log', async () => {
    const start = await log.snapshot();
    const ids = [...(await log.raise(5)), ...(await log.raise(2))];
    const first = await log.after(start, 3);
    expect(first.more).toBe(true);
    const found = rowsOf(first);
    let page: Pick<News, 'more' | 'changes'> = first;
    await log.raise();
    while (page.more) {
      page = await between(start, first.snapshot, page.changes.at(-1)?.[0], 3);
      found.push(...rowsOf(page));
    }
    expect(found).toEqual(ids);
    expect((await log.after(start, 8)).more).toBe(false);
  });

  test('have the changes that are requested and that the reader may receive', async () => {
    const start = await log.snapshot();
    const { workspaceId, people } = log.tenant;
    const [alert] = await log.raise();
    await log.raise(1, log.database, log.other);
    const notify = (person: string) =>
      insert(log.database, 'user_notifications', {
        ...{ workspace_id: workspaceId, user_id: person },
        ...{ notification_type: 'message', title: 'T', message: 'M' },
      });
    const own = await notify(people.Viewer);
    await notify(people.Analyst);
    const maneuver = await insert(log.database, 'maneuver_types', { name: 'M', category: 'Recon' });
    const tables = ['system_alerts', 'user_notifications', 'maneuver_types'];
    const rowsFor = async (...filter: unknown[]) =>
      rowsOf(await between(start, await log.snapshot(), 0, 100, ...filter));
    expect(await rowsFor(tables, workspaceId, people.Viewer)).toEqual([alert, own, maneuver]);
    expect(await rowsFor(tables, workspaceId)).toEqual([alert, maneuver]);
    expect(await rowsFor(['user_notifications'], workspaceId, people.Viewer)).toEqual([own]);
    expect(await rowsFor(tables)).toEqual([maneuver]);
    expect(await rowsFor([], workspaceId, people.Viewer)).toEqual([]);
    expect(await rowsFor()).toHaveLength(5);
  });

  test('have the row, operation, receiver and time of a change', async () => {
    const start = await log.snapshot();
    const [id] = await log.raise();
    await log.database.query(`update system_alerts set title = 'New' where id = $1`, [id]);
    const { changes } = await log.after(start);
    const moment = expect.toSatisfy((ms: number) => Math.abs(Date.now() - ms) < 60_000);
    const where = [log.tenant.workspaceId, null];
    expect(changes).toEqual([
      [expect.any(Number), 'system_alerts', id, 'INSERT', ...where, [], moment],
      [expect.any(Number), 'system_alerts', id, 'UPDATE', ...where, ['title'], moment],
    ]);
  });

  test('do not read the rows of running transactions', async () => {
    const long = await log.connect('superuser');
    await long.query('begin');
    await log.raise(2_000, long);
    const start = await log.snapshot();
    const [id] = await log.raise();
    const plain = await log.database.query<{ xid: string }>(
      `select xid::text from gateway.change where row_id = $1`,
      [id],
    );
    expect(rowsOf(await log.after(start))).toEqual([id]);
    const ranges = await log.database.query<{ xid: string }>(
      `select t.first::text as xid from gateway.transactions_between($1, pg_current_snapshot()) as t
       where t.first <= $2::xid8 and t.beyond > $2::xid8`,
      [start, plain[0]?.xid],
    );
    expect(ranges).toHaveLength(1);
    const [running] = await long.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
    const gone = await log.database.query(
      `select from gateway.transactions_between('1:1:', pg_current_snapshot()) as t
       where t.first <= $1::xid8 and t.beyond > $1::xid8`,
      [running?.xid],
    );
    expect(gone).toEqual([]);
    await long.query('rollback');
  });

  test('read the same number of blocks for any length of the log', async () => {
    const blocksRead = async () => {
      const start = await log.snapshot();
      await log.raise();
      const reader = await log.connect('gateway');
      const news = `select * from gateway.changes_after('${start}', 1000)`;
      // From the sixth time on Postgres may keep a plan for any parameters.
      for (let n = 0; n < 8; n += 1) await reader.query(news);
      const [explained] = await reader.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
        `explain (analyze, buffers, format json) ${news}`,
      );
      const plan = explained?.['QUERY PLAN'][0]?.Plan ?? {};
      return Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks']);
    };
    const before = await blocksRead();
    await log.raise(20_000);
    expect(await blocksRead()).toBeLessThan(before + 20);
  });
});
