import { createSchema } from 'graphql-yoga';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../src/context/context.ts';
import { inTransaction } from '../../src/resolvers/writes/write-transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { DEPARTURES } from './support/departing.ts';
import { startGateway, type TestGateway, token } from './support/gateway.ts';
import { holding } from './support/held.ts';
import { openRaw, rawPost } from './support/raw-connection.ts';

const PERSON = '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d';

const run = async (_: unknown, { sql }: { sql: string }, { database }: Context) => {
  const [row] = await database.query<{ value: string }>(sql);
  return row;
};
/** Queries whose fields run one statement after the other. */
const schema = createSchema<Context>({
  typeDefs: /* GraphQL */ `
    type Query {
      step(sql: String!): Step
    }
    type Step {
      value: String
      step(sql: String!): Step
    }
    type Mutation {
      write(sql: String!): Step
    }
  `,
  resolvers: {
    Query: { step: run },
    Step: { step: run },
    Mutation: {
      write: (_, { sql }: { sql: string }, context) =>
        inTransaction({ context, dryRun: false }, async (transaction) => {
          const [row] = await transaction.$queryRawUnsafe<{ value: string }[]>(sql);
          await transaction.$queryRawUnsafe('SELECT 3');
          return row;
        }),
    },
  },
});

let database: TestDatabase;
let gateway: TestGateway;
let headers: Record<string, string>;
let sent: string[] = [];
const options = {
  schema,
  maxConnections: 6,
  statementTimeoutMs: 20_000,
  onStatement: (sql: string) => void sent.push(sql),
};
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway(database.gatewayUrl, options);
  headers = { authorization: `Bearer ${await token({ sub: PERSON })}` };
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});
afterEach(() => {
  // What a client does not wait for is nothing to be told of, by anybody.
  expect(gateway.log).toEqual([]);
});

/** The statements of operations: each request has its own to look up who asks. */
const statements = () => sent.filter((sql) => !sql.includes('viewer_memberships'));

describe.each(Object.entries(DEPARTURES))('when a client goes (%s)', (_, begin) => {
  it('its reads are cancelled, and what follows is not begun', async () => {
    await holding(database, async ({ sql, waiting }) => {
      sent = [];
      const step = (text: string, rest: string) => `step(sql: "${text}") { ${rest} }`;
      const query = `{ ${step(sql, step('SELECT 2', 'value'))} other: ${step(sql, step('SELECT 2', 'value'))} }`;
      const leave = await begin(gateway.url, headers, query);
      await waiting(2);
      leave();
      await waiting(0);
      await eventually(() => gateway.log).toEqual([]);
      expect(statements()).toEqual([sql, sql]);
    });
  });
});

const WRITING = Object.entries(DEPARTURES).filter(([name]) => !name.startsWith('GET'));

describe.each(WRITING)('when the client of a mutation goes (%s)', (_, begin) => {
  it('the field that has begun is finished, and those that follow are not begun', async () => {
    await holding(database, async ({ sql, waiting, release }) => {
      sent = [];
      const mutation = `mutation { a: write(sql: "${sql}") { step(sql: "SELECT 2") { value } } b: write(sql: "SELECT 4") { value } }`;
      const leave = await begin(gateway.url, headers, mutation);
      await waiting();
      leave();
      // Long enough for a request to cancel it, which would be sent at once.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await waiting();
      await release();
      await eventually(statements).toEqual(['BEGIN', sql, 'SELECT 3', 'SELECT 2', 'COMMIT']);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(statements()).toHaveLength(5);
  });
});

describe('requests on one connection, sent without waiting', () => {
  it('are all given up when it closes, those too that wait for their turn to be answered', async () => {
    await holding(database, async ({ sql, waiting }) => {
      const query = `{ step(sql: "${sql}") { value } }`;
      const one = rawPost('/graphql', headers, { query });
      const { socket } = openRaw(gateway.url, one + one + one);
      await waiting(3);
      socket.destroy();
      await waiting(0);
    });
  });
});

describe('a client that goes in the middle of its request', () => {
  it('is no error to anybody', async () => {
    const query = '{ step(sql: "SELECT 1") { value } }';
    const text = rawPost('/graphql', headers, { query });
    for (let length = 20; length < text.length; length += 40) {
      const { socket } = openRaw(gateway.url, text.slice(0, length));
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.destroy();
    }
    await gateway.ask(query, headers);
    expect(gateway.log).toEqual([]);
  });
});

describe('a request that takes too long', () => {
  it('has its reads cancelled, and is told TIMEOUT', async () => {
    const hasty = await startGateway(database.gatewayUrl, { ...options, requestTimeoutMs: 300 });
    await holding(database, async ({ sql, waiting }) => {
      const answer = await hasty.ask(`{ step(sql: "${sql}") { value } }`, headers);
      expect(answer.status).toBe(504);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
      await waiting(0);
    });
    expect(hasty.log).toEqual([]);
    await hasty.close();
  });
});

describe('a request that takes too much of the database’s time', () => {
  it('has its reads cancelled, and is told TIMEOUT and what to do', async () => {
    const frugal = await startGateway(database.gatewayUrl, { ...options, timeBudgetMs: 400 });
    await holding(database, async ({ sql, waiting }) => {
      const steps = Array.from({ length: 20 }, (_, i) => `s${i}: step(sql: "${sql}") { value }`);
      const answer = await frugal.ask(`{ ${steps.join(' ')} }`, headers);
      expect(answer.status).toBe(504);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
      expect(answer.errors?.[0]?.message).toMatch(/0.4 seconds.*Ask for less at a time/);
      await waiting(0);
    });
    expect(frugal.log).toEqual([]);
    const next = await frugal.ask('{ step(sql: "SELECT \'1\' AS value") { value } }', headers);
    expect(next.data).toEqual({ step: { value: '1' } });
    await frugal.close();
  });
});

describe.each([
  ['too long', { requestTimeoutMs: 700 }],
  ['too much of the database’s time', { timeBudgetMs: 700 }],
])('a mutation that takes %s', (_, limit) => {
  it('has its write rolled back, and is answered what was written before', async () => {
    const hasty = await startGateway(database.gatewayUrl, { ...options, ...limit });
    await database.query('CREATE TABLE IF NOT EXISTS written (value text)');
    await database.query('TRUNCATE written');
    await database.query('GRANT INSERT ON written TO authenticated');
    await holding(database, async ({ sql, waiting }) => {
      const insert = (value: string, rest = '') =>
        `write(sql: "INSERT INTO written VALUES ('${value}') RETURNING 'x' AS value${rest}") { value }`;
      const answer = await hasty.ask(
        `mutation {
           a: ${insert('a')}
           b: write(sql: "WITH b AS (INSERT INTO written VALUES ('b')) ${sql}") { value }
           c: ${insert('c')}
         }`,
        headers,
      );
      expect(answer.status).toBe(200);
      expect(answer.data).toEqual({ a: { value: 'x' }, b: null, c: null });
      expect(answer.errors).toMatchObject([
        { path: ['b'], extensions: { code: 'TIMEOUT' } },
        { path: ['c'], extensions: { code: 'TIMEOUT' } },
      ]);
      await waiting(0);
    });
    expect(await database.query('SELECT value FROM written')).toEqual([{ value: 'a' }]);
    await hasty.close();
  });
});
