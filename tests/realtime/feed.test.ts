import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseSnapshot } from '../../src/realtime/position.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';
import { raise, Told } from './alerts.ts';
import { startProxy } from './proxy.ts';

let db: TestDatabase;
let tenant: Tenant;
let feed: PostgresFeed;
let told: Told;
const errors: unknown[] = [];

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
  feed = await createPostgresFeed({
    connectionString: db.gatewayUrl,
    pageSize: 500,
    onError: (error) => errors.push(error),
  });
});

beforeEach(() => {
  told?.stop();
  told = new Told(feed);
});

afterAll(async () => {
  await feed?.close();
  await db?.close();
});

const settled = () => caughtUp(feed, db);

describe('a change', () => {
  it('says what happened to which row, whose it is, and when', async () => {
    const { workspaceId } = tenant;
    const before = Date.now();
    const [id = ''] = await raise(db.query, workspaceId);
    await db.query(`update system_alerts set title = 'B', severity_level = 'high' where id = $1`, [
      id,
    ]);
    await db.query('delete from system_alerts where id = $1', [id]);
    await settled();
    const common = { model: 'SystemAlert', rowId: id, workspaceId, readerId: null };
    expect(told.changes).toMatchObject([
      { ...common, operation: 'INSERT', changedColumns: [] },
      { ...common, operation: 'UPDATE' },
      { ...common, operation: 'DELETE', changedColumns: [] },
    ]);
    expect([...(told.changes[1]?.changedColumns ?? [])].sort()).toEqual(['severityLevel', 'title']);
    for (const { occurredAt } of told.changes) {
      expect(occurredAt.getTime()).toBeGreaterThanOrEqual(before - 1);
      expect(occurredAt.getTime()).toBeLessThanOrEqual(Date.now() + 1);
    }
  });

  it('of a row for one person names the person', async () => {
    const { workspaceId, people } = tenant;
    await insert(db, 'user_notifications', {
      workspace_id: workspaceId,
      user_id: people.Viewer,
      title: 'For you',
      message: 'Only',
      notification_type: 'alert',
    });
    await settled();
    expect(told.changes).toMatchObject([
      { model: 'UserNotification', workspaceId, readerId: people.Viewer },
    ]);
  });

  it('of a table that this gateway does not know is left out', async () => {
    await db.query(
      `insert into gateway.change (table_name, row_id, operation) values ('tables_of_tomorrow', '1', 'INSERT')`,
    );
    const ids = await raise(db.query, tenant.workspaceId);
    await settled();
    expect(told.ids).toEqual(ids);
  });
});

describe('changes', () => {
  it('of a transaction come together, in their order', async () => {
    const ids = await db.as(service, async (query) => {
      const first = await raise(query, tenant.workspaceId, 3);
      return [...first, ...(await raise(query, tenant.workspaceId, 2))];
    });
    await settled();
    expect(told.batches).toHaveLength(1);
    expect(told.ids).toEqual(ids);
  });

  it('that were rolled back are not told, not even to a savepoint', async () => {
    const rolledBack = db.as(service, async (query) => {
      await raise(query, tenant.workspaceId);
      throw new Error('No');
    });
    await expect(rolledBack).rejects.toThrow('No');
    const ids = await db.as(service, async (query) => {
      const before = await raise(query, tenant.workspaceId);
      await query('savepoint a');
      await raise(query, tenant.workspaceId);
      await query('rollback to a');
      await query('savepoint b');
      return [...before, ...(await raise(query, tenant.workspaceId))];
    });
    await settled();
    expect(told.ids).toEqual(ids);
  });

  it('do not wait for a transaction that began before, and it is told when it commits', async () => {
    const late = await db.as(service, async (query) => {
      const ids = await raise(query, tenant.workspaceId);
      for (let n = 0; n < 5; n++) {
        const others = await raise(db.query, tenant.workspaceId);
        await eventually(() => told.ids).toContain(others[0]);
        expect(told.ids).not.toContain(ids[0]);
      }
      return ids;
    });
    await settled();
    expect(told.ids).toHaveLength(6);
    expect(told.ids.at(-1)).toBe(late[0]);
  });

  it('of 20,000 rows come in pages', async () => {
    const ids = await raise(db.query, tenant.workspaceId, 20_000);
    await settled();
    expect(told.batches.every(({ changes }) => changes.length === 500)).toBe(true);
    expect(told.ids).toEqual(ids);
  });

  it('are told once each though the connection is lost in the middle of them', async () => {
    const proxy = await startProxy(db.gatewayUrl);
    const lost: unknown[] = [];
    const feed = await createPostgresFeed({
      connectionString: proxy.url,
      pageSize: 10,
      onError: (error) => lost.push(error),
    });
    const second = new Told(feed);
    let cuts = 0;
    feed.listen(() => {
      if (++cuts % 3 === 0) proxy.cut();
    });
    const ids = await raise(db.query, tenant.workspaceId, 100);
    await eventually(() => second.ids.length).toBe(100);
    await settled();
    expect(second.ids).toEqual(ids);
    // Once, since nothing was read to its end in between.
    expect(lost).toHaveLength(1);
    await feed.close();
    await proxy.close();
  });

  it('reach every listener, though another one fails', async () => {
    const failure = new Error('A listener failed');
    const stop = feed.listen(() => {
      throw failure;
    });
    const second = new Told(feed);
    const ids = await raise(db.query, tenant.workspaceId);
    await settled();
    expect(told.ids).toEqual(ids);
    expect(second.ids).toEqual(ids);
    expect(errors).toEqual([failure]);
    stop();
    second.stop();
  });

  it('are not told to a listener that stopped', async () => {
    told.stop();
    await raise(db.query, tenant.workspaceId);
    await settled();
    expect(told.ids).toEqual([]);
  });
});

describe('reaching a position', () => {
  it('of a list read by a person tells what was committed until then first', async () => {
    for (let n = 0; n < 20; n++) {
      const [id] = await raise(db.query, tenant.workspaceId);
      const snapshot = await db.as(tenant.actor('Viewer'), async (query) => {
        const [row] = await query<{ snapshot: string }>(
          'select gateway.change_snapshot()::text as snapshot',
        );
        return row?.snapshot ?? '';
      });
      await feed.reach({ seen: parseSnapshot(snapshot) });
      expect(told.ids.at(-1)).toBe(id);
    }
  });

  it('that the log has not come to is refused: it went back to before that', async () => {
    const { xmax } = feed.position().seen;
    const future = parseSnapshot(`${xmax + 1_000n}:${xmax + 1_000n}:`);
    await expect(feed.reach({ seen: future })).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    const other = { ...feed.position(), log: randomUUID() };
    await expect(feed.reach(other)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

it('workspaces tell who is what in them', async () => {
  const other = await createTenant(db);
  const roles = await feed.workspaceRoles([tenant.workspaceId, other.workspaceId, randomUUID()]);
  const expected = [tenant, other].flatMap(({ workspaceId, people }) =>
    Object.entries(people).map(([role, userId]) => ({ workspaceId, userId, role })),
  );
  expect(roles).toHaveLength(10);
  expect(roles).toEqual(expect.arrayContaining(expected));
});

describe('opening and closing', () => {
  it('a log that is not there fails', async () => {
    const empty = await createTestDatabase('empty');
    await expect(createPostgresFeed({ connectionString: empty.gatewayUrl })).rejects.toThrow();
    await empty.close();
  });

  it('leaves no connection, and no promise waiting', async () => {
    const own = await createTestDatabase();
    const { workspaceId } = await createTenant(own);
    const feed = await createPostgresFeed({ connectionString: own.gatewayUrl });
    const told = new Told(feed);
    const future = parseSnapshot('900000000:900000000:');
    const reaching = expect(feed.reach({ seen: future })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    await Promise.all([feed.close(), feed.close()]);
    await reaching;
    await expect(feed.reach({ seen: future })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    });
    await raise(own.query, workspaceId);
    const connections = () =>
      own.query(
        `select from pg_stat_activity
         where application_name = 'codex-gateway-feed' and datname = current_database()`,
      );
    await eventually(async () => (await connections()).length).toBe(0);
    expect(told.ids).toEqual([]);
    await own.close();
  });
});
