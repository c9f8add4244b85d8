import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let viewer: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  viewer = tenant.actor('Viewer');
});
afterAll(() => database.close());

const call = (actor: Actor, expression: string, values: unknown[]) =>
  database.as(actor, (query) => query(`select * from ${expression}`, values));

const notificationFor = (person: string, values: Record<string, unknown> = {}) =>
  insert(database, 'user_notifications', {
    workspace_id: tenant.workspaceId,
    user_id: person,
    notification_type: 'message',
    title: 'Hello',
    message: 'Read me',
    ...values,
  });

describe('send_user_notification', () => {
  const send = (actor: Actor, person: string, rest = `'message', 'Hello', 'Read me'`) =>
    call(actor, `send_user_notification($1, $2, ${rest})`, [tenant.workspaceId, person]);

  test('is delivered to the member only', async () => {
    const [sent] = await send(
      tenant.actor('Analyst'),
      tenant.people.Viewer,
      `'alert', 'Spike', 'Look', 'urgent', action_url => '/alerts'`,
    );
    expect(sent).toMatchObject({
      workspace_id: tenant.workspaceId,
      user_id: tenant.people.Viewer,
      notification_type: 'alert',
      priority_level: 'urgent',
      channel: 'in_app',
      is_read: false,
      read_at: null,
      action_url: '/alerts',
    });
    const seen = (actor: Actor) =>
      database.as(actor, (query) =>
        query('select from user_notifications where id = $1', [sent?.id]),
      );
    expect(await seen(viewer)).toHaveLength(1);
    expect(await seen(tenant.actor('Owner'))).toHaveLength(0);
  });

  test('refuses strangers, other roles and bad input', async () => {
    const analyst = tenant.actor('Analyst');
    const { Viewer } = tenant.people;
    await expectRefusal(send(analyst, stranger.people.Viewer), 'P0002', /no such member/);
    await expectRefusal(send(service, stranger.people.Viewer), 'P0002', /no such member/);
    await expectRefusal(send(service, randomUUID()), 'P0002', /no such member/);
    await expectRefusal(send(viewer, Viewer), '42501', /role Analyst/);
    await expectRefusal(send(stranger.actor('Owner'), Viewer), '42501', /role Analyst/);
    await expectRefusal(send({}, Viewer), '42501', /role Analyst/);
    await expectRefusal(send(analyst, Viewer, `'message', ' ', 'M'`), '22023', /^title/);
    await expectRefusal(send(analyst, Viewer, `'message', 'T', null`), '22023', /^message/);
    await expectRefusal(send(analyst, Viewer, `null, 'T', 'M'`), '22023', /^type/);
    const direct = database.as(tenant.actor('Owner'), (query) =>
      query(
        `insert into user_notifications (workspace_id, user_id, notification_type, title, message)
         values ($1, $2, 'message', 'T', 'M')`,
        [tenant.workspaceId, Viewer],
      ),
    );
    await expectRefusal(direct, '42501', /permission denied/);
    expect(await send(service, Viewer)).toHaveLength(1);
  });
});

describe('reading', () => {
  const read = (actor: Actor, notification: string) =>
    call(actor, 'mark_notification_as_read($1)', [notification]);

  test('twice keeps the first time', async () => {
    const notification = await notificationFor(tenant.people.Viewer);
    const [first] = await read(viewer, notification);
    expect(first).toMatchObject({ is_read: true, read_at: expect.any(Date) });
    expect(await read(viewer, notification)).toMatchObject([{ read_at: first?.read_at }]);
    expect(await read(service, notification)).toMatchObject([{ read_at: first?.read_at }]);
    const again = database.as(viewer, (query) =>
      query(
        `update user_notifications set read_at = '2020-01-01' where id = $1 returning read_at`,
        [notification],
      ),
    );
    expect(await again).toEqual([{ read_at: first?.read_at }]);
    const unread = database.as(viewer, (query) =>
      query('update user_notifications set is_read = false where id = $1 returning read_at', [
        notification,
      ]),
    );
    expect(await unread).toEqual([{ read_at: null }]);
  });

  test('is allowed for the person only', async () => {
    const notification = await notificationFor(tenant.people.Viewer);
    for (const actor of [tenant.actor('Owner'), stranger.actor('Owner'), {}]) {
      await expectRefusal(read(actor, notification), 'P0002', /^there is no such notification$/);
    }
    await expectRefusal(read(viewer, randomUUID()), 'P0002', /^there is no such notification$/);
  });

  test('all at once marks the caller’s own, in one workspace or in all', async () => {
    const { Creator, Strategist } = tenant.people;
    const creator = tenant.actor('Creator');
    await insert(database, 'user_workspaces', {
      user_id: Creator,
      workspace_id: stranger.workspaceId,
    });
    const readAll = async (actor: Actor, person: string, workspace: string | null) => {
      const [row] = await call(actor, 'mark_all_notifications_as_read($1, $2) as marked', [
        person,
        workspace,
      ]);
      return row?.marked;
    };
    await notificationFor(Creator);
    await notificationFor(Creator);
    await notificationFor(Creator, { is_read: true });
    await notificationFor(Creator, { workspace_id: stranger.workspaceId });
    await notificationFor(Strategist);
    expect(await readAll(creator, Strategist, null)).toBe(0);
    expect(await readAll(service, Creator, stranger.workspaceId)).toBe(1);
    expect(await readAll(creator, Creator, null)).toBe(2);
    expect(await readAll(creator, Creator, null)).toBe(0);
    await notificationFor(Creator);
    await notificationFor(Creator, { workspace_id: stranger.workspaceId });
    expect(await readAll(service, Creator, null)).toBe(2);
  });
});

test('get_user_unread_notifications lists the urgent first, then the newest', async () => {
  const { Owner } = tenant.people;
  const add = (title: string, priority_level: string, rest = {}) =>
    notificationFor(Owner, { title, priority_level, created_at: '2026-01-01', ...rest });
  await add('low', 'low', { created_at: '2026-01-09' });
  await add('normal', 'normal');
  await add('newer normal', 'normal', { created_at: '2026-01-02' });
  await add('high', 'high');
  await add('urgent', 'urgent');
  await add('read', 'urgent', { is_read: true });
  await add('expired', 'urgent', { expires_at: '2026-01-02' });
  await add('expires later', 'low', { expires_at: new Date(Date.now() + 3_600_000) });
  const titles = async (actor: Actor) => {
    const rows = await call(actor, 'get_user_unread_notifications($1)', [Owner]);
    return rows.map(({ title }) => title);
  };
  const all = ['urgent', 'high', 'newer normal', 'normal', 'low', 'expires later'];
  expect(await titles(tenant.actor('Owner'))).toEqual(all);
  expect(await titles(service)).toEqual(all);
  expect(await titles(tenant.actor('Strategist'))).toEqual([]);
});
