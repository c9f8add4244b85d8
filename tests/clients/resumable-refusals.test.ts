import type * as sse from 'graphql-sse';
import type * as gws from 'graphql-ws';
import { describe, expect, it, vi } from 'vitest';
import {
  backoff,
  credentials,
  type ResumeOptions,
  resumable,
} from '../../packages/client/src/index.ts';
import {
  ends,
  eventually,
  listener,
  QUERY,
  server,
  setUp,
  sseClient,
  wsClient,
} from './resumable-world.ts';

setUp();

describe.each([
  ['graphql-ws', wsClient],
  ['graphql-sse', () => sseClient(false)],
  ['graphql-sse, single connection', () => sseClient(true)],
])('%s as an iterator', (_, makeClient) => {
  const iterate = (after: string, options?: ResumeOptions) =>
    resumable<gws.Client | sse.Client<boolean>>(makeClient(), options).iterate({
      query: QUERY,
      variables: { after },
    });

  it('keeps results until they are read, and yields each once', async () => {
    server.append(1, 2);
    const numbers: unknown[] = [];
    const onCursor = vi.fn();
    for await (const { data } of iterate('0', { onCursor })) {
      numbers.push(Object(data?.numberAdded).number);
      if (numbers.length === 1) {
        await eventually(() => expect(onCursor.mock.lastCall?.[0]).toBe('2'));
        server.cut();
        await eventually(() => expect(server.cursors).toHaveLength(2));
        server.append(3);
      }
      if (numbers.length === 3) break;
    }
    expect(numbers).toEqual([1, 2, 3]);
    expect(server.cursors).toEqual(['0', '2']);
  });

  it('can be stopped while it waits for a result', async () => {
    const results = iterate('0');
    const next = results.next();
    await eventually(() => expect(server.cursors).toHaveLength(1));
    await results.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it('throws the error that ends the subscription', async () => {
    server.expire(2);
    const failing = iterate('0', { onExpired: () => Promise.reject(new Error('No list.')) });
    await expect(failing.next()).rejects.toThrow('No list.');
  });
});

it('a subscription that the gateway refuses for a while does not end another one', async () => {
  // The longest delay, so that the connection is lost while the client waits to retry.
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  const client = resumable(wsClient());
  const listen = () => {
    const listening = listener();
    ends.push(client.subscribe({ query: QUERY, variables: { after: '0' } }, listening.sink));
    return listening;
  };
  const one = listen();
  server.append(1);
  await one.receives(1);
  server.isUnavailable = true;
  const other = listen();
  await eventually(() => expect(server.cursors).toHaveLength(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.isUnavailable = false;
  server.cut();
  server.append(2);
  await Promise.all([one.receives(1, 2), other.receives(1, 2)]);
  expect([...server.cursors].sort()).toEqual(['0', '0', '0', '1']);
  for (const { sink } of [one, other]) expect(sink.complete).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

it('refuses a subscription without the variable `$after`', async () => {
  const { sink, errors } = listener();
  resumable(wsClient()).subscribe(
    { query: 'subscription { numberAdded { number cursor } }' },
    sink,
  );
  expect(errors).toMatchObject([{ message: expect.stringContaining('`$after`') }]);
  expect(server.signedIn).toEqual([]);
});

it('keeps the other methods of a client', async () => {
  const client = resumable(wsClient());
  const connected = vi.fn();
  client.on('connected', connected);
  const { sink, receives } = listener();
  client.subscribe({ query: QUERY, variables: { after: '0' } }, sink);
  server.append(1);
  await receives(1);
  expect(connected).toHaveBeenCalledOnce();
  await client.dispose();
  await eventually(() => expect(sink.complete).toHaveBeenCalledOnce());
});

it('returns the current credentials at each call', async () => {
  let token = 'a';
  const current = credentials(async () => token, 'w');
  expect(await current()).toEqual({ authorization: 'Bearer a', 'x-workspace-id': 'w' });
  token = 'b';
  expect(await current()).toEqual({ authorization: 'Bearer b', 'x-workspace-id': 'w' });
  expect(await credentials(() => 'c')()).toEqual({ authorization: 'Bearer c' });
});

it.each([
  [0, 1_000],
  [1, 2_000],
  [4, 16_000],
  [5, 30_000],
  [1_000, 30_000],
])('waits longer after each attempt: after %i retries, up to %i ms', async (retries, longest) => {
  vi.useFakeTimers();
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  const startedAt = Date.now();
  const waited = backoff(retries).then(() => Date.now() - startedAt);
  await vi.runAllTimersAsync();
  random.mockRestore();
  vi.useRealTimers();
  expect(await waited).toBe(longest);
});
