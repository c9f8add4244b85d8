import { setTimeout as delay } from 'node:timers/promises';
import { createSchema } from 'graphql-yoga';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Context } from '../../src/context/context.ts';
import { inTransaction } from '../../src/resolvers/writes/write-transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { Random } from '../torture/random.ts';
import { DEPARTURES } from './support/departing.ts';
import { type Answer, startGateway, type TestGateway, token } from './support/gateway.ts';

const ROUNDS = 200;
const AT_ONCE = 10;
const OTHERS = 4;

const schema = createSchema<Context>({
  typeDefs: /* GraphQL */ `
    type Query {
      read(seconds: Float!, value: String!): String
      campaigns: Int
    }
    type Mutation {
      writeTwice(seconds: Float!, value: String!): String
    }
  `,
  resolvers: {
    Query: {
      async read(_, { seconds, value }: Args, { database }) {
        const sql = 'SELECT $1::text || left(pg_sleep($2)::text, 0) AS value';
        const [row] = await database.query<{ value: string }>(sql, [value, seconds]);
        return row?.value;
      },
      campaigns: (_, __, { database }) => database.prisma.campaign.count(),
    },
    Mutation: {
      writeTwice: (_, { seconds, value }: Args, context) =>
        inTransaction({ context, dryRun: false }, async (transaction) => {
          for (const part of [1, 2]) {
            await transaction.$executeRaw`INSERT INTO written VALUES (${value}, ${part}::int)`;
            await transaction.$queryRaw`SELECT pg_sleep(${seconds})::text`;
          }
          return value;
        }),
    },
  },
});

interface Args {
  seconds: number;
  value: string;
}

let database: TestDatabase;
let gateway: TestGateway;
let headers: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.query('CREATE TABLE written (value text, part int, UNIQUE (value, part))');
  await database.query('GRANT INSERT ON written TO authenticated');
  gateway = await startGateway(database.gatewayUrl, { schema, maxConnections: 4 });
  const claims = { sub: '4f6b0f4e-93a8-4c3b-9a52-0f1d7c1b2a3d' };
  headers = {
    authorization: `Bearer ${await token({ ...claims, exp: Math.floor(Date.now() / 1000) + 600 })}`,
  };
});
afterAll(async () => {
  await gateway?.close();
  await database?.close();
});

it(`no other request fails or is cancelled while clients disconnect at ${ROUNDS} random moments`, async () => {
  const random = new Random('departures');
  const left: string[] = [];
  const departures = Object.entries(DEPARTURES);
  let isOver = false;

  const round = async (n: number) => {
    const [name, begin] = random.pick(departures);
    const seconds = random.below(120) / 1_000;
    const isWrite = random.chance(1 / 3) && !name.startsWith('GET');
    const query = isWrite
      ? `mutation { a: writeTwice(seconds: ${seconds / 3}, value: "left ${n} a") b: writeTwice(seconds: 0, value: "left ${n} b") }`
      : `{ a: read(seconds: ${seconds}, value: "a") b: read(seconds: ${seconds}, value: "b") campaigns }`;
    if (isWrite) left.push(`left ${n}`);
    const leave = await begin(gateway.url, headers, query);
    await delay(random.below(60));
    leave();
  };
  const wrong: Answer[] = [];
  const answered = { reads: 0, writes: [] as string[] };
  const others = async (person: number) => {
    for (let n = 0; !isOver; n += 1) {
      const value = `other ${person} ${n}`;
      const read = await gateway.ask(
        `{ read(seconds: 0.01, value: "${value}") campaigns }`,
        headers,
      );
      answered.reads += 1;
      if (read.errors || read.data?.read !== value) wrong.push(read);
      const write = await gateway.ask(
        `mutation { writeTwice(seconds: 0.002, value: "${value}") }`,
        headers,
      );
      answered.writes.push(value);
      if (write.errors || write.data?.writeTwice !== value) wrong.push(write);
    }
  };

  const running = Array.from({ length: OTHERS }, (_, person) => others(person));
  for (let n = 0; n < ROUNDS; n += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => round(n + i)));
  }
  isOver = true;
  await Promise.all(running);
  expect(wrong.map(({ text }) => text)).toEqual([]);
  expect(answered.reads).toBeGreaterThan(OTHERS);

  // All requests end soon, and no errors are logged.
  await eventually(() =>
    database.query(
      `SELECT query FROM pg_stat_activity
       WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`,
    ),
  ).toEqual([]);
  expect(gateway.log).toEqual([]);
  const rows = await database.query<{ value: string; parts: number }>(
    'SELECT value, count(*)::int AS parts FROM written GROUP BY value',
  );
  expect(rows.filter(({ parts }) => parts !== 2)).toEqual([]);
  const written = new Set(rows.map(({ value }) => value));
  expect(answered.writes.filter((value) => !written.has(value))).toEqual([]);
  expect(left.filter((n) => written.has(`${n} b`) && !written.has(`${n} a`))).toEqual([]);
}, 120_000);
