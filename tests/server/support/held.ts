import type { TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

/** Statements that wait until a test releases them. */
export interface Held {
  /** A statement that waits. Its result is an empty string. */
  sql: string;
  /** Resolves when `count` statements wait (default: one). */
  waiting(count?: number): Promise<void>;
  /** Lets all of them continue. */
  release(): Promise<void>;
}

/** Holds statements in the database, at most until the end of `run`. */
export async function holding(
  database: TestDatabase,
  run: (held: Held) => Promise<void>,
): Promise<void> {
  const key = 1;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let onLocked = () => {};
  const isHeld = new Promise<void>((resolve) => {
    onLocked = resolve;
  });
  const holder = database.rehearse({ role: 'service_role' }, async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [key]);
    onLocked();
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
