import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, INTERNAL, startGateway, type TestGateway, token } from './support/gateway.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';
const LEAK = new RegExp(
  [INTERNAL.message, 'no_such_column', 'SELECT', 'node_modules', 'at .*\\.ts:', '/src/'].join('|'),
);

let database: TestDatabase;
let gateway: TestGateway;
/** The same with short timeouts. */
let limited: TestGateway;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl, { statementTimeoutMs: 30_000 });
  limited = await startGateway(database.gatewayUrl, {
    requestTimeoutMs: 1_000,
    statementTimeoutMs: 300,
  });
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});

afterAll(async () => {
  await gateway?.close();
  await limited?.close();
  await database?.close();
});

const ask = (query: string, headers = {}, variables?: object, at = gateway) =>
  at.ask(query, { authorization, ...headers }, variables);

const post = (body: string, headers: Record<string, string> = {}) =>
  gateway.send('/graphql', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body,
  });

const codes = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions.code);

describe('a body', () => {
  it.each([
    ['invalid JSON', '{"query": ', /invalid JSON/],
    ['a number', '5', /expected to be object/],
    ['null', 'null', /expected to be object/],
    ['a list of operations', '[{"query":"{ me }"}]', /Batching is not supported/],
    ['without a query', '{}', /query/],
    ['with a query that is not a string', '{"query": 5}', /"query"/],
    ['with variables that are not an object', '{"query": "{ me }", "variables": 5}', /"variables"/],
    ['with an unknown member', '{"query": "{ me }", "querry": "x"}', /"querry"/],
  ])('%s is refused', async (_, body, message) => {
    const answer = await post(body);
    expect(codes(answer)).toEqual(['BAD_REQUEST']);
    expect(answer.status).toBe(400);
    expect(answer.errors?.[0]?.message).toMatch(message);
    expect(answer.text).not.toMatch(LEAK);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/graphql',
    'application/graphql+json',
  ])('of type %s is refused', async (type) => {
    const answer = await post('{"query":"{ me }"}', { 'content-type': type });
    expect(answer.status).toBe(415);
    expect(answer.errors?.[0]?.message).toMatch(/application\/json/);
  });

  it('of 10 MB is refused, and the server keeps working', async () => {
    const answer = await post(
      JSON.stringify({ query: '{ me }', variables: 'x'.repeat(10_000_000) }),
    );
    expect(answer.status).toBe(413);
    expect(codes(answer)).toEqual(['REQUEST_ENTITY_TOO_LARGE']);
    expect(answer.errors?.[0]?.message).toMatch(/1,000,000 bytes/);
    expect((await ask('{ me }')).data).toEqual({ me: PERSON });
  });

  it('is truncated in error messages', async () => {
    const query = 'query ($number: Int!) { echo(number: $number) }';
    for (const text of ['x'.repeat(900_000), '🚀'.repeat(200_000), ` ${'🚀'.repeat(200_000)}`]) {
      const variables = { number: text };
      const { errors } = await post(JSON.stringify({ query, variables }));
      expect(errors?.[0]?.message).toMatch(
        /^Variable "\$number" got invalid value ".{99,}…"; Int cannot represent non-integer value: ".{99,}…"$/,
      );
      expect(errors?.[0]?.message.length).toBeLessThan(1_002);
      expect(errors?.[0]?.message).not.toMatch(/\p{Surrogate}/u);
    }
  });

  it('without a content-length is refused when it exceeds the limit', async () => {
    const { status, sent } = await stream(100);
    expect(status).toBe(413);
    expect(sent).toBeGreaterThanOrEqual(10);
  });

  it('without a content-length is read if it is short', async () => {
    expect((await stream(1)).status).toBe(400);
  });
});

/** Sends chunks of 100 kB until an answer arrives. */
function stream(chunks: number): Promise<{ status: number | undefined; sent: number }> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const headers = { authorization, 'content-type': 'application/json' };
    const outgoing = request(`${gateway.url}/graphql`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, sent });
      clearInterval(timer);
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    const timer = setInterval(() => {
      if (sent++ < chunks) outgoing.write('x'.repeat(100_000));
      else outgoing.end();
    }, 5);
  });
}

describe('an operation', () => {
  it('by GET can read but not write', async () => {
    const headers = { authorization, accept: 'application/json' };
    const read = await gateway.send('/graphql?query={me}', { headers });
    expect(read.data).toEqual({ me: PERSON });
    const written = await gateway.send('/graphql?query=mutation{touch}', { headers });
    expect(written.status).toBe(405);
    expect(written.data ?? null).toBeNull();
  });

  it.each(['PUT', 'DELETE', 'PATCH'])('by %s is refused', async (method) => {
    const answer = await gateway.send('/graphql', { method, headers: { authorization } });
    expect(answer.status).toBe(405);
  });

  it('with a syntax error gets its location', async () => {
    const answer = await ask('{ me ');
    expect(codes(answer)).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(answer.text).toContain('"locations"');
  });

  it('with an unknown field gets its name', async () => {
    const answer = await ask('{ mee }');
    expect(codes(answer)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(answer.errors?.[0]?.message).toContain('"mee"');
  });

  it('with a variable of the wrong type gets its name', async () => {
    const answer = await ask('query ($n: Int!) { echo(number: $n) }', {}, { n: 'five' });
    expect(codes(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.errors?.[0]?.message).toContain('"$n"');
  });

  it('that is not in the document is refused', async () => {
    const answer = await post(JSON.stringify({ query: 'query A { me }', operationName: 'B' }));
    expect(codes(answer)).toEqual(['OPERATION_RESOLUTION_FAILURE']);
  });

  it.each([
    ['tokens', `{ ${'me '.repeat(2_001)} }`, /2000 tokens/],
    ['aliases', `{ ${Array.from({ length: 31 }, (_, i) => `a${i}: me`).join(' ')} }`, /30 aliases/],
    ['directives', `{ me ${'@include(if: true) '.repeat(31)} }`, /30 directives/],
    ['depth', `{ ${'half { '.repeat(21)} good ${'}'.repeat(22)}`, /20 levels/],
    ['characters', `{ me } #${'x'.repeat(50_000)}`, /50000 characters/],
  ])('with too many %s is refused', async (_, query, message) => {
    const answer = await ask(query);
    expect(codes(answer)).toContain('OPERATION_TOO_LARGE');
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(message);
  });

  it('that takes too long is stopped', async () => {
    const answer = await ask('{ hang }', {}, {}, limited);
    expect(answer.status).toBe(504);
    expect(codes(answer)).toEqual(['TIMEOUT']);
    expect(answer.errors?.[0]?.message).toMatch(/1 second/);
  });

  it('that subscribes resolves each event in its session', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { ticks }' }),
    });
    const events = (await response.text()).match(/data: (\{.*\})/g);
    expect(events).toEqual([
      `data: {"data":{"ticks":"${PERSON}"}}`,
      `data: {"data":{"ticks":"${PERSON}"}}`,
    ]);
  });
});

describe('an error', () => {
  it('for clients is sent to them, and its cause only to the log', async () => {
    const answer = await ask('{ gatewayError me }');
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ gatewayError: null, me: PERSON });
    expect(answer.errors).toEqual([
      {
        message: 'Said to clients.',
        path: ['gatewayError'],
        locations: [{ line: 1, column: 3 }],
        extensions: { code: 'CONFLICT', argument: 'input.name' },
      },
    ]);
    expect(JSON.stringify(gateway.log)).toContain(INTERNAL.message);
  });

  it.each([
    ['of a resolver', '{ internalError }'],
    ['in a nested field', '{ half { good bad } }'],
    ['of an invalid result', '{ badNumber }'],
    ['of invalid SQL', `query { sql(text: "${INTERNAL.sql}") }`],
  ])('%s is masked, and logged once', async (_, query) => {
    const before = gateway.log.length;
    const answer = await ask(query, { 'x-request-id': 'the-request' });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toMatch(LEAK);
    expect(answer.errors?.[0]?.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      requestId: 'the-request',
    });
    expect(answer.errors?.[0]?.path).toBeDefined();
    const lines = gateway.log.slice(before);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.err).toBeDefined();
  });

  it.each([
    ['a missing privilege', 'DELETE FROM subscriptions RETURNING id::text AS value', 'FORBIDDEN'],
    ['a timeout', 'SELECT pg_sleep(60)::text AS value', 'TIMEOUT'],
  ])('of the database has a code: %s', async (_, text, code) => {
    const at = code === 'TIMEOUT' ? limited : gateway;
    const answer = await ask('query ($text: String!) { sql(text: $text) }', {}, { text }, at);
    expect(codes(answer)).toEqual([code]);
    expect(answer.text).not.toMatch(/subscriptions|pg_sleep/);
  });
});

describe('a request id', () => {
  it('of the client is used', async () => {
    const { headers } = await ask('{ me }', { 'x-request-id': 'abc.1-2:3_4' });
    expect(headers.get('x-request-id')).toBe('abc.1-2:3_4');
  });

  it.each(['a b', 'x'.repeat(129), '"', '{}'])('like %j is invalid and replaced', async (id) => {
    const { headers } = await ask('{ me }', { 'x-request-id': id });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

it('an unknown path gets a JSON answer that does not name the software', async () => {
  const answer = await gateway.send('/nowhere');
  expect(answer.status).toBe(404);
  expect(codes(answer)).toEqual(['NOT_FOUND']);
  expect(answer.headers.get('x-powered-by')).toBeNull();
  expect(answer.headers.get('server')).toBeNull();
});
