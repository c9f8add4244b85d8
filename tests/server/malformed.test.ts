import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { openRaw } from './support/raw-connection.ts';

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl);
  authorization = `Bearer ${await token({ sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d' })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const QUERY = '/graphql?query={me}';

/** The first line of a request, and headers that replace the usual ones. */
const requests: Record<string, [line: string, headers?: Record<string, string>]> = {
  'a host with spaces': [`GET ${QUERY} HTTP/1.1`, { host: 'a b:c' }],
  'a host with a bracket': [`GET ${QUERY} HTTP/1.1`, { host: '[::1' }],
  'a path of two slashes': ['GET // HTTP/1.1'],
  'a path of percent signs': ['GET /%%% HTTP/1.1'],
  'a path with U+0000': ['GET /graphql%00 HTTP/1.1'],
  'no path': ['OPTIONS * HTTP/1.1'],
  'a URL as its path': [`GET http://elsewhere${QUERY} HTTP/1.1`],
  'an unknown method': ['PROPFIND /graphql HTTP/1.1'],
  'the method TRACE': ['TRACE /graphql HTTP/1.1'],
  'the method HEAD': [`HEAD ${QUERY} HTTP/1.1`],
  'variables that are not JSON': [`GET ${QUERY}&variables={ HTTP/1.1`],
  'a document of percent signs': ['GET /graphql?query=%zz%ff HTTP/1.1'],
  'a length that is not a number': ['POST /graphql HTTP/1.1', { 'content-length': '1e3' }],
  'a negative length': ['POST /graphql HTTP/1.1', { 'content-length': '-1' }],
  'no body': ['POST /graphql HTTP/1.1', { 'content-length': '0' }],
  'a token with invalid characters': [
    `GET ${QUERY} HTTP/1.1`,
    { authorization: 'Bearer \xff\xfe' },
  ],
  'a workspace with invalid characters': [`GET ${QUERY} HTTP/1.1`, { 'x-workspace-id': '\xff' }],
  'an idempotency key with invalid characters': [
    `GET ${QUERY} HTTP/1.1`,
    { 'idempotency-key': '\xff' },
  ],
  'an accept of punctuation': [`GET ${QUERY} HTTP/1.1`, { accept: ';;;,,,/' }],
};

describe('a malformed request is a client error', () => {
  it.each(Object.entries(requests))('%s', async (_, [line, headers]) => {
    const lines = Object.entries({
      host: 'gateway',
      'content-type': 'application/json',
      connection: 'close',
      authorization,
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`);
    const before = gateway.log.length;
    const connection = openRaw(gateway.url, `${[line, ...lines].join('\r\n')}\r\n\r\n`);
    await eventually(connection.closed).toBe(true);
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(connection.received()) ?? [];
    // A document of percent signs is a syntax error, which has the status 200 in plain JSON.
    expect(status).toMatch(/^(200|4\d\d)$/);
    expect(connection.received()).not.toContain('"data"');
    expect(gateway.log.slice(before)).toEqual([]);
    connection.socket.destroy();
  });
});

it('a request that is cut off logs no error', async () => {
  const before = gateway.log.length;
  const head = `POST /graphql HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nauthorization: ${authorization}\r\n`;
  const { socket } = openRaw(gateway.url, `${head}content-length: 100\r\n\r\n{"query":`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  expect((await gateway.ask('{ me }', { authorization })).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gateway.log.slice(before)).toEqual([]);
});
