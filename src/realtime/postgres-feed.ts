import { setTimeout as delay } from 'node:timers/promises';
import type { PoolMode } from '../env.ts';
import { openCursor, sealCursor } from './change-cursor.ts';
import type { Batch, Feed } from './feed.ts';
import { Listeners } from './listeners.ts';
import { CHANNEL, openLog, readSpan, readWorkspaceRoles, trimPage } from './log.ts';
import { LogPool } from './log-connection.ts';
import { LogReader, type LogReaderEvents, type Relay } from './log-reader.ts';
import { PositionWaiters, stopping } from './position-waiters.ts';
import { replay } from './replay.ts';
import { Turns } from './turns.ts';

const REPLAY_CONNECTIONS = 2;
/** For what must not wait for replays, of which there are many when clients come back at once. */
const OTHER_CONNECTIONS = 1;
/** How long replays may continue when closing. */
const STOP_MS = 1_000;

export interface PostgresFeedOptions {
  /** Of the gateway's own login. */
  connectionString: string;
  /** How a pooler in front of it gives connections away. Default `session`, as without a pooler. */
  poolMode?: PoolMode | undefined;
  /** The same database without such a pooler: for the one connection that follows the log. */
  directUrl?: string | undefined;
  /** Most changes read at a time. Default 1,000. */
  pageSize?: number;
  /** How often to look although no writer notified, in milliseconds. Default 250. */
  pollMs?: number;
  /** The same where notifications do not arrive, as behind a transaction pooler. Default 20. */
  unheardPollMs?: number;
  /** Another source of changes, besides Postgres. */
  relay?: Relay;
  /** Called for changes read: how many, and how long after the last of them was made. */
  onRead?(read: { changes: number; lagMs: number }): void;
  /** Called when the connection is lost, or a listener throws; the feed continues by itself. */
  onError?(error: unknown): void;
  /** Called when notifications turn out not to arrive. */
  onUnheard?(): void;
}

/** The change log of a Postgres, read by this process. */
export interface PostgresFeed extends Feed {
  /** Deletes changes older than this, in milliseconds; returns how many there were. */
  trim(keepMs: number): Promise<number>;
}

/** The connection that follows the log leads to another log than the others. */
export class OtherLogError extends Error {
  override readonly name = 'OtherLogError';

  constructor() {
    super('directUrl leads to another change log than connectionString');
  }
}

/**
 * Opens the change log and follows it from its end. Rejects when there is none to be read, and with
 * OtherLogError.
 */
export async function createPostgresFeed(options: PostgresFeedOptions): Promise<PostgresFeed> {
  const { onRead, onError, onUnheard } = options;
  const listeners = new Listeners<[Batch]>(onError);
  const resetListeners = new Listeners<[]>(onError);
  const waiters = new PositionWaiters();
  const pool = new LogPool(options.connectionString, REPLAY_CONNECTIONS + OTHER_CONNECTIONS);
  const replays = new Turns(REPLAY_CONNECTIONS);
  let closing: Promise<void> | undefined;

  const logReader = await startLogReader(options, pool, {
    batch(batch) {
      listeners.call(batch);
      const made = batch.changes.at(-1)?.occurredAt.getTime() ?? 0;
      onRead?.({ changes: batch.changes.length, lagMs: Math.max(0, Date.now() - made) });
      waiters.reached(logReader.position);
    },
    read(number) {
      waiters.reached(logReader.position);
      // A cursor's transactions had been committed when it was handed out.
      waiters.refuse(number);
    },
    reset() {
      waiters.refuse();
      resetListeners.call();
    },
    lost: (error) => onError?.(error),
    unheard: () => onUnheard?.(),
  });
  await refuseOtherLog(options, logReader, pool);

  return {
    position: () => logReader.position,
    listen: (listener) => listeners.add(listener),
    reach: (position) =>
      closing ? Promise.reject(stopping()) : waiters.reach(position, logReader),
    replay: (after, until, filter) =>
      replay(
        (span, size) => replays.take(() => readSpan(pool, span, size, filter)),
        logReader.log,
        after,
        until,
      ),
    key: () => logReader.log.key,
    seal: (position, workspaceId) => sealCursor(logReader.log, position, workspaceId),
    open: (cursor, workspaceId, argument) =>
      openCursor(logReader.log, cursor, workspaceId, argument),
    workspaceRoles: (workspaceIds) => readWorkspaceRoles(pool, workspaceIds),
    onReset: (listener) => void resetListeners.add(listener),
    trim: (keepMs) => trimAll(pool, keepMs, () => closing !== undefined),
    close() {
      closing ??= (async () => {
        waiters.stop();
        listeners.clear();
        const ended = Promise.race([pool.end(), delay(STOP_MS, undefined, { ref: false })]);
        await Promise.all([logReader.close(), ended]);
      })();
      return closing;
    },
  };
}

/** Starts the log reader, whose writers are notified over the pool. Ends the pool if that fails. */
async function startLogReader(
  options: PostgresFeedOptions,
  pool: LogPool,
  events: Omit<LogReaderEvents, 'notify'>,
): Promise<LogReader> {
  const { connectionString, pageSize = 1_000, pollMs = 250, unheardPollMs = 20 } = options;
  const { poolMode = 'session', directUrl, relay } = options;
  try {
    return await LogReader.start(
      {
        connectionString: directUrl ?? connectionString,
        isSession: directUrl !== undefined || poolMode === 'session',
        pageSize,
        pollMs,
        unheardPollMs,
        relay,
      },
      {
        ...events,
        async notify() {
          await pool.query(`NOTIFY ${CHANNEL}`);
        },
      },
    );
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** Ends both, and rejects with OtherLogError, when they lead to different logs. */
async function refuseOtherLog(
  { directUrl }: PostgresFeedOptions,
  logReader: LogReader,
  pool: LogPool,
): Promise<void> {
  try {
    const { identity } = directUrl === undefined ? logReader.log : await openLog(pool);
    if (identity !== logReader.log.identity) throw new OtherLogError();
  } catch (error) {
    await Promise.all([logReader.close(), pool.end()]);
    throw error;
  }
}

/** Deletes old changes page by page, until none is left or the feed is closed. */
async function trimAll(pool: LogPool, keepMs: number, isClosed: () => boolean): Promise<number> {
  for (let trimmed = 0; ; ) {
    const page = isClosed() ? 0 : await trimPage(pool, keepMs);
    if (page === 0) return trimmed;
    trimmed += page;
  }
}
