import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { agentToken, token } from './support/gateway.ts';
import { createLiveStreams, type LiveStreams, SUBSCRIPTION } from './support/live-streams.ts';
import {
  openSingleConnectionGateway,
  type SingleConnectionGateway,
} from './support/single-connection.ts';

const OTHER = '0b9d1a3c-6a0e-4a8e-8d38-6e3b1c1f2a4d';
const WORKSPACE = '7d2b8f56-1c3a-4e9b-9f60-2a4c6e8b0d1f';

let database: TestDatabase;
let gateway: SingleConnectionGateway;
let live: LiveStreams;

beforeAll(async () => {
  database = await createTestDatabase();
});
// A new gateway for each test, without earlier reservations.
beforeEach(async () => {
  live = createLiveStreams();
  gateway = await openSingleConnectionGateway(live, database);
});
afterEach(() => gateway?.close());
afterAll(() => database?.close());

describe('a foreign stream', () => {
  it.each([
    ['another person', async () => ({ authorization: `Bearer ${await token({ sub: OTHER })}` })],
    [
      'an agent',
      async () => ({
        authorization: `Bearer ${await agentToken({ agent: 'x', scopes: ['*:read'] })}`,
      }),
    ],
    ['the same person in another workspace', async () => ({ 'x-workspace-id': WORKSPACE })],
  ])('does not exist for %s', async (_, headersOf) => {
    const headers = await headersOf();
    const { stream, events } = await gateway.reserveAndOpen();
    expect((await gateway.post(stream, SUBSCRIPTION, '1')).status).toBe(202);
    await live.listening();
    const { text } = await gateway.reserve();
    expect((await gateway.openStream(text, headers)).status).toBe(404);
    expect((await gateway.post(stream, '{ __typename }', '2', headers)).status).toBe(404);
    expect((await gateway.endOperation(stream, '1', headers)).status).toBe(404);
    await live.listening();
    live.send({ ticks: 'a' });
    await eventually(events).toHaveLength(1);
  });

  it.each(['', 'x', 'a'.repeat(32), '%00', '__proto__', '../..'])(
    'cannot be guessed: %j',
    async (forged) => {
      await gateway.reserve();
      expect((await gateway.openStream(forged)).status).toBe(404);
      expect((await gateway.post(forged, SUBSCRIPTION, '1')).status).toBe(404);
      expect((await gateway.endOperation(forged, '1')).status).toBe(404);
      expect(live.listeners).toEqual([]);
    },
  );

  it('is refused without a valid token', async () => {
    const { text } = await gateway.reserve();
    const refused = { authorization: 'Bearer x' };
    expect((await gateway.reserve(refused)).status).toBe(401);
    expect((await gateway.openStream(text, refused)).status).toBe(401);
    expect((await gateway.post(text, SUBSCRIPTION, '1', refused)).status).toBe(401);
    expect((await gateway.endOperation(text, '1', refused)).status).toBe(401);
  });
});

describe('a request to a stream', () => {
  it.each([[undefined], [null], [5], [''], [{}], ['x'.repeat(129)]])(
    'with the operation id %j is refused',
    async (operationId) => {
      const { stream } = await gateway.reserveAndOpen();
      const { status, errors } = await gateway.post(stream, SUBSCRIPTION, operationId);
      expect(status).toBe(400);
      expect(errors?.[0]?.message).toContain('operationId');
      expect(live.listeners).toEqual([]);
    },
  );

  it('with the id of a running operation is refused', async () => {
    const { stream } = await gateway.reserveAndOpen();
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await gateway.post(stream, SUBSCRIPTION, 'same')).status),
    );
    expect(statuses.sort()).toEqual([202, 409, 409]);
    expect(live.present()).toHaveLength(1);
  });

  it('that cannot run is answered directly, and its operation id can be used again', async () => {
    const { stream, events } = await gateway.reserveAndOpen();
    for (const [query, status, code] of [
      ['{ mee }', 200, 'GRAPHQL_VALIDATION_FAILED'],
      ['{ me', 200, 'GRAPHQL_PARSE_FAILED'],
      [`{ me } #${'x'.repeat(50_000)}`, 400, 'OPERATION_TOO_LARGE'],
    ] as const) {
      const answer = await gateway.post(stream, query, 'same', { accept: 'application/json' });
      expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([status, code]);
    }
    expect((await gateway.post(stream, '{ gatewayError }', 'same')).status).toBe(202);
    await eventually(events).toEqual([
      ['next', { id: 'same', payload: expect.objectContaining({ data: { gatewayError: null } }) }],
      ['complete', { id: 'same' }],
    ]);
  });

  it('over the limit of operations of a stream is refused', async () => {
    const { stream } = await gateway.reserveAndOpen();
    for (let id = 0; id < 100; id += 1) {
      expect((await gateway.post(stream, SUBSCRIPTION, String(id))).status).toBe(202);
    }
    const { status, errors } = await gateway.post(stream, SUBSCRIPTION, 'more');
    expect([status, errors?.[0]?.extensions.code]).toEqual([429, 'TOO_MANY_SUBSCRIPTIONS']);
    await live.listening(100);
    await gateway.endOperation(stream, '5');
    expect((await gateway.post(stream, SUBSCRIPTION, 'more')).status).toBe(202);
  });

  it('over the limit of streams of a person is refused', async () => {
    const tokens: string[] = [];
    for (let i = 0; i < 100; i += 1) {
      const { text } = await gateway.reserve();
      tokens.push(text);
      expect((await gateway.post(text, SUBSCRIPTION, '1')).status).toBe(202);
    }
    expect(new Set(tokens).size).toBe(100);
    const { status, errors } = await gateway.reserve();
    expect([status, errors?.[0]?.extensions.code]).toEqual([429, 'TOO_MANY_SUBSCRIPTIONS']);
    const other = { authorization: `Bearer ${await token({ sub: OTHER })}` };
    expect((await gateway.reserve(other)).status).toBe(201);
    (await gateway.openStream(tokens[0] ?? '')).socket.destroy();
    await eventually(async () => (await gateway.reserve()).status).toBe(201);
  });

  it('over the limit of streams replaces the oldest stream without operations', async () => {
    const used = await gateway.reserveAndOpen();
    expect((await gateway.post(used.stream, SUBSCRIPTION, '1')).status).toBe(202);
    const left = await gateway.reserveAndOpen();
    const later: string[] = [];
    for (let i = 0; i < 99; i += 1) later.push((await gateway.reserve()).text);
    await eventually(left.closed).toBe(true);
    expect((await gateway.post(left.stream, SUBSCRIPTION, '1')).status).toBe(404);
    for (const stream of [used.stream, ...later]) {
      expect((await gateway.post(stream, SUBSCRIPTION, '2')).status).toBe(202);
    }
  });

  it('for a stream in a foreign workspace is refused', async () => {
    const { status, errors } = await gateway.reserve({ 'x-workspace-id': WORKSPACE });
    expect([status, errors?.[0]?.extensions.code]).toEqual([403, 'FORBIDDEN']);
  });

  it('that is not part of the protocol is refused', async () => {
    const { text } = await gateway.reserve();
    const headers = { authorization: gateway.authorization, 'x-graphql-event-stream-token': text };
    const patched = await gateway.send('/graphql/stream', { method: 'PATCH', headers });
    expect(patched.status).toBe(405);
    expect((await gateway.endOperation(text, '')).status).toBe(400);
    const plain = await gateway.send('/graphql/stream', { headers });
    expect(plain.status).toBe(406);
    const typed = await gateway.post(text, '{ me }', '1', { 'content-type': 'text/plain' });
    expect(typed.status).toBe(415);
    const elsewhere = await gateway.send('/graphql/streams', { headers });
    expect(elsewhere.status).toBe(404);
  });
});
