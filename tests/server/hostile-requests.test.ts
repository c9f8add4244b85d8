import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { hostileJson, hostileScalars, RawJson, SHAPES } from '../support/hostile.ts';
import { createLiveStreams, SUBSCRIPTION } from './support/live-streams.ts';
import {
  openSingleConnectionGateway,
  type SingleConnectionGateway,
} from './support/single-connection.ts';
import { connect, openSocket } from './support/websocket.ts';

const live = createLiveStreams();
let database: TestDatabase;
let gateway: SingleConnectionGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await openSingleConnectionGateway(live, database);
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const VALUES = [...hostileScalars('String'), ...hostileScalars('Int'), ...SHAPES];
const PARTS = ['query', 'operationName', 'variables', 'extensions', 'unknown'] as const;
const QUERY = 'query Q($number: Int = 1) { echo(number: $number) }';
/** Members of `extensions` and `variables` that the gateway reads. */
const MEMBERS = ['persistedQuery', 'operationId', 'number', '__proto__'];
/** A little less than the headers that Node accepts. */
const MAX_URL = 12_000;

type Body = Record<string, unknown>;

/** Requests with one hostile part. */
const bodies = (query: string) => [
  ...PARTS.flatMap((part) =>
    VALUES.map(({ name, value }): [string, Body] => [`${part}: ${name}`, { query, [part]: value }]),
  ),
  ...MEMBERS.flatMap((member) =>
    VALUES.map(({ name, value }): [string, Body] => {
      const members = JSON.parse(`{"${member}": 0}`);
      Object.defineProperty(members, member, { value, enumerable: true });
      return [`${member}: ${name}`, { query, variables: members, extensions: members }];
    }),
  ),
];

/** Sends requests a few at a time. Returns the answers that are failures of the server. */
async function faultsOf<T>(
  requests: readonly T[],
  answer: (request: T) => Promise<{ status: number; text: string }>,
  about: (request: T) => string,
): Promise<string[]> {
  const faults: string[] = [];
  for (let i = 0; i < requests.length; i += 10) {
    const some = requests.slice(i, i + 10);
    const answers = await Promise.all(some.map(answer));
    for (const [n, { status, text }] of answers.entries()) {
      const isClear =
        status < 500 && (status === 200 || status === 202 || text.includes('"code":"'));
      if (isClear && !text.includes('INTERNAL_SERVER_ERROR')) continue;
      faults.push(`${about(some[n] as T)}: ${status} ${text.slice(0, 200)}`);
    }
  }
  return faults;
}

const headers = () => ({
  authorization: gateway.authorization,
  'content-type': 'application/json',
});

describe('a hostile part of a request gets an answer or an error with a code', () => {
  it.each(['application/json', 'multipart/mixed;subscriptionSpec=1.0'])(
    'in a body, for %s',
    async (accept) => {
      const faults = await faultsOf(
        bodies(QUERY),
        ([, body]) =>
          gateway.send('/graphql', {
            method: 'POST',
            headers: { ...headers(), accept },
            body: hostileJson(body),
          }),
        ([about]) => about,
      );
      expect(faults).toEqual([]);
    },
  );

  it('as the whole body', async () => {
    const faults = await faultsOf(
      VALUES,
      ({ value }) =>
        gateway.send('/graphql', { method: 'POST', headers: headers(), body: hostileJson(value) }),
      ({ name }) => name,
    );
    expect(faults).toEqual([]);
  });

  it('in a URL', async () => {
    const urls = PARTS.flatMap((part) =>
      VALUES.map(({ name, value }): [string, string] => {
        const text = typeof value === 'string' ? value : hostileJson(value);
        const written = Buffer.from(text).toString('utf8');
        return [
          `${part}: ${name}`,
          `/graphql?${new URLSearchParams({ query: QUERY, [part]: written })}`,
        ];
      }),
    ).filter(([, url]) => url.length < MAX_URL);
    const odd = ['%', '%ff', '%00', '%ED%A0%80', '+', '&&=', 'query=%7B', '?'].map(
      (search): [string, string] => [search, `/graphql?variables=${search}&query=%7Bme%7D`],
    );
    const faults = await faultsOf(
      [...urls, ...odd],
      ([, url]) => gateway.send(url, { headers: { authorization: gateway.authorization } }),
      ([about]) => about,
    );
    expect(faults).toEqual([]);
  });

  it('in single connection mode', async () => {
    const { stream } = await gateway.reserveAndOpen();
    const faults = await faultsOf(
      bodies(QUERY),
      ([, body]) =>
        gateway.send('/graphql/stream', {
          method: 'POST',
          headers: { ...headers(), 'x-graphql-event-stream-token': stream },
          body: hostileJson({ extensions: { operationId: String(Math.random()) }, ...body }),
        }),
      ([about]) => about,
    );
    expect(faults).toEqual([]);
  });

  it('through a socket', async () => {
    const { authorization, url } = gateway;
    const messages = [
      ...bodies(QUERY).map(([about, payload]) => ({ about, message: { payload } })),
      ...bodies(SUBSCRIPTION).map(([about, payload]) => ({ about, message: { payload } })),
      ...VALUES.flatMap(({ name, value }) =>
        ['id', 'type', 'payload'].map((part) => ({
          about: `${part}: ${name}`,
          message: { payload: { query: QUERY }, [part]: value },
        })),
      ),
    ];
    let socket = await connect(url, { authorization });
    for (const [n, { about, message }] of messages.entries()) {
      const id = `a${n}`;
      socket.send(hostileJson({ id, type: 'subscribe', ...message }));
      socket.send(
        JSON.stringify({ id: `${id} end`, type: 'subscribe', payload: { query: '{ me }' } }),
      );
      socket.send(JSON.stringify({ id, type: 'complete' }));
      const outcome = await Promise.race([
        socket.closed,
        socket.receives({ id: `${id} end`, type: 'next' }),
      ]);
      if ('code' in outcome) {
        // An invalid message closes the socket with the code of a client error.
        expect([4400, 4409], `${about}: ${outcome.code} ${outcome.reason}`).toContain(outcome.code);
        socket = await connect(url, { authorization });
      }
      for (const { payload } of socket.messages.splice(0)) {
        expect(JSON.stringify(payload ?? null), about).not.toContain('INTERNAL_SERVER_ERROR');
      }
    }
    socket.socket.terminate();
  });

  it('in the first message of a socket', async () => {
    const { authorization, url } = gateway;
    const payloads = VALUES.flatMap(({ name, value }): [string, unknown][] => [
      [name, value],
      [`headers: ${name}`, { headers: value }],
      [`authorization: ${name}`, { authorization: value }],
      [`x-workspace-id: ${name}`, { authorization, 'x-workspace-id': value }],
    ]);
    for (const [about, payload] of payloads) {
      const socket = await openSocket(url);
      socket.send(hostileJson({ type: 'connection_init', payload }));
      const outcome = await Promise.race([
        socket.closed,
        socket.receives({ type: 'connection_ack' }).catch(() => socket.closed),
      ]);
      if ('code' in outcome) {
        expect([1009, 4400, 4401, 4403], `${about}: ${outcome.code} ${outcome.reason}`).toContain(
          outcome.code,
        );
      }
      socket.socket.terminate();
    }
  });
});

it('hostile requests log no errors', () => {
  expect(VALUES.some(({ value }) => value instanceof RawJson)).toBe(true);
  expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
