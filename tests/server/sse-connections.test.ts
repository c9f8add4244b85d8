import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_UNSENT_BYTES } from '../../src/subscriptions/result-stream.ts';
import { eventually } from '../support/eventually.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  PERSON,
  RESUME,
  STOP,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';

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

const rawSubscription = (headers = {}, version?: string) =>
  rawPost(
    '/graphql',
    { authorization, accept: 'text/event-stream', ...headers },
    { query: SUBSCRIPTION },
    version,
  );

describe('a subscription over server-sent events', () => {
  it('receives a heartbeat every 12 seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const streams = createLiveStreams();
    const other = await openLiveGateway(streams, gateway.database);
    const raw = openRaw(other.url, rawSubscription());
    try {
      await eventually(() => raw.received()).toMatch(/:\n\n\r\n$/);
      const comments = () => raw.received().split('\r\n3\r\n:\n\n').length - 1;
      vi.advanceTimersByTime(11_000);
      vi.advanceTimersByTime(1_000);
      await eventually(comments).toBe(2);
      vi.advanceTimersByTime(11_000);
      vi.advanceTimersByTime(1_000);
      await eventually(comments).toBe(3);
    } finally {
      raw.socket.destroy();
      await other.close();
      vi.useRealTimers();
    }
  });

  it('is sent without chunks to clients of HTTP/1.0', async () => {
    const raw = openRaw(gateway.url, rawSubscription({}, '1.0'));
    await listening();
    live.send({ ticks: 'a' }, 'first');
    live.end({ ...STOP, argument: 'x' });
    await eventually(() => raw.closed()).toBe(true);
    const [head, body] = split(raw.received());
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(body).toMatch(
      /^:\n\nevent: next\nid: first\ndata: \{"data":\{"ticks":"a"\}\}\n\n[^\r]*data:\n\n$/,
    );
  });

  it('leaves its connection usable for the next request', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    live.end(STOP);
    await eventually(() => raw.received()).toContain('\r\n0\r\n\r\n');
    raw.socket.write(rawPost('/graphql', { authorization }, { query: '{ me }' }));
    await eventually(() => raw.received()).toContain(`{"data":{"me":"${PERSON}"}}`);
    raw.socket.destroy();
  });

  it('starts in order when requests are pipelined', async () => {
    const query = rawPost(
      '/graphql',
      { authorization },
      { query: '{ sql(text: "SELECT pg_sleep(0.2)::text AS value") me }' },
    );
    const raw = openRaw(gateway.url, query + rawSubscription() + rawSubscription());
    await listening();
    await eventually(() => raw.received()).toContain(PERSON);
    live.send({ ticks: 'first' });
    live.end(STOP);
    await listening();
    live.send({ ticks: 'second' });
    await eventually(() => raw.received()).toContain('{"ticks":"second"}');
    expect(raw.received()).toMatch(/first.*complete.*HTTP\/1\.1 200.*second/s);
    raw.socket.destroy();
    await listening(0);
  });

  it('does not start behind a subscription that does not end', async () => {
    const raw = openRaw(gateway.url, rawSubscription().repeat(20));
    await listening();
    const before = live.listeners.length;
    for (let i = 0; i < 20; i += 1) live.send({ ticks: 'x'.repeat(10_000) });
    await eventually(() => raw.received().split('event: next').length).toBe(21);
    raw.socket.destroy();
    await listening(0);
    // The time of one request is enough for another subscription to start.
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
    expect(live.listeners.length).toBe(before);
  });
});

describe('a client that', () => {
  it('does not read is cut at the limit, and other clients are not affected', async () => {
    const stuck = openRaw(gateway.url, rawSubscription());
    stuck.socket.pause();
    await listening(1);
    const reading = openRaw(gateway.url, rawSubscription());
    await listening(2);
    const [stuckListener, readingListener] = live.present();
    const text = 'x'.repeat(64_000);
    let sent = 0;
    while (!stuckListener?.slow && sent < 1_000) {
      live.send({ ticks: text }, String(sent));
      sent += 1;
      expect(stuckListener?.sink.unsentBytes).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
      const count = () => reading.received().split('event: next').length - 1;
      await eventually(count).toBe(sent);
    }
    // The buffers of the system take more than the limit.
    expect(sent).toBeGreaterThan(MAX_UNSENT_BYTES / 65_000);
    expect(sent).toBeLessThan(500);
    expect(readingListener?.slow).toBe(false);
    expect(live.present()).toEqual([readingListener]);
    stuck.socket.resume();
    await eventually(() => stuck.closed()).toBe(true);
    expect(stuck.received()).not.toContain('complete');
    reading.socket.destroy();
    await listening(0);
  });

  it('reads receives a result that is larger than the limit', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    live.send({ ticks: 'x'.repeat(3 * MAX_UNSENT_BYTES) });
    await eventually(() => raw.received().endsWith('x"}}\n\n\r\n')).toBe(true);
    expect(raw.received().length).toBeGreaterThan(3 * MAX_UNSENT_BYTES);
    live.send({ ticks: 'small' });
    await eventually(() => raw.received().endsWith('"small"}}\n\n\r\n')).toBe(true);
    raw.socket.destroy();
  });

  it('half-closes the connection ends its subscription', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.end();
    await listening(0);
    await eventually(() => raw.closed()).toBe(true);
  });

  it('half-closes the connection without reading ends its subscription', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.pause();
    for (let i = 0; i < 100 && live.present().length; i += 1) {
      live.send({ ticks: 'x'.repeat(64_000) });
      if (i === 10) raw.socket.end();
      await new Promise(setImmediate);
    }
    await listening(0);
    raw.socket.destroy();
  });

  it('resets the connection ends its subscription, and the server keeps working', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.resetAndDestroy();
    live.send({ ticks: 'a' });
    await listening(0);
    live.send({ ticks: 'a' });
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
  });

  it('sends a header that is too long is refused', async () => {
    const raw = openRaw(gateway.url, rawSubscription({ 'last-event-id': 'x'.repeat(20_000) }));
    await eventually(() => raw.received()).toMatch(/^HTTP\/1\.1 431 /);
    await listening(0);
  });
});

describe('a server that closes', () => {
  it('cuts streams at once, so that clients reconnect elsewhere', async () => {
    const streams = createLiveStreams();
    const other = await openLiveGateway(streams, gateway.database);
    const raw = openRaw(other.url, rawSubscription());
    await streams.listening();
    // The grace period is longer than the test's timeout, so the server does not wait for its end.
    await other.close(600_000);
    await eventually(() => raw.closed()).toBe(true);
    expect(raw.received()).not.toContain('complete');
    expect(streams.present()).toEqual([]);
  });
});

function split(message: string): [head: string, body: string] {
  const end = message.indexOf('\r\n\r\n');
  return [message.slice(0, end), message.slice(end + 4)];
}
