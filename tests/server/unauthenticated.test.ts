import { once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createHttpServer } from '../../src/server/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { openRaw } from './support/raw-connection.ts';
import { connect, openSocket, type RawClient } from './support/websocket.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const MOST = 3;
const HANDSHAKE = [
  'GET /graphql HTTP/1.1',
  'host: gateway',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-protocol: graphql-transport-ws',
  '\r\n',
].join('\r\n');

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl, {
    unauthenticatedSockets: MOST,
    requestTimeoutMs: 300,
  });
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const isOpen = ({ socket }: RawClient) => socket.readyState === WebSocket.OPEN;

describe('a socket that has not sent its token', () => {
  it('is closed for a newer one when there are too many', async () => {
    const silent: RawClient[] = [];
    for (let n = 0; n < MOST + 2; n += 1) silent.push(await openSocket(gateway.url));
    const [first, second, third, ...latest] = silent;
    for (const each of [first, second]) expect(await each?.closed).toMatchObject({ code: 1006 });
    // Sockets that sign in are unauthenticated only for a moment, so they replace only one.
    const signedIn: RawClient[] = [];
    for (let n = 0; n < 2 * MOST; n += 1) {
      signedIn.push(await connect(gateway.url, { authorization }));
    }
    expect(await third?.closed).toMatchObject({ code: 1006 });
    expect([...latest, ...signedIn].every(isOpen)).toBe(true);
    for (const { socket } of [...latest, ...signedIn]) socket.close();
  });

  it('stays open if others leave before the limit is reached', async () => {
    const silent: RawClient[] = [];
    for (let n = 0; n < 3 * MOST; n += 1) {
      const next = await openSocket(gateway.url);
      if (n < 2 * MOST) {
        next.socket.close();
        await next.closed;
      } else silent.push(next);
    }
    expect(silent.every(isOpen)).toBe(true);
    for (const { socket } of silent) socket.close();
  });

  it.each([
    [
      'a message',
      (client: RawClient) => client.send({ type: 'ping', payload: { x: 'x'.repeat(70_000) } }),
    ],
    [
      'many messages',
      (client: RawClient) => {
        for (let n = 0; n < 200; n += 1)
          client.send({ type: 'ping', payload: { x: 'x'.repeat(400) } });
      },
    ],
    [
      'a message that does not end',
      ({ socket }: RawClient) => {
        for (let n = 0; n < 70; n += 1) socket.send('x'.repeat(1_000), { fin: false });
      },
    ],
  ])('is closed with 1009 for %s of more than 64 KB', async (_, sendTo) => {
    const client = await openSocket(gateway.url);
    sendTo(client);
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('can send larger messages after it has signed in', async () => {
    const client = await connect(gateway.url, { authorization });
    client.send({ type: 'ping', payload: { x: 'x'.repeat(200_000) } });
    await client.receives({ type: 'pong' });
    client.socket.close();
  });

  it('is cut if its client does not answer the close frame', async () => {
    const init = Buffer.from('{"type":"connection_init"}');
    const { socket, received, closed } = openRaw(gateway.url, HANDSHAKE);
    await eventually(received).toContain(' 101 ');
    // A mask of zeros does not change the text.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | init.length, 0, 0, 0, 0]), init]));
    await eventually(received).toContain('Sign in first');
    await eventually(closed).toBe(true);
  });
});

it('a message in too many fragments closes its socket with 1008', async () => {
  const client = await connect(gateway.url, { authorization });
  for (let n = 0; n < 2_000; n += 1) client.socket.send('x', { fin: false });
  expect(await client.closed).toMatchObject({ code: 1008 });
});

describe('a connection is closed', () => {
  it.each([
    ['nothing', ''],
    ['half a line', 'POST /gra'],
    ['half of its headers', 'POST /graphql HTTP/1.1\r\nhost: gateway\r\nx-a: b'],
  ])('if it sends %s and then nothing', async (_, text) => {
    const { closed } = openRaw(gateway.url, text);
    await eventually(closed).toBe(true);
  });

  it('if it sends headers one by one for too long', async () => {
    const { socket, closed } = openRaw(gateway.url, 'POST /graphql HTTP/1.1\r\nhost: gateway\r\n');
    const drip = setInterval(() => socket.write('x-a: b\r\n'), 50);
    await eventually(closed).toBe(true);
    clearInterval(drip);
  });

  it('if it does not read its answer', async () => {
    let isGone = false;
    const server = createHttpServer(
      (_, response) => {
        response.on('close', () => {
          isGone = true;
        });
        response.end(Buffer.alloc(50_000_000));
      },
      pino({ enabled: false }),
      5_000,
      { accepts: () => false, open: () => {}, close: () => {}, terminate: () => {} },
      300,
    );
    const { url } = await server.listen({ host: '127.0.0.1', port: 0 });
    const { socket } = openRaw(url, 'GET / HTTP/1.1\r\nhost: gateway\r\n\r\n');
    await once(socket, 'connect');
    socket.pause();
    await eventually(() => isGone).toBe(true);
    socket.destroy();
    await server.close(0);
  });
});
