import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { buildSchema, graphql, isScalarType, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { introspect } from '../../src/check/endpoint.ts';
import { breaking, newRepository, type Repository } from './repository.ts';

const SCHEMA = `input I @oneOf {
  a: Int
  b: Int @deprecated(reason: "Use a")
}

directive @d repeatable on FIELD

scalar Day @specifiedBy(url: "https://day.example")

type Query {
  a(i: I, old: Int @deprecated(reason: "No longer supported")): Day
}`;

let server: Server;
let url: string;
let repository: Repository;
beforeAll(async () => {
  repository = newRepository();
  const schema = buildSchema(SCHEMA);
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { query: source } = JSON.parse(body);
    const answer = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const error = (message: string) => ({ errors: [{ message }] });
    if (request.url === '/html') response.writeHead(404).end('<html>');
    else if (request.url === '/closed') answer(error('Introspection is disabled.'), 400);
    else if (request.url === '/empty')
      answer({ data: { __schema: { types: [], queryType: { name: 'Q' } } } });
    else if (request.url === '/old' && source.includes('isOneOf'))
      answer(error('No field isOneOf'));
    else if (request.url === '/token' && request.headers.authorization !== 'Bearer secret') {
      answer(error('UNAUTHENTICATED'), 401);
    } else answer(await graphql({ schema, source }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.close();
  repository.remove();
});

it('all of a schema is read', async () => {
  const printed = (text: string) => printSchema(buildSchema(text));
  expect(
    printSchema(await introspect(url))
      .split('\n')
      .toSorted(),
  ).toEqual(printed(SCHEMA).split('\n').toSorted());
});

it('a server that does not know all of it is asked for the rest', async () => {
  expect(isScalarType((await introspect(`${url}/old`)).getType('Day'))).toBe(true);
});

it('the check compares with it', async () => {
  repository.write('schema.graphql', SCHEMA.replace('a(i: I, ', 'a('));
  const report = await repository.check(['--base', url]);
  expect(breaking(report)).toEqual(['argument-removed Query.a(i:)']);
  expect(report.base).toBe(url);
});

it('a token is sent, from an option or a variable', async () => {
  const problem = await repository.problem(['--base', `${url}/token`]);
  expect(problem).toMatch(/UNAUTHENTICATED. If it needs a token, set SCHEMA_CHECK_TOKEN/);
  for (const [args, variables] of [
    [['--token', 'secret'], {}],
    [[], { SCHEMA_CHECK_TOKEN: 'secret' }],
  ] as const) {
    const report = await repository.check(['--base', `${url}/token`, ...args], variables);
    expect(report.base).toBe(`${url}/token`);
  }
  const wrong = await repository.problem(['--base', `${url}/token`, '--token', 'wrong']);
  expect(wrong).toMatch(/May this token read the schema\?/);
});

describe('an endpoint that gives no schema says why', () => {
  it.each([
    ['/html', /does not answer introspection: status 404/],
    ['/closed', /Introspection is disabled/],
    ['/empty', /answers with no valid schema/],
  ])('%s', async (path, message) => {
    expect(await repository.problem(['--base', url + path])).toMatch(message);
  });

  it('or cannot be reached', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const address = closed.address();
    const port = address !== null && typeof address !== 'string' ? address.port : 0;
    await new Promise((resolve) => closed.close(resolve));
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await repository.problem(['--base', `http://${host}:${port}/graphql`])).toMatch(
        /cannot be reached: .*ECONNREFUSED.*Is the server running/,
      );
    }
  });
});
