import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant } from '../support/tenant.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

const CAMPAIGNS = 'query ($first: Int = 2) { campaigns(first: $first) { nodes { name } } }';

let database: TestDatabase;
let gateway: TestGateway;
/** A gateway without accelerators. */
let plain: TestGateway;
let viewer: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase('migrated');
  const { people, workspaceId } = await createTenant(database);
  viewer = {
    authorization: `Bearer ${await token({ sub: people.Viewer })}`,
    'x-workspace-id': workspaceId,
  };
  gateway = await startGateway(database.gatewayUrl, { schema, accelerated: true });
  plain = await startGateway(database.gatewayUrl, { schema, accelerated: false });
  // So that the document and the viewer are cached.
  await gateway.ask(CAMPAIGNS, viewer);
});
afterAll(async () => {
  await gateway?.close();
  await plain?.close();
  await database?.close();
});

describe('a request that the fast lane does not support is answered by Yoga', () => {
  const send = async (init: RequestInit & { headers?: Record<string, string> }) => {
    const headers = {
      ...viewer,
      'content-type': 'application/json',
      ...init.headers,
    };
    const [one, other] = await Promise.all(
      [gateway, plain].map((each) => each.send('/graphql', { method: 'POST', ...init, headers })),
    );
    expect([one?.status, one?.text]).toEqual([other?.status, other?.text]);
    return one?.status;
  };

  it.each([
    ['invalid JSON', '{"query": '],
    ['a list', '[]'],
    ['null', 'null'],
    ['an empty body', ''],
    ['a query of another type', '{"query": 1}'],
    ['variables of another type', `{"query": ${JSON.stringify(CAMPAIGNS)}, "variables": []}`],
    ['an unknown parameter', `{"query": ${JSON.stringify(CAMPAIGNS)}, "more": 1}`],
    ['extensions', `{"query": ${JSON.stringify(CAMPAIGNS)}, "extensions": {}}`],
    ['an unknown operation', `{"query": ${JSON.stringify(CAMPAIGNS)}, "operationName": "No"}`],
    ['a document with an error', '{"query": "{ campaigns { nodes { no } } }"}'],
  ])('%s', async (_, body) => {
    expect(await send({ body })).toBeLessThan(500);
  });

  it('another media type or encoding', async () => {
    const body = JSON.stringify({ query: CAMPAIGNS });
    expect(await send({ body, headers: { 'content-type': 'text/plain' } })).toBe(415);
    expect(await send({ body, headers: { 'content-encoding': 'gzip' } })).toBe(415);
    expect(await send({ body, headers: { accept: 'text/html' } })).toBe(406);
  });
});
