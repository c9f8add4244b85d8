import { createClient } from 'graphql-sse';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_UNSENT_BYTES, type StreamEnd } from '../../src/server/subscriptions/stream.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { createLiveStreams, type LiveStreams } from './support/live-streams.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const SUBSCRIPTION = { query: 'subscription { ticks }' };
const STOP: StreamEnd = {
  code: 'CURSOR_EXPIRED',
  message: 'Read the list again.',
  argument: 'after',
  outcome: 'stop',
};
const RESUME: StreamEnd = { code: 'SERVICE_UNAVAILABLE', message: 'Later.', outcome: 'resume' };

let database: TestDatabase;
let gateway: TestGateway;
let live: LiveStreams;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  live = createLiveStreams();
  gateway = await startGateway(database.gatewayUrl, { plugins: [live.plugin] });
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});

afterEach(() => live.end(RESUME));

afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const listening = (count = 1) => eventually(() => live.present().length).toBe(count);

/** Opens a stream, which `read` reads up to where it ends or holds the text. */
async function open(headers: Record<string, string> = {}, body: unknown = SUBSCRIPTION) {
  const aborting = new AbortController();
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    signal: aborting.signal,
    headers: {
      authorization,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async (until = '\n\n\n\n') => {
    while (!text.includes(until)) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      text += value;
    }
    return text;
  };
  return { response, read, abort: () => aborting.abort() };
}

const rawSubscription = (headers = {}, version?: string) =>
  rawPost(
    '/graphql',
    { authorization, accept: 'text/event-stream', ...headers },
    SUBSCRIPTION,
    version,
  );

describe('a subscription over server-sent events', () => {
  it('is told each result with the cursor behind it, then why it ends', async () => {
    const { response, read } = await open();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    live.tell({ ticks: 'a\nb' }, 'first');
    live.tell({ ticks: 'é' });
    live.end(STOP);
    expect(await read()).toBe(
      [
        ':',
        'event: next\nid: first\ndata: {"data":{"ticks":"a\\nb"}}',
        'event: next\ndata: {"data":{"ticks":"é"}}',
        'event: next\ndata: {"errors":[{"message":"Read the list again.","extensions":{"code":"CURSOR_EXPIRED","argument":"after"}}]}',
        'event: complete\ndata:',
        '',
      ].join('\n\n'),
    );
  });

  it('works with the client of graphql-sse, and is left when that leaves', async () => {
    const client = createClient({ url: `${gateway.url}/graphql`, headers: { authorization } });
    const results = client.iterate(SUBSCRIPTION);
    const first = results.next();
    await listening();
    live.tell({ ticks: 'a' }, 'first');
    expect((await first).value).toEqual({ data: { ticks: 'a' } });
    await results.return?.();
    await listening(0);
  });

  it('breaks off where the client is to come again, as graphql-sse does', async () => {
    const client = createClient({
      url: `${gateway.url}/graphql`,
      headers: { authorization },
      retry: async () => {},
    });
    const results = client.iterate(SUBSCRIPTION);
    const first = results.next();
    await listening();
    const before = live.listeners.length;
    live.end(RESUME);
    await listening();
    expect(live.listeners.length).toBe(before + 1);
    live.tell({ ticks: 'again' });
    expect((await first).value).toEqual({ data: { ticks: 'again' } });
    await results.return?.();

    const { read } = await open();
    live.tell({ ticks: 'a' });
    await expect(read('"a"')).resolves.not.toContain('complete');
    live.end(RESUME);
    await expect(read()).rejects.toThrow();
  });

  it('can be asked for by GET', async () => {
    const aborting = new AbortController();
    const { status } = await fetch(
      `${gateway.url}/graphql?query=${encodeURIComponent(SUBSCRIPTION.query)}`,
      { headers: { authorization, accept: 'text/event-stream' }, signal: aborting.signal },
    );
    expect(status).toBe(200);
    await listening();
    aborting.abort();
    await listening(0);
  });

  it.each([
    ['a cursor', 'abc.DEF-_1', 'abc.DEF-_1'],
    ['anything else', '{"no": "cursor"} %00', '{"no": "cursor"} %00'],
    ['nothing', '', undefined],
  ])('goes on from what Last-Event-ID says: %s', async (_, sent, expected) => {
    const { abort } = await open({ 'last-event-id': sent });
    expect(live.present()[0]?.lastEventId).toBe(expected);
    abort();
    await listening(0);
  });

  it('ends when the token expires, so that the client comes again with another', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2;
    const { read } = await open({
      authorization: `Bearer ${await token({ sub: PERSON, exp })}`,
    });
    const lasting = await open();
    await expect(read()).rejects.toThrow();
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect(Date.now()).toBeLessThan(exp * 1000 + 5_000);
    await listening(1);
    live.tell({ ticks: 'a' });
    expect(await lasting.read('"a"')).toContain('"a"');
    lasting.abort();
  });

  it('is told every 12 seconds that the server is there', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const streams = createLiveStreams();
    const other = await startGateway(database.gatewayUrl, { plugins: [streams.plugin] });
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

  it('is told the same to clients of HTTP/1.0, which know no chunks', async () => {
    const raw = openRaw(gateway.url, rawSubscription({}, '1.0'));
    await listening();
    live.tell({ ticks: 'a' }, 'first');
    live.end({ ...STOP, argument: 'x' });
    await eventually(() => raw.closed()).toBe(true);
    const [head, body] = split(raw.received());
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(body).toMatch(
      /^:\n\nevent: next\nid: first\ndata: \{"data":\{"ticks":"a"\}\}\n\n[^\r]*data:\n\n$/,
    );
  });

  it('leaves the connection in order for the next request', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    live.end(STOP);
    await eventually(() => raw.received()).toContain('\r\n0\r\n\r\n');
    raw.socket.write(rawPost('/graphql', { authorization }, { query: '{ me }' }));
    await eventually(() => raw.received()).toContain(`{"data":{"me":"${PERSON}"}}`);
    raw.socket.destroy();
  });

  it('begins in turn where requests were sent without waiting for answers', async () => {
    const query = rawPost(
      '/graphql',
      { authorization },
      { query: '{ sql(text: "SELECT pg_sleep(0.2)::text AS value") me }' },
    );
    const raw = openRaw(gateway.url, query + rawSubscription() + rawSubscription());
    await listening();
    expect(raw.received()).toContain(PERSON);
    live.tell({ ticks: 'first' });
    live.end(STOP);
    await listening();
    live.tell({ ticks: 'second' });
    await eventually(() => raw.received()).toContain('{"ticks":"second"}');
    expect(raw.received()).toMatch(/first.*complete.*HTTP\/1\.1 200.*second/s);
    raw.socket.destroy();
    await listening(0);
  });

  it('never begins behind one that does not end', async () => {
    const raw = openRaw(gateway.url, rawSubscription().repeat(200));
    await listening();
    const before = live.listeners.length;
    for (let i = 0; i < 20; i += 1) live.tell({ ticks: 'x'.repeat(10_000) });
    await eventually(() => raw.received().split('event: next').length).toBe(21);
    raw.socket.destroy();
    await listening(0);
    expect(live.listeners.length).toBe(before);
  });
});

describe('another operation over server-sent events', () => {
  it('is told its result, and complete', async () => {
    const { response, read } = await open({}, { query: '{ me }' });
    expect(response.status).toBe(200);
    expect(await read()).toContain(
      `event: next\ndata: {"data":{"me":"${PERSON}"}}\n\nevent: complete\ndata:\n\n`,
    );
  });

  it('that is refused is told why, and complete', async () => {
    for (const query of ['subscription { tocks }', 'subscription { ticks', '{ gatewayError }']) {
      const { response, read } = await open({}, { query });
      expect(response.status).toBe(200);
      const text = await read();
      expect(text).toMatch(/event: next\ndata: \{.*"errors":\[/);
      expect(text).toMatch(/event: complete\ndata:\n\n$/);
    }
    await listening(0);
  });

  it('without a valid token is refused as always', async () => {
    const { response, read } = await open({ authorization: 'Bearer x' });
    expect(response.status).toBe(401);
    expect(await read()).toContain('UNAUTHENTICATED');
    await listening(0);
  });
});

describe('a subscription whose client does not say that it reads streams', () => {
  it.each([
    ['application/json'],
    ['application/graphql-response+json'],
    ['*/*'],
    ['text/*'],
    ['text/event-stream;q=0, application/json'],
    ['multipart/mixed, application/json'],
    ['multipart/mixed;subscriptionSpec=2.0, application/json'],
    ['multipart/mixed;deferSpec=20220824, application/json'],
    ['text/event-streams, ;;=,"'],
  ])('%s is refused, and nothing is subscribed', async (accept) => {
    const before = live.listeners.length;
    const answer = await gateway.ask(SUBSCRIPTION.query, { authorization, accept });
    expect(answer.status).toBe(406);
    expect(answer.text).toMatch(
      /"Results .*text\/event-stream.*multipart\/mixed.*WebSocket.*BAD_REQUEST/,
    );
    expect(live.listeners.length).toBe(before);
  });

  it.each([
    ['TEXT/Event-Stream; charset=utf-8', 'text/event-stream'],
    ['application/json, text/event-stream, multipart/mixed', 'text/event-stream'],
    ['application/json, text/event-stream;q=0.1', 'text/event-stream'],
    ['multipart/mixed;subscriptionSpec="1.0", text/event-stream', 'multipart/mixed'],
    ['multipart/mixed;subscriptionSpec=1.0;q=0.5, text/event-stream;q=0.9', 'text/event-stream'],
    ['multipart/mixed; boundary=graphql; SUBSCRIPTIONSPEC = 1.0', 'multipart/mixed'],
  ])('is not the one that accepts %s', async (accept, type) => {
    const { response, abort } = await open({ accept });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain(type);
    abort();
    await listening(0);
  });
});

describe('a client that', () => {
  it('does not read is cut at the bound, and nobody else notices', async () => {
    const stuck = openRaw(gateway.url, rawSubscription());
    stuck.socket.pause();
    await listening(1);
    const reading = openRaw(gateway.url, rawSubscription());
    await listening(2);
    const [stuckListener, readingListener] = live.present();
    const text = 'x'.repeat(64_000);
    let told = 0;
    while (!stuckListener?.slow && told < 1_000) {
      live.tell({ ticks: text }, String(told));
      told += 1;
      expect(stuckListener?.sink.unsentBytes).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
      const count = () => reading.received().split('event: next').length - 1;
      await eventually(count).toBe(told);
    }
    // What the system's own buffers take comes on top.
    expect(told).toBeGreaterThan(MAX_UNSENT_BYTES / 65_000);
    expect(told).toBeLessThan(500);
    expect(readingListener?.slow).toBe(false);
    expect(live.present()).toEqual([readingListener]);
    stuck.socket.resume();
    await eventually(() => stuck.closed()).toBe(true);
    expect(stuck.received()).not.toContain('complete');
    reading.socket.destroy();
    await listening(0);
  });

  it('reads is told a result that is larger than the bound', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    live.tell({ ticks: 'x'.repeat(3 * MAX_UNSENT_BYTES) });
    await eventually(() => raw.received().length).toBeGreaterThan(3 * MAX_UNSENT_BYTES);
    live.tell({ ticks: 'small' });
    await eventually(() => raw.received().endsWith('"small"}}\n\n\r\n')).toBe(true);
    raw.socket.destroy();
  });

  it('closes its end of the connection is gone', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.end();
    await listening(0);
    await eventually(() => raw.closed()).toBe(true);
  });

  it('closes its end without reading is gone as well', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.pause();
    for (let i = 0; i < 100 && live.present().length; i += 1) {
      live.tell({ ticks: 'x'.repeat(64_000) });
      if (i === 10) raw.socket.end();
      await new Promise(setImmediate);
    }
    await listening(0);
    raw.socket.destroy();
  });

  it('resets the connection is gone, and the server goes on', async () => {
    const raw = openRaw(gateway.url, rawSubscription());
    await listening();
    raw.socket.resetAndDestroy();
    live.tell({ ticks: 'a' });
    await listening(0);
    live.tell({ ticks: 'a' });
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
  });

  it('sends too long a header is refused', async () => {
    const raw = openRaw(gateway.url, rawSubscription({ 'last-event-id': 'x'.repeat(20_000) }));
    await eventually(() => raw.received()).toMatch(/^HTTP\/1\.1 431 /);
    await listening(0);
  });
});

describe('a server that is closed', () => {
  it('cuts streams at once, so that clients go on elsewhere', async () => {
    const streams = createLiveStreams();
    const other = await startGateway(database.gatewayUrl, { plugins: [streams.plugin] });
    const raw = openRaw(other.url, rawSubscription());
    await eventually(() => streams.present().length).toBe(1);
    const started = Date.now();
    await other.close();
    expect(Date.now() - started).toBeLessThan(900);
    await eventually(() => raw.closed()).toBe(true);
    expect(raw.received()).not.toContain('complete');
    expect(streams.present()).toEqual([]);
  });
});

describe('another origin that is allowed', () => {
  it('may send the headers of streams', async () => {
    const other = await startGateway(database.gatewayUrl, {
      corsOrigins: ['https://app.example'],
      plugins: [live.plugin],
    });
    try {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const { headers, status } = await other.send('/graphql/stream', {
          method: 'OPTIONS',
          headers: {
            origin: 'https://app.example',
            'access-control-request-method': method,
            'access-control-request-headers':
              'authorization,last-event-id,x-graphql-event-stream-token,x-workspace-id',
          },
        });
        expect(status).toBe(204);
        expect(headers.get('access-control-allow-methods')).toContain(method);
        expect(headers.get('access-control-allow-headers')).toMatch(
          /last-event-id.*x-graphql-event-stream-token/,
        );
      }
      const aborting = new AbortController();
      const { headers } = await fetch(`${other.url}/graphql`, {
        method: 'POST',
        headers: {
          authorization,
          origin: 'https://app.example',
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify(SUBSCRIPTION),
        signal: aborting.signal,
      });
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
      aborting.abort();
    } finally {
      await other.close();
    }
  });
});

function split(message: string): [head: string, body: string] {
  const end = message.indexOf('\r\n\r\n');
  return [message.slice(0, end), message.slice(end + 4)];
}
