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
import { createTenant, insert, raise, type Tenant } from '../support/tenant.ts';

const ALERTS = `subscription ($filter: SystemAlertFilter, $after: String) {
  alertRaised(filter: $filter, after: $after) { cursor node { title } }
}`;
const WRONG = 'BAD_USER_INPUT';
const INVALID = 'GRAPHQL_VALIDATION_FAILED';
const TOO_LARGE = 'OPERATION_TOO_LARGE';
/** As much as fits into a request beside everything else. */
const LONG = 'x'.repeat(990_000);

let database: TestDatabase;
let api: LiveApi;
let tenant: Tenant;
let client: Client;
let witness: Listener;
let heard: Subscription;
let listeners: Listener[] = [];
const raised: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openLiveApi(database);
  client = await api.as(tenant.people.Viewer, tenant.workspaceId);
  witness = listen(api.url, await api.as(tenant.people.Owner, tenant.workspaceId));
  heard = witness.subscribe(ALERTS);
  await listening(api, 1);
});
/** Nobody else is disturbed: the witness is told everything once, in order. */
afterEach(async () => {
  for (const listener of listeners) listener.close();
  listeners = [];
  await raiseNext();
  await eventually(() => heard.told().map(({ node }) => node.title)).toEqual(raised);
  expect(heard.isOver()).toBe(false);
  await listening(api, 1);
});
afterAll(async () => {
  witness?.close();
  await api?.close();
  await database?.close();
});

async function raiseNext(): Promise<void> {
  const title = `Alert ${raised.length}`;
  raised.push(title);
  await raise(database, tenant, title);
}

async function liveCursor(asking = client): Promise<string> {
  const { systemAlerts } = await asking.data('{ systemAlerts { liveCursor } }');
  return systemAlerts.liveCursor;
}

/** Sends a subscription over every transport, each of which refuses it for the same reason. */
async function expectRefusal(
  query: string,
  variables: object,
  code: string,
  argument?: string,
): Promise<void> {
  for (const transport of TRANSPORTS) {
    const listener = listen(api.url, client, transport);
    listeners.push(listener);
    const refused = listener.subscribe(query, variables);
    // Events do not wait for it.
    await raiseNext();
    await eventually(refused.isOver).toBe(true);
    const errors = refused.results.flatMap((result) => result.errors ?? []);
    const told = `${transport}: ${JSON.stringify(errors).slice(0, 400)}`;
    expect(errors[0]?.extensions.code, told).toBe(code);
    expect(errors[0]?.extensions.argument, told).toBe(argument);
    expect(errors[0]?.message.length, told).toBeGreaterThan(15);
    expect(listener.raw().length, told).toBeLessThan(5_000);
    expect(listener.raw()).not.toMatch(/\bat .*\.(ts|js):|SELECT|gateway\./);
    expect(
      refused.results.some(({ data }) => data),
      told,
    ).toBe(false);
    // The socket is good for others.
    if (transport === 'WebSocket') {
      const { subscribers } = await api.open();
      const next = listener.subscribe(ALERTS);
      await listening(api, subscribers + 1);
      next.end();
      await listening(api, subscribers);
    }
  }
}

const expectBadCursor = (after: unknown, code = WRONG) =>
  expectRefusal(ALERTS, { after }, code, 'after');

describe('a cursor', () => {
  it.each([
    ['that was made up', 'tomorrow'],
    ['that is empty', ''],
    ['of a list', Buffer.from('{"id":1}').toString('base64')],
    ['with SQL in it', "'; drop table gateway.change; --"],
    ['of a million characters', LONG],
    ['of a million bytes', '🚀'.repeat(200_000)],
  ])('%s', async (_, after) => {
    await expectBadCursor(after);
  });

  it('that is cut off, or altered', async () => {
    const cursor = await liveCursor();
    for (const length of [1, 12, cursor.length >> 1, cursor.length - 1]) {
      await expectBadCursor(cursor.slice(0, length));
    }
    const last = cursor.endsWith('A') ? 'Q' : 'A';
    await expectBadCursor(`${cursor.slice(0, -1)}${last}`);
    await expectBadCursor(`${cursor}AAAA`);
    await expectBadCursor(` ${cursor}`);
  });

  it('that looks like one of another database', async () => {
    const forged = Buffer.alloc(80, 1).toString('base64url');
    await expectBadCursor(forged, 'CURSOR_EXPIRED');
  });

  it('of another workspace of the same person', async () => {
    const other = await createTenant(database);
    await insert(database, 'user_workspaces', {
      workspace_id: other.workspaceId,
      user_id: tenant.people.Viewer,
      role: 'Viewer',
    });
    const cursor = await liveCursor(await api.as(tenant.people.Viewer, other.workspaceId));
    await expectBadCursor(cursor);
  });

  it('of another database, with what to do', async () => {
    const elsewhere = await createTestDatabase();
    const there = await openLiveApi(elsewhere);
    const { workspaceId, people } = await createTenant(elsewhere);
    const cursor = await liveCursor(await there.as(people.Viewer, workspaceId));
    await there.close();
    await elsewhere.close();
    await expectBadCursor(cursor, 'CURSOR_EXPIRED');
    expect(listeners[0]?.raw()).toMatch(/Read the list again .*liveCursor/);
  });

  it('from longer ago than changes are kept, with what to do', async () => {
    const cursor = await liveCursor();
    await raiseNext();
    await raiseNext();
    await eventually(() => heard.results.length).toBe(raised.length);
    await api.feed.trim(0);
    await expectBadCursor(cursor, 'CURSOR_EXPIRED');
    expect(listeners[0]?.raw()).toMatch(/Read the list again .*liveCursor/);
    // The newest one is as good as ever.
    await expect(liveCursor()).resolves.toMatch(/^\S+$/);
  });

  it.each(['forged', LONG.slice(0, 10_000)])('in the header last-event-id', async (cursor) => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: {
        ...client.headers,
        accept: 'text/event-stream',
        'content-type': 'application/json',
        'last-event-id': cursor,
      },
      body: JSON.stringify({ query: ALERTS }),
    });
    const text = await response.text();
    expect(text).toContain('"code":"BAD_USER_INPUT"');
    expect(text).toContain('"argument":"last-event-id"');
  });
});

describe('an operation', () => {
  const filtered = (filter: string) => `subscription { alertRaised(filter: ${filter}) { cursor } }`;

  it.each([
    ['without a field that there is', 'subscription { nothingChanged { cursor } }', INVALID],
    ['without a selection', 'subscription { alertRaised }', INVALID],
    ['with two fields', 'subscription { alertRaised { cursor } alertChanged { cursor } }', INVALID],
    [
      'with an operation that is none',
      'subscription { systemAlertChanged(operations: [EXPLODED]) { cursor } }',
      INVALID,
    ],
    ['with a filter on no column', filtered('{ nothing: { equals: 1 } }'), INVALID],
    ['with a filter of a wrong type', filtered('{ title: { equals: 1 } }'), INVALID],
    [
      'with more tokens than may be',
      `subscription { alertRaised { cursor node { ${'title '.repeat(3_000)} } } }`,
      TOO_LARGE,
    ],
    [
      'that is deep',
      `subscription { alertRaised { node { ${'workspace { systemAlerts { nodes { '.repeat(10)} id ${'} } } '.repeat(10)} } } }`,
      TOO_LARGE,
    ],
    [
      'with a long filter in its text',
      filtered(`{ title: { equals: "${LONG.slice(0, 60_000)}" } }`),
      TOO_LARGE,
    ],
    ['that is no GraphQL', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
  ])('%s', async (_, query, code) => {
    await expectRefusal(query, {}, code);
  });

  it('with no operations to be told of', async () => {
    const query = `subscription ($operations: [ChangeOperation!]) {
      systemAlertChanged(operations: $operations) { cursor }
    }`;
    await expectRefusal(query, { operations: [] }, WRONG, 'operations');
  });

  it('with a filter that is deep', async () => {
    const filter = `${'{ and: ['.repeat(40)}{ title: { equals: "x" } }${'] }'.repeat(40)}`;
    await expectRefusal(filtered(filter), {}, WRONG, `filter${'.and[0]'.repeat(7)}`);
  });

  it.each([
    ['a cursor that is a number', { after: 5 }],
    ['a cursor that is a list', { after: ['x'] }],
    ['a filter that is a text', { filter: 'everything' }],
    ['a filter on no column', { filter: { nothing: { equals: 1 } } }],
    ['a filter of a wrong type', { filter: { title: { equals: { a: 1 } } } }],
    ['an unknown value', { filter: { severityLevel: { equals: 'EXTREME' } } }],
  ])('with %s among its variables', async (_, variables) => {
    await expectRefusal(ALERTS, variables, WRONG);
  });

  it.each([
    ['a column compared with null', { filter: { id: null } }, 'filter.id'],
    ['an id that is none', { filter: { id: { equals: 'x' } } }, undefined],
    ['a filter of too many parts', { filter: { or: Array(100_000).fill({}) } }, 'filter.or[999]'],
  ])('with %s', async (_, variables, argument) => {
    await expectRefusal(ALERTS, variables, WRONG, argument);
  });

  it('with a filter of a million characters', async () => {
    for (const transport of TRANSPORTS) {
      const listener = listen(api.url, client, transport);
      listeners.push(listener);
      const { subscribers } = await api.open();
      const subscription = listener.subscribe(ALERTS, { filter: { title: { equals: LONG } } });
      await eventually(
        async () => subscription.isOver() || (await api.open()).subscribers > subscribers,
      ).toBe(true);
      await raiseNext();
      await eventually(() => heard.results.length).toBe(raised.length);
      await quiet([listener]);
      // Refused with a reason, or answered like any other filter: nothing matches it.
      const told = subscription.results.flatMap(({ errors }) => errors ?? []);
      if (subscription.isOver()) expect(told[0]?.extensions.code).toMatch(/^[A-Z_]+$/);
      else expect(subscription.results).toEqual([]);
    }
  });

  it('larger than a request may be ends the connection, and says so', async () => {
    const variables = { filter: { title: { equals: `${LONG}${LONG}` } } };
    const [socket, sse] = [listen(api.url, client), listen(api.url, client, 'SSE')];
    listeners.push(socket, sse);
    const [first, second] = [socket, sse].map((each) => each.subscribe(ALERTS, variables));
    await eventually(() => first?.isOver()).toBe(true);
    expect(socket.closeCode()).toBe(1009);
    await eventually(() => second?.isOver()).toBe(true);
    expect(sse.raw()).toMatch(/"code":"[A-Z_]+"/);
  });
});

it('more subscriptions than a socket may hold are refused, one by one', async () => {
  const socket = listen(api.url, client);
  listeners.push(socket);
  const all = Array.from({ length: 150 }, () => socket.subscribe(ALERTS));
  await listening(api, 101);
  const codes = () => all.map(({ code }) => code());
  await eventually(codes).toEqual(
    all.map((_, n) => (n < 100 ? undefined : 'TOO_MANY_SUBSCRIPTIONS')),
  );
  await raiseNext();
  for (const [n, each] of all.entries()) {
    await eventually(() => each.told().filter(Boolean).length).toBe(n < 100 ? 1 : 0);
  }
  // There is room again once some are left.
  for (const each of all.slice(0, 10)) each.end();
  await listening(api, 91);
  socket.subscribe(ALERTS);
  await listening(api, 92);
});
