import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, startGateway, type TestGateway, token } from './support/gateway.ts';
import {
  type GatewayName,
  type Method,
  operation,
  PERSON,
  type Refusal,
  refusals,
  repeat,
} from './support/refusals.ts';

const GRAPHQL = 'application/graphql-response+json';
const PLAIN = 'application/json';

let database: TestDatabase;
const gateways: Partial<Record<GatewayName, TestGateway>> = {};
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateways.real = await startGateway(database.gatewayUrl, { schema });
  gateways.hanging = await startGateway(database.gatewayUrl, { requestTimeoutMs: 300 });
  gateways.offline = await startGateway('postgresql://nobody@127.0.0.1:1/none');
  authorization = `Bearer ${await token({ sub: PERSON })}`;
});
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
  await database?.close();
});

const cases = Object.entries(refusals).flatMap(([name, refusal]) =>
  (refusal.methods ?? ['POST', 'GET']).flatMap((method: Method) =>
    [GRAPHQL, PLAIN].map((accept) => [name, method, accept, refusal] as const),
  ),
);

function send(method: Method, accept: string, { members, headers, at = 'real' }: Refusal) {
  const gateway = gateways[at] as TestGateway;
  const all = { authorization, accept, ...headers };
  if (method === 'POST') {
    return gateway.send('/graphql', {
      method,
      headers: { 'content-type': 'application/json', ...all },
      body: JSON.stringify(members),
    });
  }
  const parameters = Object.entries(members).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return gateway.send(`/graphql?${new URLSearchParams(parameters)}`, { headers: all });
}

describe('an answer without data has the status of a failure', () => {
  it('is tested with more than 200 requests', () => {
    expect(cases.length).toBeGreaterThan(200);
  });

  it.each(cases)('%s, by %s, as %s', async (_, method, accept, refusal) => {
    const answer = await send(method, accept, refusal);
    const code = answer.errors?.[0]?.extensions.code;
    const status = accept === GRAPHQL ? refusal.status : refusal.plain;
    expect({ code, status: answer.status }).toEqual({ code: refusal.code, status });
    expect(answer.data).toBeUndefined();
    expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    expect(answer.text).not.toContain('"http"');
  });
});

describe('a valid document that is refused', () => {
  /** Documents that are refused by resolvers, by their cost or by the change log. */
  const documents: Record<string, string> = {
    'a query that costs too much': `{ campaigns(first: 100) { nodes { quests(first: 100) { nodes {
      campaign { quests(first: 100) { nodes { id } } } } } } } }`,
    'a field with a bad argument': '{ campaigns(first: 101) { totalCount } }',
    'a query without a workspace': '{ campaigns { totalCount } }',
    'a mutation without a workspace':
      'mutation { deleteCampaign(id: "4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d") { errors { __typename } } }',
    'a subscription without a change log': 'subscription { campaignChanged { cursor } }',
    'a subscription with a bad cursor': 'subscription { campaignChanged(after: "x") { cursor } }',
    'a live query without a change log': 'query @live { campaigns { totalCount } }',
  };

  it.each(
    Object.entries(documents).flatMap(([name, query]) =>
      [GRAPHQL, `${GRAPHQL}, text/event-stream`].map((accept) => [name, accept, query] as const),
    ),
  )('has data or the status of a failure: %s, as %s', async (_, accept, query) => {
    const answer = await send('POST', accept, operation('', { query }));
    expect(answer.errors, answer.text).toBeDefined();
    expect(answer.headers.get('content-type')).toBe(`${GRAPHQL}; charset=utf-8`);
    if (answer.data === undefined) expect(answer.status).toBeGreaterThanOrEqual(400);
    else expect(answer.status).toBe(200);
  });
});

describe('a field that fails does not change the status', () => {
  it.each([GRAPHQL, PLAIN])('%s', async (accept) => {
    const refusal = operation('', { query: '{ campaigns(first: 101) { totalCount } }' });
    const answer: Answer = await send('POST', accept, refusal);
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ campaigns: null });
  });
});

it('the longest chain of fragments that a document can have is answered', async () => {
  const fragments = repeat(240, (n) => `fragment A${n} on Query { ...A${n + 1} }`);
  const query = `{ ...A0 } ${fragments} fragment A240 on Query { __typename }`;
  const answer = await send('POST', GRAPHQL, operation('', { query }));
  expect(answer.data).toEqual({ __typename: 'Query' });
});

describe('the media type of an answer', () => {
  it.each([
    [undefined, PLAIN],
    ['*/*', PLAIN],
    ['application/*', PLAIN],
    [GRAPHQL, GRAPHQL],
    [`${PLAIN}, ${GRAPHQL}`, PLAIN],
    [`${GRAPHQL}, ${PLAIN}`, GRAPHQL],
    [`${PLAIN};q=0.5, ${GRAPHQL}`, GRAPHQL],
    [`${GRAPHQL};q=0.5, ${PLAIN};q=0.6`, PLAIN],
    [`${PLAIN};q=0, */*`, GRAPHQL],
    [`text/plain, */*;q=0.1`, PLAIN],
    [`${GRAPHQL}; charset=utf-8, ${PLAIN}; charset=utf-8`, GRAPHQL],
    ['APPLICATION/JSON', PLAIN],
  ])('for accept: %s is %s', async (accept, type) => {
    const answer = await gateways.real?.send('/graphql?query={__typename}', {
      headers: { authorization, ...(accept === undefined ? {} : { accept }) },
    });
    expect(answer?.status).toBe(200);
    expect(answer?.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
  });

  it.each(['text/plain', `${PLAIN};q=0`, `${PLAIN}; charset=utf-16`, ';;;,/'])(
    'cannot be chosen for accept: %s, so the request is refused before it runs',
    async (accept) => {
      const answer = await gateways.hanging?.ask('mutation { touch }', { authorization, accept });
      expect(answer?.status).toBe(406);
      expect(answer?.data).toBeUndefined();
      expect(answer?.errors?.[0]?.message).toMatch(/application\/graphql-response\+json/);
    },
  );
});
