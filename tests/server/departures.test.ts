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
  // A client that disconnects causes no error.
  expect(gateway.log).toEqual([]);
});

/** The statements of operations, without those that read memberships. */
const statements = () => sent.filter((sql) => !sql.includes('viewer_memberships'));

describe.each(Object.entries(DEPARTURES))('when a client disconnects (%s)', (_, begin) => {
  it('its reads are cancelled, and no further statement starts', async () => {
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

describe.each(WRITING)('when the client of a mutation disconnects (%s)', (_, begin) => {
  it('the running field completes, and the next fields do not start', async () => {
    await holding(database, async ({ sql, waiting, release }) => {
      sent = [];
      const mutation = `mutation { a: write(sql: "${sql}") { step(sql: "SELECT 2") { value } } b: write(sql: "SELECT 4") { value } }`;
      const leave = await begin(gateway.url, headers, mutation);
      await waiting();
      leave();
      // Long enough for a cancel request, which would be sent at once.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await waiting();
      await release();
      await eventually(statements).toEqual(['BEGIN', sql, 'SELECT 3', 'SELECT 2', 'COMMIT']);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(statements()).toHaveLength(5);
  });
});

describe('pipelined requests on one connection', () => {
  it('are all cancelled when it closes', async () => {
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

describe('a client that disconnects while it sends its request', () => {
  it('causes no error', async () => {
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

describe('a request that exceeds the request timeout', () => {
  it('has its reads cancelled, and receives TIMEOUT', async () => {
    const limited = await startGateway(database.gatewayUrl, { ...options, requestTimeoutMs: 300 });
    await holding(database, async ({ sql, waiting }) => {
      const answer = await limited.ask(`{ step(sql: "${sql}") { value } }`, headers);
      expect(answer.status).toBe(504);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
      await waiting(0);
    });
    expect(limited.log).toEqual([]);
    await limited.close();
  });
});

describe('a request that exceeds its time budget in the database', () => {
  it('has its reads cancelled, and receives TIMEOUT with advice', async () => {
    const limited = await startGateway(database.gatewayUrl, { ...options, timeBudgetMs: 400 });
    await holding(database, async ({ sql, waiting }) => {
      const steps = Array.from({ length: 20 }, (_, i) => `s${i}: step(sql: "${sql}") { value }`);
      const answer = await limited.ask(`{ ${steps.join(' ')} }`, headers);
      expect(answer.status).toBe(504);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
      expect(answer.errors?.[0]?.message).toMatch(/0.4 seconds.*Ask for less at a time/);
      await waiting(0);
    });
    expect(limited.log).toEqual([]);
    const next = await limited.ask('{ step(sql: "SELECT \'1\' AS value") { value } }', headers);
    expect(next.data).toEqual({ step: { value: '1' } });
    await limited.close();
  });
});

describe.each([
  ['the request timeout', { requestTimeoutMs: 700 }],
  ['its time budget in the database', { timeBudgetMs: 700 }],
])('a mutation that exceeds %s', (_, limit) => {
  it('has its running write rolled back, and returns the earlier ones', async () => {
    const limited = await startGateway(database.gatewayUrl, { ...options, ...limit });
    await database.query('CREATE TABLE IF NOT EXISTS written (value text)');
    await database.query('TRUNCATE written');
    await database.query('GRANT INSERT ON written TO authenticated');
    await holding(database, async ({ sql, waiting }) => {
      const insert = (value: string, rest = '') =>
        `write(sql: "INSERT INTO written VALUES ('${value}') RETURNING 'x' AS value${rest}") { value }`;
      const answer = await limited.ask(
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
    await limited.close();
  });
});
