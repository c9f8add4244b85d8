import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { covers, type Position } from '../../src/realtime/position.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { endOfLog, othersEnded } from '../support/log.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';
import { alertsOf, Received, raise, replayed } from './alerts.ts';

let db: TestDatabase;
let tenant: Tenant;
/** Replicas with different page sizes. */
let feeds: [PostgresFeed, PostgresFeed];

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await createTenant(db);
  feeds = [
    await createPostgresFeed({ connectionString: db.gatewayUrl, pageSize: 3 }),
    await createPostgresFeed({ connectionString: db.gatewayUrl, pageSize: 7 }),
  ];
});

afterAll(async () => {
  await Promise.all(feeds?.map((feed) => feed.close()) ?? []);
  await db?.close();
});

async function settled(): Promise<void> {
  const position = await endOfLog(db);
  await Promise.all(feeds.map((feed) => feed.reach(position)));
}

const idsOf = (batches: readonly { changes: readonly { rowId: string }[] }[]) =>
  batches.flatMap(({ changes }) => changes.map(({ rowId }) => rowId));

it('a replay from any change returns the rest, on every replica, up to its position', async () => {
  const { workspaceId } = tenant;
  await settled();
  const received = feeds.map((feed) => new Received(feed));
  // One transaction is open all the time; large ones are delivered in pages.
  await db.as(service, async (query) => {
    await raise(query, workspaceId, 4);
    await raise(db.query, workspaceId, 10);
    await raise(db.query, workspaceId, 1);
    await settled();
    await raise(query, workspaceId, 5);
    await raise(db.query, workspaceId, 8);
    await settled();
  });
  await raise(db.query, workspaceId, 6);
  await settled();

  const filter = alertsOf(workspaceId);
  for (const feed of feeds) {
    for (const { ids, places } of received) {
      expect(ids).toHaveLength(34);
      for (const [index, { position }] of places.entries()) {
        const after = feed.open(feed.seal(position, workspaceId), workspaceId, 'after');
        const rest = await replayed(feed, after, feed.position(), filter);
        expect(idsOf(rest).sort()).toEqual(ids.slice(index + 1).sort());
        // Also up to a position in the middle of a batch.
        for (const [until, place] of places.entries()) {
          if (until < index) continue;
          const part = await replayed(feed, after, place.position, filter);
          expect(idsOf(part).sort()).toEqual(ids.slice(index + 1, until + 1).sort());
          expect(covers(part.at(-1)?.end ?? after, place.position)).toBe(true);
        }
      }
    }
  }
});

it('a replay can be resumed from each of its changes', async () => {
  const [feed] = feeds;
  const { workspaceId } = tenant;
  const filter = alertsOf(workspaceId);
  const start = feed.position();
  const ids = await raise(db.query, workspaceId, 1_234);
  await settled();
  // Positions include transactions of other tests on the server, which begin and end all the time.
  const until = feed.position();
  const batches = await replayed(feed, start, until, filter);
  expect(batches.map(({ changes }) => changes.length)).toEqual([500, 500, 234]);
  expect(idsOf(batches)).toEqual(ids);
  expect(batches.at(-1)?.end).toEqual(until);
  for (const batch of batches) {
    const ends = [
      batch.end,
      ...batch.changes.slice(-3).map((change) => batch.positionAfter(change)),
    ];
    const expected = [batch.changes.at(-1), ...batch.changes.slice(-3)];
    for (const [i, end] of ends.entries()) {
      const rest = await replayed(feed, end, feed.position(), filter);
      expect(idsOf(rest)).toEqual(ids.slice(ids.indexOf(expected[i]?.rowId ?? '') + 1));
    }
  }
});

it('a replay only has changes that the reader may receive, of the given models', async () => {
  const [feed] = feeds;
  const { workspaceId, people } = tenant;
  const other = await createTenant(db);
  await settled();
  const start = feed.position();
  const [mine = ''] = await raise(db.query, workspaceId);
  const [theirs = ''] = await raise(db.query, other.workspaceId);
  const notification = await insert(db, 'user_notifications', {
    workspace_id: workspaceId,
    user_id: people.Viewer,
    title: 'For you',
    message: 'Only',
    notification_type: 'alert',
  });
  const agent = await insert(db, 'agent_registry', {
    agent_name: 'scout',
    agent_type: 'researcher',
  });
  await settled();
  const ids = async (models: string[], workspace: string | null, readerId: string | null) =>
    idsOf(
      await replayed(feed, start, feed.position(), { models, workspaceId: workspace, readerId }),
    );
  expect(await ids(['SystemAlert'], workspaceId, people.Viewer)).toEqual([mine]);
  expect(await ids(['SystemAlert'], other.workspaceId, null)).toEqual([theirs]);
  expect(await ids(['SystemAlert'], null, people.Viewer)).toEqual([]);
  expect(await ids(['UserNotification'], workspaceId, people.Viewer)).toEqual([notification]);
  expect(await ids(['UserNotification'], workspaceId, people.Owner)).toEqual([]);
  expect(await ids(['UserNotification'], workspaceId, null)).toEqual([]);
  expect(await ids(['UserNotification'], other.workspaceId, people.Viewer)).toEqual([]);
  expect(await ids(['Agent'], workspaceId, null)).toEqual([agent]);
  expect(await ids(['SystemAlert', 'Agent'], workspaceId, null)).toEqual([mine, agent]);
  expect(await ids([], workspaceId, null)).toEqual([]);
});

describe('cursors', () => {
  it('of another database are expired', async () => {
    const [feed] = feeds;
    const other = await createTestDatabase();
    const foreign = await createPostgresFeed({ connectionString: other.gatewayUrl });
    const cursor = foreign.seal(foreign.position(), tenant.workspaceId);
    expect(() => feed.open(cursor, tenant.workspaceId, 'after')).toThrow(
      expect.objectContaining({ code: 'CURSOR_EXPIRED', argument: 'after' }),
    );
    const replay = replayed(
      feed,
      foreign.position(),
      feed.position(),
      alertsOf(tenant.workspaceId),
    );
    await expect(replay).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    await foreign.close();
    await other.close();
  });

  it('expire with the retention, later ones do not', async () => {
    const [feed] = feeds;
    const { workspaceId } = tenant;
    const filter = alertsOf(workspaceId);
    await raise(db.query, workspaceId);
    await settled();
    const received = new Received(feed);
    await raise(db.query, workspaceId, 3);
    await settled();
    const places = received.places.slice(0, -1).map(({ position }) => position);
    await othersEnded(db);
    await settled();
    const end = feed.position();
    expect(await feed.trim(3_600_000)).toBe(0);
    expect(
      idsOf(await replayed(feed, places[0] as Position, feed.position(), filter)),
    ).toHaveLength(2);

    expect(await feed.trim(0)).toBeGreaterThan(3);
    expect(await feed.trim(0)).toBe(0);
    for (const position of places) {
      const replay = replayed(feed, position, feed.position(), filter);
      await expect(replay).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    }
    const ids = await raise(db.query, workspaceId, 2);
    await settled();
    const since = await replayed(feed, end, feed.position(), filter);
    expect(idsOf(since)).toEqual(ids);
  });

  it('expire if a transaction that was open then committed and was deleted', async () => {
    const [feed] = feeds;
    const { workspaceId } = tenant;
    await settled();
    const cursor = await db.as(service, async (query) => {
      await raise(query, workspaceId);
      await raise(db.query, workspaceId);
      await settled();
      return feed.position();
    });
    await settled();
    await feed.trim(0);
    const replay = replayed(feed, cursor, feed.position(), alertsOf(workspaceId));
    await expect(replay).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });

  it('expire when their changes are deleted during the replay', async () => {
    const [feed] = feeds;
    const { workspaceId } = tenant;
    await othersEnded(db);
    await settled();
    const start = feed.position();
    await raise(db.query, workspaceId, 1_200);
    await settled();
    const replay = feed.replay(start, feed.position(), alertsOf(workspaceId));
    const pages = replay[Symbol.asyncIterator]();
    expect((await pages.next()).value.changes).toHaveLength(500);
    await feed.trim(0);
    await expect(pages.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});
