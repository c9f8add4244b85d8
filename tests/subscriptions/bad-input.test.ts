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
const BAD_INPUT = 'BAD_USER_INPUT';
const INVALID = 'GRAPHQL_VALIDATION_FAILED';
const TOO_LARGE = 'OPERATION_TOO_LARGE';
/** Almost as long as a request may be. */
const LONG = 'x'.repeat(990_000);

let database: TestDatabase;
let api: LiveApi;
let tenant: Tenant;
let client: Client;
let witness: Listener;
let witnessed: Subscription;
let listeners: Listener[] = [];
const raised: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openLiveApi(database);
  client = await api.as(tenant.people.Viewer, tenant.workspaceId);
  witness = listen(api.url, await api.as(tenant.people.Owner, tenant.workspaceId));
  witnessed = witness.subscribe(ALERTS);
  await listening(api, 1);
});
/** No other client is affected: the witness receives each alert once, in order. */
afterEach(async () => {
  for (const listener of listeners) listener.close();
  listeners = [];
  await raiseNext();
  await eventually(() => witnessed.received().map(({ node }) => node.title)).toEqual(raised);
  expect(witnessed.isOver()).toBe(false);
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

async function liveCursor(of = client): Promise<string> {
  const { systemAlerts } = await of.data('{ systemAlerts { liveCursor } }');
  return systemAlerts.liveCursor;
}

/** Sends a subscription over every transport, and expects the same refusal from each. */
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
    // A new event does not delay the refusal.
    await raiseNext();
    await eventually(refused.isOver).toBe(true);
    const errors = refused.results.flatMap((result) => result.errors ?? []);
    const details = `${transport}: ${JSON.stringify(errors).slice(0, 400)}`;
    expect(errors[0]?.extensions.code, details).toBe(code);
    expect(errors[0]?.extensions.argument, details).toBe(argument);
    expect(errors[0]?.message.length, details).toBeGreaterThan(15);
    expect(listener.raw().length, details).toBeLessThan(5_000);
    expect(listener.raw()).not.toMatch(/\bat .*\.(ts|js):|SELECT|gateway\./);
    expect(
      refused.results.some(({ data }) => data),
      details,
    ).toBe(false);
    // The socket can still be used for other subscriptions.
    if (transport === 'WebSocket') {
      const { subscribers } = await api.open();
      const next = listener.subscribe(ALERTS);
      await listening(api, subscribers + 1);
      next.end();
      await listening(api, subscribers);
    }
  }
}

const expectBadCursor = (after: unknown, code = BAD_INPUT) =>
  expectRefusal(ALERTS, { after }, code, 'after');

describe('refuses a cursor', () => {
  it.each([
    ['that was made up', 'tomorrow'],
    ['that is empty', ''],
    ['of a list', Buffer.from('{"id":1}').toString('base64')],
    ['that contains SQL', "'; drop table gateway.change; --"],
    ['of a million characters', LONG],
    ['of a million bytes', '🚀'.repeat(200_000)],
  ])('%s', async (_, after) => {
    await expectBadCursor(after);
  });

  it('that is truncated or changed', async () => {
    const cursor = await liveCursor();
    for (const length of [1, 12, cursor.length >> 1, cursor.length - 1]) {
      await expectBadCursor(cursor.slice(0, length));
    }
    const last = cursor.endsWith('A') ? 'Q' : 'A';
    await expectBadCursor(`${cursor.slice(0, -1)}${last}`);
    await expectBadCursor(`${cursor}AAAA`);
    await expectBadCursor(` ${cursor}`);
  });

  it('that is forged in the right format', async () => {
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

  it('of another database, and says how to continue', async () => {
    const elsewhere = await createTestDatabase();
    const there = await openLiveApi(elsewhere);
    const { workspaceId, people } = await createTenant(elsewhere);
    const cursor = await liveCursor(await there.as(people.Viewer, workspaceId));
    await there.close();
    await elsewhere.close();
    await expectBadCursor(cursor, 'CURSOR_EXPIRED');
    expect(listeners[0]?.raw()).toMatch(/Read the list again .*liveCursor/);
  });

  it('that is older than the change log, and says how to continue', async () => {
    const cursor = await liveCursor();
    await raiseNext();
    await raiseNext();
    await eventually(() => witnessed.results.length).toBe(raised.length);
    await api.feed.trim(0);
    await expectBadCursor(cursor, 'CURSOR_EXPIRED');
    expect(listeners[0]?.raw()).toMatch(/Read the list again .*liveCursor/);
    // New cursors still work.
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

describe('refuses an operation', () => {
  const filtered = (filter: string) => `subscription { alertRaised(filter: ${filter}) { cursor } }`;

  it.each([
    ['with an unknown field', 'subscription { nothingChanged { cursor } }', INVALID],
    ['without a selection', 'subscription { alertRaised }', INVALID],
    ['with two fields', 'subscription { alertRaised { cursor } alertChanged { cursor } }', INVALID],
    [
      'with an unknown value of an enum',
      'subscription { systemAlertChanged(operations: [EXPLODED]) { cursor } }',
      INVALID,
    ],
    ['with a filter on an unknown column', filtered('{ nothing: { equals: 1 } }'), INVALID],
    ['with a filter of the wrong type', filtered('{ title: { equals: 1 } }'), INVALID],
    [
      'with too many tokens',
      `subscription { alertRaised { cursor node { ${'title '.repeat(3_000)} } } }`,
      TOO_LARGE,
    ],
    [
      'that is nested too deeply',
      `subscription { alertRaised { node { ${'workspace { systemAlerts { nodes { '.repeat(10)} id ${'} } } '.repeat(10)} } } }`,
      TOO_LARGE,
    ],
    [
      'with a long filter in its text',
      filtered(`{ title: { equals: "${LONG.slice(0, 60_000)}" } }`),
      TOO_LARGE,
    ],
    ['that is not GraphQL', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
  ])('%s', async (_, query, code) => {
    await expectRefusal(query, {}, code);
  });

  it('with an empty list of operations', async () => {
    const query = `subscription ($operations: [ChangeOperation!]) {
      systemAlertChanged(operations: $operations) { cursor }
    }`;
    await expectRefusal(query, { operations: [] }, BAD_INPUT, 'operations');
  });

  it('with a filter that is nested too deeply', async () => {
    const filter = `${'{ and: ['.repeat(40)}{ title: { equals: "x" } }${'] }'.repeat(40)}`;
    await expectRefusal(filtered(filter), {}, BAD_INPUT, `filter${'.and[0]'.repeat(7)}`);
  });

  it.each([
    ['a cursor that is a number', { after: 5 }],
    ['a cursor that is a list', { after: ['x'] }],
    ['a filter that is a string', { filter: 'everything' }],
    ['a filter on an unknown column', { filter: { nothing: { equals: 1 } } }],
    ['a filter of the wrong type', { filter: { title: { equals: { a: 1 } } } }],
    ['an unknown value of an enum', { filter: { severityLevel: { equals: 'EXTREME' } } }],
  ])('whose variables contain %s', async (_, variables) => {
    await expectRefusal(ALERTS, variables, BAD_INPUT);
  });

  it.each([
    ['a required column compared with null', { filter: { id: null } }, 'filter.id'],
    ['an invalid id', { filter: { id: { equals: 'x' } } }, undefined],
    ['a filter with too many parts', { filter: { or: Array(100_000).fill({}) } }, 'filter.or[999]'],
  ])('with %s', async (_, variables, argument) => {
    await expectRefusal(ALERTS, variables, BAD_INPUT, argument);
  });

  it('with a filter of a million characters, or accepts it without a match', async () => {
    for (const transport of TRANSPORTS) {
      const listener = listen(api.url, client, transport);
      listeners.push(listener);
      const { subscribers } = await api.open();
      const subscription = listener.subscribe(ALERTS, { filter: { title: { equals: LONG } } });
      await eventually(
        async () => subscription.isOver() || (await api.open()).subscribers > subscribers,
      ).toBe(true);
      await raiseNext();
      await eventually(() => witnessed.results.length).toBe(raised.length);
      await quiet([listener]);
      // If it is accepted, it matches nothing.
      const details = subscription.results.flatMap(({ errors }) => errors ?? []);
      if (subscription.isOver()) expect(details[0]?.extensions.code).toMatch(/^[A-Z_]+$/);
      else expect(subscription.results).toEqual([]);
    }
  });

  it('larger than the limit of a request, and closes the connection', async () => {
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

it('refuses each subscription over the limit of a socket', async () => {
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
    await eventually(() => each.received().filter(Boolean).length).toBe(n < 100 ? 1 : 0);
  }
  // New ones are accepted again after some have ended.
  for (const each of all.slice(0, 10)) each.end();
  await listening(api, 91);
  socket.subscribe(ALERTS);
  await listening(api, 92);
});
