import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Answer } from './support/gateway.ts';
import { createLiveStreams, type LiveStreams, SUBSCRIPTION } from './support/live-streams.ts';
import {
  openSingleConnectionGateway,
  type SingleConnectionGateway,
} from './support/single-connection.ts';
import { connect, openSocket } from './support/websocket.ts';

let database: TestDatabase;
let gateway: SingleConnectionGateway;
let live: LiveStreams;
beforeAll(async () => {
  database = await createTestDatabase();
  live = createLiveStreams();
  gateway = await openSingleConnectionGateway(live, database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const SHAPES: Record<string, (levels: number) => string> = {
  lists: (levels) => '['.repeat(levels) + ']'.repeat(levels),
  objects: (levels) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
  'lists that do not end': (levels) => '['.repeat(levels),
  // Brackets in a string do not count, but those after it do.
  'lists behind strings': (levels) =>
    `["]]]\\"]]]", ${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}]`,
};
/** One level more than allowed, many more, and more than fit into a request, which are cut. */
const DEPTHS = [101, 1_500, 150_000];
const TOO_LARGE = { code: 'OPERATION_TOO_LARGE' };

const cases = Object.entries(SHAPES).flatMap(([shape, nested]) =>
  DEPTHS.map((depth): [shape: string, depth: number, json: string] => [
    shape,
    depth,
    nested(depth).slice(0, 990_000),
  ]),
);
/** The cases that fit into a URL. */
const short = cases.filter(([, , json]) => encodeURIComponent(json).length < 14_000);

function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { authorization } = gateway;
  return gateway.send('/graphql', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body,
  });
}

function expectTooLarge({ status, errors, text }: Answer): void {
  expect(status, text).toBe(400);
  expect(errors?.map(({ extensions }) => extensions)).toEqual([TOO_LARGE]);
}

// The object of the request itself is the first level.
describe('lists and objects that are nested too deeply are refused before they are read', () => {
  it.each(cases)('%s of %i levels in a body', async (_, _depth, json) => {
    expectTooLarge(await post(`{"query":"{ me }","variables":{"v":${json}}}`));
    expectTooLarge(await post(`{"query":"{ me }","extensions":{"v":${json}}}`));
    expectTooLarge(await post(json));
  });

  it.each(short)('%s of %i levels in a URL', async (_, _depth, json) => {
    const { authorization } = gateway;
    for (const name of ['variables', 'extensions']) {
      const search = new URLSearchParams({ query: '{ me }', [name]: json });
      expectTooLarge(await gateway.send(`/graphql?${search}`, { headers: { authorization } }));
    }
  });

  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0'])(
    'for a subscription over %s',
    async (accept) => {
      for (const [, , json] of cases) {
        const body = `{"query":${JSON.stringify(SUBSCRIPTION)},"variables":{"v":${json}}}`;
        const { status, text } = await post(body, { accept });
        expect(status).toBe(400);
        expect(text).toContain('"code":"OPERATION_TOO_LARGE"');
      }
    },
  );

  it('in single connection mode', async () => {
    const { authorization } = gateway;
    const { stream } = await gateway.reserveAndOpen();
    for (const [, , json] of cases) {
      const answer = await gateway.send('/graphql/stream', {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          'x-graphql-event-stream-token': stream,
        },
        body: `{"query":"{ me }","variables":{"v":${json}},"extensions":{"operationId":"1"}}`,
      });
      expectTooLarge(answer);
    }
  });

  it.each(cases)('%s of %i levels over a socket, which is closed', async (_, _depth, json) => {
    const { authorization, url } = gateway;
    const socket = await connect(url, { authorization });
    socket.send(
      `{"id":"1","type":"subscribe","payload":{"query":"{ me }","variables":{"v":${json}}}}`,
    );
    expect(await socket.closed).toEqual({
      code: 4400,
      reason: expect.stringMatching(/at most 100 levels deep/),
    });
  });

  it.each(short)('%s of %i levels in the first message of a socket', async (_, _depth, json) => {
    const socket = await openSocket(gateway.url);
    socket.send(`{"type":"connection_init","payload":{"headers":${json}}}`);
    expect((await socket.closed).code).toBe(4400);
  });
});

it('100 levels are accepted', async () => {
  const { objects } = SHAPES as { objects: (levels: number) => string };
  const { status, data, text } = await post(`{"query":"{ me }","variables":{"v":${objects(98)}}}`);
  expect(status, text).toBe(200);
  expect(data?.me).toBeTruthy();
});

it('deep nesting logs no errors', () => {
  expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
