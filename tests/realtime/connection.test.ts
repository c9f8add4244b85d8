import { afterAll, beforeAll, expect, it } from 'vitest';
import { LogClient, LogPool } from '../../src/realtime/log-connection.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

const LIMIT = "select current_setting('statement_timeout') as limit, pg_backend_pid() as pid";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

/** Opens both kinds of connection. */
async function open(url: string) {
  const client = new LogClient(url, { notification() {}, lost() {} });
  await client.connect();
  const pool = new LogPool(url, 1);
  return { client, pool, close: () => Promise.all([client.end(), pool.end()]) };
}

it('a statement on the log has a timeout, and leaves no settings on the connection', async () => {
  const { client, pool, close } = await open(db.gatewayUrl);
  for (const connection of [client, pool]) {
    const { rows } = await connection.query(LIMIT);
    expect(rows).toMatchObject([{ limit: '30s' }]);
    const [{ pid } = { pid: 0 }] = rows;
    const [session] = await db.query('select state, query from pg_stat_activity where pid = $1', [
      pid,
    ]);
    expect(session).toMatchObject({ state: 'idle', query: LIMIT });
    await expect(connection.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    await expect(connection.query('select $1::int / $2::int as ratio', [6, 2])).resolves.toEqual({
      rows: [{ ratio: 3 }],
    });
  }
  await close();
});

it.runIf(hasPgBouncer())(
  'leaves no settings on a connection that a pooler gives to others',
  async () => {
    const bouncer = await startPgBouncer('transaction', [db.gatewayUrl], 1);
    const { client, pool, close } = await open(bouncer.url(db.gatewayUrl));
    const [, { rows }] = [await client.query(LIMIT), await pool.query(LIMIT)];
    const left = await pool.query('select count(*)::int as prepared from pg_prepared_statements');
    expect(left.rows).toEqual([{ prepared: 0 }]);
    expect(rows).toMatchObject([{ limit: '30s' }]);
    await close();
    await bouncer.close();
  },
);
