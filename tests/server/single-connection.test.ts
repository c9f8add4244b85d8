import { createClient } from 'graphql-sse';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_UNSENT_BYTES, type StreamEnd } from '../../src/server/subscriptions/stream.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { agentToken, startGateway, type TestGateway, token } from './support/gateway.ts';
import { createLiveStreams, type LiveStreams } from './support/live-streams.ts';
import { openRaw } from './support/raw-connection.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const OTHER = '0b9d1a3c-6a0e-4a8e-8d38-6e3b1c1f2a4d';
const WORKSPACE = '7d2b8f56-1c3a-4e9b-9f60-2a4c6e8b0d1f';
const SUBSCRIPTION = 'subscription { ticks }';
const STOP: StreamEnd = { code: 'CURSOR_EXPIRED', message: 'Read it again.', outcome: 'stop' };
const RESUME: StreamEnd = { code: 'SERVICE_UNAVAILABLE', message: 'Later.', outcome: 'resume' };

let database: TestDatabase;
let gateway: TestGateway;
let live: LiveStreams;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});

// Each test has all reservations to itself.
beforeAll(start);
afterEach(async () => {
  await gateway.close();
  await start();
});

afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

async function start() {
  live = createLiveStreams();
  gateway = await startGateway(database.gatewayUrl, { plugins: [live.plugin] });
}

const listening = (count = 1) => eventually(() => live.present().length).toBe(count);

type Headers = Record<string, string>;

const reserve = (headers: Headers = {}) =>
  gateway.send('/graphql/stream', { method: 'PUT', headers: { authorization, ...headers } });

/** Sends an operation that the stream is to tell. */
const post = (stream: string, query: string, operationId: unknown, headers: Headers = {}) =>
  gateway.send('/graphql/stream', {
    method: 'POST',
    headers: {
      authorization,
      'content-type': 'application/json',
      'x-graphql-event-stream-token': stream,
      ...headers,
    },
    body: JSON.stringify({ query, extensions: { operationId } }),
  });

const end = (stream: string, operationId: string, headers: Headers = {}) =>
  gateway.send(`/graphql/stream?token=${stream}&operationId=${operationId}`, {
    method: 'DELETE',
    headers: { authorization, ...headers },
  });

/** Opens a stream; `events` are those that have come so far. */
async function open(stream: string, headers: Headers = {}) {
  const lines = Object.entries({
    host: 'gateway',
    accept: 'text/event-stream',
    authorization,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const raw = openRaw(
    gateway.url,
    `GET /graphql/stream?token=${stream} HTTP/1.1\r\n${lines.join('')}\r\n`,
  );
  await eventually(() => raw.received()).toContain('\r\n\r\n');
  const body = () => raw.received().replace(/\r\n[0-9a-f]+\r\n/g, '');
  return {
    ...raw,
    status: Number(raw.received().split(' ')[1]),
    events: () =>
      [...body().matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data]) => [
        event,
        JSON.parse(data ?? ''),
      ]),
  };
}

async function reserveAndOpen() {
  const { text } = await reserve();
  return { stream: text, ...(await open(text)) };
}

describe('the client of graphql-sse with a single connection', () => {
  it('is told the results of several operations, each where it belongs', async () => {
    const client = createClient({
      singleConnection: true,
      url: `${gateway.url}/graphql/stream`,
      headers: { authorization },
    });
    const first = client.iterate({ query: SUBSCRIPTION });
    const second = client.iterate({ query: SUBSCRIPTION });
    const [one, other] = [first.next(), second.next()];
    await listening(2);
    const query = client.iterate({ query: '{ me }' });
    expect(await query.next()).toEqual({ value: { data: { me: PERSON } }, done: false });
    expect((await query.next()).done).toBe(true);
    live.tell({ ticks: 'a' }, 'first');
    expect((await one).value).toEqual({ data: { ticks: 'a' } });
    expect((await other).value).toEqual({ data: { ticks: 'a' } });
    await first.return?.();
    await listening(1);
    const next = second.next();
    live.tell({ ticks: 'b' });
    expect((await next).value).toEqual({ data: { ticks: 'b' } });
    live.end(STOP);
    expect((await second.next()).value).toEqual({
      errors: [{ message: 'Read it again.', extensions: { code: 'CURSOR_EXPIRED' } }],
    });
    expect((await second.next()).done).toBe(true);
    client.dispose();
  });

  it('comes again where the stream breaks off', async () => {
    const client = createClient({
      singleConnection: true,
      url: `${gateway.url}/graphql/stream`,
      headers: { authorization },
      retry: async () => {},
    });
    const results = client.iterate({ query: SUBSCRIPTION });
    const first = results.next();
    await listening();
    live.end(RESUME);
    await eventually(() => live.listeners.length).toBe(2);
    live.tell({ ticks: 'again' });
    expect((await first).value).toEqual({ data: { ticks: 'again' } });
    client.dispose();
    await listening(0);
  });
});

describe('an event stream', () => {
  it('is reserved, opened once, and gone when its client has gone', async () => {
    const { status, text, headers } = await reserve();
    expect(status).toBe(201);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text).toMatch(/^[\w-]{32}$/);
    const stream = await open(text);
    expect(stream.status).toBe(200);
    expect(stream.received()).toMatch(/content-type: text\/event-stream/i);
    expect((await open(text)).status).toBe(409);
    expect((await post(text, SUBSCRIPTION, '1')).status).toBe(202);
    await listening();
    stream.socket.destroy();
    await listening(0);
    await eventually(async () => (await post(text, SUBSCRIPTION, '2')).status).toBe(404);
    expect((await open(text)).status).toBe(404);
  });

  it('tells what there was to tell before it was opened', async () => {
    const { text } = await reserve();
    expect((await post(text, '{ me }', 'query')).status).toBe(202);
    expect((await post(text, SUBSCRIPTION, 'subscription')).status).toBe(202);
    await listening();
    live.tell({ ticks: 'early' });
    const { events } = await open(text);
    live.tell({ ticks: 'late' });
    await eventually(events).toEqual([
      ['next', { id: 'query', payload: { data: { me: PERSON } } }],
      ['complete', { id: 'query' }],
      ['next', { id: 'subscription', payload: { data: { ticks: 'early' } } }],
      ['next', { id: 'subscription', payload: { data: { ticks: 'late' } } }],
    ]);
  });

  it('keeps no more than the bound before it is opened', async () => {
    const { text } = await reserve();
    await post(text, SUBSCRIPTION, '1');
    await listening();
    live.tell({ ticks: 'x'.repeat(MAX_UNSENT_BYTES / 2) });
    expect(live.present()[0]?.sink.unsentBytes).toBeGreaterThan(MAX_UNSENT_BYTES / 2);
    live.tell({ ticks: 'x'.repeat(MAX_UNSENT_BYTES / 2) });
    expect(live.listeners[0]?.slow).toBe(true);
    expect((await open(text)).status).toBe(404);
  });

  it('keeps no more results than a client waits for before it is opened', async () => {
    const { text } = await reserve();
    await post(text, SUBSCRIPTION, '1');
    await listening();
    for (let i = 0; i < 2_000 && live.present().length > 0; i += 1) live.tell({ ticks: `${i}` });
    expect(live.listeners[0]?.slow).toBe(true);
    expect((await open(text)).status).toBe(404);
  });

  it('tells all of what it kept, however it is written', async () => {
    const { text } = await reserve();
    await post(text, SUBSCRIPTION, '1');
    await listening();
    const results = Array.from({ length: 30 }, (_, i) => `${i} ${'é'.repeat(16_000)}`);
    for (const ticks of results) live.tell({ ticks });
    expect(live.present()).toHaveLength(1);
    const { events } = await open(text);
    await eventually(() => events().map(([, { payload }]) => payload.data.ticks)).toEqual(results);
  });

  it('is cut as a whole where one operation is to be begun again', async () => {
    const { stream, closed, events } = await reserveAndOpen();
    await post(stream, SUBSCRIPTION, '1');
    await post(stream, SUBSCRIPTION, '2');
    await listening(2);
    const [first] = live.present();
    if (first) first.gone = true;
    first?.sink.end(RESUME);
    await eventually(closed).toBe(true);
    await listening(0);
    expect(events()).toEqual([]);
  });

  it('ends one operation for its own reasons, or by the wish of the client, and goes on', async () => {
    const { stream, events } = await reserveAndOpen();
    for (const id of ['1', '2', '3']) await post(stream, SUBSCRIPTION, id);
    await listening(3);
    expect((await end(stream, '1')).status).toBe(200);
    expect((await end(stream, '1')).status).toBe(200);
    const [second] = live.present();
    if (second) second.gone = true;
    second?.sink.end(STOP);
    live.tell({ ticks: 'a' });
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
    expect((await post(stream, SUBSCRIPTION, '1')).status).toBe(202);
  });

  it('is cut when its client does not read', async () => {
    const { stream, socket, closed } = await reserveAndOpen();
    socket.pause();
    await post(stream, SUBSCRIPTION, '1');
    await post(stream, SUBSCRIPTION, '2');
    await listening(2);
    for (let i = 0; i < 200 && live.present().length > 0; i += 1) {
      live.tell({ ticks: 'x'.repeat(64_000) });
      await new Promise(setImmediate);
    }
    expect(live.listeners.filter(({ slow }) => slow)).toHaveLength(1);
    await listening(0);
    socket.resume();
    await eventually(closed).toBe(true);
  });

  it('is given up when nobody opens it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await gateway.close();
    await start();
    const now = vi.spyOn(Date, 'now');
    try {
      const { text } = await reserve();
      const kept = await reserveAndOpen();
      await post(text, SUBSCRIPTION, '1');
      await post(kept.stream, SUBSCRIPTION, '1');
      await listening(2);
      now.mockReturnValue(performance.timeOrigin + performance.now() + 31_000);
      vi.advanceTimersByTime(1_000);
      await listening(1);
      expect((await open(text)).status).toBe(404);
      expect((await post(kept.stream, SUBSCRIPTION, '2')).status).toBe(202);
    } finally {
      now.mockRestore();
      vi.useRealTimers();
    }
  });

  it('ends when the token expires that opened it', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2;
    const { text } = await reserve();
    const stream = await open(text, {
      authorization: `Bearer ${await token({ sub: PERSON, exp })}`,
    });
    await post(text, SUBSCRIPTION, '1');
    await listening();
    await eventually(stream.closed).toBe(true);
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    await listening(0);
  });

  it('is cut when the server is closed', async () => {
    const { closed } = await reserveAndOpen();
    await gateway.close();
    await eventually(closed).toBe(true);
  });
});

describe('a stream of somebody else', () => {
  it.each([
    ['another person', async () => ({ authorization: `Bearer ${await token({ sub: OTHER })}` })],
    [
      'an agent',
      async () => ({
        authorization: `Bearer ${await agentToken({ agent: 'x', scopes: ['*:read'] })}`,
      }),
    ],
    ['the same person in another workspace', async () => ({ 'x-workspace-id': WORKSPACE })],
  ])('is none to %s', async (_, headersOf) => {
    const headers = await headersOf();
    const { stream, events } = await reserveAndOpen();
    expect((await post(stream, SUBSCRIPTION, '1')).status).toBe(202);
    await listening();
    const { text } = await reserve();
    expect((await open(text, headers)).status).toBe(404);
    expect((await post(stream, '{ __typename }', '2', headers)).status).toBe(404);
    expect((await end(stream, '1', headers)).status).toBe(404);
    await listening();
    live.tell({ ticks: 'a' });
    await eventually(events).toHaveLength(1);
  });

  it.each(['', 'x', 'a'.repeat(32), '%00', '__proto__', '../..'])(
    'is not found by guessing: %j',
    async (forged) => {
      await reserve();
      expect((await open(forged)).status).toBe(404);
      expect((await post(forged, SUBSCRIPTION, '1')).status).toBe(404);
      expect((await end(forged, '1')).status).toBe(404);
      expect(live.listeners).toEqual([]);
    },
  );

  it('is nothing to those who are not signed in', async () => {
    const { text } = await reserve();
    const refused = { authorization: 'Bearer x' };
    expect((await reserve(refused)).status).toBe(401);
    expect((await open(text, refused)).status).toBe(401);
    expect((await post(text, SUBSCRIPTION, '1', refused)).status).toBe(401);
    expect((await end(text, '1', refused)).status).toBe(401);
  });
});

describe('a request to a stream', () => {
  it.each([[undefined], [null], [5], [''], [{}], ['x'.repeat(129)]])(
    'that names its operation %j is refused',
    async (operationId) => {
      const { stream } = await reserveAndOpen();
      const { status, errors } = await post(stream, SUBSCRIPTION, operationId);
      expect(status).toBe(400);
      expect(errors?.[0]?.message).toContain('operationId');
      expect(live.listeners).toEqual([]);
    },
  );

  it('that names an operation that is running is refused', async () => {
    const { stream } = await reserveAndOpen();
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await post(stream, SUBSCRIPTION, 'same')).status),
    );
    expect(statuses.sort()).toEqual([202, 409, 409]);
    expect(live.present()).toHaveLength(1);
  });

  it('that cannot be run is answered itself, and its name is free again', async () => {
    const { stream, events } = await reserveAndOpen();
    for (const [query, status, code] of [
      ['{ mee }', 200, 'GRAPHQL_VALIDATION_FAILED'],
      ['{ me', 200, 'GRAPHQL_PARSE_FAILED'],
      [`{ me } #${'x'.repeat(50_000)}`, 400, 'OPERATION_TOO_LARGE'],
    ] as const) {
      const answer = await post(stream, query, 'same', { accept: 'application/json' });
      expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([status, code]);
    }
    expect((await post(stream, '{ gatewayError }', 'same')).status).toBe(202);
    await eventually(events).toEqual([
      ['next', { id: 'same', payload: expect.objectContaining({ data: { gatewayError: null } }) }],
      ['complete', { id: 'same' }],
    ]);
  });

  it('for more operations than a stream takes is refused', async () => {
    const { stream } = await reserveAndOpen();
    for (let id = 0; id < 100; id += 1) {
      expect((await post(stream, SUBSCRIPTION, String(id))).status).toBe(202);
    }
    const { status, errors } = await post(stream, SUBSCRIPTION, 'more');
    expect([status, errors?.[0]?.extensions.code]).toEqual([429, 'TOO_MANY_SUBSCRIPTIONS']);
    await listening(100);
    await end(stream, '5');
    expect((await post(stream, SUBSCRIPTION, 'more')).status).toBe(202);
  });

  it('for more streams than a person may have is refused', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 10; i += 1) tokens.push((await reserve()).text);
    expect(new Set(tokens).size).toBe(10);
    const { status, errors } = await reserve({ 'x-workspace-id': WORKSPACE });
    expect([status, errors?.[0]?.extensions.code]).toEqual([429, 'TOO_MANY_SUBSCRIPTIONS']);
    const other = { authorization: `Bearer ${await token({ sub: OTHER })}` };
    expect((await reserve(other)).status).toBe(201);
    (await open(tokens[0] ?? '')).socket.destroy();
    await eventually(async () => (await reserve()).status).toBe(201);
  });

  it('that the protocol does not have is refused', async () => {
    const { text } = await reserve();
    const headers = { authorization, 'x-graphql-event-stream-token': text };
    const patched = await gateway.send('/graphql/stream', { method: 'PATCH', headers });
    expect(patched.status).toBe(405);
    expect((await end(text, '')).status).toBe(400);
    const plain = await gateway.send('/graphql/stream', { headers });
    expect(plain.status).toBe(406);
    const typed = await post(text, '{ me }', '1', { 'content-type': 'text/plain' });
    expect(typed.status).toBe(415);
    const elsewhere = await gateway.send('/graphql/streams', { headers });
    expect(elsewhere.status).toBe(404);
  });
});
