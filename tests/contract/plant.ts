import pg from 'pg';
import type { Query } from '../support/database.ts';
import type { Row } from '../support/rows.ts';

/** A connection whose writes neither triggers nor references hold up. */
export interface Planter {
  plant: Query;
  close(): Promise<void>;
}

/** Connects a superuser that can write what the database would refuse of everybody else. */
export async function openPlanter(url: string): Promise<Planter> {
  const client = new pg.Client({
    connectionString: url,
    options: '-c session_replication_role=replica -c timezone=UTC',
  });
  await client.connect();
  return {
    plant: async <T extends object>(sql: string, values?: unknown[]) =>
      (await client.query<T & Row>(sql, values)).rows,
    close: () => client.end(),
  };
}
