import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseSnapshot } from '../../src/realtime/position.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';
import { Received, raise } from './alerts.ts';
import { startProxy } from './proxy.ts';

let db: TestDatabase;
let tenant: Tenant;
let feed: PostgresFeed;
let received: Received;
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
  received?.stop();
  received = new Received(feed);
});

afterAll(async () => {
  await feed?.close();
  await db?.close();
});

const settled = () => caughtUp(feed, db);

describe('a change', () => {
  it('has the operation, the row, its workspace and the time', async () => {
    const { workspaceId } = tenant;
    const before = Date.now();
    const [id = ''] = await raise(db.query, workspaceId);
    await db.query(`update system_alerts set title = 'B', severity_level = 'high' where id = $1`, [
      id,
    ]);
    await db.query('delete from system_alerts where id = $1', [id]);
    await settled();
    const common = { model: 'SystemAlert', rowId: id, workspaceId, readerId: null };
    expect(received.changes).toMatchObject([
      { ...common, operation: 'INSERT', changedColumns: [] },
      { ...common, operation: 'UPDATE' },
      { ...common, operation: 'DELETE', changedColumns: [] },
    ]);
    expect([...(received.changes[1]?.changedColumns ?? [])].sort()).toEqual([
      'severityLevel',
      'title',
    ]);
    for (const { occurredAt } of received.changes) {
      expect(occurredAt.getTime()).toBeGreaterThanOrEqual(before - 1);
      expect(occurredAt.getTime()).toBeLessThanOrEqual(Date.now() + 1);
    }
  });

  it("of a person's row names the person", async () => {
    const { workspaceId, people } = tenant;
    await insert(db, 'user_notifications', {
      workspace_id: workspaceId,
      user_id: people.Viewer,
      title: 'For you',
      message: 'Only',
      notification_type: 'alert',
    });
    await settled();
    expect(received.changes).toMatchObject([
      { model: 'UserNotification', workspaceId, readerId: people.Viewer },
    ]);
  });

  it('of a table that this gateway does not know is skipped', async () => {
    await db.query(
      `insert into gateway.change (table_name, row_id, operation) values ('tables_of_tomorrow', '1', 'INSERT')`,
    );
    const ids = await raise(db.query, tenant.workspaceId);
    await settled();
    expect(received.ids).toEqual(ids);
  });
});

describe('changes', () => {
  it('of a transaction come in one batch, in order', async () => {
    const ids = await db.as(service, async (query) => {
      const first = await raise(query, tenant.workspaceId, 3);
      return [...first, ...(await raise(query, tenant.workspaceId, 2))];
    });
    await settled();
    expect(received.batches).toHaveLength(1);
    expect(received.ids).toEqual(ids);
  });

  it('that were rolled back are not delivered, also if rolled back to a savepoint', async () => {
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
    expect(received.ids).toEqual(ids);
  });

  it('do not wait for an earlier open transaction, which is delivered when it commits', async () => {
    const late = await db.as(service, async (query) => {
      const ids = await raise(query, tenant.workspaceId);
      for (let n = 0; n < 5; n++) {
        const others = await raise(db.query, tenant.workspaceId);
        await eventually(() => received.ids).toContain(others[0]);
        expect(received.ids).not.toContain(ids[0]);
      }
      return ids;
    });
    await settled();
    expect(received.ids).toHaveLength(6);
    expect(received.ids.at(-1)).toBe(late[0]);
  });

  it('of 20,000 rows come in pages', async () => {
    const ids = await raise(db.query, tenant.workspaceId, 20_000);
    await settled();
    expect(received.batches.every(({ changes }) => changes.length === 500)).toBe(true);
    expect(received.ids).toEqual(ids);
  });

  it('are delivered once if the connection is lost in between', async () => {
    const proxy = await startProxy(db.gatewayUrl);
    const lost: unknown[] = [];
    const feed = await createPostgresFeed({
      connectionString: proxy.url,
      pageSize: 10,
      onError: (error) => lost.push(error),
    });
    const second = new Received(feed);
    let cuts = 0;
    feed.listen(() => {
      if (++cuts % 3 === 0) proxy.cut();
    });
    const ids = await raise(db.query, tenant.workspaceId, 100);
    await eventually(() => second.ids.length).toBe(100);
    await settled();
    expect(second.ids).toEqual(ids);
    // Only one, since no read was complete in between.
    expect(lost).toHaveLength(1);
    await feed.close();
    await proxy.close();
  });

  it('reach every listener even if another one throws', async () => {
    const failure = new Error('A listener failed');
    const stop = feed.listen(() => {
      throw failure;
    });
    const second = new Received(feed);
    const ids = await raise(db.query, tenant.workspaceId);
    await settled();
    expect(received.ids).toEqual(ids);
    expect(second.ids).toEqual(ids);
    expect(errors).toEqual([failure]);
    stop();
    second.stop();
  });

  it('do not reach a listener that has stopped', async () => {
    received.stop();
    await raise(db.query, tenant.workspaceId);
    await settled();
    expect(received.ids).toEqual([]);
  });
});

describe('reaching a position', () => {
  it('of a list delivers everything that was committed before the list was read', async () => {
    for (let n = 0; n < 20; n++) {
      const [id] = await raise(db.query, tenant.workspaceId);
      const snapshot = await db.as(tenant.actor('Viewer'), async (query) => {
        const [row] = await query<{ snapshot: string }>(
          'select gateway.change_snapshot()::text as snapshot',
        );
        return row?.snapshot ?? '';
      });
      await feed.reach({ seen: parseSnapshot(snapshot) });
      expect(received.ids.at(-1)).toBe(id);
    }
  });

  it('beyond the end of the log is refused, since the log was restored from a backup', async () => {
    const { xmax } = feed.position().seen;
    const future = parseSnapshot(`${xmax + 1_000n}:${xmax + 1_000n}:`);
    await expect(feed.reach({ seen: future })).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    const other = { ...feed.position(), log: randomUUID() };
    await expect(feed.reach(other)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

it('workspaceRoles returns the members of workspaces with their roles', async () => {
  const other = await createTenant(db);
  const roles = await feed.workspaceRoles([tenant.workspaceId, other.workspaceId, randomUUID()]);
  const expected = [tenant, other].flatMap(({ workspaceId, people }) =>
    Object.entries(people).map(([role, userId]) => ({ workspaceId, userId, role })),
  );
  expect(roles).toHaveLength(10);
  expect(roles).toEqual(expect.arrayContaining(expected));
});

describe('opening and closing', () => {
  it('opening fails if there is no log', async () => {
    const empty = await createTestDatabase('empty');
    await expect(createPostgresFeed({ connectionString: empty.gatewayUrl })).rejects.toThrow();
    await empty.close();
  });

  it('closing leaves no connection and no pending promise', async () => {
    const own = await createTestDatabase();
    const { workspaceId } = await createTenant(own);
    const feed = await createPostgresFeed({ connectionString: own.gatewayUrl });
    const received = new Received(feed);
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
    expect(received.ids).toEqual([]);
    await own.close();
  });
});
