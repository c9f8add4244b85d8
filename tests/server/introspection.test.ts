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

/** As Apollo Client sends it: with the type's name beside all other fields. */
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

/** What clients and tools ask for. */
const questions: Record<string, [query: string, variables?: Record<string, unknown>]> = {
  'the usual query': [getIntrospectionQuery()],
  'the usual query with all options': [getIntrospectionQuery(ALL)],
  'the usual query without descriptions': [getIntrospectionQuery({ descriptions: false })],
  'the usual query of Apollo Client': [withTypenames(getIntrospectionQuery(ALL))],
  'one type': ['{ __type(name: "Campaign") { name fields { name type { name kind } } } }'],
  'a type by a variable': [
    'query ($name: String!) { __type(name: $name) { kind possibleTypes { name } } }',
    { name: 'Node' },
  ],
  'a type that there is not': ['{ __type(name: "Nothing") { name } }'],
  'several, by fragments': [
    `{ ...A again: __schema { queryType { name } } __typename }
     fragment A on Query { __schema { ...B } __type(name: "Query") { ...C } }
     fragment B on __Schema { types { ...C } __typename }
     fragment C on __Type { name __typename ... on __Type { enumValues { name } } }`,
  ],
  'what a variable leaves out': [
    'query ($no: Boolean!) { __schema { types @skip(if: $no) { name } directives { name } } }',
    { no: true },
  ],
};

describe('introspection', () => {
  it.each(Object.entries(questions))('answers %s, again too', async (_, [query, variables]) => {
    const expected = await execute({
      schema,
      document: parse(query),
      variableValues: variables ?? {},
    });
    const first = await ask(query, variables);
    expect(first.text === JSON.stringify(expected)).toBe(true);
    const again = await ask(`# Once more.\n${query}`, variables);
    expect(again.text === first.text).toBe(true);
  });

  it('tells apart what differs in variables or in the operation', async () => {
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

  it('answers on a socket, and as a stream', async () => {
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
    });
    const query = '{ __schema { queryType { name } } }';
    const told: unknown[] = [];
    for await (const result of client.iterate({ query })) told.push(result);
    const expected = { data: { __schema: { queryType: { name: 'Query' } } } };
    expect(told).toEqual([expected]);
    await client.dispose();
    const { text } = await gateway.ask(query, { authorization, accept: 'text/event-stream' });
    expect(text).toContain(`data: ${JSON.stringify(expected)}`);
  });

  it('may accompany other fields', async () => {
    const { data } = await ask('{ viewer { email } __type(name: "Campaign") { name } }');
    expect(data).toEqual({ viewer: { email: null }, __type: { name: 'Campaign' } });
  });

  it('lets others be answered while it is at work', async () => {
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
const excesses: Record<string, string> = {
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
  'much beside other fields': `{ viewer { email } ${getIntrospectionQuery().slice(getIntrospectionQuery().indexOf('__schema'))}`,
};

describe('introspection that is too large is refused', () => {
  it.each(Object.entries(excesses))('%s', async (_, query) => {
    const { status, errors, data } = await ask(query);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['OPERATION_TOO_LARGE']);
    expect(errors?.[0]?.message).toMatch(/reads too much of the schema/);
    expect(status).toBe(400);
    expect(data).toBeUndefined();
  });
});

describe('a live query', () => {
  const stream = (query: string) =>
    gateway.ask(query, { authorization, accept: 'text/event-stream' });

  it('is answered once if it asks for the schema only, which does not change', async () => {
    const { text } = await stream('query @live { __schema { queryType { name } } }');
    expect(text.match(/^event: .*$/gm)).toEqual(['event: next', 'event: complete']);
    expect(text).toContain('data: {"data":{"__schema":{"queryType":{"name":"Query"}}}}');
  });

  it('cannot ask for it beside other fields', async () => {
    const { text } = await stream(
      'query @live { viewer { email } __type(name: "Query") { name } }',
    );
    expect(text).toContain('A live query cannot read the schema');
    expect(text).toContain('BAD_USER_INPUT');
  });
});

describe('what other clients make of the schema', () => {
  /** Locations of the editions of October 2021 and September 2025. */
  const KNOWN = Object.values(DirectiveLocation).filter(
    (location) => location !== DirectiveLocation.DIRECTIVE_DEFINITION,
  );

  it('is the schema', async () => {
    const { data } = await ask(getIntrospectionQuery(ALL));
    const built = buildClientSchema(data as unknown as IntrospectionQuery);
    expect(printSchema(built) === printSchema(schema)).toBe(true);
  });

  it('has directives in places that they know', async () => {
    const { data } = await ask('{ __schema { directives { name locations } } }');
    const { directives } = (data as unknown as IntrospectionQuery).__schema;
    expect(directives.map(({ name }) => name)).toContain('deprecated');
    expect(directives.flatMap(({ locations }) => locations)).not.toHaveLength(0);
    for (const { name, locations } of directives) {
      expect(KNOWN, name).toEqual(expect.arrayContaining([...locations]));
    }
  });
});
