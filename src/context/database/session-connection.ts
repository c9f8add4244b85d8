import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Stop } from '../stop.ts';
import { requestCancel } from './cancel.ts';
import { cutPagesEarly } from './early-pages.ts';
import { keepNumbersExact } from './exact-numbers.ts';
import { nameOpenColumns } from './guarded-columns.ts';
import type { PreparedStatements } from './prepared-statements.ts';
import {
  type BatchResult,
  type Statement,
  StatementBatch,
  type StatementResult,
} from './statement-batch.ts';
import type { TimeBudget } from './time-budget.ts';

/** Most statements are answered sooner than a request to cancel them arrives, which costs Postgres a process. */
const CANCEL_AFTER_MS = 20;
/** A request that arrives between two messages of a batch has no effect. */
const CANCEL_AGAIN_MS = 1_000;

export interface SessionConnectionOptions {
  client: pg.PoolClient;
  prepared: PreparedStatements;
  budget: TimeBudget;
  /** Called before statements are sent. */
  onSend(statements: readonly Statement[]): void;
  /** Called when the connection is back in the pool. */
  onReleased(): void;
}

/** A connection while one request has it. Its statements run one after the other. */
export class SessionConnection {
  readonly #options: SessionConnectionOptions;
  #isUsable = true;
  /** Called when the abandoned statement has ended, with its error. */
  #onOver: ((error: unknown) => void) | undefined;
  /** Resolves when that statement and its cancellation have ended. */
  #settled: Promise<void> | undefined;

  constructor(options: SessionConnectionOptions) {
    this.#options = options;
  }

  /**
   * Sends statements in one batch and returns the result of the last. When `stop` comes first it
   * rejects with its reason at once, and the statement is cancelled.
   */
  send(leading: readonly Statement[], statement: Statement, stop?: Stop): Promise<BatchResult> {
    if (this.#settled) return this.#settled.then(() => this.#send(leading, statement, stop));
    return this.#send(leading, statement, stop);
  }

  /**
   * Sends the COMMIT or ROLLBACK of a transaction. COMMIT is never cancelled, because its outcome
   * would be unknown.
   */
  async end(
    leading: readonly Statement[],
    statement: Statement,
    stop: Stop,
  ): Promise<StatementResult> {
    if (statement.text === 'COMMIT') {
      stop.throwIfStopped();
    } else {
      await this.#settled;
      if (!this.#isUsable) return ROLLED_BACK;
    }
    return this.send(leading, statement);
  }

  /** Gives the connection back to the pool as soon as nothing is under way; closed unless usable. */
  release(isUsable = true): void {
    const release = () => {
      this.#options.client.release(!(isUsable && this.#isUsable));
      this.#options.onReleased();
    };
    if (this.#settled) void this.#settled.then(release);
    else release();
  }

  #send(
    leading: readonly Statement[],
    statement: Statement,
    stop: Stop | undefined,
  ): Promise<BatchResult> {
    if (stop?.reason) return Promise.reject(stop.reason);
    const { client, prepared, budget, onSend } = this.#options;
    const exact = statement.isFinal
      ? statement
      : {
          ...statement,
          text: nameOpenColumns(cutPagesEarly(keepNumbersExact(statement.text))),
        };
    let unlisten = () => {};
    const batch = new StatementBatch(prepared, leading, exact, (error) => {
      unlisten();
      budget.end();
      if (error && !isUsableAfter(error)) this.#isUsable = false;
      this.#onOver?.(error);
    });
    onSend([...leading, statement]);
    budget.start();
    client.query(batch);
    if (stop) {
      unlisten = stop.listen((reason) => {
        this.#settled = this.#settle();
        batch.abandon(reason);
      });
    }
    return batch.result;
  }

  async #settle(): Promise<void> {
    let isOver = false;
    const over = new Promise<unknown>((resolve) => {
      this.#onOver = (error) => {
        isOver = true;
        resolve(error);
      };
    });
    const wait = async (ms: number) => {
      const waiting = new AbortController();
      await Promise.race([over, sleep(ms, undefined, { signal: waiting.signal }).catch(() => {})]);
      waiting.abort();
      return isOver;
    };
    if (await wait(CANCEL_AFTER_MS)) return;
    let requests = 0;
    let areDelivered = true;
    do {
      requests += 1;
      areDelivered = (await requestCancel(this.#options.client)) && areDelivered;
    } while (!(await wait(CANCEL_AGAIN_MS)));
    // A request that came too late might hit the next statement where a pooler passes it on.
    const isHit = ((await over) as { code?: string } | undefined)?.code === QUERY_CANCELED;
    if (!isHit || !areDelivered || requests > 1) this.#isUsable = false;
  }
}

const QUERY_CANCELED = '57014';

/** A connection that is closed takes its transaction with it. */
const ROLLED_BACK: StatementResult = { command: 'ROLLBACK', rowCount: null, fields: [], rows: [] };

/**
 * Whether the connection survives this error. The server closes it after anything worse than ERROR.
 */
function isUsableAfter(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}
