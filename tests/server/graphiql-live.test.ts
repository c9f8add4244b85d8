import { createClient } from 'graphql-ws';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { schema } from '../../src/schema/index.ts';
import { examples } from '../../src/server/graphiql/examples.ts';
import { createSubscriptionMetrics } from '../../src/subscriptions/subscription-metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

const subscriptionMetrics = createSubscriptionMetrics(new Registry());
let database: TestDatabase;
let feed: PostgresFeed;
let gateway: TestGateway;
let headers: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase('demo');
  feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    feed,
    subscriptionMetrics,
    statementTimeoutMs: 10_000,
  });
  headers = {
    authorization: `Bearer ${await token({ sub: demoPeople[0]?.id })}`,
    'x-workspace-id': demoWorkspaces[0]?.id as string,
  };
});

afterAll(async () => {
  await gateway?.close();
  await feed?.close();
  await database?.close();
});

const tab = (operation: string) => {
  const found = examples.find(({ query }) => query.includes(`\n${operation}`));
  if (!found) throw new Error(`No tab contains ${operation}`);
  return found;
};
const live = tab('subscription Live');

/** Sends the mutation of the tab, without its dry run. */
async function raise(): Promise<void> {
  const { query, variables } = tab('mutation Alert');
  const { data, text } = await gateway.ask(query, headers, { ...variables, dryRun: false });
  expect(data?.raiseAlert, text).toMatchObject({ errors: [] });
}

const ALERT = {
  title: 'Unsubscribes doubled',
  severityLevel: 'CRITICAL',
  status: 'ACTIVE',
};

/** Subscribes as the page does. Returns a function that waits for `count` events. */
async function subscribe(lastEventId?: string) {
  const aborting = new AbortController();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(lastEventId ? { 'last-event-id': lastEventId } : {}),
    },
    body: JSON.stringify({ query: live.query }),
    signal: aborting.signal,
  });
  expect(response.status).toBe(200);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async (count: number) => {
    const events = () => [...text.matchAll(/event: next\n(?:id: (.+)\n)?data: (.+)\n\n/g)];
    while (events().length < count) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      text += value;
    }
    aborting.abort();
    return events().map(([, id, data]) => ({ id, ...JSON.parse(data ?? '') }));
  };
}

it('the subscription tab receives server-sent events, and resumes after Last-Event-ID', async () => {
  const first = await subscribe();
  await raise();
  const [event, ...none] = await first(1);
  expect(none).toEqual([]);
  expect(event.data.alertRaised).toMatchObject({ node: ALERT, cursor: event.id });
  await raise();
  await raise();
  const [second, third] = await (await subscribe(event.id))(2);
  expect(second.data.alertRaised.node).toEqual(ALERT);
  expect(new Set([event.id, second.id, third.id]).size).toBe(3);
  const [again] = await (await subscribe(second.id))(1);
  // The same position can have different cursors.
  expect(again.data.alertRaised.occurredAt).toBe(third.data.alertRaised.occurredAt);
});

it.each(['x', 'null', '%00', 'A'.repeat(5_000)])(
  'an invalid Last-Event-ID is refused: %#',
  async (lastEventId) => {
    const [refused] = await (await subscribe(lastEventId))(1);
    expect(refused.errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', argument: 'last-event-id' } },
    ]);
  },
);

it('the subscription tab receives events over a WebSocket', async () => {
  const { subscribers } = subscriptionMetrics;
  const open = async () => (await subscribers.get()).values[0]?.value;
  await eventually(open).toBe(0);
  const { authorization: Authorization, ...rest } = headers;
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization, ...rest },
  });
  const events = client.iterate({ query: live.query });
  const first = events.next();
  await eventually(open).toBe(1);
  await raise();
  expect((await first).value).toMatchObject({ data: { alertRaised: { node: ALERT } } });
  await events.return?.();
  await client.dispose();
});

it('the live query tab receives a new result when an alert is raised', async () => {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: headers,
  });
  const results = client.iterate<{ systemAlerts: { totalCount: number } }>({
    query: tab('query LiveDashboard').query,
  });
  const count = async () => (await results.next()).value.data.systemAlerts.totalCount;
  const before = await count();
  await raise();
  expect(await count()).toBe(before + 1);
  await results.return?.();
  await client.dispose();
});
