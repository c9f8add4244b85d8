import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Subscription,
  TRANSPORTS,
} from '../support/subscribe.ts';
import { createTenant, insert, notify, type Role, raise, type Tenant } from '../support/tenant.ts';

const PEOPLE = 30;

let database: TestDatabase;
let api: LiveApi;
let tenant: Tenant;
let viewers: Client[];
let listeners: Listener[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  const { workspaceId } = tenant;
  api = await openLiveApi(database);
  viewers = [];
  for (let n = 0; n < PEOPLE; n += 1) {
    const userId = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [userId]);
    await insert(database, 'user_workspaces', {
      workspace_id: workspaceId,
      user_id: userId,
      role: 'Viewer',
    });
    viewers.push(await api.as(userId, workspaceId));
  }
});
afterEach(async () => {
  for (const listener of listeners) listener.close();
  listeners = [];
  await listening(api, 0);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

async function subscribe(requests: [Client, string, object?][]): Promise<Subscription[]> {
  const before = (await api.open()).subscribers;
  const opened = requests.map(([client, query, variables], n) => {
    const listener = listen(api.url, client, TRANSPORTS[n % TRANSPORTS.length]);
    listeners.push(listener);
    return listener.subscribe(query, variables);
  });
  await listening(api, before + opened.length);
  return opened;
}

const ALERTS = 'subscription { alertRaised { node { title } } }';
const as = (role: Role) => api.as(tenant.people[role], tenant.workspaceId);
const groups = async () => (await api.open()).groups;
const titles = (subscription: Subscription) =>
  subscription.received().map(({ node }) => node.title);

describe('equal subscriptions of members with one role', () => {
  it('are executed with one statement for each event', async () => {
    const subscriptions = await subscribe(viewers.map((client) => [client, ALERTS]));
    expect(await groups()).toBe(1);
    await quiet(listeners);
    api.statements();
    await raise(database, tenant, 'For all of them');
    for (const each of subscriptions) {
      await eventually(() => titles(each)).toEqual(['For all of them']);
    }
    const statements = api.statements();
    expect(statements.filter((sql) => /system_alerts/.test(sql))).toHaveLength(1);
    expect(statements).toHaveLength(1);
  });

  it('resume from different cursors and then share one group', async () => {
    const query = `subscription ($after: String) { alertRaised(after: $after) { node { title } } }`;
    const requests: [Client, string, object][] = [];
    const expected: string[][] = [];
    for (const [n, client] of viewers.slice(0, 10).entries()) {
      const { systemAlerts } = await client.data('{ systemAlerts { liveCursor } }');
      requests.push([client, query, { after: systemAlerts.liveCursor }]);
      for (const before of expected) before.push(`Number ${n}`);
      expected.push([`Number ${n}`]);
      await raise(database, tenant, `Number ${n}`);
    }
    const subscriptions = await subscribe(requests);
    expect(await groups()).toBe(1);
    await raise(database, tenant, 'The last');
    for (const [n, each] of subscriptions.entries()) {
      await eventually(() => titles(each)).toEqual([...(expected[n] ?? []), 'The last']);
    }
  });

  it('get the same cursor for a change as other subscriptions', async () => {
    const [client] = viewers as [Client];
    const [some, others] = await subscribe([
      [client, 'subscription { alertRaised { cursor } }'],
      [client, 'subscription { systemAlertChanged { cursor node { title } } }'],
    ]);
    expect(await groups()).toBe(2);
    await raise(database, tenant, 'For both');
    await eventually(() => some?.received().length).toBe(1);
    await eventually(() => others?.received().map(({ cursor }) => ({ cursor }))).toEqual(
      some?.received(),
    );
  });

  it('are in another group for another role, workspace, document or filter', async () => {
    const other = await createTenant(database);
    const filtered = `subscription ($title: String) { alertRaised(filter: { title: { equals: $title } }) { node { title } } }`;
    const [client] = viewers as [Client];
    const distinct: [Client, string, object?][] = [
      [client, ALERTS],
      [await as('Analyst'), ALERTS],
      [await api.as(other.people.Viewer, other.workspaceId), ALERTS],
      [client, 'subscription { alertRaised { node { id title } } }'],
      [client, filtered, { title: 'One' }],
      [client, filtered, { title: 'Other' }],
    ];
    const subscriptions = await subscribe([...distinct, ...distinct]);
    expect(await groups()).toBe(distinct.length);
    const isMatch = (n: number) => ![2, 5].includes(n % distinct.length);
    await raise(database, tenant, 'One');
    for (const [n, each] of subscriptions.entries()) {
      if (isMatch(n)) await eventually(() => titles(each)).toEqual(['One']);
    }
    await quiet(listeners);
    for (const [n, each] of subscriptions.entries()) {
      expect(titles(each)).toEqual(isMatch(n) ? ['One'] : []);
    }
  });
});

describe('personal rows', () => {
  const MINE = 'subscription { notificationReceived { node { title user { id } } } }';

  it('are sent only to their person, on every device', async () => {
    const clients = [await as('Creator'), await as('Creator'), await as('Analyst')];
    const [first, second, other] = await subscribe(clients.map((client) => [client, MINE]));
    expect(await groups()).toBe(2);
    await notify(database, tenant, 'Creator', 'For the Creator');
    await notify(database, tenant, 'Viewer', 'For a person without a subscription');
    await notify(database, tenant, 'Analyst', 'For the Analyst');
    await eventually(() => first && titles(first)).toEqual(['For the Creator']);
    await eventually(() => second && titles(second)).toEqual(['For the Creator']);
    await eventually(() => other && titles(other)).toEqual(['For the Analyst']);
    await quiet(listeners);
    for (const listener of listeners)
      expect(listener.raw()).not.toContain('without a subscription');
    expect(listeners[0]?.raw()).not.toContain('Analyst');
    expect(listeners[2]?.raw()).not.toContain('Creator');
  });

  it.each([
    ['a relation', 'systemAlertChanged { node { title notifications { nodes { title } } } }'],
    [
      'a filter',
      'systemAlertChanged(filter: { notifications: { some: { title: { startsWith: "A note" } } } }) { node { title } }',
    ],
  ])('are sent only to their person by %s', async (_, field) => {
    const query = `subscription { ${field} }`;
    const subscriptions = await subscribe([
      [await as('Creator'), query],
      [await as('Analyst'), query],
    ]);
    expect(await groups()).toBe(2);
    const id = await raise(database, tenant, 'Noted');
    const notification = await notify(database, tenant, 'Creator', 'A note for the Creator');
    await database.query('update user_notifications set related_alert_id = $2 where id = $1', [
      notification,
      id,
    ]);
    await database.query(`update system_alerts set title = 'Noted again' where id = $1`, [id]);
    const [creator, analyst] = subscriptions as [Subscription, Subscription];
    const last = (subscription: Subscription) =>
      JSON.stringify(subscription.received().at(-1) ?? null);
    await eventually(() => last(creator)).toContain('Noted again');
    if (field.includes('nodes {')) await eventually(() => last(analyst)).toContain('Noted again');
    await quiet(listeners);
    if (field.includes('nodes {')) {
      expect(last(creator)).toContain('A note for the Creator');
    } else {
      expect(analyst.received().filter(({ node }) => node)).toEqual([]);
    }
    expect(listeners[1]?.raw()).not.toContain('A note');
  });
});
