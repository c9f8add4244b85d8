import { EventEmitter } from 'node:events';
import { SqlStateError } from './database-errors.ts';
import type { Statement, StatementResult } from './statement-batch.ts';
import type { PoolTransaction } from './transaction.ts';

/** The connection of a session's transaction. */
export interface SessionTransactionOptions {
  /**
   * Takes a connection for a transaction that begins with its first statement. `leading` returns what
   * has to be sent in front of a statement, in the same round trip.
   */
  begin(leading: () => readonly Statement[]): Promise<PoolTransaction>;
  /** Default limit of a statement, in milliseconds. */
  statementTimeoutMs: number;
}

const DONE: StatementResult = { command: '', rowCount: null, fields: [], rows: [] };

/** Sets how long the statements of the transaction may run from here on. */
export const STATEMENT_TIMEOUT = "select set_config('statement_timeout', $1, true)";

/**
 * The transaction that all statements of a session belong to. The first statement begins it, and so
 * does the first one after a commit or a rollback. Statements run one after the other. Once one has
 * failed, later ones fail with its error and are not sent.
 */
export class SessionTransaction {
  readonly #options: SessionTransactionOptions;
  #transaction: PoolTransaction | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #failure: { error: unknown } | null = null;
  #deadline: number | null = null;
  #isShortened = false;
  /** Whether the statement being sent is the only one that a failed transaction takes. */
  #isRecovering = false;
  #isOver = false;

  constructor(options: SessionTransactionOptions) {
    this.#options = options;
  }

  /** The error of the first statement that failed, while nothing has been rolled back since. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** Rejects with the server's error, and with a timeout for what is sent past the limit. */
  query(statement: Statement): Promise<StatementResult> {
    return this.#inTurn(async () => {
      const isRecovery = statement.text.startsWith('ROLLBACK TO SAVEPOINT');
      if (this.#failure && !isRecovery) throw this.#failure.error;
      try {
        if (this.#remainingMs() <= 0) {
          throw new SqlStateError('57014', 'ERROR', 'The transaction has used up its time');
        }
        this.#isRecovering = isRecovery;
        this.#transaction ??= await this.#options.begin(() => this.#leading());
        const result = await this.#transaction.query(statement);
        if (isRecovery) this.#failure = null;
        return result;
      } catch (error) {
        this.#failure ??= { error };
        throw error;
      }
    });
  }

  /** Limits the total time of the statements from here on, in milliseconds, until it ends. */
  limit(timeoutMs: number): void {
    this.#deadline = performance.now() + timeoutMs;
  }

  /**
   * Commits everything since the last commit or rollback. Sends nothing if there is nothing to
   * commit.
   */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure) throw this.#failure.error;
      try {
        await this.#transaction?.query({ text: 'COMMIT' });
      } catch (error) {
        this.#failure = { error };
        throw error;
      }
      this.#forget()?.release();
    });
  }

  /** Undoes everything since then. Never rejects: if the connection is lost, it is undone, too. */
  rollback(): Promise<void> {
    return this.#inTurn(async () => {
      const transaction = this.#forget();
      await transaction?.query({ text: 'ROLLBACK' }).then(
        () => transaction.release(),
        (error: unknown) => transaction.release(error),
      );
    });
  }

  /** Makes a commit impossible. */
  fail(): void {
    this.#failure ??= {
      error: new SqlStateError('25P02', 'ERROR', 'A part of the transaction was rolled back'),
    };
  }

  /** Rolls back the rest once its statements have ended, and refuses further ones. */
  end(): void {
    void this.rollback();
    void this.#inTurn(async () => {
      this.#isOver = true;
    });
  }

  #forget(): PoolTransaction | null {
    const transaction = this.#transaction;
    this.#transaction = null;
    this.#failure = null;
    this.#deadline = null;
    this.#isShortened = false;
    return transaction;
  }

  #remainingMs(): number {
    return this.#deadline === null ? Infinity : this.#deadline - performance.now();
  }

  #leading(): Statement[] {
    if (this.#isRecovering) return [];
    const usual = this.#options.statementTimeoutMs;
    const timeout = Math.max(1, Math.min(usual, Math.ceil(this.#remainingMs())));
    if (timeout === usual && !this.#isShortened) return [];
    this.#isShortened = timeout < usual;
    return [{ text: STATEMENT_TIMEOUT, values: [String(timeout)] }];
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#isOver) throw new SqlStateError('25P01', 'ERROR', 'The transaction has ended');
      return run();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}

/**
 * A transaction within that of its session, as Prisma's adapter drives it. It begins and commits
 * nothing itself. Rolling it back also rolls the outer one back.
 */
export class JoinedTransaction extends EventEmitter {
  readonly #outer: SessionTransaction;

  constructor(outer: SessionTransaction) {
    super();
    this.#outer = outer;
  }

  async query(statement: Statement): Promise<StatementResult> {
    if (statement.text === 'ROLLBACK') this.#outer.fail();
    return /^(BEGIN|COMMIT|ROLLBACK|SET TRANSACTION .+)$/.test(statement.text)
      ? DONE
      : this.#outer.query(statement);
  }

  release(): void {}
}
