import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Deliveries, NOTHING_WRONG } from '../support/deliveries.ts';
import { eventually } from '../support/eventually.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

const WRITERS = 12;
/** It runs until there are so many changes, and for at least so many seconds. */
const CHANGES = 1_000;
const SECONDS = 4;

let db: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
});

afterAll(() => db?.close());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const chance = (probability: number) => Math.random() < probability;

/** Raises, changes and removes alerts in slow transactions, until it is over. */
async function write(readers: Deliveries[], isOver: () => boolean): Promise<void> {
  const client = new pg.Client(db.url);
  await client.connect();
  const mine: string[] = [];
  while (!isOver()) {
    const begun = Deliveries.now();
    const keys: string[] = [];
    const raised: string[] = [];
    await client.query('begin');
    for (let n = 0; n < 3; n++) {
      if (chance(0.2)) await client.query('savepoint a');
      const id = randomUUID();
      await client.query(
        `insert into system_alerts (id, workspace_id, alert_type, title) values ($1, $2, 'error', 'A')`,
        [id, tenant.workspaceId],
      );
      raised.push(id);
      keys.push(`${id} INSERT`);
      if (chance(0.3)) await pause(Math.random() * 30);
    }
    const [changed, removed] = chance(0.5) ? mine.splice(0, 2) : [];
    if (changed) {
      await client.query(`update system_alerts set title = 'B' where id = $1`, [changed]);
      keys.push(`${changed} UPDATE`);
    }
    if (removed) {
      await client.query('delete from system_alerts where id = $1', [removed]);
      keys.push(`${removed} DELETE`);
    }
    if (chance(0.3)) await pause(Math.random() * 60);
    if (chance(0.2)) {
      await client.query('rollback');
    } else {
      await client.query('commit');
      mine.push(...raised);
      for (const reader of readers) reader.committed(keys, begun);
    }
  }
  await client.end();
}

/** Reads the log in the naive way: rows with a larger value than the largest one that was read. */
function readBy(column: 'seq' | 'occurred_at', deliveries: Deliveries, isOver: () => boolean) {
  const run = async () => {
    let newest: unknown = column === 'seq' ? 0 : '-infinity';
    for (let last = false; !last; ) {
      last = isOver();
      const rows = await db.query<{ key: string; place: string }>(
        `select row_id || ' ' || operation as key, ${column}::text as place
         from gateway.change where table_name = 'system_alerts' and ${column} > $1 order by ${column}, seq`,
        [newest],
      );
      for (const { key } of rows) deliveries.delivered(key);
      newest = rows.at(-1)?.place ?? newest;
      await pause(2);
    }
  };
  return run();
}

const WAYS = ['Postgres itself', ...(hasPgBouncer() ? ['a pooler in transaction mode'] : [])];

it.each(WAYS)(
  'a feed over %s loses and repeats nothing, unlike cursors over a column',
  async (way) => {
    const bouncer =
      way === 'Postgres itself' ? undefined : await startPgBouncer('transaction', [db.gatewayUrl]);
    const right = new Deliveries();
    const bySeq = new Deliveries();
    const byTime = new Deliveries();
    const feed = await createPostgresFeed({
      connectionString: bouncer?.url(db.gatewayUrl) ?? db.gatewayUrl,
      poolMode: bouncer ? 'transaction' : 'session',
      pageSize: 20,
    });
    feed.listen(({ changes }) => {
      for (const { rowId, operation } of changes) right.delivered(`${rowId} ${operation}`);
    });
    const until = performance.now() + SECONDS * 1_000;
    const isEnough = () => performance.now() > until && right.report().delivered > CHANGES;
    const terminate = async () => {
      let terminated = 0;
      while (!isEnough()) {
        await pause(Math.random() * 400);
        const backends = await db.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'codex-gateway-feed' and datname = current_database()`,
        );
        terminated += backends.length;
      }
      return terminated;
    };
    let isOver = false;
    const writing = Array.from({ length: WRITERS }, () =>
      write([right, bySeq, byTime], () => isOver),
    );
    let areWritten = false;
    const reading = [
      readBy('seq', bySeq, () => areWritten),
      readBy('occurred_at', byTime, () => areWritten),
    ];
    const terminated = await terminate();
    isOver = true;
    await Promise.all(writing);
    areWritten = true;
    await Promise.all(reading);
    await eventually(() => right.isComplete).toBe(true);
    await feed.close();
    await bouncer?.close();

    expect(terminated).toBeGreaterThan(5);
    const report = right.report();
    expect(report).toMatchObject(NOTHING_WRONG);
    expect(report.delivered).toBeGreaterThan(CHANGES);
    // The same checker and the same writers.
    expect(bySeq.report().lost.length).toBeGreaterThan(report.delivered / 100);
    expect(byTime.report().lost.length).toBeGreaterThan(report.delivered / 100);
  },
);
