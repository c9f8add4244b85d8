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

const STRANGE_WORKSPACE = '7d2b8f56-1c3a-4e9b-9f60-2a4c6e8b0d1f';

let stage: QuotaStage;
beforeAll(async () => {
  stage = await openQuotaStage();
});
afterAll(() => stage?.close());

const post = (query: string) =>
  rawPost('/graphql', { authorization: stage.authorization }, { query });

/** What a client does with a connection of its own. */
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
  ['is of another method', () => stage.send('', {}, 'PATCH')],
  [
    'is a write by GET',
    () =>
      stage.gateway.send('/graphql?query=mutation{touch}', {
        headers: { authorization: stage.authorization },
      }),
  ],
  [
    'is of a stranger to the workspace',
    () => stage.ask('{ me }', { 'x-workspace-id': STRANGE_WORKSPACE }),
  ],
  ['names no workspace', () => stage.ask('{ me }', { 'x-workspace-id': 'x' })],
  ['has an idempotency key that is none', () => stage.ask('{ me }', { 'idempotency-key': '' })],
  ['takes too long', () => stage.ask('{ hang }')],
  ['subscribes, and takes no stream', () => stage.ask(SUBSCRIPTION)],
  [
    'is for a stream that there is not',
    () =>
      stage.gateway.send('/graphql/stream', { headers: { authorization: stage.authorization } }),
  ],
  [
    'is left while it runs',
    async () => {
      const control = new AbortController();
      const { signal } = control;
      await stage.whileBegun(() => {
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
    'is left with its answer half read',
    async () => {
      const { socket } = raw('');
      socket.pause();
      await stage.whileBegun(() => socket.write(post(LARGE)));
      await eventually(stage.inUse).toEqual({ requests: 1 });
      socket.destroy();
    },
  ],
  [
    'waits for those before it on its connection, which is cut',
    async () => {
      const before = stage.begun();
      const { socket } = raw(`${post('{ hang }')}${post(LARGE)}`);
      await eventually(stage.begun).toBe(before + 2);
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

describe('a request is counted no more when it', () => {
  it.each(ends)('%s', (_, end) => stage.expectNoneCounted(end));
});

it('a request that is refused is refused before its body is read', async () => {
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
