/** With the real schema, with a schema that has hanging fields, and without a database. */
export type GatewayName = 'real' | 'hanging' | 'offline';
export type Method = 'GET' | 'POST';

/** The id of a person without a workspace. */
export const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

export interface Refusal {
  /** Members of the request. A string is sent unchanged by POST and by GET. */
  members: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Default: `real`. */
  at?: GatewayName;
  code: string;
  /** The status for clients that accept `application/graphql-response+json`. */
  status: number;
  /** The status for clients that accept only `application/json`. */
  plain: number;
  /** Default: both. */
  methods?: readonly Method[];
}

/** Joins the parts of a document with spaces. */
export const repeat = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');

/** An operation that cannot be answered, in a valid request. */
export const operation = (code: string, members: object, more: Partial<Refusal> = {}): Refusal => ({
  members: { ...members },
  code,
  status: 400,
  plain: 200,
  ...more,
});
/** A request that is refused with the same status for all media types. */
const request = (status: number, code: string, members: object, more: Partial<Refusal> = {}) =>
  operation(code, members, { status, plain: status, ...more });
const valid = { query: '{ __typename }' };

/** Variables of the wrong type for their argument. */
const wrongVariables: [type: string, field: string, ...values: unknown[]][] = [
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

/** A request for every reason that makes the gateway return no data. */
export const refusals: Record<string, Refusal> = {
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
    wrongVariables.flatMap(([type, field, ...values]) =>
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
    // Longer than the headers that Node accepts.
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
  'a document that is not a string': request(
    400,
    'BAD_REQUEST',
    { query: 5 },
    { methods: ['POST'] },
  ),
  'variables that are not an object': request(400, 'BAD_REQUEST', { ...valid, variables: [1] }),
  'variables that are no JSON': request(
    400,
    'BAD_REQUEST',
    { ...valid, variables: '{' },
    { methods: ['GET'] },
  ),
  'extensions that are not an object': request(400, 'BAD_REQUEST', { ...valid, extensions: 5 }),
  'extensions that are no JSON': request(
    400,
    'BAD_REQUEST',
    { ...valid, extensions: 'x' },
    { methods: ['GET'] },
  ),
  'a member that there is not': request(
    400,
    'BAD_REQUEST',
    { ...valid, querry: 'x' },
    { methods: ['POST'] },
  ),
  'a compressed body': request(415, 'BAD_REQUEST', valid, {
    headers: { 'content-encoding': 'gzip' },
    methods: ['POST'],
  }),
  'a body that is not JSON': request(415, 'BAD_REQUEST', valid, {
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

  'no token': request(401, 'UNAUTHENTICATED', valid, { headers: { authorization: '' } }),
  'an invalid token': request(401, 'UNAUTHENTICATED', valid, {
    headers: { authorization: 'Bearer x' },
  }),
  'a workspace that is not a UUID': request(400, 'BAD_USER_INPUT', valid, {
    headers: { 'x-workspace-id': 'x' },
  }),
  'a foreign workspace': request(403, 'FORBIDDEN', valid, {
    headers: { 'x-workspace-id': PERSON },
  }),
  'an idempotency key that is too long': request(400, 'BAD_USER_INPUT', valid, {
    headers: { 'idempotency-key': 'x'.repeat(201) },
  }),
  'a request that takes too long': request(
    504,
    'TIMEOUT',
    { query: '{ hang }' },
    { at: 'hanging' },
  ),
  'an unreachable database': request(
    503,
    'SERVICE_UNAVAILABLE',
    { query: '{ me }' },
    {
      at: 'offline',
    },
  ),
};
