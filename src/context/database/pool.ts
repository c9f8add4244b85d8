import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { currentSession, type Session } from '../session.ts';
import { Stop } from '../stop.ts';
import type { Work } from '../work.ts';
import { Allowance } from './allowance.ts';
import { readBatches } from './cursor.ts';
import { toSqlStateError } from './database-errors.ts';
import { isOutdated, PreparedStatements } from './prepared-statements.ts';
import { SessionConnection } from './session-connection.ts';
import { isSetting, settingsOf } from './session-settings.ts';
import { JoinedTransaction, SessionTransaction } from './session-transaction.ts';
import { Slots } from './slots.ts';
import { createSnapshot } from './snapshot.ts';
import type { BatchResult, Statement, StatementResult } from './statement-batch.ts';
import { PoolTransaction } from './transaction.ts';

export interface SessionPoolOptions {
  connectionString: string;
  /** Most connections held at once. Default 10. */
  maxConnections?: number;
  /** How long a statement waits for a free or new connection, in milliseconds. Default 5,000. */
  acquireTimeoutMs?: number;
  /** How long one statement may run, and a transaction lie idle, in milliseconds. Default 10,000. */
  statementTimeoutMs?: number;
  /** How long all statements of a request may run in total, in milliseconds. Default 15,000. */
  timeBudgetMs?: number;
  /** Statements prepared by name on each connection; 0 for none. Default 100. */
  preparedStatements?: number;
  /** Called with the text of each statement sent, settings excepted, and its session. */
  onStatement?: (sql: string, session: Session) => void;
  /** Called for each exchange with the server. */
  onRoundTrip?: (session: Session) => void;
  /** Called when an idle connection is lost. */
  onConnectionError?: (error: Error) => void;
}

/** How much longer than the server's own timeout to wait before the connection is given up. */
const ANSWER_GRACE_MS = 5_000;

/** How long transactions have to end before all connections are closed. */
const END_MS = 10_000;

/**
 * A pool that runs every statement under the settings of the running session, in one round trip and
 * without leaving anything on the connection. Refuses statements outside a session. A request has
 * at most half of the connections at a time. Its statements end with its work.
 */
export class SessionPool extends pg.Pool {
  readonly #options: SessionPoolOptions;
  readonly #statementTimeoutMs: number;
  readonly #allowances = new WeakMap<Work, Allowance>();
  /** Sessions whose statements all run on one connection. */
  readonly #bound = new WeakMap<Session, PoolTransaction | SessionTransaction>();
  readonly #prepared = new WeakMap<pg.PoolClient, PreparedStatements>();
  /**
   * One connection is left for reads next to transactions. Else all transactions could wait for one.
   */
  readonly #transactions: Slots;
  readonly #mostTransactions: number;

  constructor(options: SessionPoolOptions) {
    const { connectionString, statementTimeoutMs = 10_000, maxConnections = 10 } = options;
    // Parameters of the connection string would replace those that follow.
    const given = parseIntoClientConfig(connectionString);
    super({
      ...given,
      application_name: given.application_name ?? 'codex-gateway',
      keepAlive: true,
      max: maxConnections,
      connectionTimeoutMillis: options.acquireTimeoutMs ?? 5_000,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    });
    this.#options = options;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.#mostTransactions = Math.max(1, maxConnections - 1);
    this.#transactions = new Slots(this.#mostTransactions);
    this.on('error', (error) => options.onConnectionError?.(error));
    // A connection lost in use fails its statement. Without a listener it would end the process,
    // too.
    this.on('connect', (client) => client.on('error', () => {}));
  }

  /** Runs one statement in a session: in its transaction, or as one of its own. */
  async run(statement: Statement, session = currentSession()): Promise<StatementResult> {
    const bound = this.#bound.get(session);
    if (bound) return bound.query(statement);
    const stop = session.work.outside;
    const connection = await this.#take(session, stop);
    try {
      return await connection.send([this.#settingsOf(session)], statement, stop);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      // The tables of a prepared statement have changed. It was closed, and is prepared again.
      return await connection.send([this.#settingsOf(session)], statement, stop);
    } finally {
      connection.release();
    }
  }

  /**
   * Runs statements of a session as one transaction, in one round trip, and returns the result of
   * the last. Once it is sent it is never cancelled, because its outcome would be unknown.
   */
  async runTogether(
    statements: readonly Statement[],
    last: Statement,
    session: Session,
  ): Promise<BatchResult> {
    const connection = await this.#take(session, session.work.outside);
    try {
      session.work.outside.throwIfStopped();
      return await connection.send([this.#settingsOf(session), ...statements], last);
    } finally {
      connection.release();
    }
  }

  /**
   * Reads the rows of a statement through a cursor, in batches: each while the one before it is used. Ends
   * with the reads of the session's work. Only for a pool without prepared statements, since a FETCH has
   * other columns for each cursor.
   */
  async *batches(statement: Statement, session: Session): AsyncGenerator<readonly unknown[][]> {
    const stop = session.work.reading;
    const connection = await this.#take(session, stop);
    yield* readBatches(connection, this.#settingsOf(session), statement, stop);
  }

  /**
   * Takes a connection for a transaction of the running session, which the caller releases. Once
   * begun, it continues when the client leaves. After a limit of the request it can only be rolled
   * back.
   */
  begin(): Promise<PoolTransaction> {
    return this.#begin(currentSession(), () => []);
  }

  /**
   * Runs `fn` so that all its statements in the running session belong to one transaction, which it
   * commits. Anything that is not committed is rolled back afterwards.
   */
  async inTransaction<T>(fn: (transaction: SessionTransaction) => Promise<T>): Promise<T> {
    const session = currentSession();
    const transaction = new SessionTransaction({
      begin: (leading) => this.#begin(session, leading),
      statementTimeoutMs: this.#statementTimeoutMs,
    });
    // Never unbound: a late statement must not run on its own.
    this.#bound.set(session, transaction);
    try {
      return await fn(transaction);
    } finally {
      transaction.end();
    }
  }

  /**
   * Runs `fn` so that all its statements in the running session see what was committed before the
   * first of them, and nothing else. One that fails does not affect the others.
   */
  async inSnapshot<T>(fn: () => Promise<T>): Promise<T> {
    const session = currentSession();
    const stop = session.work.outside;
    const connection = await this.#take(session, stop);
    const snapshot = createSnapshot(connection, this.#settingsOf(session), stop);
    this.#bound.set(session, snapshot);
    try {
      return await fn();
    } finally {
      this.#bound.delete(session);
      // Statements that `fn` has left running end first. Nobody has to wait for either.
      snapshot.query({ text: 'ROLLBACK' }).then(
        () => snapshot.release(),
        (error: unknown) => snapshot.release(error),
      );
    }
  }

  async #begin(session: Session, leading: () => readonly Statement[]): Promise<PoolTransaction> {
    const { outside, writing } = session.work;
    const allowance = this.#allowanceOf(session.work);
    await this.#transactions.take(outside, this.options.connectionTimeoutMillis);
    allowance.transaction(1);
    const onReleased = () => {
      allowance.transaction(-1);
      this.#transactions.give();
    };
    const connection = await this.#take(session, outside, onReleased);
    return new PoolTransaction({
      open: (begin, statement) => {
        const first = [{ text: begin }, this.#settingsOf(session), ...leading()];
        return connection.send(first, statement, writing);
      },
      send: (statement) => connection.send(leading(), statement, writing),
      end: (statement) => connection.end(leading(), statement, writing),
      release: (isUsable) => connection.release(isUsable),
    });
  }

  /** Resolves when no transaction is open, or after a while. No further one begins. */
  async transactionsEnded(): Promise<void> {
    const all = Array.from({ length: this.#mostTransactions }, () =>
      this.#transactions.take(new Stop(), END_MS),
    );
    await Promise.allSettled(all);
  }

  /** For Prisma's adapter, which only passes a statement and awaits the result. */
  override query(statement: unknown): never {
    return this.run(statement as Statement) as never;
  }

  /** For Prisma's adapter, which only awaits the client of a transaction. */
  override connect(): never {
    const bound = this.#bound.get(currentSession());
    const isJoined = bound instanceof SessionTransaction;
    return (isJoined ? Promise.resolve(new JoinedTransaction(bound)) : this.begin()) as never;
  }

  #settingsOf(session: Session): Statement {
    return settingsOf(session, this.#statementTimeoutMs);
  }

  #allowanceOf(work: Work): Allowance {
    let allowance = this.#allowances.get(work);
    if (!allowance) {
      const { timeBudgetMs = 15_000 } = this.#options;
      const half = Math.max(1, Math.floor(this.options.max / 2));
      allowance = new Allowance(work, half, timeBudgetMs);
      this.#allowances.set(work, allowance);
    }
    return allowance;
  }

  async #take(session: Session, stop: Stop, onReleased = () => {}): Promise<SessionConnection> {
    const allowance = this.#allowanceOf(session.work);
    let release = onReleased;
    try {
      stop.throwIfStopped();
      if (!allowance.takeNow()) await allowance.take(stop);
      release = () => {
        allowance.give();
        onReleased();
      };
      const client = await this.#acquire(stop);
      return this.#connectionOf(client, session, allowance, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #acquire(stop: Stop): Promise<pg.PoolClient> {
    return new Promise((resolve, reject) => {
      const unlisten = stop.listen(reject);
      super.connect((error, client) => {
        unlisten();
        if (!client) reject(toSqlStateError(error));
        // It waited in the pool's queue while its request stopped.
        else if (stop.reason) client.release();
        else resolve(client);
      });
    });
  }

  #connectionOf(
    client: pg.PoolClient,
    session: Session,
    { budget }: Allowance,
    onReleased: () => void,
  ): SessionConnection {
    const { onRoundTrip, onStatement, preparedStatements = 100 } = this.#options;
    let prepared = this.#prepared.get(client);
    if (!prepared) {
      prepared = new PreparedStatements(preparedStatements);
      this.#prepared.set(client, prepared);
    }
    const onSend = (statements: readonly Statement[]) => {
      onRoundTrip?.(session);
      for (const statement of statements)
        if (!isSetting(statement)) onStatement?.(statement.text, session);
    };
    return new SessionConnection({ client, prepared, budget, onSend, onReleased });
  }
}
