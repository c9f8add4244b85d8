import { GatewayError } from '../context/errors.ts';
import { READ_AGAIN } from './change-cursor.ts';
import type { LogReader } from './log-reader.ts';
import { covers, type Position } from './position.ts';

/** How long reads may fail before waiting callers get an error. */
const REACH_MS = 5_000;

interface Waiter {
  position: Position;
  /** How many reads had begun before. */
  reads: number;
  /** Ends its wait. */
  timer: NodeJS.Timeout;
  settle(error?: GatewayError): void;
}

/** Callers that wait for the log to be read up to a position; see Feed. */
export class PositionWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves once the log reader is there, which it is woken for. */
  reach(position: Position, logReader: LogReader): Promise<void> {
    const { identity } = logReader.log;
    if ((position.log ?? identity) !== identity) return Promise.reject(replaced());
    if (covers(logReader.position, position)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        position,
        reads: logReader.reads,
        timer: setTimeout(() => waiter.settle(unreachable()), REACH_MS),
        settle: (error) => {
          this.#waiters.delete(waiter);
          clearTimeout(waiter.timer);
          if (error) reject(error);
          else resolve();
        },
      };
      this.#waiters.add(waiter);
      logReader.sleeper.wake();
    });
  }

  /** Settles those whose position is covered by this one. The others wait for the full time again. */
  reached(end: Position): void {
    for (const { position, timer, settle } of this.#waiters) {
      if (covers(end, position)) settle();
      else timer.refresh();
    }
  }

  /** Refuses those that have waited since before the read of this number; left out, all. */
  refuse(number = Number.POSITIVE_INFINITY): void {
    for (const { reads, settle } of this.#waiters) if (reads < number) settle(replaced());
  }

  /** Refuses all, since nothing is read any more. */
  stop(): void {
    for (const { settle } of this.#waiters) settle(stopping());
  }
}

/** Returns the error for who waits when the gateway stops. */
export function stopping(): GatewayError {
  return new GatewayError('SERVICE_UNAVAILABLE', 'The gateway is stopping.');
}

function replaced(): GatewayError {
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
