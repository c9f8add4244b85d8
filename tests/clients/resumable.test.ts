import { inspect } from 'node:util';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import * as sse from 'graphql-sse';
import * as gws from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { resumeLink } from '../../packages/client/src/apollo.ts';
import {
  backoff,
  credentials,
  type ResumeOptions,
  resumable,
  type SubscriptionSink,
} from '../../packages/client/src/index.ts';
import { type LogServer, startLogServer } from './support/log-server.ts';

const QUERY = 'subscription ($after: String) { told(after: $after) { number cursor } }';

let server: LogServer;
let ends: (() => unknown)[];
beforeEach(async () => {
  // Browsers have it, and Apollo asks whether an error is one of its.
  vi.stubGlobal('WebSocket', WebSocket);
  server = await startLogServer();
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  await server.close();
});

/** Waits as long as a busy machine may take. */
const eventually = (check: () => void) => vi.waitFor(check, 10_000);

let tokens = 0;
const signIn = credentials(() => `t${++tokens}`);
const atOnce = async () => {};

function wsClient(): gws.Client {
  return gws.createClient({
    url: server.ws,
    connectionParams: signIn,
    retryWait: atOnce,
    shouldRetry: () => true,
  });
}

function sseClient<Single extends boolean>(singleConnection: Single): sse.Client<Single> {
  return sse.createClient<Single>({
    url: singleConnection ? `${server.http}/stream` : `${server.http}/events`,
    singleConnection,
    headers: signIn,
    retry: atOnce,
  });
}

/** A subscription from a number on, by whatever client. */
type Subscribe = (
  after: string | undefined,
  sink: SubscriptionSink,
  options?: ResumeOptions,
) => () => void;

const variablesOf = (after: string | undefined) => (after === undefined ? {} : { after });

const bySubscribe =
  (makeClient: () => gws.Client | sse.Client<boolean>): Subscribe =>
  (after, sink, options) =>
    resumable(makeClient(), options).subscribe(
      { query: QUERY, variables: variablesOf(after) },
      sink,
    );

const byApollo =
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

const clients: [string, Subscribe][] = [
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

/** What a client was told. */
function listener() {
  const numbers: number[] = [];
  const errors: unknown[] = [];
  const sink = {
    next: vi.fn(({ data, errors: all }) => {
      if (all) errors.push(all);
      else numbers.push(data.told.number);
    }),
    error: vi.fn((error) => void errors.push(error)),
    complete: vi.fn(),
  };
  const told = (...all: number[]) => eventually(() => expect(numbers).toEqual(all));
  return { numbers, errors, sink, told };
}

describe.each(clients)('%s', (_, subscribe) => {
  const listen = (after?: string, options?: ResumeOptions) => {
    const listening = listener();
    const stop = subscribe(after, listening.sink, options);
    ends.push(stop);
    return { ...listening, stop };
  };

  it('goes on behind the last result whenever it is cut, with a new token', async () => {
    const { told, errors } = listen('0');
    server.tell(1, 2);
    await told(1, 2);
    const numbers = [1, 2];
    for (const number of [3, 5, 7]) {
      server.cut();
      server.tell(number, number + 1);
      numbers.push(number, number + 1);
      await told(...numbers);
    }
    expect(server.asked).toEqual(['0', '2', '4', '6']);
    expect(new Set(server.signedIn).size).toBe(4);
    expect(errors).toEqual([]);
  });

  it('says which cursor to keep, once its result has been handed over', async () => {
    const kept: unknown[] = [];
    const { told, numbers } = listen('0', {
      onCursor: (cursor, { query }) => kept.push([cursor, query.includes('told'), numbers.length]),
    });
    server.tell(1, 2);
    await told(1, 2);
    expect(kept).toEqual([
      ['1', true, 1],
      ['2', true, 2],
    ]);
  });

  it('begins now without a cursor', async () => {
    server.tell(1);
    const { told } = listen();
    await eventually(() => expect(server.asked).toEqual([undefined]));
    server.tell(2);
    await told(2);
  });

  it('asks where to go on when its cursor has expired', async () => {
    server.tell(1, 2, 3, 4);
    server.expire(2);
    const { told, sink } = listen('1', { onExpired: async () => '3' });
    await told(4);
    expect(server.asked).toEqual(['1', '3']);
    server.tell(5);
    await told(4, 5);
    expect(sink.error).not.toHaveBeenCalled();
    expect(sink.complete).not.toHaveBeenCalled();
  });

  it('ends with CURSOR_EXPIRED if nobody says where to go on', async () => {
    server.expire(2);
    const { errors } = listen('1');
    // Apollo wraps them.
    await eventually(() => expect(inspect(errors, { depth: 6 })).toContain('CURSOR_EXPIRED'));
    expect(server.asked).toEqual(['1']);
  });

  it('ends with the error of whoever cannot say where to go on', async () => {
    server.expire(2);
    const { errors } = listen('1', { onExpired: () => Promise.reject(new Error('No list.')) });
    await eventually(() => expect(errors).toMatchObject([{ message: 'No list.' }]));
  });

  it('is not begun again once it was stopped', async () => {
    server.expire(2);
    let answer = (_cursor: string) => {};
    const asked = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const { stop, numbers } = listen('1', { onExpired: asked });
    await eventually(() => expect(asked).toHaveBeenCalled());
    stop();
    answer('3');
    server.tell(4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.asked).toEqual(['1']);
    expect(numbers).toEqual([]);
  });

  it('tries again with its cursor when the gateway has an outage of its own', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { told, errors } = listen('0');
    server.tell(1);
    await told(1);
    server.instead = {
      errors: [{ message: 'Shortly.', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    };
    server.tell(2);
    server.instead = undefined;
    await told(1, 2);
    expect(server.asked).toEqual(['0', '1']);
    expect(errors).toEqual([]);
    vi.restoreAllMocks();
  });

  it('refuses results without a cursor', async () => {
    server.instead = { data: { told: { number: 1 } } };
    const { errors, sink } = listen('0');
    server.tell(1);
    await eventually(() =>
      expect(errors).toMatchObject([{ message: expect.stringContaining('Select `cursor`') }]),
    );
    expect(sink.next).not.toHaveBeenCalled();
  });

  it('hands over errors, and goes on behind the last result', async () => {
    const { told, errors } = listen('0');
    server.tell(1);
    await told(1);
    server.instead = { data: null, errors: [{ message: 'Not this time.' }] };
    server.tell(2);
    await eventually(() => expect(errors).toHaveLength(1));
    server.instead = undefined;
    server.cut();
    await told(1, 2);
  });
});

describe.each([
  ['graphql-ws', wsClient],
  ['graphql-sse', () => sseClient(false)],
  ['graphql-sse, single connection', () => sseClient(true)],
])('%s, iterated over', (_, makeClient) => {
  const iterate = (after: string, options?: ResumeOptions) =>
    resumable<gws.Client | sse.Client<boolean>>(makeClient(), options).iterate({
      query: QUERY,
      variables: { after },
    });

  it('keeps what comes in meanwhile, once', async () => {
    server.tell(1, 2);
    const numbers: unknown[] = [];
    const onCursor = vi.fn();
    for await (const { data } of iterate('0', { onCursor })) {
      numbers.push(Object(data?.told).number);
      if (numbers.length === 1) {
        await eventually(() => expect(onCursor.mock.lastCall?.[0]).toBe('2'));
        server.cut();
        await eventually(() => expect(server.asked).toHaveLength(2));
        server.tell(3);
      }
      if (numbers.length === 3) break;
    }
    expect(numbers).toEqual([1, 2, 3]);
    expect(server.asked).toEqual(['0', '2']);
  });

  it('is stopped while nothing comes', async () => {
    const results = iterate('0');
    const next = results.next();
    await eventually(() => expect(server.asked).toHaveLength(1));
    await results.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it('throws what the subscription ends with', async () => {
    server.expire(2);
    const failing = iterate('0', { onExpired: () => Promise.reject(new Error('No list.')) });
    await expect(failing.next()).rejects.toThrow('No list.');
  });
});

it('a subscription that the gateway refuses for a while takes no other with it', async () => {
  // As long as it may be: the connection is lost while the client waits to try again.
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  const client = resumable(wsClient());
  const listen = () => {
    const listening = listener();
    ends.push(client.subscribe({ query: QUERY, variables: { after: '0' } }, listening.sink));
    return listening;
  };
  const one = listen();
  server.tell(1);
  await one.told(1);
  server.isOut = true;
  const other = listen();
  await eventually(() => expect(server.asked).toHaveLength(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.isOut = false;
  server.cut();
  server.tell(2);
  await Promise.all([one.told(1, 2), other.told(1, 2)]);
  expect([...server.asked].sort()).toEqual(['0', '0', '0', '1']);
  for (const { sink } of [one, other]) expect(sink.complete).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

it('refuses a subscription without the variable', async () => {
  const { sink, errors } = listener();
  resumable(wsClient()).subscribe({ query: 'subscription { told { number cursor } }' }, sink);
  expect(errors).toMatchObject([{ message: expect.stringContaining('`$after`') }]);
  expect(server.signedIn).toEqual([]);
});

it('leaves the rest of a client as it is', async () => {
  const client = resumable(wsClient());
  const connected = vi.fn();
  client.on('connected', connected);
  const { sink, told } = listener();
  client.subscribe({ query: QUERY, variables: { after: '0' } }, sink);
  server.tell(1);
  await told(1);
  expect(connected).toHaveBeenCalledOnce();
  await client.dispose();
  await eventually(() => expect(sink.complete).toHaveBeenCalledOnce());
});

it('credentials are those of the moment', async () => {
  let token = 'a';
  const ask = credentials(async () => token, 'w');
  expect(await ask()).toEqual({ authorization: 'Bearer a', 'x-workspace-id': 'w' });
  token = 'b';
  expect(await ask()).toEqual({ authorization: 'Bearer b', 'x-workspace-id': 'w' });
  expect(await credentials(() => 'c')()).toEqual({ authorization: 'Bearer c' });
});

it.each([
  [0, 1_000],
  [1, 2_000],
  [4, 16_000],
  [5, 30_000],
  [1_000, 30_000],
])('waits longer from attempt to attempt: after %i up to %i ms', async (retries, longest) => {
  vi.useFakeTimers();
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  const begun = Date.now();
  const waited = backoff(retries).then(() => Date.now() - begun);
  await vi.runAllTimersAsync();
  random.mockRestore();
  vi.useRealTimers();
  expect(await waited).toBe(longest);
});
