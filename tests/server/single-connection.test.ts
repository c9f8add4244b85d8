import { createClient } from 'graphql-sse';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_UNSENT_BYTES } from '../../src/subscriptions/result-stream.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { token } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveStreams,
  PERSON,
  RESUME,
  STOP,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import {
  openSingleConnectionGateway,
  type SingleConnectionGateway,
} from './support/single-connection.ts';

let database: TestDatabase;
let gateway: SingleConnectionGateway;
let live: LiveStreams;

beforeAll(async () => {
  database = await createTestDatabase();
});
// A new gateway for each test, without earlier reservations.
beforeEach(start);
afterEach(() => gateway?.close());
afterAll(() => database?.close());

async function start() {
  live = createLiveStreams();
  gateway = await openSingleConnectionGateway(live, database);
}

describe('the client of graphql-sse with a single connection', () => {
  it('receives the results of several operations, each for its operation', async () => {
    const client = createClient({
      singleConnection: true,
      url: `${gateway.url}/graphql/stream`,
      headers: { authorization: gateway.authorization },
    });
    const first = client.iterate({ query: SUBSCRIPTION });
    const second = client.iterate({ query: SUBSCRIPTION });
    const [one, other] = [first.next(), second.next()];
    await live.listening(2);
    const query = client.iterate({ query: '{ me }' });
    expect(await query.next()).toEqual({ value: { data: { me: PERSON } }, done: false });
    expect((await query.next()).done).toBe(true);
    live.send({ ticks: 'a' }, 'first');
    expect((await one).value).toEqual({ data: { ticks: 'a' } });
    expect((await other).value).toEqual({ data: { ticks: 'a' } });
    await first.return?.();
    await live.listening(1);
    const next = second.next();
    live.send({ ticks: 'b' });
    expect((await next).value).toEqual({ data: { ticks: 'b' } });
    live.end(STOP);
    expect((await second.next()).value).toEqual({
      errors: [{ message: 'Read it again.', extensions: { code: 'CURSOR_EXPIRED' } }],
    });
    expect((await second.next()).done).toBe(true);
    client.dispose();
  });

  it('reconnects when the stream breaks off', async () => {
    const client = createClient({
      singleConnection: true,
      url: `${gateway.url}/graphql/stream`,
      headers: { authorization: gateway.authorization },
      retry: async () => {},
    });
    const results = client.iterate({ query: SUBSCRIPTION });
    const first = results.next();
    await live.listening();
    live.end(RESUME);
    await eventually(() => live.listeners.length).toBe(2);
    live.send({ ticks: 'again' });
    expect((await first).value).toEqual({ data: { ticks: 'again' } });
    client.dispose();
    await live.listening(0);
  });
});

describe('an event stream', () => {
  it('is reserved, opened once, and ends when its client disconnects', async () => {
    const { status, text, headers } = await gateway.reserve();
    expect(status).toBe(201);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text).toMatch(/^[\w-]{32}$/);
    const stream = await gateway.openStream(text);
    expect(stream.status).toBe(200);
    expect(stream.received()).toMatch(/content-type: text\/event-stream/i);
    expect((await gateway.openStream(text)).status).toBe(409);
    expect((await gateway.post(text, SUBSCRIPTION, '1')).status).toBe(202);
    await live.listening();
    stream.socket.destroy();
    await live.listening(0);
    await eventually(async () => (await gateway.post(text, SUBSCRIPTION, '2')).status).toBe(404);
    expect((await gateway.openStream(text)).status).toBe(404);
  });

  it('sends the results from before it was opened', async () => {
    const { text } = await gateway.reserve();
    expect((await gateway.post(text, '{ me }', 'query')).status).toBe(202);
    expect((await gateway.post(text, SUBSCRIPTION, 'subscription')).status).toBe(202);
    await live.listening();
    live.send({ ticks: 'early' });
    const { events } = await gateway.openStream(text);
    live.send({ ticks: 'late' });
    await eventually(events).toEqual([
      ['next', { id: 'query', payload: { data: { me: PERSON } } }],
      ['complete', { id: 'query' }],
      ['next', { id: 'subscription', payload: { data: { ticks: 'early' } } }],
      ['next', { id: 'subscription', payload: { data: { ticks: 'late' } } }],
    ]);
  });

  it('ends if it has more unsent bytes than the limit before it is opened', async () => {
    const { text } = await gateway.reserve();
    await gateway.post(text, SUBSCRIPTION, '1');
    await live.listening();
    live.send({ ticks: 'x'.repeat(MAX_UNSENT_BYTES / 2) });
    expect(live.present()[0]?.sink.unsentBytes).toBeGreaterThan(MAX_UNSENT_BYTES / 2);
    live.send({ ticks: 'x'.repeat(MAX_UNSENT_BYTES / 2) });
    expect(live.listeners[0]?.slow).toBe(true);
    expect((await gateway.openStream(text)).status).toBe(404);
  });

  it('ends if it has too many unsent results before it is opened', async () => {
    const { text } = await gateway.reserve();
    await gateway.post(text, SUBSCRIPTION, '1');
    await live.listening();
    for (let i = 0; i < 2_000 && live.present().length > 0; i += 1) live.send({ ticks: `${i}` });
    expect(live.listeners[0]?.slow).toBe(true);
    expect((await gateway.openStream(text)).status).toBe(404);
  });

  it('sends all results that it kept, even if they take several writes', async () => {
    const { text } = await gateway.reserve();
    await gateway.post(text, SUBSCRIPTION, '1');
    await live.listening();
    const results = Array.from({ length: 30 }, (_, i) => `${i} ${'é'.repeat(16_000)}`);
    for (const ticks of results) live.send({ ticks });
    expect(live.present()).toHaveLength(1);
    const { events } = await gateway.openStream(text);
    await eventually(() => events().map(([, { payload }]) => payload.data.ticks)).toEqual(results);
  });

  it('is cut if the client should start one of its operations again', async () => {
    const { stream, closed, events } = await gateway.reserveAndOpen();
    await gateway.post(stream, SUBSCRIPTION, '1');
    await gateway.post(stream, SUBSCRIPTION, '2');
    await live.listening(2);
    const [first] = live.present();
    if (first) first.gone = true;
    first?.sink.end(RESUME);
    await eventually(closed).toBe(true);
    await live.listening(0);
    expect(events()).toEqual([]);
  });

  it('stays open when one operation ends, by itself or by its client', async () => {
    const { stream, events } = await gateway.reserveAndOpen();
    for (const id of ['1', '2', '3']) await gateway.post(stream, SUBSCRIPTION, id);
    await live.listening(3);
    expect((await gateway.endOperation(stream, '1')).status).toBe(200);
    expect((await gateway.endOperation(stream, '1')).status).toBe(200);
    const [second] = live.present();
    if (second) second.gone = true;
    second?.sink.end(STOP);
    live.send({ ticks: 'a' });
    await eventually(events).toEqual([
      ['complete', { id: '1' }],
      [
        'next',
        {
          id: '2',
          payload: {
            errors: [{ message: 'Read it again.', extensions: { code: 'CURSOR_EXPIRED' } }],
          },
        },
      ],
      ['complete', { id: '2' }],
      ['next', { id: '3', payload: { data: { ticks: 'a' } } }],
    ]);
    expect((await gateway.post(stream, SUBSCRIPTION, '1')).status).toBe(202);
  });

  it('is cut when its client does not read', async () => {
    const { stream, socket, closed } = await gateway.reserveAndOpen();
    socket.pause();
    await gateway.post(stream, SUBSCRIPTION, '1');
    await gateway.post(stream, SUBSCRIPTION, '2');
    await live.listening(2);
    for (let i = 0; i < 200 && live.present().length > 0; i += 1) {
      live.send({ ticks: 'x'.repeat(64_000) });
      await new Promise(setImmediate);
    }
    expect(live.listeners.filter(({ slow }) => slow)).toHaveLength(1);
    await live.listening(0);
    socket.resume();
    await eventually(closed).toBe(true);
  });

  it('ends if it is not opened in time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await gateway.close();
    await start();
    const now = vi.spyOn(Date, 'now');
    try {
      const { text } = await gateway.reserve();
      const kept = await gateway.reserveAndOpen();
      await gateway.post(text, SUBSCRIPTION, '1');
      await gateway.post(kept.stream, SUBSCRIPTION, '1');
      await live.listening(2);
      now.mockReturnValue(Date.now() + 31_000);
      vi.advanceTimersByTime(1_000);
      await live.listening(1);
      expect((await gateway.openStream(text)).status).toBe(404);
      expect((await gateway.post(kept.stream, SUBSCRIPTION, '2')).status).toBe(202);
    } finally {
      now.mockRestore();
      vi.useRealTimers();
    }
  });

  it('ends when the token of its client expires', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2;
    const { text } = await gateway.reserve();
    const stream = await gateway.openStream(text, {
      authorization: `Bearer ${await token({ sub: PERSON, exp })}`,
    });
    await gateway.post(text, SUBSCRIPTION, '1');
    await live.listening();
    await eventually(stream.closed).toBe(true);
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    await live.listening(0);
  });

  it('is cut when the server closes', async () => {
    const { closed } = await gateway.reserveAndOpen();
    await gateway.close();
    await eventually(closed).toBe(true);
  });
});
