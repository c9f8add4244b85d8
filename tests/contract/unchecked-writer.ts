import pg from 'pg';
import type { Query } from '../support/database.ts';
import type { Row } from '../support/rows.ts';

/** A connection whose writes bypass triggers and foreign keys. */
export interface UncheckedWriter {
  write: Query;
  close(): Promise<void>;
}

/** Connects as a superuser that can write rows which the database refuses from anyone else. */
export async function openUncheckedWriter(url: string): Promise<UncheckedWriter> {
  const client = new pg.Client({
    connectionString: url,
    options: '-c session_replication_role=replica -c timezone=UTC',
  });
  await client.connect();
  return {
    write: async <T extends object>(sql: string, values?: unknown[]) =>
      (await client.query<T & Row>(sql, values)).rows,
    close: () => client.end(),
  };
}
