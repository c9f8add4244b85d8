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
