import { GatewayError } from './errors.ts';
import { Stop } from './stop.ts';

/**
 * What a statement is refused or broken off with once its request has stopped. It has no `code`:
 * Prisma replaces errors that have one by its own.
 */
export class WorkStoppedError extends Error {
  override readonly name = 'WorkStoppedError';
  /** What the client is told. */
  readonly reason: GatewayError;

  constructor(reason: GatewayError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** What one request does in the database, from its beginning until it is answered or stops. */
export class Work {
  /** How many requests it counts for: changes that are executed together have the time of as many. */
  readonly requests: number;
  /** Ends reads. */
  readonly reading = new Stop();
  /** Ends writes too. */
  readonly writing = new Stop();
  #writes = 0;

  constructor(requests = 1) {
    this.requests = requests;
  }

  /** What ends statements outside of transactions: while a write goes on, they are part of it. */
  get outside(): Stop {
    return this.#writes > 0 ? this.writing : this.reading;
  }

  /** Nobody waits for an answer any more: reads stop, and a write that has begun is finished. */
  leave(): void {
    const gone = new GatewayError('CANCELLED', 'The client has gone.', { status: 499 });
    this.reading.stop(new WorkStoppedError(gone));
  }

  /** A limit is reached: reads stop, and a write is rolled back. */
  stop(reason: GatewayError): void {
    const error = new WorkStoppedError(reason);
    this.reading.stop(error);
    this.writing.stop(error);
  }

  /** Runs a write to its end, even if the client goes meanwhile. Rejects if it went before. */
  async finish<T>(write: () => Promise<T>): Promise<T> {
    this.outside.throwIfStopped();
    this.#writes += 1;
    try {
      return await write();
    } finally {
      this.#writes -= 1;
    }
  }
}
