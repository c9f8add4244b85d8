import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_UNSENT_BYTES } from '../../src/subscriptions/result-stream.ts';
import { eventually } from '../support/eventually.ts';
import { limits, schema, startGateway, token } from './support/gateway.ts';
import { holding } from './support/held.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  PERSON,
  RESUME,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import { connect, openSocket, type RawClient, subscribe } from './support/websocket.ts';

const LARGE = `{ sql(text: "SELECT repeat('x', 700000) AS value") }`;

const live = createLiveStreams();
const { listening } = live;
let gateway: LiveGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await openLiveGateway(live, undefined, {
    // One socket may use up what it may have, and its person still ask.
    limits: limits({ person: { requests: 1_000 } }),
  });
  ({ authorization } = gateway);
});

afterEach(() => {
  vi.useRealTimers();
  live.end(RESUME);
});

afterAll(() => gateway?.close());

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const resultsOf = ({ messages }: RawClient) => messages.filter(({ type }) => type === 'next');

const codeOf = ({ messages }: RawClient, id: string) =>
  messages.find((message) => message.id === id)?.payload?.[0]?.extensions?.code;

describe('a socket', () => {
  it('holds 100 subscriptions of 10,000, and disturbs nobody', async () => {
    const other = await connect(gateway.url, { authorization });
    other.send(subscribe('other', SUBSCRIPTION));
    await listening(1);
    const greedy = await connect(gateway.url, { authorization });
    for (let n = 0; n < 10_000; n += 1) greedy.send(subscribe(`${n}`, SUBSCRIPTION));
    let answered = 0;
    let refused = false;
    void greedy.receives({ id: '9999', type: 'error' }).then(() => {
      refused = true;
    });
    while (!refused) {
      const answer = await gateway.ask('{ me }', { authorization });
      expect(answer.data).toEqual({ me: PERSON });
      answered += 1;
      if (answered <= 10) live.tell({ ticks: `${answered}` });
      await wait(200);
    }
    expect(answered).toBeGreaterThan(2);
    await listening(101);
    expect(codeOf(greedy, '100')).toBe('TOO_MANY_SUBSCRIPTIONS');
    expect(codeOf(greedy, '9999')).toBe('TOO_MANY_SUBSCRIPTIONS');
    await eventually(() => resultsOf(other).length).toBe(Math.min(answered, 10));
    // Whoever ends one has room for another.
    greedy.send({ id: '7', type: 'complete' });
    await listening(100);
    greedy.send(subscribe('room', SUBSCRIPTION));
    await listening(101);
    expect(codeOf(greedy, 'room')).toBe(undefined);
    live.tell({ ticks: 'last' });
    await greedy.receives({ id: 'room', type: 'next' });
    greedy.socket.close();
    await listening(1);
    other.socket.close();
  }, 60_000);

  it('counts what runs, whatever becomes of it', async () => {
    const client = await connect(gateway.url, { authorization });
    for (const query of [
      '{ me }',
      '{ me',
      '{ nothing }',
      '{ gatewayError }',
      '{ internalError }',
    ]) {
      for (let n = 0; n < 40; n += 1) {
        const id = randomUUID();
        client.send(subscribe(id, query));
        await client.receives({ id });
      }
    }
    expect(JSON.stringify(client.messages)).not.toContain('TOO_MANY');
    client.socket.close();
  });

  it('costs at most so much memory when its client stops reading, and is closed with 1013', async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => connect(gateway.url, { authorization })),
    );
    for (const client of clients) client.send(subscribe('1', SUBSCRIPTION));
    await listening(10);
    const [stuck, ...others] = clients as [RawClient, ...RawClient[]];
    stuck.socket.pause();
    let most = 0;
    let told = 0;
    const ticks = 'x'.repeat(20_000);
    while (live.present().length === 10 && told < 2_000) {
      live.tell({ ticks });
      told += 1;
      most = Math.max(most, ...live.listeners.map(({ sink }) => sink.unsentBytes));
      await wait(0);
    }
    expect(live.present()).toHaveLength(9);
    expect(most).toBeGreaterThan(MAX_UNSENT_BYTES / 2);
    expect(most).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
    for (const other of others) {
      await eventually(() => resultsOf(other).length).toBe(told);
    }
    // What was sent before arrives as soon as it is read, and then the reason.
    stuck.socket.resume();
    expect(await stuck.closed).toEqual({
      code: 1013,
      reason: 'Too slow.',
    });
    const received = resultsOf(stuck).length;
    expect(received).toBeGreaterThan(20);
    expect(received).toBeLessThan(told);
    for (const other of others) other.socket.close();
  });

  it.each([
    ['operations', () => subscribe(randomUUID(), LARGE)],
    ['pings', () => ({ type: 'ping', payload: { text: 'x'.repeat(100_000) } })],
  ])('that sends %s and does not read is closed with 1013', async (_, message) => {
    const client = await connect(gateway.url, { authorization });
    client.send(subscribe('live', SUBSCRIPTION));
    await listening(1);
    client.socket.pause();
    for (let n = 0; live.present().length > 0 && n < 5_000; n += 1) {
      client.send(message());
      if (n % 50 === 0) await wait(100);
    }
    // Who reads in time is none of those that are closed.
    await listening(0);
    client.socket.resume();
    expect(await client.closed).toMatchObject({ code: 1013 });
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
  });

  it('is sent large answers one after the other, however many are asked for', async () => {
    const client = await connect(gateway.url, { authorization });
    for (let n = 0; n < 20; n += 1) {
      client.send(subscribe(`${n}`, LARGE));
    }
    for (let n = 0; n < 20; n += 1) {
      const { payload } = await client.receives({ id: `${n}`, type: 'next' });
      expect(payload.data.sql).toHaveLength(700_000);
    }
    client.socket.close();
  });

  it('that hears no ping is cut off', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const own = await openLiveGateway(live, gateway.database);
    const alive = await connect(own.url, { authorization });
    const dead = await connect(own.url, { authorization });
    for (const client of [alive, dead]) client.send(subscribe('1', SUBSCRIPTION));
    await listening(2);
    let pings = 0;
    alive.socket.on('ping', () => {
      pings += 1;
    });
    dead.socket.pause();
    vi.advanceTimersByTime(12_000);
    await eventually(() => pings).toBe(1);
    // Once the server has answered this, it has heard the answer to its own.
    const answered = once(alive.socket, 'pong');
    alive.socket.ping();
    await answered;
    await listening(2);
    vi.advanceTimersByTime(12_000);
    await listening(1);
    await eventually(() => pings).toBe(2);
    dead.socket.resume();
    expect(await dead.closed).toMatchObject({ code: 1006 });
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    alive.socket.close();
    vi.useRealTimers();
    await own.close();
  });
});

describe('a stream of events that is not live', () => {
  it('is asked for no more than its client reads', async () => {
    let pulled = 0;
    let ended = false;
    const ticks = 'x'.repeat(100_000);
    const own = await startGateway(gateway.database.gatewayUrl, {
      schema,
      plugins: [
        {
          onSubscribe({ setSubscribeFn }) {
            setSubscribeFn(async function* () {
              try {
                for (; ; pulled += 1) {
                  await setImmediate();
                  yield { data: { ticks } };
                }
              } finally {
                ended = true;
              }
            });
          },
        },
      ],
    });
    const client = await connect(own.url, { authorization });
    client.socket.pause();
    client.send(subscribe('1', SUBSCRIPTION));
    const growth = async () => {
      const before = pulled;
      await wait(300);
      return { isBegun: before > 0, count: pulled - before };
    };
    await eventually(growth).toEqual({ isBegun: true, count: 0 });
    expect(ended).toBe(false);
    const before = pulled;
    client.socket.resume();
    await eventually(() => pulled).toBeGreaterThan(before);
    client.socket.close();
    await eventually(() => ended).toBe(true);
    await own.close();
  });
});

describe('a token that expires', () => {
  const soon = async () => token({ sub: PERSON, exp: Math.ceil(Date.now() / 1000) + 1 });

  it('closes its socket with 4403, and no other', async () => {
    const other = await connect(gateway.url, { authorization });
    const client = await connect(gateway.url, { authorization: `Bearer ${await soon()}` });
    client.send(subscribe('1', SUBSCRIPTION));
    await listening(1);
    expect(await client.closed).toEqual({ code: 4403, reason: 'Token expired' });
    await listening(0);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.close();
  });

  it('lets what runs finish, and clients come back with a fresh one', async () => {
    const own = await startGateway(gateway.database.gatewayUrl, {
      plugins: [live.plugin],
      statementTimeoutMs: 30_000,
    });
    const tokens = [await soon(), await token({ sub: PERSON })];
    const client = createClient({
      url: `${own.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: `Bearer ${tokens.shift()}` }),
      retryWait: async () => {},
    });
    const events = client.iterate<{ ticks: string }>({ query: SUBSCRIPTION });
    const next = events.next();
    await listening(1);
    const [before] = live.present();
    await holding(gateway.database, async ({ sql, waiting, release }) => {
      const running = client.iterate({ query: `{ sql(text: "${sql}") me }` }).next();
      await waiting();
      await eventually(() => before?.gone).toBe(true);
      await release();
      expect((await running).value.data).toEqual({ sql: '', me: PERSON });
    });
    await listening(1);
    live.tell({ ticks: 'back' });
    expect((await next).value.data).toEqual({ ticks: 'back' });
    expect(tokens).toEqual([]);
    await client.dispose();
    await own.close();
  });
});

describe('a server that is closed', () => {
  it('closes idle sockets with 1001 at once, others when they have been answered', async () => {
    const own = await startGateway(gateway.database.gatewayUrl, {
      plugins: [live.plugin],
      statementTimeoutMs: 30_000,
    });
    const [idle, streaming, asking, silent] = [
      await connect(own.url, { authorization }),
      await connect(own.url, { authorization }),
      await connect(own.url, { authorization }),
      await openSocket(own.url),
    ];
    streaming.send(subscribe('1', SUBSCRIPTION));
    await listening(1);
    asking.send(subscribe('1', SUBSCRIPTION));
    await listening(2);
    await holding(gateway.database, async ({ sql, waiting, release }) => {
      asking.send(subscribe('2', `{ sql(text: "${sql}") me }`));
      await waiting();
      let answered = false;
      void asking.closed.then(() => {
        answered = true;
      });
      const closed = own.close(20_000);
      for (const client of [idle, streaming, silent]) {
        expect(await client.closed).toMatchObject({ code: 1001 });
      }
      await listening(0);
      expect(answered).toBe(false);
      await release();
      expect(await asking.closed).toMatchObject({ code: 1001 });
      const answer = asking.messages.find(({ id, type }) => id === '2' && type === 'next');
      expect(answer?.payload).toEqual({ data: { sql: '', me: PERSON } });
      // The streams have not ended: they go on elsewhere.
      expect(asking.messages.filter(({ id }) => id === '1')).toEqual([]);
      await closed;
    });
    await expect(openSocket(own.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('cuts off those who do not go', async () => {
    let isRunning = false;
    const onExecute = () => {
      isRunning = true;
    };
    const own = await startGateway(gateway.database.gatewayUrl, { plugins: [{ onExecute }] });
    const hanging = await connect(own.url, { authorization });
    hanging.send(subscribe('1', '{ hang }'));
    const stuck = await connect(own.url, { authorization });
    stuck.socket.pause();
    await eventually(() => isRunning).toBe(true);
    const started = Date.now();
    await own.close();
    expect(Date.now() - started).toBeGreaterThan(900);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(await hanging.closed).toMatchObject({ code: 1006 });
  });
});
