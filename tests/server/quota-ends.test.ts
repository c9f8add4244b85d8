import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { SUBSCRIPTION } from './support/live-streams.ts';
import {
  type End,
  LARGE,
  LIMIT,
  openQuotaStage,
  type QuotaStage,
  SLOW,
} from './support/quota-stage.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';

const FOREIGN_WORKSPACE = '7d2b8f56-1c3a-4e9b-9f60-2a4c6e8b0d1f';

let stage: QuotaStage;
beforeAll(async () => {
  stage = await openQuotaStage();
});
afterAll(() => stage?.close());

const post = (query: string) =>
  rawPost('/graphql', { authorization: stage.authorization }, { query });

/** Sends a text on a new connection. */
const raw = (text: string) => openRaw(stage.gateway.url, text);

const ends: End[] = [
  ['is answered', () => stage.ask('{ me }')],
  ['is answered with errors', () => stage.ask('{ gatewayError internalError badNumber }')],
  ['does not parse', () => stage.ask('{ me')],
  ['is not valid', () => stage.ask('{ mee }')],
  ['is too long', () => stage.ask(`{ me } #${'x'.repeat(50_000)}`)],
  ['has no such operation', () => stage.send('{"query":"query A { me }","operationName":"B"}')],
  ['is not JSON', () => stage.send('{')],
  ['is not declared as JSON', () => stage.send('{}', { 'content-type': 'text/plain' })],
  ['is too large', () => stage.send('x'.repeat(2_000_000))],
  ['has an unsupported method', () => stage.send('', {}, 'PATCH')],
  [
    'is a mutation by GET',
    () =>
      stage.gateway.send('/graphql?query=mutation{touch}', {
        headers: { authorization: stage.authorization },
      }),
  ],
  [
    'is for a foreign workspace',
    () => stage.ask('{ me }', { 'x-workspace-id': FOREIGN_WORKSPACE }),
  ],
  ['has an invalid workspace header', () => stage.ask('{ me }', { 'x-workspace-id': 'x' })],
  ['has an invalid idempotency key', () => stage.ask('{ me }', { 'idempotency-key': '' })],
  ['takes too long', () => stage.ask('{ hang }')],
  ['subscribes without accepting a stream', () => stage.ask(SUBSCRIPTION)],
  [
    'is for an unknown stream',
    () =>
      stage.gateway.send('/graphql/stream', { headers: { authorization: stage.authorization } }),
  ],
  [
    'is aborted while it runs',
    async () => {
      const control = new AbortController();
      const { signal } = control;
      await stage.untilStarted(() => {
        void fetch(`${stage.gateway.url}/graphql`, {
          method: 'POST',
          signal,
          headers: { authorization: stage.authorization, 'content-type': 'application/json' },
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
      await eventually(stage.inUse).toEqual({ requests: 1 });
      socket.destroy();
      await eventually(closed).toBe(true);
    },
  ],
  [
    'never ends its body',
    async () => {
      const { received, closed } = raw(post('{ me }').slice(0, -5));
      await eventually(stage.inUse).toEqual({ requests: 1 });
      await eventually(closed).toBe(true);
      expect(received()).toContain(' 408 ');
    },
  ],
  [
    'is cut while its answer is half read',
    async () => {
      const { socket } = raw('');
      socket.pause();
      await stage.untilStarted(() => socket.write(post(LARGE)));
      await eventually(stage.inUse).toEqual({ requests: 1 });
      socket.destroy();
    },
  ],
  [
    'waits for earlier requests on a connection that is cut',
    async () => {
      const before = stage.started();
      const { socket } = raw(`${post('{ hang }')}${post(LARGE)}`);
      await eventually(stage.started).toBe(before + 2);
      socket.destroy();
    },
  ],
  [
    'subscribes on a connection that is cut before its turn',
    async () => {
      const subscription = rawPost(
        '/graphql',
        { authorization: stage.authorization, accept: 'text/event-stream' },
        { query: SUBSCRIPTION },
      );
      const { socket } = raw(`${post('{ hang }')}${subscription}`);
      await eventually(stage.inUse).toEqual({ requests: 2 });
      socket.destroy();
    },
  ],
];

describe('a request is no longer counted after it', () => {
  it.each(ends)('%s', (_, end) => stage.expectNoneCounted(end));
});

it('a request over the limit is refused before its body is read', async () => {
  const held = Array.from({ length: LIMIT }, () => raw(post('{ me }').slice(0, -5)));
  await eventually(stage.inUse).toEqual({ requests: LIMIT });
  const status = await new Promise((resolve, reject) => {
    const headers = {
      authorization: stage.authorization,
      'content-type': 'application/json',
      'content-length': 900_000,
    };
    const outgoing = request(
      `${stage.gateway.url}/graphql`,
      { method: 'POST', headers },
      (response) => {
        resolve(response.statusCode);
        outgoing.destroy();
      },
    );
    outgoing.on('error', reject);
    outgoing.write('{');
  });
  expect(status).toBe(429);
  for (const { socket } of held) socket.destroy();
  await eventually(stage.inUse).toEqual({});
});
