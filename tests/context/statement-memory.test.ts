import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/context/database/client.ts';
import { keepNumbersExact } from '../../src/context/database/exact-numbers.ts';
import { runInSession } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { usedHeap } from '../support/garbage.ts';
import { createTenant, type Tenant } from './tenants.ts';

let testDatabase: TestDatabase;
let database: Database;
let tenant: Tenant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  tenant = await createTenant(testDatabase, 'a');
  database = createDatabase({ connectionString: testDatabase.gatewayUrl, maxConnections: 1 });
});
afterAll(async () => {
  await database?.close();
  await testDatabase?.close();
});

const query = <Row extends object>(text: string) =>
  runInSession(tenant.settings, () => database.query<Row>(text));
const textOf = (length: number, n: number) => `select ${n} as n -- ${'x'.repeat(length)}`;

/** The size of the prepared statements of the only connection. */
async function preparedStatements(): Promise<{
  count: number;
  characters: number;
  longest: number;
}> {
  const [row] = await query<{ count: number; characters: number; longest: number }>(
    `select count(*)::int as count, sum(length(statement))::int as characters,
       max(length(statement))::int as longest from pg_prepared_statements`,
  );
  return row ?? { count: 0, characters: 0, longest: 0 };
}

describe('the prepared statements of a connection', () => {
  it('are limited in characters', async () => {
    for (let n = 0; n < 30; n += 1) {
      expect(await query(textOf(20_000, n))).toEqual([{ n }]);
    }
    const { count, characters } = await preparedStatements();
    expect(characters).toBeLessThanOrEqual(256 * 1024);
    expect(count).toBeGreaterThan(10);
  });

  it('are limited in number', async () => {
    for (let n = 0; n < 120; n += 1) await query(textOf(10, n));
    expect((await preparedStatements()).count).toBeLessThanOrEqual(100);
  });

  it('do not include a statement longer than half of the limit, which runs unprepared', async () => {
    for (const n of [1, 2, 1]) expect(await query(textOf(140_000, n))).toEqual([{ n }]);
    expect((await preparedStatements()).longest).toBeLessThan(140_000);
    expect(await query(textOf(10, 7))).toEqual([{ n: 7 }]);
  });

  it('always include the statement that sets the session', async () => {
    for (let n = 0; n < 12; n += 1) await query(textOf(130_000, n));
    expect(await query('select auth.uid() as person')).toEqual([
      { person: tenant.settings.claims.sub },
    ]);
  });
});

it('rewrites of exact numbers in statements that are sent once do not fill the memory', async () => {
  const rewrite = (n: number) =>
    keepNumbersExact(`select JSONB_BUILD_OBJECT('${'x'.repeat(40_000)}${n}', "t1"."roi")`);
  rewrite(0);
  const before = await usedHeap();
  for (let n = 1; n <= 700; n += 1) rewrite(n);
  expect((await usedHeap()) - before).toBeLessThan(32 * 1024 * 1024);
});
