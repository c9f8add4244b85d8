import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import * as sse from 'graphql-sse';
import * as gws from 'graphql-ws';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import WebSocket from 'ws';
import { resumeLink } from '../../packages/client/src/apollo.ts';
import {
  credentials,
  type ResumeOptions,
  resumable,
  type SubscriptionSink,
} from '../../packages/client/src/index.ts';
import { type LogServer, startLogServer } from './support/log-server.ts';

export const QUERY =
  'subscription ($after: String) { numberAdded(after: $after) { number cursor } }';

export let server: LogServer;

export let ends: (() => unknown)[];

/** Waits long enough for a busy machine. */
export const eventually = (check: () => void) => vi.waitFor(check, 10_000);

export let tokens = 0;

export const signIn = credentials(() => `t${++tokens}`);

export const retryAtOnce = async () => {};

export function wsClient(): gws.Client {
  return gws.createClient({
    url: server.ws,
    connectionParams: signIn,
    retryWait: retryAtOnce,
    shouldRetry: () => true,
  });
}

export function sseClient<Single extends boolean>(singleConnection: Single): sse.Client<Single> {
  return sse.createClient<Single>({
    url: singleConnection ? `${server.http}/stream` : `${server.http}/events`,
    singleConnection,
    headers: signIn,
    retry: retryAtOnce,
  });
}

/** Subscribes with a client to the numbers after a cursor. */
export type Subscribe = (
  after: string | undefined,
  sink: SubscriptionSink,
  options?: ResumeOptions,
) => () => void;

export const variablesOf = (after: string | undefined) => (after === undefined ? {} : { after });

export const bySubscribe =
  (makeClient: () => gws.Client | sse.Client<boolean>): Subscribe =>
  (after, sink, options) =>
    resumable(makeClient(), options).subscribe(
      { query: QUERY, variables: variablesOf(after) },
      sink,
    );

export const byApollo =
  (makeLink: (options?: ResumeOptions) => ApolloClient.Options['link']): Subscribe =>
  (after, sink, options) => {
    const client = new ApolloClient({ link: makeLink(options), cache: new InMemoryCache() });
    ends.push(() => client.stop());
    const subscription = client
      .subscribe({ query: gql(QUERY), variables: variablesOf(after), fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data, error }) => (error ? sink.error(error) : sink.next({ data })),
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      });
    return () => subscription.unsubscribe();
  };

export const clients: [string, Subscribe][] = [
  ['graphql-ws', bySubscribe(wsClient)],
  ['graphql-sse', bySubscribe(() => sseClient(false))],
  ['graphql-sse, single connection', bySubscribe(() => sseClient(true))],
  ['Apollo by WebSocket', byApollo((options) => new GraphQLWsLink(resumable(wsClient(), options)))],
  [
    'Apollo by HTTP',
    byApollo((options) =>
      resumeLink(options).concat(
        new SetContextLink(async () => ({ headers: await signIn() })),
        new HttpLink({ uri: `${server.http}/parts` }),
      ),
    ),
  ],
];

/** A sink, and what it has received. */
export function listener() {
  const numbers: number[] = [];
  const errors: unknown[] = [];
  const sink = {
    next: vi.fn(({ data, errors: all }) => {
      if (all) errors.push(all);
      else numbers.push(data.numberAdded.number);
    }),
    error: vi.fn((error) => void errors.push(error)),
    complete: vi.fn(),
  };
  const receives = (...all: number[]) => eventually(() => expect(numbers).toEqual(all));
  return { numbers, errors, sink, receives };
}

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeEach(async () => {
    // Browsers have it, and Apollo needs the global class.
    vi.stubGlobal('WebSocket', WebSocket);
    server = await startLogServer();
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends) await end();
    await server.close();
  });
}
