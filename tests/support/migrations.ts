import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const FOLDER = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

/** Returns the project's migrations, oldest first. */
export async function readMigrations(): Promise<{ name: string; sql: string }[]> {
  const entries = await readdir(FOLDER, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      sql: await readFile(join(FOLDER, name, 'migration.sql'), 'utf8'),
    })),
  );
}

/** Runs migrations by hand, as `psql -f` would: without a history. Rejects with Postgres' error. */
export async function runByHand(
  url: string,
  migrations: readonly { name: string; sql: string }[],
): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const { sql } of migrations) await client.query(sql);
  } finally {
    await client.end();
  }
}
