import { seed } from '../../prisma/seed/index.ts';
import { models } from '../../src/models/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export const now = new Date('2026-11-23T09:30:00.000Z');
export const tableCount = models.size;

/** Loads the demo as of `now` into a new database; `counts` are the numbers of rows by table. */
export async function createSeededDatabase(): Promise<{
  database: TestDatabase;
  counts: Record<string, number>;
}> {
  const database = await createTestDatabase();
  return { database, counts: await seed(database.url, { now }) };
}

/** Returns the names of all tables, in order. */
export async function tables({ query }: TestDatabase): Promise<string[]> {
  const rows = await query<{ table: string }>(
    `SELECT relname AS table FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
       AND relname <> '_prisma_migrations' ORDER BY 1`,
  );
  return rows.map(({ table }) => table);
}
