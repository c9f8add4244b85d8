import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_UNSENT_BYTES } from '../../src/subscriptions/result-stream.ts';
import { eventually } from '../support/eventually.ts';
import { schema, startGateway } from './support/gateway.ts';
import { openLiveGateway, PERSON, SUBSCRIPTION } from './support/live-streams.ts';
import { connect, type RawClient, subscribe } from './support/websocket.ts';
import {
  authorization,
  codeOf,
  gateway,
  LARGE,
  listening,
  live,
  resultsOf,
  setUp,
  wait,
} from './websocket-limits-world.ts';

setUp();

describe('a socket', () => {
  it('accepts 100 of 10,000 subscriptions, and does not disturb others', async () => {
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
      if (answered <= 10) live.send({ ticks: `${answered}` });
      await wait(200);
    }
    expect(answered).toBeGreaterThan(2);
    await listening(101);
    expect(codeOf(greedy, '100')).toBe('TOO_MANY_SUBSCRIPTIONS');
    expect(codeOf(greedy, '9999')).toBe('TOO_MANY_SUBSCRIPTIONS');
    await eventually(() => resultsOf(other).length).toBe(Math.min(answered, 10));
    // Another one is accepted after one has ended.
    greedy.send({ id: '7', type: 'complete' });
    await listening(100);
    greedy.send(subscribe('room', SUBSCRIPTION));
    await listening(101);
    expect(codeOf(greedy, 'room')).toBe(undefined);
    live.send({ ticks: 'last' });
    await greedy.receives({ id: 'room', type: 'next' });
    greedy.socket.close();
    await listening(1);
    other.socket.close();
  }, 60_000);

  it('counts only running operations, however they end', async () => {
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

  it('is closed with 1013 at the limit of unsent bytes when its client stops reading', async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => connect(gateway.url, { authorization })),
    );
    for (const client of clients) client.send(subscribe('1', SUBSCRIPTION));
    await listening(10);
    const [stuck, ...others] = clients as [RawClient, ...RawClient[]];
    stuck.socket.pause();
    let most = 0;
    let sent = 0;
    const ticks = 'x'.repeat(20_000);
    while (live.present().length === 10 && sent < 2_000) {
      live.send({ ticks });
      sent += 1;
      most = Math.max(most, ...live.listeners.map(({ sink }) => sink.unsentBytes));
      await wait(0);
    }
    expect(live.present()).toHaveLength(9);
    expect(most).toBeGreaterThan(MAX_UNSENT_BYTES / 2);
    expect(most).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
    for (const other of others) {
      await eventually(() => resultsOf(other).length).toBe(sent);
    }
    // The client still receives earlier results, then the close reason.
    stuck.socket.resume();
    expect(await stuck.closed).toEqual({
      code: 1013,
      reason: 'Too slow.',
    });
    const received = resultsOf(stuck).length;
    expect(received).toBeGreaterThan(20);
    expect(received).toBeLessThan(sent);
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
    // The socket is closed before its client reads again.
    await listening(0);
    client.socket.resume();
    expect(await client.closed).toMatchObject({ code: 1013 });
    expect((await gateway.ask('{ me }', { authorization })).data).toEqual({ me: PERSON });
  });

  it('receives all of many large answers', async () => {
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

  it('that answers no pings is cut off', async () => {
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
    // When the server answers this ping, it has received the answer to its own.
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

describe('an async iterator as the result of a subscription', () => {
  it('is read only as fast as its client reads', async () => {
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
