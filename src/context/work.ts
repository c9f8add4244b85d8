import { GatewayError } from './errors.ts';
import { Stop } from './stop.ts';

/**
 * The error of a statement that is refused or cancelled because its request has stopped. It has no
 * `code`, because Prisma replaces errors that have one.
 */
export class WorkStoppedError extends Error {
  override readonly name = 'WorkStoppedError';
  /** The error for the client. */
  readonly reason: GatewayError;

  constructor(reason: GatewayError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** One for all: many clients may leave at once, and traces of stacks are dear. */
const GONE = new WorkStoppedError(
  new GatewayError('CANCELLED', 'The client has gone.', { status: 499 }),
);

/** The work of one request in the database, from its beginning until it is answered or stops. */
export class Work {
  /**
   * How many requests it counts for. Changes that are executed together have the time of as many
   * requests.
   */
  readonly requests: number;
  /** Ends reads. */
  readonly reading = new Stop();
  /** Ends writes too. */
  readonly writing = new Stop();
  #writes = 0;

  constructor(requests = 1) {
    this.requests = requests;
  }

  /** Ends statements outside of transactions. During a write they are part of the write. */
  get outside(): Stop {
    return this.#writes > 0 ? this.writing : this.reading;
  }

  /** Nobody waits for the answer any more. Reads stop, and a write that has begun is finished. */
  leave(): void {
    this.reading.stop(GONE);
  }

  /** A limit is reached: reads stop, and a write is rolled back. */
  stop(reason: GatewayError): void {
    const error = new WorkStoppedError(reason);
    this.reading.stop(error);
    this.writing.stop(error);
  }

  /** Runs a write to its end, even if the client leaves meanwhile. Rejects if it left before. */
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
