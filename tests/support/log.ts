import type { Feed } from '../../src/realtime/feed.ts';
import { type Position, parseSnapshot } from '../../src/realtime/position.ts';
import type { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';

/** Returns up to where the change log can be read now. */
export async function endOfLog({ query }: Pick<TestDatabase, 'query'>): Promise<Position> {
  const [row] = await query<{ snapshot: string }>(
    'select gateway.change_snapshot()::text as snapshot',
  );
  return { seen: parseSnapshot(row?.snapshot ?? '') };
}

/**
 * Resolves once no transaction runs that began before the newest one of the log, in any database of
 * the server: otherwise cursors expire as soon as the newest changes are deleted.
 */
export async function othersEnded(database: Pick<TestDatabase, 'query'>): Promise<void> {
  await eventually(async () => (await endOfLog(database)).seen.running.size).toBe(0);
}

/** Resolves once a feed has delivered everything that is committed now. */
export async function caughtUp(
  feed: Pick<Feed, 'reach'>,
  database: Pick<TestDatabase, 'query'>,
): Promise<void> {
  await feed.reach(await endOfLog(database));
}

/** Keeps readers from writing for a while, since their writes would save what a crash should lose. */
export async function letReadersBe(query: (sql: string) => Promise<unknown>): Promise<void> {
  await query(
    `select setval('gateway.readers_listen_until', (date_part('epoch', now()) * 1000)::bigint + 3600000)`,
  );
}
