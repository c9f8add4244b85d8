import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.ts';
import { startGateway, token } from './support/gateway.ts';
import { holding } from './support/held.ts';
import { PERSON, SUBSCRIPTION } from './support/live-streams.ts';
import { connect, openSocket, subscribe } from './support/websocket.ts';
import { authorization, gateway, listening, live, setUp } from './websocket-limits-world.ts';

setUp();

describe('a token that expires', () => {
  const soon = async () => token({ sub: PERSON, exp: Math.ceil(Date.now() / 1000) + 1 });

  it('closes only its own socket, with 4403', async () => {
    const other = await connect(gateway.url, { authorization });
    const client = await connect(gateway.url, { authorization: `Bearer ${await soon()}` });
    client.send(subscribe('1', SUBSCRIPTION));
    await listening(1);
    expect(await client.closed).toEqual({ code: 4403, reason: 'Token expired' });
    await listening(0);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.close();
  });

  it('lets running queries complete, and clients reconnect with a new token', async () => {
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
    live.send({ ticks: 'back' });
    expect((await next).value.data).toEqual({ ticks: 'back' });
    expect(tokens).toEqual([]);
    await client.dispose();
    await own.close();
  });
});

describe('a server that closes', () => {
  it('closes idle sockets with 1001 at once, and others after their queries are answered', async () => {
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
      // The subscriptions get no complete message, so clients start them again elsewhere.
      expect(asking.messages.filter(({ id }) => id === '1')).toEqual([]);
      await closed;
    });
    await expect(openSocket(own.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('cuts off sockets that do not close', async () => {
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
