import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/context/errors.ts';
import { eventually } from '../support/eventually.ts';
import { agentToken, INTERNAL, startGateway, token } from './support/gateway.ts';
import {
  createLiveStreams,
  type LiveGateway,
  openLiveGateway,
  PERSON,
  SUBSCRIPTION,
} from './support/live-streams.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';
import { connect, openSocket, subscribe } from './support/websocket.ts';

const workspaces = { own: randomUUID(), foreign: randomUUID() };

const live = createLiveStreams();
let gateway: LiveGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await openLiveGateway(live);
  ({ authorization } = gateway);
  const { database } = gateway;
  await database.query('INSERT INTO auth.users (id) VALUES ($1)', [PERSON]);
  await database.query(
    "INSERT INTO workspaces (id, name, slug) SELECT id, 'A workspace', id FROM unnest($1::uuid[]) AS id",
    [Object.values(workspaces)],
  );
  await database.query(
    "INSERT INTO user_workspaces (user_id, workspace_id, role) VALUES ($1, $2, 'Owner')",
    [PERSON, workspaces.own],
  );
});

afterAll(() => gateway?.close());

/** Sends these messages on a new socket. Returns how it is closed. */
async function closeAfter(...messages: (object | string | Buffer)[]) {
  const client = await openSocket(gateway.url);
  for (const message of messages) client.send(message);
  return client.closed;
}

const init = (payload?: unknown) => ({ type: 'connection_init', payload });

describe('an invalid message closes its socket with 4400', () => {
  it.each([
    ['invalid JSON', '{"type":'],
    ['an empty message', ''],
    ['a string', '"connection_init"'],
    ['null', 'null'],
    ['a list', '[{"type":"connection_init"}]'],
    ['without a type', {}],
    ['a type that is not a string', { type: 5 }],
    ['an unknown type', { type: 'start', id: '1', payload: { query: '{ me }' } }],
    ['a type that only servers send', { type: 'connection_ack' }],
    ['a result', { type: 'next', id: '1', payload: {} }],
    ['an error', { type: 'error', id: '1', payload: [{ message: 'x' }] }],
    ['an init whose payload is not an object', init('token')],
    ['a ping whose payload is not an object', { type: 'ping', payload: [] }],
    ['a subscribe without an id', { type: 'subscribe', payload: { query: '{ me }' } }],
    ['an empty id', subscribe('', '{ me }')],
    ['an id that is not a string', { ...subscribe('1', '{ me }'), id: 1 }],
    ['an id that is too long', subscribe('x'.repeat(257), '{ me }')],
    ['a subscribe without a payload', { type: 'subscribe', id: '1' }],
    ['without a query', { type: 'subscribe', id: '1', payload: {} }],
    ['with a query that is not a string', { type: 'subscribe', id: '1', payload: { query: 5 } }],
    [
      'with variables that are a list',
      { type: 'subscribe', id: '1', payload: { query: '{ me }', variables: [] } },
    ],
    [
      'with extensions that are a string',
      { type: 'subscribe', id: '1', payload: { query: '{ me }', extensions: 'x' } },
    ],
    ['a complete without an id', { type: 'complete' }],
    ['a binary message', Buffer.from(JSON.stringify({ type: 'ping' }))],
  ])('%s', async (_, message) => {
    const client = await connect(gateway.url, { authorization });
    const log = gateway.log.length;
    client.send(message);
    const { code, reason } = await client.closed;
    expect(code).toBe(4400);
    expect(reason).not.toBe('');
    expect(gateway.log).toHaveLength(log);
  });
});

describe('a socket is closed', () => {
  it('with 4401 if it subscribes before it has signed in', async () => {
    expect(await closeAfter(subscribe('1', SUBSCRIPTION))).toEqual({
      code: 4401,
      reason: 'Unauthorized',
    });
    // A known token would be verified before the next message arrives.
    const unseen = `Bearer ${await token({ sub: PERSON, jti: randomUUID() })}`;
    expect(
      await closeAfter(init({ authorization: unseen }), subscribe('1', SUBSCRIPTION)),
    ).toMatchObject({ code: 4401 });
    expect(live.listeners).toHaveLength(0);
  });

  it('with 4401 and a reason if its token is invalid', async () => {
    const now = Math.floor(Date.now() / 1000);
    const expired = await token({ sub: PERSON, exp: now - 60 });
    const forged = await token({ sub: PERSON }, 'not the secret, but as long as it is');
    expect(await closeAfter(init())).toEqual({
      code: 4401,
      reason: 'Sign in first: send the header "Authorization: Bearer <token>".',
    });
    expect(await closeAfter(init({ authorization: `Bearer ${expired}` }))).toMatchObject({
      code: 4401,
      reason: expect.stringMatching(/^The token expired at .*: sign in again\.$/),
    });
    expect(await closeAfter(init({ authorization: `Bearer ${forged}` }))).toMatchObject({
      code: 4401,
      reason: expect.stringContaining('not signed with a key'),
    });
    expect(await closeAfter(init({ authorization: { toString: 5 } }))).toMatchObject({
      code: 4401,
    });
  });

  it('with 4403 for a foreign workspace, and with 4400 for an invalid one', async () => {
    const inWorkspace = (id: unknown) => closeAfter(init({ authorization, 'x-workspace-id': id }));
    expect(await inWorkspace(workspaces.foreign)).toEqual({
      code: 4403,
      reason: 'You are not a member of this workspace.',
    });
    expect(await inWorkspace(randomUUID())).toMatchObject({ code: 4403 });
    expect(await inWorkspace('mine')).toMatchObject({
      code: 4400,
      reason: expect.stringContaining('UUID'),
    });
    expect(await inWorkspace(5)).toMatchObject({ code: 4400 });
  });

  it('with 4406 without a supported protocol', async () => {
    const client = await openSocket(gateway.url, { protocols: [] });
    expect(await client.closed).toMatchObject({ code: 4406 });
    await expect(openSocket(gateway.url, { protocols: ['graphql-ws', 'x'] })).rejects.toThrow(
      'Server sent no subprotocol',
    );
  });

  it('with 4408 if it sends nothing for 3 seconds', async () => {
    const started = Date.now();
    expect(await closeAfter({ type: 'ping' })).toMatchObject({ code: 4408 });
    expect(Date.now() - started).toBeGreaterThan(2_900);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('with 4409 if it uses an id twice, also a long or unusual one', async () => {
    for (const id of ['1', 'ö'.repeat(200)]) {
      const client = await connect(gateway.url, { authorization });
      client.send(subscribe(id, SUBSCRIPTION));
      client.send(subscribe(id, SUBSCRIPTION));
      const { code, reason } = await client.closed;
      expect(code).toBe(4409);
      expect(reason).toMatch(/^Subscriber for [1ö]+( already exists|…)$/);
    }
    await live.listening(0);
  });

  it('with 4429 if it sends two connection_init messages', async () => {
    expect(await closeAfter(init({ authorization }), init({ authorization }))).toMatchObject({
      code: 4429,
    });
  });

  it('with 1009 for a message of more than 1,000,000 bytes', async () => {
    const client = await connect(gateway.url, { authorization });
    client.send(subscribe('1', '{ me }', { x: 'x'.repeat(1_000_000) }));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('with 1007 for invalid UTF-8', async () => {
    const client = await connect(gateway.url, { authorization });
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await client.closed).toMatchObject({ code: 1007 });
  });

  it('with 1013 if tokens cannot be verified, and with 4500 for an internal error', async () => {
    const failures = [
      new GatewayError('SERVICE_UNAVAILABLE', 'Later.', { status: 503 }),
      new Error(INTERNAL.message),
    ];
    const failing = await startGateway(gateway.database.gatewayUrl, {
      authenticate: async () => {
        throw failures.shift();
      },
    });
    const closes = [];
    for (let n = 0; n < 2; n += 1) {
      const client = await openSocket(failing.url);
      client.send(init());
      closes.push(await client.closed);
    }
    expect(closes).toMatchObject([{ code: 1013, reason: 'Later.' }, { code: 4500 }]);
    expect(JSON.stringify(closes)).not.toContain(INTERNAL.message);
    expect(JSON.stringify(failing.log)).toContain(INTERNAL.message);
    await failing.close();
  });
});

describe('a socket signs in', () => {
  const viewerOf = async (payload: object, headers?: Record<string, string>) => {
    const client = await openSocket(gateway.url, headers ? { headers } : {});
    client.send(init(payload));
    await client.receives({ type: 'connection_ack' });
    client.send(subscribe('1', '{ me currentWorkspace }'));
    const { payload: result } = await client.receives({ id: '1' });
    client.socket.close();
    return result.data;
  };

  it('in its first message, with any case of names, or by headers of the request', async () => {
    const workspace = workspaces.own.toUpperCase();
    const expected = { me: PERSON, currentWorkspace: workspaces.own };
    expect(await viewerOf({ authorization, 'x-workspace-id': workspace })).toEqual(expected);
    expect(await viewerOf({ Authorization: authorization, 'X-Workspace-Id': workspace })).toEqual(
      expected,
    );
    expect(
      await viewerOf({ headers: { Authorization: authorization, 'x-workspace-id': workspace } }),
    ).toEqual(expected);
    expect(await viewerOf({}, { authorization, 'x-workspace-id': workspace })).toEqual(expected);
  });

  it('by its message rather than by the headers', async () => {
    const stranger = `Bearer ${await token({ sub: randomUUID() })}`;
    expect(await viewerOf({ authorization }, { authorization: stranger })).toEqual({
      me: PERSON,
      currentWorkspace: workspaces.own,
    });
  });

  it('as an agent', async () => {
    const agent = await agentToken({ agent: 'scout', scopes: ['*:read'] });
    const client = await connect(gateway.url, { authorization: `Bearer ${agent}` });
    client.send(subscribe('1', '{ currentWorkspace }'));
    expect((await client.receives({ id: '1' })).payload).toEqual({
      data: { currentWorkspace: null },
    });
    client.socket.close();
  });
});

describe('an upgrade request', () => {
  it('on another path gets 404', async () => {
    await expect(openSocket(`${gateway.url}/elsewhere?x=`)).rejects.toThrow('404');
  });

  it('without a WebSocket handshake is refused', async () => {
    const { received, closed } = openRaw(
      gateway.url,
      'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    await eventually(closed).toBe(true);
    expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('to HTTP/2, which some clients offer, is answered without the upgrade', async () => {
    const headers = {
      authorization,
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAEAAEAAAAIAAAAA',
    };
    const request = rawPost('/graphql', headers, { query: '{ me }' });
    const { socket, received } = openRaw(gateway.url, request.slice(0, -5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(request.slice(-5));
    await eventually(received).toMatch(new RegExp(`^HTTP/1\\.1 200 [^]*${PERSON}`));
    // The connection can be used again, with and without the offer.
    socket.write(rawPost('/graphql', headers, { query: '{ second: me }' }));
    await eventually(received).toContain(`"second":"${PERSON}"`);
    socket.write(rawPost('/graphql', { authorization }, { query: '{ third: me }' }));
    await eventually(received).toContain(`"third":"${PERSON}"`);
    socket.destroy();
  });
});
