import { setTimeout as delay } from 'node:timers/promises';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import * as sse from 'graphql-sse';
import * as gws from 'graphql-ws';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { resumeLink } from '../../packages/client/src/apollo.ts';
import { resumable, type SubscriptionSink } from '../../packages/client/src/index.ts';
import { openers } from '../server/support/openers.ts';
import { createHolders, openQuotaWorld, type QuotaWorld } from '../server/support/quota-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { raise } from '../support/tenant.ts';

const QUERY =
  'subscription ($after: String) { alertRaised(after: $after) { cursor node { title } } }';
const shortly = () => delay(20);

let database: TestDatabase;
let holders: Awaited<ReturnType<typeof createHolders>>;
let world: QuotaWorld;
let stop = () => {};
beforeAll(async () => {
  // Apollo needs the global class.
  vi.stubGlobal('WebSocket', WebSocket);
  // Retries without a delay.
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  database = await createTestDatabase();
  holders = await createHolders(database);
  world = await openQuotaWorld(database, holders, { person: { requests: 1 } });
});
afterEach(() => stop());
afterAll(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await world?.close();
  await database?.close();
});

type Headers = Record<string, string>;

const sseClient = (singleConnection: boolean, headers: Headers) =>
  sse.createClient({
    url: `${world.api.url}/graphql${singleConnection ? '/stream' : ''}`,
    singleConnection,
    headers,
    retryAttempts: Number.POSITIVE_INFINITY,
    retry: shortly,
  });

const clients: Record<string, (headers: Headers, sink: SubscriptionSink) => () => void> = {
  'graphql-ws': (headers, sink) =>
    resumable(
      gws.createClient({
        url: `${world.api.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: headers,
      }),
    ).subscribe({ query: QUERY }, sink),
  'graphql-sse': (headers, sink) =>
    resumable(sseClient(false, headers)).subscribe({ query: QUERY }, sink),
  'graphql-sse, single connection': (headers, sink) =>
    resumable(sseClient(true, headers)).subscribe({ query: QUERY }, sink),
  'Apollo by HTTP': (headers, sink) => {
    const link = resumeLink().concat(new HttpLink({ uri: `${world.api.url}/graphql`, headers }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const subscription = client
      .subscribe({ query: gql(QUERY), fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data, error }) => (error ? sink.error(error) : sink.next({ data })),
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      });
    return () => subscription.unsubscribe();
  },
};

it.each(Object.keys(clients))(
  '%s subscribes again after it was refused because its person had too many requests in flight',
  async (name) => {
    const [client] = world.clients.person.own;
    const refusals = async () =>
      (await world.reading('codex_quota_refusals_total'))['requests person'] ?? 0;
    const before = await refusals();
    world.hold(true);
    const running = await openers.requests?.['a POST']?.(world, client, '{ __typename }');
    expect(running?.refusal).toBeNull();
    const results: unknown[] = [];
    const errors: unknown[] = [];
    const end = clients[name]?.(client.headers, {
      next: ({ data }) => void results.push(data),
      error: (error) => void errors.push(error),
      complete: () => {},
    });
    stop = () => end?.();
    await eventually(refusals).toBeGreaterThan(before);
    await running?.end();
    world.hold(false);
    await eventually(async () => (await world.api.open()).subscribers).toBe(1);
    await raise(database, holders.tenants[0] as (typeof holders.tenants)[number], name);
    await eventually(() => JSON.stringify(results)).toContain(`"title":"${name}"`);
    expect(errors).toEqual([]);
    end?.();
    await eventually(async () => (await world.api.open()).subscribers).toBe(0);
  },
);
