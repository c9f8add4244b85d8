import { Client } from 'pg';
import { Demo } from './demo.ts';
import { loadTables } from './load/index.ts';
import { demoPeople } from './people.ts';
import { DemoDataError, refuseUnfitDatabase } from './safety.ts';
import { storyTables } from './tables.ts';
import { RowWriter } from './writer.ts';

export { DemoDataError } from './safety.ts';

const MAX_SCALE = 1000;

export interface SeedOptions {
  /** The same number gives the same rows. Default 1. */
  seed?: number;
  /** How many rows are added to the story: none at 1, the default; at most 1000. */
  scale?: number;
  /** The time that all dates are relative to. Default: now. */
  now?: Date;
  onProgress?: (done: number, total: number, table: string) => void;
}

/**
 * Fills a migrated database with the demo, all or nothing, and returns the rows written per table;
 * an empty object, having written nothing, if the demo is there already. The url's role must be
 * the owner of the tables. Throws DemoDataError for a database that holds anything else.
 */
export async function seed(
  url: string,
  options: SeedOptions = {},
): Promise<Record<string, number>> {
  const { seed = 1, scale = 1, now = new Date(), onProgress } = options;
  if (!Number.isInteger(scale) || scale < 1 || scale > MAX_SCALE)
    throw new DemoDataError('INVALID_SCALE');
  const demo = new Demo(seed, now);
  const client = new Client({ connectionString: url });
  // A lost connection fails the statement too, and the caller gets that error.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query("BEGIN; SET LOCAL timezone = 'UTC'");
    if (await refuseUnfitDatabase(client)) return {};
    const tables = storyTables(demo);
    const load = loadTables(demo, scale);
    const total =
      tables.reduce((sum, [, rows]) => sum + rows.length, 0) +
      load.reduce((sum, { count }) => sum + count, 0);
    let done = 0;
    const writer = new RowWriter(client, (count, table) => {
      done += count;
      onProgress?.(done, total, table);
    });
    await switchTouching(client, 'DISABLE');
    for (const [table, rows] of tables) {
      await writer.write(table, rows);
      if (table === 'auth.users') await forgetAutomaticRows(client);
    }
    for (const { table, rows } of load) {
      await writer.write(table, rows);
      await writer.analyze(table);
    }
    await switchTouching(client, 'ENABLE');
    await client.query('COMMIT');
    // Statistics now, not at the next autovacuum: the first queries need them.
    await client.query(scale === 1 ? 'ANALYZE' : 'VACUUM (ANALYZE)');
    return writer.counts;
  } finally {
    await client.end();
  }
}

/** A new person gets a profile and a subscription with random ids: the demo brings its own. */
async function forgetAutomaticRows(client: Client): Promise<void> {
  const people = [demoPeople.map(({ id }) => id)];
  await client.query('DELETE FROM subscriptions WHERE user_id = ANY ($1)', people);
  await client.query('DELETE FROM user_profiles WHERE id = ANY ($1)', people);
}

/** Every quest written would make its campaign look changed just now. */
async function switchTouching(client: Client, state: 'ENABLE' | 'DISABLE'): Promise<void> {
  for (const table of ['campaign_quests', 'campaign_cohorts']) {
    await client.query(`ALTER TABLE ${table} ${state} TRIGGER touch_campaign`);
  }
}
