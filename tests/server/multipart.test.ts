import { ApolloClient, CombinedProtocolErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { firstValueFrom, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  RESUME,
  STOP,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';

const ACCEPT = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json';

const live = createLiveStreams();
const { listening } = live;
let gateway: LiveGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await openLiveGateway(live);
  ({ authorization } = gateway);
});
afterEach(() => live.end(RESUME));
afterAll(() => gateway?.close());

const ask = (accept: string, query = SUBSCRIPTION) =>
  fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  });

const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;

/** Subscribes with Apollo Client, and collects its results. */
function subscribe(query = SUBSCRIPTION) {
  const client = new ApolloClient({
    link: new HttpLink({ uri: `${gateway.url}/graphql`, headers: { authorization } }),
    cache: new InMemoryCache(),
  });
  const results: { data?: unknown; error?: unknown }[] = [];
  let completed = false;
  const subscription = client.subscribe({ query: gql(query) }).subscribe({
    next: ({ data, error }) => results.push({ data, error }),
    complete: () => {
      completed = true;
    },
  });
  return { results, completed: () => completed, leave: () => subscription.unsubscribe() };
}

describe('a subscription over multipart', () => {
  it.each([
    ACCEPT,
    'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0", application/json',
    'multipart/mixed;subscriptionSpec=1.0',
  ])('receives each result in a part, then the reason of its end: %s', async (accept) => {
    const response = await ask(accept);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(
      'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0',
    );
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    live.send({ ticks: 'a' }, 'first');
    live.send({ ticks: '\r\n--graphql' });
    live.end(STOP);
    expect(await response.text()).toBe(
      [
        '\r\n--graphql',
        part('{"payload":{"data":{"ticks":"a"}}}'),
        part('{"payload":{"data":{"ticks":"\\r\\n--graphql"}}}'),
        part(
          '{"payload":null,"errors":[{"message":"Read it again.","extensions":{"code":"CURSOR_EXPIRED"}}]}',
        ),
        '--\r\n',
      ].join(''),
    );
  });

  it('works with Apollo Client, and ends when that unsubscribes', async () => {
    const { results, leave } = subscribe();
    await listening();
    live.send({ ticks: 'a' });
    live.send({ ticks: 'b' });
    await eventually(() => results).toEqual([{ data: { ticks: 'a' } }, { data: { ticks: 'b' } }]);
    leave();
    await listening(0);
  });

  it('gives Apollo Client the reason of its end', async () => {
    const { results, completed } = subscribe();
    await listening();
    live.end(STOP);
    await eventually(completed).toBe(true);
    const [{ error } = {}] = results;
    expect(error).toBeInstanceOf(CombinedProtocolErrors);
    expect((error as CombinedProtocolErrors).errors).toEqual([
      { message: 'Read it again.', extensions: { code: 'CURSOR_EXPIRED' } },
    ]);
  });

  it('breaks off if the client should reconnect, which Apollo Client reports as an error', async () => {
    const { results, completed } = subscribe();
    await listening();
    live.send({ ticks: 'a' });
    await eventually(() => results.length).toBe(1);
    live.end(RESUME);
    await eventually(() => results.length).toBe(2);
    expect(results[1]?.error).toBeInstanceOf(Error);
    await eventually(completed).toBe(true);
  });

  it('receives a heartbeat every 12 seconds, which Apollo Client ignores', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const streams = createLiveStreams();
    const other = await openLiveGateway(streams, gateway.database);
    const raw = openRaw(
      other.url,
      rawPost('/graphql', { authorization, accept: ACCEPT }, { query: SUBSCRIPTION }),
    );
    const client = new ApolloClient({
      link: new HttpLink({ uri: `${other.url}/graphql`, headers: { authorization } }),
      cache: new InMemoryCache(),
    });
    const all = firstValueFrom(client.subscribe({ query: gql(SUBSCRIPTION) }).pipe(toArray()));
    try {
      await streams.listening(2);
      // Second by second, with time to write after each.
      for (let second = 0; second < 12; second += 1) {
        vi.advanceTimersByTime(1_000);
        await new Promise(setImmediate);
      }
      await eventually(() => raw.received()).toContain(part('{}'));
      streams.send({ ticks: 'a' });
      streams.end(STOP);
      expect((await all).map(({ data }) => data)).toEqual([{ ticks: 'a' }, undefined]);
    } finally {
      raw.socket.destroy();
      await other.close();
      vi.useRealTimers();
    }
  });
});

describe('an operation that is refused', () => {
  it.each([
    ['before it runs', 'subscription { tocks }'],
    ['by the parser', 'subscription { ticks'],
  ])('gets the reason in JSON if the client accepts it: %s', async (_, query) => {
    const response = await ask(ACCEPT, query);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toHaveProperty('errors');
  });

  it('is an error in Apollo Client', async () => {
    const { results } = subscribe('subscription { tocks }');
    await eventually(() => results[0]?.error).toBeInstanceOf(Error);
  });

  it.each([
    ['before it runs', 'subscription { tocks }'],
    ['while it runs', '{ gatewayError }'],
  ])('gets the reason in one part if the client accepts nothing else: %s', async (_, query) => {
    const response = await ask('multipart/mixed;subscriptionSpec="1.0"', query);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('multipart/mixed; boundary="graphql"');
    expect(await response.text()).toMatch(
      /^\r\n--graphql\r\ncontent-type: application\/json\r\n\r\n\{"payload":\{.*"errors":\[.*\}\r\n--graphql--\r\n$/,
    );
  });

  it('for its token has the status 401', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'multipart/mixed;subscriptionSpec=1.0',
      },
      body: JSON.stringify({ query: SUBSCRIPTION }),
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.text()).toContain('UNAUTHENTICATED');
  });
});
