import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { modelOf } from './catalog.ts';

type Steps = ReadonlyMap<string, readonly string[]>;

/** Steps change with migrations only, like the labels in the schema. */
const stepsOf = new WeakMap<Database, Promise<Steps>>();

/** Returns the statuses that a row of a model may take after this one; none for a final one. */
export async function nextStatuses(
  { database }: Context,
  model: string,
  status: string,
): Promise<readonly string[]> {
  let steps = stepsOf.get(database);
  if (!steps) {
    steps = loadSteps(database);
    stepsOf.set(database, steps);
    steps.catch(() => stepsOf.delete(database));
  }
  return (await steps).get(keyOf(modelOf(model).table, status)) ?? [];
}

async function loadSteps(database: Database): Promise<Steps> {
  const rows = await database.query<{ table_name: string; from_status: string; next: string[] }>(
    `SELECT table_name, from_status, array_agg(to_status ORDER BY position) AS next
     FROM gateway.status_steps GROUP BY table_name, from_status`,
  );
  return new Map(rows.map((row) => [keyOf(row.table_name, row.from_status), row.next]));
}

function keyOf(table: string, status: string): string {
  return `${table}.${status}`;
}
