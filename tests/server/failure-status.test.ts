import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, startGateway, type TestGateway, token } from './support/gateway.ts';

const GRAPHQL = 'application/graphql-response+json';
const PLAIN = 'application/json';
const SOMEBODY = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

let database: TestDatabase;
/** Of the schema that is served, of one with fields that hang, and of a database that is away. */
const gateways: Partial<Record<'real' | 'hasty' | 'lonely', TestGateway>> = {};
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateways.real = await startGateway(database.gatewayUrl, { schema });
  gateways.hasty = await startGateway(database.gatewayUrl, { requestTimeoutMs: 300 });
  gateways.lonely = await startGateway('postgresql://nobody@127.0.0.1:1/none');
  authorization = `Bearer ${await token({ sub: SOMEBODY })}`;
});
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
  await database?.close();
});

interface Refusal {
  /** Members of the request; a text is sent as it is, whatever carries it. */
  members: Record<string, unknown>;
  headers?: Record<string, string>;
  at?: keyof typeof gateways;
  code: string;
  /** For clients that take `application/graphql-response+json`. */
  status: number;
  /** For clients that take plain JSON only. */
  plain: number;
  /** Left out where both can carry it. */
  methods?: readonly ('GET' | 'POST')[];
}

const repeat = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');

/** A request that is as it should be, for what cannot be answered. */
const operation = (code: string, members: object, more: Partial<Refusal> = {}): Refusal => ({
  members: { ...members },
  code,
  status: 400,
  plain: 200,
  ...more,
});
/** A request that is refused by itself, whatever media type its client takes. */
const request = (status: number, code: string, members: object, more: Partial<Refusal> = {}) =>
  operation(code, members, { status, plain: status, ...more });
const fine = { query: '{ __typename }' };

/** Variables that do not fit the argument they are for. */
const misfits: [type: string, field: string, ...values: unknown[]][] = [
  ['UUID!', 'campaign(id: $v) { id }', undefined, null, 'x', 5, {}, []],
  ['ID!', 'node(nodeId: $v) { nodeId }', null, 1.5, true, {}],
  ['[ID!]!', 'nodes(nodeIds: $v) { nodeId }', null, [null], [{}]],
  ['Int', 'campaigns(first: $v) { totalCount }', 'x', 1.5, 3_000_000_000, true, {}],
  ['String', 'campaigns(after: $v) { totalCount }', 5, {}, ['a', 'b']],
  ['Boolean!', '__typename @skip(if: $v)', undefined, null, 'true', 0],
  [
    'CampaignFilter',
    'campaigns(filter: $v) { totalCount }',
    5,
    { nope: 1 },
    { status: { equals: 'NOPE' } },
    { startDate: { gt: 'yesterday' } },
    { totalReach: { gt: {} } },
    { id: { in: ['x'] } },
    { roiPercentage: { equals: 'much' } },
  ],
  ['[CampaignOrderBy!]', 'campaigns(orderBy: $v) { totalCount }', [{ field: 'NOPE' }], [null]],
];

const refusals: Record<string, Refusal> = {
  'a syntax error': operation('GRAPHQL_PARSE_FAILED', { query: '{ viewer' }),
  'nothing but a comment': operation('GRAPHQL_PARSE_FAILED', { query: '# nothing' }),
  'an unknown field': operation('GRAPHQL_VALIDATION_FAILED', { query: '{ nope }' }),
  'an unknown argument': operation('GRAPHQL_VALIDATION_FAILED', {
    query: '{ campaigns(nope: 1) { totalCount } }',
  }),
  'a literal of the wrong type': operation('GRAPHQL_VALIDATION_FAILED', {
    query: '{ campaigns(first: "x") { totalCount } }',
  }),
  'an unknown directive': operation('GRAPHQL_VALIDATION_FAILED', { query: '{ __typename @nope }' }),
  'a fragment on itself': operation('GRAPHQL_VALIDATION_FAILED', {
    query: '{ ...A } fragment A on Query { ...A }',
  }),
  ...Object.fromEntries(
    misfits.flatMap(([type, field, ...values]) =>
      values.map((v) => [
        `${type} = ${JSON.stringify(v)}`,
        operation('BAD_USER_INPUT', {
          query: `query ($v: ${type}) { ${field} }`,
          variables: { v },
        }),
      ]),
    ),
  ),
  'a hash without a document': operation('PERSISTED_QUERY_NOT_SUPPORTED', {
    extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } },
  }),

  'too many tokens': request(
    400,
    'OPERATION_TOO_LARGE',
    { query: `{ ${'me '.repeat(2_001)} }` },
    // Longer than Node takes headers.
    { methods: ['POST'] },
  ),
  'too many characters': request(
    400,
    'OPERATION_TOO_LARGE',
    { query: `{ me } #${'x'.repeat(50_000)}` },
    { methods: ['POST'] },
  ),
  ...Object.fromEntries(
    [
      ['lists', '{ me(a: ', '[', ']', ') }'],
      ['objects', '{ me(a: ', '{a:', '}', ') }'],
      ['fields', '', '{a', '}', ''],
      ['fragments', '{', '...{', '}', '}'],
      ['types', 'query ($a: ', '[', ']', ') { me }'],
      ['lists without an end', '{ me(a: ', '[', '', ''],
    ].map(([name, start, open = '', close = '', end]) => [
      `too many levels of ${name}`,
      request(400, 'OPERATION_TOO_LARGE', {
        query: `${start}${open.repeat(600)}${close.repeat(600)}${end}`,
      }),
    ]),
  ),
  'too many aliases': request(400, 'OPERATION_TOO_LARGE', {
    query: `{ ${repeat(31, (n) => `a${n}: viewer { email }`)} }`,
  }),
  'too many directives': request(400, 'OPERATION_TOO_LARGE', {
    query: `{ __typename ${'@include(if: true) '.repeat(31)} }`,
  }),
  'too many levels': request(400, 'OPERATION_TOO_LARGE', {
    query: `{ ${'viewer { workspace { '.repeat(11)} id ${'} } '.repeat(11)} }`,
  }),
  'an unknown operation': request(400, 'OPERATION_RESOLUTION_FAILURE', {
    query: 'query A { __typename }',
    operationName: 'B',
  }),
  'several operations and no name': request(400, 'OPERATION_RESOLUTION_FAILURE', {
    query: 'query A { __typename } query B { __typename }',
  }),
  'no operation': request(400, 'OPERATION_RESOLUTION_FAILURE', {
    query: 'fragment A on Query { __typename }',
  }),
  'no document': request(400, 'BAD_REQUEST', {}),
  'a document that is no text': request(400, 'BAD_REQUEST', { query: 5 }, { methods: ['POST'] }),
  'variables that are no object': request(400, 'BAD_REQUEST', { ...fine, variables: [1] }),
  'variables that are no JSON': request(
    400,
    'BAD_REQUEST',
    { ...fine, variables: '{' },
    { methods: ['GET'] },
  ),
  'extensions that are no object': request(400, 'BAD_REQUEST', { ...fine, extensions: 5 }),
  'extensions that are no JSON': request(
    400,
    'BAD_REQUEST',
    { ...fine, extensions: 'x' },
    { methods: ['GET'] },
  ),
  'a member that there is not': request(
    400,
    'BAD_REQUEST',
    { ...fine, querry: 'x' },
    { methods: ['POST'] },
  ),
  'a body that is compressed': request(415, 'BAD_REQUEST', fine, {
    headers: { 'content-encoding': 'gzip' },
    methods: ['POST'],
  }),
  'a body that is no JSON': request(415, 'BAD_REQUEST', fine, {
    headers: { 'content-type': 'text/plain' },
    methods: ['POST'],
  }),
  'a mutation in a URL': request(
    405,
    'BAD_REQUEST',
    { query: 'mutation { markNotificationsRead(ids: []) { affected } }' },
    { methods: ['GET'] },
  ),
  'a subscription without a stream': request(406, 'BAD_REQUEST', {
    query: 'subscription { campaignChanged { cursor } }',
  }),

  'no token': request(401, 'UNAUTHENTICATED', fine, { headers: { authorization: '' } }),
  'a token that is none': request(401, 'UNAUTHENTICATED', fine, {
    headers: { authorization: 'Bearer x' },
  }),
  'a workspace that is no UUID': request(400, 'BAD_USER_INPUT', fine, {
    headers: { 'x-workspace-id': 'x' },
  }),
  "somebody else's workspace": request(403, 'FORBIDDEN', fine, {
    headers: { 'x-workspace-id': SOMEBODY },
  }),
  'an idempotency key that is too long': request(400, 'BAD_USER_INPUT', fine, {
    headers: { 'idempotency-key': 'x'.repeat(201) },
  }),
  'a request that takes too long': request(504, 'TIMEOUT', { query: '{ hang }' }, { at: 'hasty' }),
  'a database that is away': request(
    503,
    'SERVICE_UNAVAILABLE',
    { query: '{ me }' },
    {
      at: 'lonely',
    },
  ),
};

type Method = 'GET' | 'POST';

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
  it('is asked for in every way', () => {
    expect(cases.length).toBeGreaterThan(200);
  });

  it.each(cases)('%s, by %s, in %s', async (_, method, accept, refusal) => {
    const answer = await send(method, accept, refusal);
    const code = answer.errors?.[0]?.extensions.code;
    const status = accept === GRAPHQL ? refusal.status : refusal.plain;
    expect({ code, status: answer.status }).toEqual({ code: refusal.code, status });
    expect(answer.data).toBeUndefined();
    expect(answer.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    expect(answer.text).not.toContain('"http"');
  });
});

describe('a refusal of what runs', () => {
  /** Documents that are refused by resolvers, prices or the change log. */
  const documents: Record<string, string> = {
    'a query that costs too much': `{ campaigns(first: 100) { nodes { quests(first: 100) { nodes {
      campaign { quests(first: 100) { nodes { id } } } } } } } }`,
    'a field with a bad argument': '{ campaigns(first: 101) { totalCount } }',
    'a query without a workspace': '{ campaigns { totalCount } }',
    'a mutation without a workspace':
      'mutation { deleteCampaign(id: "4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d") { errors { __typename } } }',
    'a subscription where none are served': 'subscription { campaignChanged { cursor } }',
    'a subscription with a bad cursor': 'subscription { campaignChanged(after: "x") { cursor } }',
    'a live query where none are served': 'query @live { campaigns { totalCount } }',
  };

  it.each(
    Object.entries(documents).flatMap(([name, query]) =>
      [GRAPHQL, `${GRAPHQL}, text/event-stream`].map((accept) => [name, accept, query] as const),
    ),
  )('%s, in %s, has data or the status of a failure', async (_, accept, query) => {
    const answer = await send('POST', accept, operation('', { query }));
    expect(answer.errors, answer.text).toBeDefined();
    expect(answer.headers.get('content-type')).toBe(`${GRAPHQL}; charset=utf-8`);
    if (answer.data === undefined) expect(answer.status).toBeGreaterThanOrEqual(400);
    else expect(answer.status).toBe(200);
  });
});

describe('a field that fails leaves the status alone', () => {
  it.each([GRAPHQL, PLAIN])('%s', async (accept) => {
    const refusal = operation('', { query: '{ campaigns(first: 101) { totalCount } }' });
    const answer: Answer = await send('POST', accept, refusal);
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ campaigns: null });
  });
});

describe('a chain of fragments', () => {
  it('as long as a document may be is no failure', async () => {
    const fragments = repeat(240, (n) => `fragment A${n} on Query { ...A${n + 1} }`);
    const query = `{ ...A0 } ${fragments} fragment A240 on Query { __typename }`;
    const answer = await send('POST', GRAPHQL, operation('', { query }));
    expect(answer.data).toEqual({ __typename: 'Query' });
  });
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
    'that the client does not take, %s, is no reason to do what it asks',
    async (accept) => {
      const answer = await gateways.hasty?.ask('mutation { touch }', { authorization, accept });
      expect(answer?.status).toBe(406);
      expect(answer?.data).toBeUndefined();
      expect(answer?.errors?.[0]?.message).toMatch(/application\/graphql-response\+json/);
    },
  );
});
