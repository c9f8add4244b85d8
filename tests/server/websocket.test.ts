import { randomUUID } from 'node:crypto';
import { type ClientOptions, createClient } from 'graphql-ws';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { currentRequestId } from '../../src/context/request-id.ts';
import { eventually } from '../support/eventually.ts';
import { INTERNAL, startGateway, type TestGateway, token } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  PERSON,
  RESUME,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import { connect, type Message, type RawClient, subscribe } from './support/websocket.ts';

const live = createLiveStreams();
const { listening } = live;
/** Lines of `plain`'s log, oldest first. */
const log: Record<string, unknown>[] = [];
/** Answers subscriptions with live streams. */
let gateway: LiveGateway;
/** Answers them as its schema does. */
let plain: TestGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await openLiveGateway(live);
  ({ authorization } = gateway);
  plain = await startGateway(gateway.database.gatewayUrl, {
    statementTimeoutMs: 30_000,
    logger: pino(
      { base: null, mixin: () => ({ requestId: currentRequestId() }) },
      { write: (line: string) => void log.push(JSON.parse(line)) },
    ),
  });
});

afterEach(() => live.end(RESUME));

afterAll(async () => {
  await plain?.close();
  await gateway?.close();
});

const client = (url = gateway.url, options: Partial<ClientOptions> = {}) =>
  createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 3,
    retryWait: async () => {},
    ...options,
  });

/** Sends an operation and returns all that it is answered with, once that is complete. */
async function ask(socket: RawClient, query: string, variables?: object, more: object = {}) {
  const id = randomUUID();
  socket.send({ id, type: 'subscribe', payload: { query, variables, ...more } });
  await Promise.race([
    socket.receives({ id, type: 'complete' }),
    socket.receives({ id, type: 'error' }),
  ]);
  return socket.messages
    .filter((message) => message.id === id)
    .map(({ type, payload }) => ({ type, payload }));
}

const codes = (messages: Pick<Message, 'type' | 'payload'>[]) =>
  messages.flatMap(({ type, payload }) =>
    (type === 'error' ? payload : (payload?.errors ?? [])).map(
      (error: { extensions: { code: string } }) => `${type} ${error.extensions.code}`,
    ),
  );

describe('a client of graphql-ws', () => {
  it('asks, changes and subscribes over one socket', async () => {
    const graphql = client();
    const results: unknown[] = [];
    for await (const { data } of graphql.iterate({ query: '{ me }' })) results.push(data);
    for await (const { data } of graphql.iterate({ query: 'mutation { touch }' })) {
      results.push(data);
    }
    expect(results).toEqual([{ me: PERSON }, { touch: PERSON }]);

    const [first, second] = [SUBSCRIPTION, SUBSCRIPTION].map((query) => graphql.iterate({ query }));
    const news = [first?.next(), second?.next()];
    await listening(2);
    live.tell({ ticks: 'one' });
    expect((await Promise.all(news)).map((result) => result?.value)).toEqual([
      { data: { ticks: 'one' } },
      { data: { ticks: 'one' } },
    ]);
    await first?.return?.();
    await listening(1);
    await graphql.dispose();
    await listening(0);
  });

  it('comes again when its socket is closed for that, with what it subscribed to', async () => {
    const graphql = client();
    const events = graphql.iterate<{ ticks: string }>({ query: SUBSCRIPTION });
    const next = events.next();
    await listening(1);
    live.end({
      code: 'SERVICE_UNAVAILABLE',
      message: 'Later.',
      outcome: 'resume',
      closeCode: 1012,
    });
    await listening(1);
    live.tell({ ticks: 'again' });
    expect((await next).value.data).toEqual({ ticks: 'again' });
    await graphql.dispose();
  });

  it('is told why a subscription was ended for good, and keeps its socket', async () => {
    const graphql = client(gateway.url, { lazyCloseTimeout: 30_000 });
    const closes: unknown[] = [];
    graphql.on('closed', (event) => closes.push(event));
    const events = graphql.iterate({ query: SUBSCRIPTION });
    const next = events.next();
    next.catch(() => {});
    await listening(1);
    live.end({
      code: 'CURSOR_EXPIRED',
      message: 'Read the list again.',
      argument: 'after',
      outcome: 'stop',
    });
    await expect(next).rejects.toEqual([
      {
        message: 'Read the list again.',
        extensions: { code: 'CURSOR_EXPIRED', argument: 'after' },
      },
    ]);
    const { value } = await graphql.iterate({ query: '{ me }' }).next();
    expect(value).toEqual({ data: { me: PERSON } });
    expect(closes).toEqual([]);
    await graphql.dispose();
  });

  it('is told events that are no live stream, one after the other', async () => {
    const graphql = client(plain.url);
    const results: unknown[] = [];
    for await (const { data } of graphql.iterate({ query: SUBSCRIPTION })) results.push(data);
    expect(results).toEqual([{ ticks: PERSON }, { ticks: PERSON }]);
    await graphql.dispose();
  });
});

describe('results of a live stream', () => {
  it.each([0, 60, 90, 125, 126, 65_400, 65_535, 65_536, 900_000])(
    'arrive as they are: %i characters, and some of more bytes',
    async (length) => {
      const socket = await connect(gateway.url, { authorization });
      const id = `"\\ ö 𝄞 ${'x'.repeat(length % 200)}`;
      socket.send(subscribe(id, SUBSCRIPTION));
      await listening(1);
      const ticks = `${'x'.repeat(length)}"\\ ö 𝄞`;
      live.tell({ ticks });
      expect((await socket.receives({ type: 'next' })).payload).toEqual({ data: { ticks } });
      expect(socket.messages.at(-1)?.id).toBe(id);
      socket.socket.close();
      await listening(0);
    },
  );

  it('and answers to other operations do not get into each other', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('live', SUBSCRIPTION));
    await listening(1);
    for (let n = 0; n < 200; n += 1) {
      socket.send(subscribe(`${n}`, '{ me }'));
      socket.socket.ping();
      live.tell({ ticks: `${n} ${'x'.repeat(n * 50)}` });
      if (n % 20 === 0) await socket.receives({ id: `${n}`, type: 'complete' });
    }
    await socket.receives({ id: '199' });
    await eventually(
      () => socket.messages.filter(({ id, type }) => id === 'live' && type === 'next').length,
    ).toBe(200);
    const order = socket.messages
      .filter(({ id }) => id === 'live')
      .map(({ payload }) => Number(payload.data.ticks.split(' ')[0]));
    expect(order).toEqual(Array.from({ length: 200 }, (_, n) => n));
    socket.socket.close();
  });

  it('stop when the client completes, or is gone', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('1', SUBSCRIPTION));
    socket.send(subscribe('2', SUBSCRIPTION));
    await listening(2);
    socket.send({ id: '1', type: 'complete' });
    await listening(1);
    live.tell({ ticks: 'x' });
    await socket.receives({ id: '2', type: 'next' });
    expect(socket.messages.filter(({ id }) => id === '1')).toEqual([]);
    socket.socket.terminate();
    await listening(0);
  });

  it('go to the subscription that has the id at the time', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('1', SUBSCRIPTION));
    await listening(1);
    // In one write, so that they are read at once.
    const raw = socket.socket as unknown as { _socket: { cork(): void; uncork(): void } };
    raw._socket.cork();
    for (let n = 0; n < 50; n += 1) {
      socket.send({ id: '1', type: 'complete' });
      socket.send(subscribe('1', SUBSCRIPTION));
    }
    raw._socket.uncork();
    await socket.receives({ type: 'connection_ack' });
    const answer = await ask(socket, '{ me }');
    expect(answer).toMatchObject([{ type: 'next' }, { type: 'complete' }]);
    await listening(1);
    live.tell({ ticks: 'x' });
    await socket.receives({ id: '1', type: 'next' });
    expect(socket.messages.filter(({ id }) => id === '1')).toHaveLength(1);
    socket.socket.close();
    await listening(0);
  });
});

describe('an operation over a socket', () => {
  let socket: RawClient;
  beforeAll(async () => {
    socket = await connect(plain.url, { authorization });
  });
  afterAll(() => socket.socket.close());

  it('is refused as over HTTP, and the socket goes on', async () => {
    const refused = async (query: string, variables?: object) =>
      codes(await ask(socket, query, variables));
    expect(await refused('{ me')).toEqual(['error GRAPHQL_PARSE_FAILED']);
    expect(await refused('{ nothing }')).toEqual(['error GRAPHQL_VALIDATION_FAILED']);
    expect(await refused('')).toEqual(['error GRAPHQL_PARSE_FAILED']);
    expect(await refused('fragment F on Query { me }')).toEqual([
      'error GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(await refused('query A { me } query B { me }')).toEqual([
      'error OPERATION_RESOLUTION_FAILURE',
    ]);
    expect(await refused(`{ me } #${'x'.repeat(50_000)}`)).toEqual(['error OPERATION_TOO_LARGE']);
    expect(await refused(`{ ${'me '.repeat(2_001)} }`)).toEqual(['error OPERATION_TOO_LARGE']);
    expect(
      await refused('query ($n: Int!) { echo(number: $n) }', { n: 'x'.repeat(900_000) }),
    ).toEqual(['next BAD_USER_INPUT']);
    expect(await refused('{ gatewayError }')).toEqual(['next CONFLICT']);
    expect(await refused('{ workspace }')).toEqual(['next WORKSPACE_REQUIRED']);
    expect(await refused('subscription { __typename }')).toEqual([
      'error GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(codes(await ask(socket, '{ me }', {}, { operationName: 'Nobody' }))).toEqual([
      'error OPERATION_RESOLUTION_FAILURE',
    ]);
    expect(
      codes(await ask(socket, 'mutation { touch }', {}, { extensions: { 'Idempotency-Key': '' } })),
    ).toEqual(['error BAD_USER_INPUT']);
    expect(await ask(socket, '{ me }')).toEqual([
      { type: 'next', payload: { data: { me: PERSON } } },
      { type: 'complete', payload: undefined },
    ]);
  });

  const askInHaste = async (query: string) => {
    const hasty = await startGateway(gateway.database.gatewayUrl, { requestTimeoutMs: 500 });
    const own = await connect(hasty.url, { authorization });
    const answer = await ask(own, query);
    own.socket.close();
    await hasty.close();
    return answer;
  };

  it('tells nothing of what happens inside, nor of HTTP', async () => {
    const answers = [
      await ask(socket, '{ internalError half { good bad } badNumber }'),
      await ask(socket, '{ sql(text: "SELECT no_such_column") }'),
      await ask(socket, '{ nothing }'),
      await askInHaste('{ hang }'),
    ];
    expect(codes(answers.flat())).toEqual([
      ...Array(3).fill('next INTERNAL_SERVER_ERROR'),
      'next INTERNAL_SERVER_ERROR',
      'error GRAPHQL_VALIDATION_FAILED',
      'next TIMEOUT',
    ]);
    expect(JSON.stringify(answers)).not.toMatch(/inner workings|no_such_column|stack|\.ts|"http"/);
  });

  it('has an id of its own in the log, which its error names', async () => {
    const ids = [];
    for (const _ of [1, 2]) {
      const [message] = await ask(socket, '{ internalError }');
      ids.push(message?.payload.errors[0].extensions.requestId);
    }
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(log.filter(({ requestId }) => requestId === id)).toMatchObject([
        { err: { message: INTERNAL.message } },
      ]);
    }
  });

  it('runs for its own person, beside those of others', async () => {
    const people = [PERSON, randomUUID(), randomUUID()];
    const sockets = await Promise.all(
      people.map(async (sub) =>
        connect(plain.url, { authorization: `Bearer ${await token({ sub })}` }),
      ),
    );
    const rounds = await Promise.all(
      Array.from({ length: 10 }, () =>
        Promise.all(sockets.map(async (each) => (await ask(each, '{ me setting }'))[0]?.payload)),
      ),
    );
    for (const answers of rounds) {
      expect(answers).toEqual(
        people.map((id) => ({ data: { me: id, setting: expect.stringContaining(id) } })),
      );
    }
    for (const each of sockets) each.socket.close();
  });
});
