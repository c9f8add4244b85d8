import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../context/errors.ts';
import type { PoolMode } from '../env.ts';
import { openCursor, READ_AGAIN, sealCursor } from './change-cursor.ts';
import type { Feed, FeedListener } from './feed.ts';
import { CHANNEL, openLog, readSpan, readWorkspaceRoles, trimPage } from './log.ts';
import { LogPool } from './log-connection.ts';
import { LogReader, type Relay } from './log-reader.ts';
import { covers, type Position } from './position.ts';
import { replay } from './replay.ts';
import { Turns } from './turns.ts';

const REPLAY_CONNECTIONS = 2;
/** For what must not wait for replays, of which there are many when clients come back at once. */
const OTHER_CONNECTIONS = 1;
/** How long reads may fail before waiting callers get an error. */
const REACH_MS = 5_000;
/** How long replays may go on when closing. */
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
  /** Tells of changes besides what is read from Postgres. */
  relay?: Relay;
  /** Called for changes read: how many, and how long after the last of them was made. */
  onRead?(read: { changes: number; lagMs: number }): void;
  /** Called when the connection is lost, or a listener throws; the feed goes on by itself. */
  onError?(error: unknown): void;
  /** Called when notifications turn out not to arrive. */
  onUnheard?(): void;
}

/** The change log of a Postgres, read by this process. */
export interface PostgresFeed extends Feed {
  /** Deletes changes older than this, in milliseconds; returns how many there were. */
  trim(keepMs: number): Promise<number>;
}

interface Waiter {
  position: Position;
  /** How many reads had begun before. */
  reads: number;
  /** Ends its patience. */
  timer: NodeJS.Timeout;
  settle(error?: GatewayError): void;
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
  const { connectionString, pageSize = 1_000, pollMs = 250, unheardPollMs = 20 } = options;
  const { poolMode = 'session', directUrl, relay, onRead, onError, onUnheard } = options;
  const listeners = new Set<FeedListener>();
  const resetListeners = new Set<() => void>();
  const waiters = new Set<Waiter>();
  const pool = new LogPool(connectionString, REPLAY_CONNECTIONS + OTHER_CONNECTIONS);
  const replays = new Turns(REPLAY_CONNECTIONS);
  let closing: Promise<void> | undefined;

  const attempt = (call: () => void) => {
    try {
      call();
    } catch (error) {
      onError?.(error);
    }
  };

  const settleReached = () => {
    for (const { position, timer, settle } of waiters) {
      if (covers(logReader.position, position)) settle();
      else timer.refresh();
    }
  };

  const logReader = await LogReader.start(
    {
      connectionString: directUrl ?? connectionString,
      isSession: directUrl !== undefined || poolMode === 'session',
      pageSize,
      pollMs,
      unheardPollMs,
      relay,
    },
    {
      batch(batch) {
        for (const listener of listeners) attempt(() => listener(batch));
        const made = batch.changes.at(-1)?.occurredAt.getTime() ?? 0;
        onRead?.({ changes: batch.changes.length, lagMs: Math.max(0, Date.now() - made) });
        settleReached();
      },
      read(number) {
        settleReached();
        // A cursor's transactions had been committed when it was handed out.
        for (const { reads, settle } of waiters) if (reads < number) settle(rewound());
      },
      reset() {
        for (const { settle } of waiters) settle(rewound());
        for (const listener of resetListeners) attempt(listener);
      },
      lost: (error) => onError?.(error),
      unheard: () => onUnheard?.(),
      async notify() {
        await pool.query(`NOTIFY ${CHANNEL}`);
      },
    },
  ).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  try {
    const { identity } = directUrl === undefined ? logReader.log : await openLog(pool);
    if (identity !== logReader.log.identity) throw new OtherLogError();
  } catch (error) {
    await Promise.all([logReader.close(), pool.end()]);
    throw error;
  }

  return {
    position: () => logReader.position,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    reach(position) {
      if (closing) return Promise.reject(stopping());
      if ((position.log ?? logReader.log.identity) !== logReader.log.identity)
        return Promise.reject(rewound());
      if (covers(logReader.position, position)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          position,
          reads: logReader.reads,
          timer: setTimeout(() => waiter.settle(unreachable()), REACH_MS),
          settle(error) {
            waiters.delete(waiter);
            clearTimeout(waiter.timer);
            if (error) reject(error);
            else resolve();
          },
        };
        waiters.add(waiter);
        logReader.sleeper.wake();
      });
    },
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
    onReset(listener) {
      resetListeners.add(listener);
    },
    async trim(keepMs) {
      for (let trimmed = 0; ; ) {
        const page = closing ? 0 : await trimPage(pool, keepMs);
        if (page === 0) return trimmed;
        trimmed += page;
      }
    },
    close() {
      closing ??= (async () => {
        for (const { settle } of waiters) settle(stopping());
        listeners.clear();
        const ended = Promise.race([pool.end(), delay(STOP_MS, undefined, { ref: false })]);
        await Promise.all([logReader.close(), ended]);
      })();
      return closing;
    },
  };
}

function rewound(): GatewayError {
  return new GatewayError(
    'CURSOR_EXPIRED',
    `The database was restored or replaced since the cursor was handed out. ${READ_AGAIN}`,
  );
}

function unreachable(): GatewayError {
  return new GatewayError(
    'SERVICE_UNAVAILABLE',
    'Changes cannot be read right now. Try again with the same cursor.',
  );
}

function stopping(): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE', 'The gateway is stopping.');
}
