import {
  buildClientSchema,
  DirectiveLocation,
  execute,
  getIntrospectionQuery,
  type IntrospectionQuery,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';

let database: TestDatabase;
let gateway: TestGateway;
let authorization: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl, { schema });
  const exp = Math.floor(Date.now() / 1000) + 600;
  authorization = `Bearer ${await token({ sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d', exp })}`;
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

const ask = (query: string, variables?: object) => gateway.ask(query, { authorization }, variables);
const repeat = (count: number, write: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => write(n)).join(' ');

const ALL = {
  schemaDescription: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  inputValueDeprecation: true,
  oneOf: true,
};

/** The query as Apollo Client sends it, with `__typename` in every selection. */
function withTypenames(query: string): string {
  const name = { kind: 'Name', value: '__typename' } as const;
  return print(
    visit(parse(query), {
      SelectionSet: (set) => ({
        ...set,
        selections: [...set.selections, { kind: 'Field' as never, name }],
      }),
    }),
  );
}

/** Introspection queries of clients and tools. */
const queries: Record<string, [query: string, variables?: Record<string, unknown>]> = {
  'the standard query': [getIntrospectionQuery()],
  'the standard query with all options': [getIntrospectionQuery(ALL)],
  'the standard query without descriptions': [getIntrospectionQuery({ descriptions: false })],
  'the standard query of Apollo Client': [withTypenames(getIntrospectionQuery(ALL))],
  'one type': ['{ __type(name: "Campaign") { name fields { name type { name kind } } } }'],
  'a type by a variable': [
    'query ($name: String!) { __type(name: $name) { kind possibleTypes { name } } }',
    { name: 'Node' },
  ],
  'an unknown type': ['{ __type(name: "Nothing") { name } }'],
  'several fields with fragments': [
    `{ ...A again: __schema { queryType { name } } __typename }
     fragment A on Query { __schema { ...B } __type(name: "Query") { ...C } }
     fragment B on __Schema { types { ...C } __typename }
     fragment C on __Type { name __typename ... on __Type { enumValues { name } } }`,
  ],
  'a field that a variable skips': [
    'query ($no: Boolean!) { __schema { types @skip(if: $no) { name } directives { name } } }',
    { no: true },
  ],
};

describe('introspection', () => {
  it.each(Object.entries(queries))(
    'answers %s, also from the cache',
    async (_, [query, variables]) => {
      const expected = await execute({
        schema,
        document: parse(query),
        variableValues: variables ?? {},
      });
      const first = await ask(query, variables);
      expect(first.text === JSON.stringify(expected)).toBe(true);
      const again = await ask(`# Once more.\n${query}`, variables);
      expect(again.text === first.text).toBe(true);
    },
  );

  it('distinguishes queries by variables and operation name', async () => {
    const query = `query A($name: String!) { __type(name: $name) { name } }
                   query B { __type(name: "Move") { name kind } }`;
    const answer = async (operationName: string, variables = {}) => {
      const { data } = await gateway.send('/graphql', {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName, variables }),
      });
      return data;
    };
    expect(await answer('A', { name: 'Quest' })).toEqual({ __type: null });
    expect(await answer('A', { name: 'Cohort' })).toEqual({ __type: { name: 'Cohort' } });
    expect(await answer('B')).toEqual({ __type: { name: 'Move', kind: 'OBJECT' } });
  });

  it('is answered over a WebSocket and as a stream', async () => {
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
    });
    const query = '{ __schema { queryType { name } } }';
    const results: unknown[] = [];
    for await (const result of client.iterate({ query })) results.push(result);
    const expected = { data: { __schema: { queryType: { name: 'Query' } } } };
    expect(results).toEqual([expected]);
    await client.dispose();
    const { text } = await gateway.ask(query, { authorization, accept: 'text/event-stream' });
    expect(text).toContain(`data: ${JSON.stringify(expected)}`);
  });

  it('can be selected beside other fields', async () => {
    const { data } = await ask('{ viewer { email } __type(name: "Campaign") { name } }');
    expect(data).toEqual({ viewer: { email: null }, __type: { name: 'Campaign' } });
  });

  it('does not block other requests while it runs', async () => {
    let done = false;
    const large = ask(
      `${getIntrospectionQuery({ inputValueDeprecation: true })} # ${Math.random()}`,
    );
    large.finally(() => {
      done = true;
    });
    let answered = 0;
    while (!done) {
      expect((await ask('{ viewer { email } }')).status).toBe(200);
      if (!done) answered += 1;
    }
    expect((await large).status).toBe(200);
    expect(answered).toBeGreaterThan(1);
  });
});

/** Small documents with large answers. */
const tooLarge: Record<string, string> = {
  'many schemas': `{ ${repeat(30, (n) => `a${n}: __schema { types { name fields { name type { name kind } } } }`)} }`,
  'many lists of types': `{ __schema { ${repeat(30, (n) => `a${n}: types { name fields { name args { name } } }`)} } }`,
  'many types': `{ ${repeat(30, (n) => `a${n}: __type(name: "Mutation") { fields { name args { name type { name kind } } } }`)} }`,
  'types of arguments of types': `{ __schema { types { fields { args { type { ...A ofType { ...A } } } } } } }
     fragment A on __Type { inputFields { name description type { ...B ofType { ...B ofType { ...B } } } } }
     fragment B on __Type { name enumValues { name description } }`,
  'fragments in fragments': `{ ${repeat(6, (n) => `a${n}: __schema { types { ...A } }`)} }
     fragment A on __Type { fields { type { ...B } args { type { ...B } } } }
     fragment B on __Type { ...C ofType { ...C ofType { ...C } } }
     fragment C on __Type { name kind description enumValues { name } inputFields { name } fields { name } }`,
  'the standard query beside another field': `{ viewer { email } ${getIntrospectionQuery().slice(getIntrospectionQuery().indexOf('__schema'))}`,
};

describe('introspection with too large an answer is refused', () => {
  it.each(Object.entries(tooLarge))('%s', async (_, query) => {
    const { status, errors, data } = await ask(query);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['OPERATION_TOO_LARGE']);
    expect(errors?.[0]?.message).toMatch(/reads too much of the schema/);
    expect(status).toBe(400);
    expect(data).toBeUndefined();
  });
});

describe('a live query of the schema', () => {
  const stream = (query: string) =>
    gateway.ask(query, { authorization, accept: 'text/event-stream' });

  it('is answered once without other fields, since the schema does not change', async () => {
    const { text } = await stream('query @live { __schema { queryType { name } } }');
    expect(text.match(/^event: .*$/gm)).toEqual(['event: next', 'event: complete']);
    expect(text).toContain('data: {"data":{"__schema":{"queryType":{"name":"Query"}}}}');
  });

  it('is refused with other fields', async () => {
    const { text } = await stream(
      'query @live { viewer { email } __type(name: "Query") { name } }',
    );
    expect(text).toContain('A live query cannot read the schema');
    expect(text).toContain('BAD_USER_INPUT');
  });
});

describe('the introspected schema', () => {
  /** The locations in the GraphQL editions of October 2021 and September 2025. */
  const KNOWN = Object.values(DirectiveLocation).filter(
    (location) => location !== DirectiveLocation.DIRECTIVE_DEFINITION,
  );

  it('builds the same schema in a client', async () => {
    const { data } = await ask(getIntrospectionQuery(ALL));
    const built = buildClientSchema(data as unknown as IntrospectionQuery);
    expect(printSchema(built) === printSchema(schema)).toBe(true);
  });

  it('has only directive locations that clients know', async () => {
    const { data } = await ask('{ __schema { directives { name locations } } }');
    const { directives } = (data as unknown as IntrospectionQuery).__schema;
    expect(directives.map(({ name }) => name)).toContain('deprecated');
    expect(directives.flatMap(({ locations }) => locations)).not.toHaveLength(0);
    for (const { name, locations } of directives) {
      expect(KNOWN, name).toEqual(expect.arrayContaining([...locations]));
    }
  });
});
