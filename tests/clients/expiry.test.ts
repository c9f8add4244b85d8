import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import * as sse from 'graphql-sse';
import * as gws from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { resumeLink } from '../../packages/client/src/apollo.ts';
import {
  credentials,
  type ResumeOptions,
  resumable,
  type SubscriptionPayload,
} from '../../packages/client/src/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type LiveGateway, openGateway } from './support/gateway.ts';

const QUERY = `subscription ($after: String) {
  alertRaised(after: $after) { cursor node { title } }
}`;

let database: TestDatabase;
let gateway: LiveGateway;
beforeAll(async () => {
  database = await createTestDatabase('demo');
  gateway = await openGateway(database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

/** The times at which the client signed in. */
let signIns: number[];
let seconds: number;
beforeEach(() => {
  [signIns, seconds] = [[], 600];
});
const signIn = credentials(() => {
  signIns.push(Date.now());
  return gateway.token(seconds);
});

const retry = async () => {};

interface Received {
  titles: string[];
  errors: unknown[];
}
type Follow = (
  received: Received,
  payload: SubscriptionPayload,
  options: ResumeOptions,
) => () => void;

const sinkOf = ({ titles, errors }: Received) => ({
  next: ({ data, errors: all }: { data?: unknown; errors?: unknown }) => {
    if (all) errors.push(all);
    else titles.push((data as { alertRaised: { node: { title: string } } }).alertRaised.node.title);
  },
  error: (error: unknown) => void errors.push(error),
  complete: () => void errors.push('complete'),
});

const viaSse =
  (singleConnection: boolean): Follow =>
  (received, payload, options) => {
    const url = `http://${gateway.address}/graphql${singleConnection ? '/stream' : ''}`;
    const client = sse.createClient<boolean>({ url, singleConnection, headers: signIn, retry });
    return resumable(client, options).subscribe(
      { query: payload.query, variables: { ...payload.variables } },
      sinkOf(received),
    );
  };

const CLIENTS: Record<string, Follow> = {
  'graphql-ws': (received, payload, options) => {
    const client = gws.createClient({
      url: `ws://${gateway.address}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: signIn,
      retryWait: retry,
    });
    return resumable(client, options).subscribe(payload, sinkOf(received));
  },
  'graphql-sse': viaSse(false),
  'graphql-sse, single connection': viaSse(true),
  'Apollo by HTTP': (received, { query, variables }, options) => {
    const link = resumeLink(options).concat(
      new SetContextLink(async () => ({ headers: await signIn() })),
      new HttpLink({ uri: `http://${gateway.address}/graphql` }),
    );
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const { next, error, complete } = sinkOf(received);
    const subscription = client
      .subscribe({ query: gql(query), variables: { ...variables }, fetchPolicy: 'no-cache' })
      .subscribe({ next: (each) => (each.error ? error(each.error) : next(each)), complete });
    return () => subscription.unsubscribe();
  },
};

describe.each(Object.entries(CLIENTS))('%s', (_, follow) => {
  let received: Received;
  let stop: () => void;
  const begin = (after: string, options: ResumeOptions = {}) => {
    received = { titles: [], errors: [] };
    stop = follow(received, { query: QUERY, variables: { after } }, options);
  };
  afterEach(() => stop());
  const expectTitles = (titles: string[]) =>
    vi.waitFor(() => expect(received).toEqual({ titles, errors: [] }), 15_000);

  it('signs in again when its token expires, and misses no alert', async () => {
    seconds = 2;
    begin(await gateway.liveCursor());
    const titles: string[] = [];
    // One connection may take several requests, so only a later sign-in counts.
    const isReconnected = () => (signIns.at(-1) ?? 0) - (signIns[0] ?? 0) >= 1_000;
    while (!isReconnected()) {
      titles.push(`Alert ${titles.length}`);
      await gateway.raise(titles.at(-1) ?? '');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    seconds = 600;
    titles.push('Afterwards');
    await gateway.raise('Afterwards');
    await expectTitles(titles);
  });

  it('continues from a new cursor when its own has expired', async () => {
    const liveCursor = await gateway.liveCursor();
    await gateway.raise('Deleted');
    await gateway.deleteChanges();
    const onExpired = vi.fn(gateway.liveCursor);
    begin(liveCursor, { onExpired });
    await vi.waitFor(() => expect(onExpired).toHaveResolvedTimes(1), 10_000);
    await gateway.raise('Afterwards');
    await expectTitles(['Afterwards']);
  });
});
