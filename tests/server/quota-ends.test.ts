import { request } from 'node:http';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { limits, startGateway, type TestGateway, token } from './support/gateway.ts';
import { createLiveStreams, PERSON, RESUME, STOP, SUBSCRIPTION } from './support/live-streams.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';
import { connect, openSocket, subscribe } from './support/websocket.ts';

/** What one person may have of each, and how often each way to end is tried: more often than that. */
const LIMIT = 2;
const TIMES = 3;
const LARGE = `{ sql(text: "SELECT repeat('x', 5000000) AS value") }`;
const SLOW = '{ sql(text: "SELECT pg_sleep(0.2)::text AS value") }';
const STRANGE_WORKSPACE = '7d2b8f56-1c3a-4e9b-9f60-2a4c6e8b0d1f';

const live = createLiveStreams();
const metrics = new Registry();
let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;
/** How many operations have begun. */
let begun = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  const all = { requests: LIMIT, sockets: LIMIT, streams: LIMIT };
  gateway = await startGateway(database.gatewayUrl, {
    metrics,
    limits: limits({ person: all }),
    requestTimeoutMs: 400,
    plugins: [
      live.plugin,
      {
        onExecute() {
          begun += 1;
        },
      },
    ],
  });
  authorization = `Bearer ${await token({ sub: PERSON, exp: Math.floor(Date.now() / 1000) + 600 })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

async function inUse(): Promise<Record<string, number>> {
  const all = await metrics.getSingleMetric('codex_quota_in_use')?.get();
  return Object.fromEntries(
    (all?.values ?? []).map(({ labels, value }) => [String(labels.resource), value]),
  );
}

const send = (body: string, headers: Record<string, string> = {}, method = 'POST') =>
  gateway.send('/graphql', {
    method,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body }),
  });

const ask = (query: string, headers: Record<string, string> = {}) =>
  send(JSON.stringify({ query }), headers);

/** Runs until the next operation has begun. */
async function whileBegun(run: () => void): Promise<void> {
  const before = begun;
  run();
  await eventually(() => begun).toBeGreaterThan(before);
}

const post = (query: string) => rawPost('/graphql', { authorization }, { query });

/** What a client does with a connection of its own. */
const raw = (text: string) => openRaw(gateway.url, text);

const endsOfRequests: [string, () => Promise<unknown>][] = [
  ['is answered', () => ask('{ me }')],
  ['is answered with errors', () => ask('{ gatewayError internalError badNumber }')],
  ['does not parse', () => ask('{ me')],
  ['is not valid', () => ask('{ mee }')],
  ['is too long', () => ask(`{ me } #${'x'.repeat(50_000)}`)],
  ['has no such operation', () => send('{"query":"query A { me }","operationName":"B"}')],
  ['is not JSON', () => send('{')],
  ['is not declared as JSON', () => send('{}', { 'content-type': 'text/plain' })],
  ['is too large', () => send('x'.repeat(2_000_000))],
  ['is of another method', () => send('', {}, 'PATCH')],
  [
    'is a write by GET',
    () => gateway.send('/graphql?query=mutation{touch}', { headers: { authorization } }),
  ],
  [
    'is of a stranger to the workspace',
    () => ask('{ me }', { 'x-workspace-id': STRANGE_WORKSPACE }),
  ],
  ['names no workspace', () => ask('{ me }', { 'x-workspace-id': 'x' })],
  ['has an idempotency key that is none', () => ask('{ me }', { 'idempotency-key': '' })],
  ['takes too long', () => ask('{ hang }')],
  ['subscribes, and takes no stream', () => ask(SUBSCRIPTION)],
  [
    'is for a stream that there is not',
    () => gateway.send('/graphql/stream', { headers: { authorization } }),
  ],
  [
    'is left while it runs',
    async () => {
      const control = new AbortController();
      const { signal } = control;
      await whileBegun(() => {
        void fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          signal,
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify({ query: SLOW }),
        }).catch(() => {});
      });
      control.abort();
    },
  ],
  [
    'is cut in the middle of its body',
    async () => {
      const { socket, closed } = raw(post('{ me }').slice(0, -5));
      await eventually(inUse).toEqual({ requests: 1 });
      socket.destroy();
      await eventually(closed).toBe(true);
    },
  ],
  [
    'never ends its body',
    async () => {
      const { received, closed } = raw(post('{ me }').slice(0, -5));
      await eventually(inUse).toEqual({ requests: 1 });
      await eventually(closed).toBe(true);
      expect(received()).toContain(' 408 ');
    },
  ],
  [
    'is left with its answer half read',
    async () => {
      const { socket } = raw('');
      socket.pause();
      await whileBegun(() => socket.write(post(LARGE)));
      await eventually(inUse).toEqual({ requests: 1 });
      socket.destroy();
    },
  ],
  [
    'waits for those before it on its connection, which is cut',
    async () => {
      const before = begun;
      const { socket } = raw(`${post('{ hang }')}${post(LARGE)}`);
      await eventually(() => begun).toBe(before + 2);
      socket.destroy();
    },
  ],
  [
    'subscribes on a connection that is cut before its turn',
    async () => {
      const subscription = rawPost(
        '/graphql',
        { authorization, accept: 'text/event-stream' },
        { query: SUBSCRIPTION },
      );
      const { socket } = raw(`${post('{ hang }')}${subscription}`);
      await eventually(inUse).toEqual({ requests: 2 });
      socket.destroy();
    },
  ],
];

const socketOf = () => connect(gateway.url, { authorization });

const endsOnSockets: [string, () => Promise<unknown>][] = [
  ...['{ me }', '{ gatewayError internalError badNumber }', '{ me', '{ mee }', '{ hang }'].map(
    (query): [string, () => Promise<unknown>] => [
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
      await whileBegun(() => client.send(subscribe('1', SLOW)));
      client.send({ id: '1', type: 'complete' });
      // There is room for others on the same socket.
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
      await whileBegun(() => client.send(subscribe('1', SLOW)));
      client.socket.terminate();
    },
  ],
  [
    'runs on a socket that breaks the rules',
    async () => {
      const client = await socketOf();
      await whileBegun(() => client.send(subscribe('1', SLOW)));
      client.send('{');
      await client.closed;
    },
  ],
  [
    'has too long an id',
    async () => {
      const client = await socketOf();
      client.send(subscribe('x'.repeat(300), '{ me }'));
      await client.closed;
    },
  ],
  [
    'is answered to a client that reads nothing, and is cut',
    async () => {
      const client = await socketOf();
      client.socket.pause();
      await whileBegun(() => client.send(subscribe('1', LARGE)));
      client.socket.terminate();
    },
  ],
  [
    'is on a socket without a valid token',
    async () => {
      const client = await openSocket(gateway.url);
      client.send({ type: 'connection_init', payload: { authorization: 'Bearer x' } });
      await client.closed;
    },
  ],
  [
    'is on a socket that is cut while it signs in',
    async () => {
      const client = await openSocket(gateway.url);
      client.send({ type: 'connection_init', payload: { authorization } });
      client.socket.terminate();
      await client.closed;
    },
  ],
];

const ACCEPTS = ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'];

const endsOfStreams: [string, () => Promise<unknown>][] = [
  ...ACCEPTS.flatMap((accept) => {
    const listen = async (end: (stop: () => void) => unknown) => {
      const control = new AbortController();
      const { signal } = control;
      const headers = { authorization, 'content-type': 'application/json', accept };
      const body = JSON.stringify({ query: SUBSCRIPTION });
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers,
        body,
        signal,
      });
      await live.listening(1);
      // A socket of the test before may still be closing.
      await eventually(inUse).toEqual({ streams: 1 });
      end(() => control.abort());
      await response.text().catch(() => {});
    };
    const ends: [string, () => Promise<unknown>][] = [
      [`${accept}, left by its client`, () => listen((stop) => stop())],
      [`${accept}, ended by the gateway`, () => listen(() => live.end(STOP))],
      [`${accept}, cut by the gateway`, () => listen(() => live.end(RESUME))],
    ];
    return ends;
  }),
  [
    'in single connection mode, left by its client',
    async () => {
      const url = `${gateway.url}/graphql/stream`;
      const reserved = await fetch(url, { method: 'PUT', headers: { authorization } });
      const control = new AbortController();
      const response = await fetch(`${url}?token=${await reserved.text()}`, {
        signal: control.signal,
        headers: { authorization, accept: 'text/event-stream' },
      });
      expect(await inUse()).toEqual({ streams: 1 });
      control.abort();
      await response.text().catch(() => {});
    },
  ],
];

describe.each([
  ['a request', endsOfRequests],
  ['an operation of a socket', endsOnSockets],
  ['a stream', endsOfStreams],
])('%s is counted no more when it', (_, ends) => {
  it.each(ends)('%s', async (_name, end) => {
    for (let n = 0; n < TIMES; n += 1) {
      await end();
      await eventually(inUse).toEqual({});
    }
    expect((await ask('{ me }')).data).toEqual({ me: PERSON });
  });
});

it('a socket whose client has gone is counted while its memberships are read', async () => {
  const init = { type: 'connection_init', payload: { authorization } };
  const signIn = async () => {
    const client = await openSocket(gateway.url);
    client.send(init);
    return client;
  };
  await database.rehearse({ role: 'service_role' }, async (query) => {
    await query('lock table user_workspaces in access exclusive mode');
    for (let n = 0; n < LIMIT; n += 1) {
      const { socket, closed } = await signIn();
      await eventually(inUse).toEqual({ sockets: n + 1 });
      socket.terminate();
      await closed;
    }
    const { code, reason } = await (await signIn()).closed;
    expect([code, reason]).toEqual([1013, expect.stringMatching(/^TOO_MANY_CONNECTIONS: /)]);
  });
  await eventually(inUse).toEqual({});
  (await socketOf()).socket.close();
});

it('a request that is refused is refused before its body is read', async () => {
  const held = Array.from({ length: LIMIT }, () => raw(post('{ me }').slice(0, -5)));
  await eventually(inUse).toEqual({ requests: LIMIT });
  const status = await new Promise((resolve, reject) => {
    const headers = {
      authorization,
      'content-type': 'application/json',
      'content-length': 900_000,
    };
    const outgoing = request(`${gateway.url}/graphql`, { method: 'POST', headers }, (response) => {
      resolve(response.statusCode);
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    outgoing.write('{');
  });
  expect(status).toBe(429);
  for (const { socket } of held) socket.destroy();
  await eventually(inUse).toEqual({});
});
