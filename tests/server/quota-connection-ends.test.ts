import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { RESUME, STOP, SUBSCRIPTION } from './support/live-streams.ts';
import {
  type End,
  LARGE,
  LIMIT,
  openQuotaStage,
  type QuotaStage,
  SLOW,
} from './support/quota-stage.ts';
import { connect, openSocket, subscribe } from './support/websocket.ts';

let stage: QuotaStage;
beforeAll(async () => {
  stage = await openQuotaStage();
});
afterAll(() => stage?.close());

const socketOf = () => connect(stage.gateway.url, { authorization: stage.authorization });

const endsOnSockets: End[] = [
  ...['{ me }', '{ gatewayError internalError badNumber }', '{ me', '{ mee }', '{ hang }'].map(
    (query): End => [
      `runs ${query}`,
      async () => {
        const client = await socketOf();
        client.send(subscribe('1', query));
        await client.receives({ id: '1' });
        client.socket.close();
      },
    ],
  ),
  [
    'is completed by its client while it runs',
    async () => {
      const client = await socketOf();
      await stage.untilStarted(() => client.send(subscribe('1', SLOW)));
      client.send({ id: '1', type: 'complete' });
      // Other operations can run on the same socket.
      for (const id of ['2', '3']) {
        client.send(subscribe(id, '{ me }'));
        await client.receives({ id, type: 'next' });
      }
      client.socket.close();
    },
  ],
  [
    'runs on a socket that is cut',
    async () => {
      const client = await socketOf();
      await stage.untilStarted(() => client.send(subscribe('1', SLOW)));
      client.socket.terminate();
    },
  ],
  [
    'runs on a socket that sends an invalid message',
    async () => {
      const client = await socketOf();
      await stage.untilStarted(() => client.send(subscribe('1', SLOW)));
      client.send('{');
      await client.closed;
    },
  ],
  [
    'has an id that is too long',
    async () => {
      const client = await socketOf();
      client.send(subscribe('x'.repeat(300), '{ me }'));
      await client.closed;
    },
  ],
  [
    'is answered on a socket that does not read and is cut',
    async () => {
      const client = await socketOf();
      client.socket.pause();
      await stage.untilStarted(() => client.send(subscribe('1', LARGE)));
      client.socket.terminate();
    },
  ],
  [
    'is on a socket without a valid token',
    async () => {
      const client = await openSocket(stage.gateway.url);
      client.send({ type: 'connection_init', payload: { authorization: 'Bearer x' } });
      await client.closed;
    },
  ],
  [
    'is on a socket that is cut while it signs in',
    async () => {
      const client = await openSocket(stage.gateway.url);
      client.send({ type: 'connection_init', payload: { authorization: stage.authorization } });
      client.socket.terminate();
      await client.closed;
    },
  ],
];

const ACCEPTS = ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'];

const endsOfStreams: End[] = [
  ...ACCEPTS.flatMap((accept) => {
    const listen = async (end: (stop: () => void) => unknown) => {
      const control = new AbortController();
      const { signal } = control;
      const headers = {
        authorization: stage.authorization,
        'content-type': 'application/json',
        accept,
      };
      const body = JSON.stringify({ query: SUBSCRIPTION });
      const response = await fetch(`${stage.gateway.url}/graphql`, {
        method: 'POST',
        headers,
        body,
        signal,
      });
      await stage.live.listening(1);
      // A socket of the previous test may still be closing.
      await eventually(stage.inUse).toEqual({ streams: 1 });
      end(() => control.abort());
      await response.text().catch(() => {});
    };
    const ends: End[] = [
      [`${accept}, closed by its client`, () => listen((stop) => stop())],
      [`${accept}, ended by the gateway`, () => listen(() => stage.live.end(STOP))],
      [`${accept}, cut by the gateway`, () => listen(() => stage.live.end(RESUME))],
    ];
    return ends;
  }),
  [
    'in single connection mode, closed by its client',
    async () => {
      const url = `${stage.gateway.url}/graphql/stream`;
      const reserved = await fetch(url, {
        method: 'PUT',
        headers: { authorization: stage.authorization },
      });
      const control = new AbortController();
      const response = await fetch(`${url}?token=${await reserved.text()}`, {
        signal: control.signal,
        headers: { authorization: stage.authorization, accept: 'text/event-stream' },
      });
      expect(await stage.inUse()).toEqual({ streams: 1 });
      control.abort();
      await response.text().catch(() => {});
    },
  ],
];

describe.each([
  ['an operation of a socket', endsOnSockets],
  ['a stream', endsOfStreams],
])('%s is no longer counted after it', (_, ends) => {
  it.each(ends)('%s', (_name, end) => stage.expectNoneCounted(end));
});

it('a socket whose client has disconnected is counted while its memberships are read', async () => {
  const init = { type: 'connection_init', payload: { authorization: stage.authorization } };
  const signIn = async () => {
    const client = await openSocket(stage.gateway.url);
    client.send(init);
    return client;
  };
  await stage.database.rehearse({ role: 'service_role' }, async (query) => {
    await query('lock table user_workspaces in access exclusive mode');
    for (let n = 0; n < LIMIT; n += 1) {
      const { socket, closed } = await signIn();
      await eventually(stage.inUse).toEqual({ sockets: n + 1 });
      socket.terminate();
      await closed;
    }
    const { code, reason } = await (await signIn()).closed;
    expect([code, reason]).toEqual([1013, expect.stringMatching(/^TOO_MANY_CONNECTIONS: /)]);
  });
  await eventually(stage.inUse).toEqual({});
  (await socketOf()).socket.close();
});
