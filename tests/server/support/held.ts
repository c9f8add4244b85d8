import type { TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

/** Statements that wait until a test lets them go on. */
export interface Held {
  /** One that waits; its result is an empty text. */
  sql: string;
  /** Resolves once so many of them wait: one, unless told otherwise. */
  waiting(count?: number): Promise<void>;
  /** Lets all of them go on. */
  release(): Promise<void>;
}

/** Holds statements that are run in the database, until the end of `run` at the latest. */
export async function holding(
  database: TestDatabase,
  run: (held: Held) => Promise<void>,
): Promise<void> {
  const key = 1;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = () => {};
  const isHeld = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const holder = database.rehearse({ role: 'service_role' }, async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [key]);
    begun();
    await released;
  });
  const count = async () => {
    const rows = await database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
    );
    return rows.length;
  };
  await isHeld;
  try {
    await run({
      sql: `SELECT pg_advisory_xact_lock_shared(${key})::text AS value`,
      waiting: (expected = 1) => eventually(count).toBe(expected),
      release: () => {
        release();
        return holder;
      },
    });
  } finally {
    release();
    await holder;
  }
}
