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

/** Returns how a socket is closed that begins like this. */
async function closeAfter(...messages: (object | string | Buffer)[]) {
  const client = await openSocket(gateway.url);
  for (const message of messages) client.send(message);
  return client.closed;
}

const init = (payload?: unknown) => ({ type: 'connection_init', payload });

describe('a message that breaks the protocol closes its socket with 4400', () => {
  it.each([
    ['no JSON', '{"type":'],
    ['nothing', ''],
    ['a text', '"connection_init"'],
    ['null', 'null'],
    ['a list', '[{"type":"connection_init"}]'],
    ['without a type', {}],
    ['of a type that is no text', { type: 5 }],
    ['of an unknown type', { type: 'start', id: '1', payload: { query: '{ me }' } }],
    ['of a type that only servers send', { type: 'connection_ack' }],
    ['a result', { type: 'next', id: '1', payload: {} }],
    ['an error', { type: 'error', id: '1', payload: [{ message: 'x' }] }],
    ['an init whose payload is no object', init('token')],
    ['a ping whose payload is no object', { type: 'ping', payload: [] }],
    ['a subscribe without an id', { type: 'subscribe', payload: { query: '{ me }' } }],
    ['of an empty id', subscribe('', '{ me }')],
    ['of an id that is no text', { ...subscribe('1', '{ me }'), id: 1 }],
    ['of an endless id', subscribe('x'.repeat(257), '{ me }')],
    ['a subscribe without a payload', { type: 'subscribe', id: '1' }],
    ['without a query', { type: 'subscribe', id: '1', payload: {} }],
    ['with a query that is no text', { type: 'subscribe', id: '1', payload: { query: 5 } }],
    [
      'with variables that are a list',
      { type: 'subscribe', id: '1', payload: { query: '{ me }', variables: [] } },
    ],
    [
      'with extensions that are a text',
      { type: 'subscribe', id: '1', payload: { query: '{ me }', extensions: 'x' } },
    ],
    ['a complete without an id', { type: 'complete' }],
    ['in binary', Buffer.from(JSON.stringify({ type: 'ping' }))],
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
  it('with 4401 that subscribes before it has said who it is', async () => {
    expect(await closeAfter(subscribe('1', SUBSCRIPTION))).toEqual({
      code: 4401,
      reason: 'Unauthorized',
    });
    // A token that was seen before is verified before the next message comes.
    const unseen = `Bearer ${await token({ sub: PERSON, jti: randomUUID() })}`;
    expect(
      await closeAfter(init({ authorization: unseen }), subscribe('1', SUBSCRIPTION)),
    ).toMatchObject({ code: 4401 });
    expect(live.listeners).toHaveLength(0);
  });

  it('with 4401 and the reason when its token is none', async () => {
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

  it('with 4403 in a workspace of others, with 4400 in one that cannot be', async () => {
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

  it('with 4406 without a protocol that is spoken here', async () => {
    const client = await openSocket(gateway.url, { protocols: [] });
    expect(await client.closed).toMatchObject({ code: 4406 });
    await expect(openSocket(gateway.url, { protocols: ['graphql-ws', 'x'] })).rejects.toThrow(
      'Server sent no subprotocol',
    );
  });

  it('with 4408 that says nothing for 3 seconds', async () => {
    const started = Date.now();
    expect(await closeAfter({ type: 'ping' })).toMatchObject({ code: 4408 });
    expect(Date.now() - started).toBeGreaterThan(2_900);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('with 4409 that uses an id twice, however long and odd it is', async () => {
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

  it('with 4429 that says twice who it is', async () => {
    expect(await closeAfter(init({ authorization }), init({ authorization }))).toMatchObject({
      code: 4429,
    });
  });

  it('with 1009 for a message of more than 1,000,000 bytes', async () => {
    const client = await connect(gateway.url, { authorization });
    client.send(subscribe('1', '{ me }', { x: 'x'.repeat(1_000_000) }));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('with 1007 for text that is none', async () => {
    const client = await connect(gateway.url, { authorization });
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await client.closed).toMatchObject({ code: 1007 });
  });

  it('with 1013 while nobody can be checked, with 4500 for what should not happen', async () => {
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

describe('a socket says who it is', () => {
  const whoAndWhere = async (payload: object, headers?: Record<string, string>) => {
    const client = await openSocket(gateway.url, headers ? { headers } : {});
    client.send(init(payload));
    await client.receives({ type: 'connection_ack' });
    client.send(subscribe('1', '{ me currentWorkspace }'));
    const { payload: result } = await client.receives({ id: '1' });
    client.socket.close();
    return result.data;
  };

  it('in its first message, as headers are spelt, or in headers of the request', async () => {
    const workspace = workspaces.own.toUpperCase();
    const expected = { me: PERSON, currentWorkspace: workspaces.own };
    expect(await whoAndWhere({ authorization, 'x-workspace-id': workspace })).toEqual(expected);
    expect(
      await whoAndWhere({ Authorization: authorization, 'X-Workspace-Id': workspace }),
    ).toEqual(expected);
    expect(
      await whoAndWhere({ headers: { Authorization: authorization, 'x-workspace-id': workspace } }),
    ).toEqual(expected);
    expect(await whoAndWhere({}, { authorization, 'x-workspace-id': workspace })).toEqual(expected);
  });

  it('and what the message says counts', async () => {
    const stranger = `Bearer ${await token({ sub: randomUUID() })}`;
    expect(await whoAndWhere({ authorization }, { authorization: stranger })).toEqual({
      me: PERSON,
      currentWorkspace: workspaces.own,
    });
  });

  it('as an agent, too', async () => {
    const agent = await agentToken({ agent: 'scout', scopes: ['*:read'] });
    const client = await connect(gateway.url, { authorization: `Bearer ${agent}` });
    client.send(subscribe('1', '{ currentWorkspace }'));
    expect((await client.receives({ id: '1' })).payload).toEqual({
      data: { currentWorkspace: null },
    });
    client.socket.close();
  });
});

describe('a request to upgrade', () => {
  it('on another path is answered like any other', async () => {
    await expect(openSocket(`${gateway.url}/elsewhere?x=`)).rejects.toThrow('404');
  });

  it('that is no handshake is refused', async () => {
    const { received, closed } = openRaw(
      gateway.url,
      'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    await eventually(closed).toBe(true);
    expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('to HTTP/2, as some clients offer with each, is answered as if it did not', async () => {
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
    // The connection is kept, for requests with the offer and without.
    socket.write(rawPost('/graphql', headers, { query: '{ second: me }' }));
    await eventually(received).toContain(`"second":"${PERSON}"`);
    socket.write(rawPost('/graphql', { authorization }, { query: '{ third: me }' }));
    await eventually(received).toContain(`"third":"${PERSON}"`);
    socket.destroy();
  });
});
