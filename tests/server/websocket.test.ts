import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { PERSON, SUBSCRIPTION } from './support/live-streams.ts';
import { connect, subscribe } from './support/websocket.ts';
import {
  ask,
  authorization,
  client,
  gateway,
  listening,
  live,
  plain,
  setUp,
} from './websocket-world.ts';

setUp();

describe('a client of graphql-ws', () => {
  it('queries, mutates and subscribes over one socket', async () => {
    const graphql = client();
    const results: unknown[] = [];
    for await (const { data } of graphql.iterate({ query: '{ me }' })) results.push(data);
    for await (const { data } of graphql.iterate({ query: 'mutation { touch }' })) {
      results.push(data);
    }
    expect(results).toEqual([{ me: PERSON }, { touch: PERSON }]);

    const [first, second] = [SUBSCRIPTION, SUBSCRIPTION].map((query) => graphql.iterate({ query }));
    const next = [first?.next(), second?.next()];
    await listening(2);
    live.send({ ticks: 'one' });
    expect((await Promise.all(next)).map((result) => result?.value)).toEqual([
      { data: { ticks: 'one' } },
      { data: { ticks: 'one' } },
    ]);
    await first?.return?.();
    await listening(1);
    await graphql.dispose();
    await listening(0);
  });

  it('reconnects and subscribes again when its socket is closed with 1012', async () => {
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
    live.send({ ticks: 'again' });
    expect((await next).value.data).toEqual({ ticks: 'again' });
    await graphql.dispose();
  });

  it('receives the reason of a final end, and keeps its socket', async () => {
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

  it('receives the events of an async iterator in order', async () => {
    const graphql = client(plain.url);
    const results: unknown[] = [];
    for await (const { data } of graphql.iterate({ query: SUBSCRIPTION })) results.push(data);
    expect(results).toEqual([{ ticks: PERSON }, { ticks: PERSON }]);
    await graphql.dispose();
  });
});

describe('results of a live stream', () => {
  it.each([0, 60, 90, 125, 126, 65_400, 65_535, 65_536, 900_000])(
    'arrive unchanged with %i characters, and some of several bytes',
    async (length) => {
      const socket = await connect(gateway.url, { authorization });
      const id = `"\\ ö 𝄞 ${'x'.repeat(length % 200)}`;
      socket.send(subscribe(id, SUBSCRIPTION));
      await listening(1);
      const ticks = `${'x'.repeat(length)}"\\ ö 𝄞`;
      live.send({ ticks });
      expect((await socket.receives({ type: 'next' })).payload).toEqual({ data: { ticks } });
      expect(socket.messages.at(-1)?.id).toBe(id);
      socket.socket.close();
      await listening(0);
    },
  );

  it('are not mixed with answers to other operations', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('live', SUBSCRIPTION));
    await listening(1);
    for (let n = 0; n < 200; n += 1) {
      socket.send(subscribe(`${n}`, '{ me }'));
      socket.socket.ping();
      live.send({ ticks: `${n} ${'x'.repeat(n * 50)}` });
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

  it('stop when the client completes or disconnects', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('1', SUBSCRIPTION));
    socket.send(subscribe('2', SUBSCRIPTION));
    await listening(2);
    socket.send({ id: '1', type: 'complete' });
    await listening(1);
    live.send({ ticks: 'x' });
    await socket.receives({ id: '2', type: 'next' });
    expect(socket.messages.filter(({ id }) => id === '1')).toEqual([]);
    socket.socket.terminate();
    await listening(0);
  });

  it('go to the latest subscription with their id', async () => {
    const socket = await connect(gateway.url, { authorization });
    socket.send(subscribe('1', SUBSCRIPTION));
    await listening(1);
    // In one write, so that they are read together.
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
    live.send({ ticks: 'x' });
    await socket.receives({ id: '1', type: 'next' });
    expect(socket.messages.filter(({ id }) => id === '1')).toHaveLength(1);
    socket.socket.close();
    await listening(0);
  });
});
