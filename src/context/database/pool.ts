import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { currentSession, type Session } from '../session.ts';
import { type Statement, StatementBatch, type StatementResult } from './batch.ts';
import { cutPagesEarly } from './early-pages.ts';
import { toSqlStateError } from './errors.ts';
import { keepNumbersExact } from './exact-numbers.ts';
import { isOutdated, PreparedStatements } from './prepared-statements.ts';
import { JoinedTransaction, SessionTransaction, STATEMENT_TIMEOUT } from './session-transaction.ts';
import { Transaction } from './transaction.ts';

export interface SessionPoolOptions {
  connectionString: string;
  /** Most connections held at once. Default 10. */
  maxConnections?: number;
  /** How long a statement waits for a free or new connection, in milliseconds. Default 5,000. */
  acquireTimeoutMs?: number;
  /** How long one statement may run, and a transaction lie idle, in milliseconds. Default 10,000. */
  statementTimeoutMs?: number;
  /** Statements prepared by name on each connection; 0 for none. Default 100. */
  preparedStatements?: number;
  /** Called with the text of each statement sent, settings excepted, and its session. */
  onStatement?: (sql: string, session: Session) => void;
  /** Called for each exchange with the server. */
  onRoundTrip?: (session: Session) => void;
  /** Called when a connection is lost while nobody waits for it. */
  onConnectionError?: (error: Error) => void;
}

/** Moments in UTC as ISO 8601, and floats with all their digits, whatever the server's defaults are. */
const EXACT_OUTPUT = '-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1';

/** How much longer than the server's own timeout to wait for an answer before giving the connection up. */
const ANSWER_GRACE_MS = 5_000;

const SETTINGS =
  "select num_nonnulls(set_config('role', $1, true), " +
  "set_config('request.jwt.claims', $2, true), " +
  "set_config('app.current_workspace_id', $3, true))";

/** Settings that go along with statements, and are not told as such. */
const UNTOLD = [SETTINGS, STATEMENT_TIMEOUT];

const BEGIN_SNAPSHOT = { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY' };
const SAVEPOINT = { text: 'SAVEPOINT start' };
const BACK_TO_SAVEPOINT = { text: 'ROLLBACK TO SAVEPOINT start' };

/**
 * A pool whose every statement runs under the settings of the running session, in one round trip
 * and without leaving anything on the connection. Refuses statements outside a session.
 */
export class SessionPool extends pg.Pool {
  readonly #options: SessionPoolOptions;
  readonly #statementTimeoutMs: number;
  /** Sessions whose statements all run on one connection. */
  readonly #bound = new WeakMap<Session, Transaction | SessionTransaction>();
  readonly #prepared = new WeakMap<pg.PoolClient, PreparedStatements>();

  constructor(options: SessionPoolOptions) {
    const { connectionString, statementTimeoutMs = 10_000 } = options;
    // Parameters of the connection string would replace these, not add to them.
    const given = parseIntoClientConfig(connectionString);
    super({
      ...given,
      options: [given.options, EXACT_OUTPUT].filter(Boolean).join(' '),
      application_name: given.application_name ?? 'codex-gateway',
      keepAlive: true,
      max: options.maxConnections ?? 10,
      connectionTimeoutMillis: options.acquireTimeoutMs ?? 5_000,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    });
    this.#options = options;
    this.#statementTimeoutMs = statementTimeoutMs;
    this.on('error', (error) => options.onConnectionError?.(error));
    // A connection lost while in use fails its statement; unheard, it would end the process too.
    this.on('connect', (client) => client.on('error', () => {}));
  }

  /** Runs one statement in the running session: in its transaction, or as one of its own. */
  async run(statement: Statement): Promise<StatementResult> {
    const session = currentSession();
    const bound = this.#bound.get(session);
    if (bound) return bound.query(statement);
    const client = await this.#acquire();
    const send = () => this.#send(client, session, [settingsOf(session)], statement);
    let usable = true;
    try {
      // A prepared statement outlived by a change of its tables was given up and is prepared anew.
      return await send().catch((error) => (isOutdated(error) ? send() : Promise.reject(error)));
    } catch (error) {
      usable = isUsableAfter(error);
      throw error;
    } finally {
      client.release(!usable);
    }
  }

  /** Takes a connection for a transaction of the running session, to be released by the caller. */
  begin(): Promise<Transaction> {
    return this.#begin(currentSession(), () => []);
  }

  /**
   * Runs `fn` so that all statements which it issues in the running session belong to one
   * transaction, which it commits. What it has not committed is rolled back behind it.
   */
  async inTransaction<T>(fn: (transaction: SessionTransaction) => Promise<T>): Promise<T> {
    const session = currentSession();
    const transaction = new SessionTransaction({
      begin: (leading) => this.#begin(session, leading),
      statementTimeoutMs: this.#statementTimeoutMs,
    });
    // For good: a statement that comes late must not run as one of its own.
    this.#bound.set(session, transaction);
    try {
      return await fn(transaction);
    } finally {
      transaction.end();
    }
  }

  /**
   * Runs `fn` so that all statements which it issues in the running session see what was committed
   * before the first of them, and nothing else. One that fails leaves the others.
   */
  async inSnapshot<T>(fn: () => Promise<T>): Promise<T> {
    const session = currentSession();
    const snapshot = await this.#beginSnapshot(session);
    this.#bound.set(session, snapshot);
    try {
      return await fn();
    } finally {
      this.#bound.delete(session);
      // What `fn` has left running comes first, and nobody has to wait for either.
      snapshot.query({ text: 'COMMIT' }).then(
        () => snapshot.release(),
        (error: unknown) => snapshot.release(error),
      );
    }
  }

  async #begin(session: Session, leading: () => readonly Statement[]): Promise<Transaction> {
    const client = await this.#acquire();
    return new Transaction({
      open: (begin, statement) => {
        const first = [{ text: begin }, settingsOf(session), ...leading()];
        return this.#send(client, session, first, statement);
      },
      send: (statement) => this.#send(client, session, leading(), statement),
      release: (usable) => client.release(!usable),
    });
  }

  async #beginSnapshot(session: Session): Promise<Transaction> {
    const client = await this.#acquire();
    const send = (leading: readonly Statement[], statement: Statement) =>
      this.#send(client, session, leading, statement);
    const again = (statement: Statement) => send([BACK_TO_SAVEPOINT], statement);
    // As outside of a transaction, where each statement is one of its own.
    const retried = (first: Promise<StatementResult>, statement: Statement) =>
      first.catch((error) => (isOutdated(error) ? again(statement) : Promise.reject(error)));
    return new Transaction({
      open: (_begin, statement) =>
        retried(send([BEGIN_SNAPSHOT, settingsOf(session), SAVEPOINT], statement), statement),
      send: (statement) => retried(again(statement), statement),
      release: (usable) => client.release(!usable),
    });
  }

  /** For Prisma's adapter, which only ever passes a statement and awaits the result. */
  override query(statement: unknown): never {
    return this.run(statement as Statement) as never;
  }

  /** For Prisma's adapter, which only ever awaits the client of a transaction. */
  override connect(): never {
    const bound = this.#bound.get(currentSession());
    const isJoined = bound instanceof SessionTransaction;
    return (isJoined ? Promise.resolve(new JoinedTransaction(bound)) : this.begin()) as never;
  }

  async #acquire(): Promise<pg.PoolClient> {
    try {
      return await super.connect();
    } catch (error) {
      throw toSqlStateError(error);
    }
  }

  #send(
    client: pg.PoolClient,
    session: Session,
    leading: readonly Statement[],
    statement: Statement,
  ): Promise<StatementResult> {
    const { onRoundTrip, onStatement, preparedStatements = 100 } = this.#options;
    let prepared = this.#prepared.get(client);
    if (!prepared) {
      prepared = new PreparedStatements(preparedStatements);
      this.#prepared.set(client, prepared);
    }
    const exact = { ...statement, text: cutPagesEarly(keepNumbersExact(statement.text)) };
    const batch = new StatementBatch(prepared, leading, exact);
    onRoundTrip?.(session);
    if (onStatement) {
      for (const { text } of [...leading, statement]) {
        if (!UNTOLD.includes(text)) onStatement(text, session);
      }
    }
    client.query(batch);
    return batch.result;
  }
}

function settingsOf(session: Session): Statement {
  return { text: SETTINGS, values: session.parameters };
}

/** Whether the connection goes on after this error: the server ends it itself on worse than ERROR. */
function isUsableAfter(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}
