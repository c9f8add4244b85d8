import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { type Prisma, PrismaClient } from '../../generated/prisma/client.ts';
import { currentSession, type Session } from '../session.ts';
import { guardedColumns } from './guarded-columns.ts';
import { sessionLookups } from './lookups.ts';
import { SessionPool, type SessionPoolOptions } from './pool.ts';
import type { SessionTransaction } from './session-transaction.ts';
import type { Statement, StatementResult } from './statement-batch.ts';

export type DatabaseOptions = SessionPoolOptions;

/** Runs SQL in the running session and returns its rows as node-postgres maps them. */
export type Query = <Row extends object>(
  text: string,
  values?: readonly unknown[],
) => Promise<Row[]>;

export type IsolationLevel = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** The transaction of a session, for the code that commits it. */
export type OpenTransaction = Pick<SessionTransaction, 'commit' | 'rollback' | 'limit' | 'failure'>;

export interface Database {
  /** Every statement runs in the running session; `$transaction` takes a function only. */
  prisma: PrismaClient;
  /** One statement in one round trip. Rejects with errors that `databaseError` reads. */
  query: Query;
  /** The only row of a statement whose columns are texts. Default: in the running session. */
  texts(
    text: string,
    values: readonly unknown[],
    session?: Session,
  ): Promise<readonly (string | null)[]>;
  /**
   * Runs statements and one whose only row has texts, as one transaction in one round trip. Returns how
   * many rows the statements wrote, and the texts; null if one of them failed, which rolled all of them
   * back. Rejects if it is unknown whether they were committed.
   */
  writeTexts(
    statements: readonly Statement[],
    last: Statement,
    session: Session,
  ): Promise<{ written: number; texts: readonly (string | null)[] } | null>;
  /**
   * Commits when `fn` resolves and rolls back when it rejects; resolves to what `fn` does. Only the
   * given `query` is part of the transaction.
   */
  transaction<T>(fn: (query: Query) => Promise<T>, isolation?: IsolationLevel): Promise<T>;
  /**
   * Runs `fn` so that all its statements in the running session are part of one transaction. The
   * first statement begins it. `fn` commits it, else it is rolled back. The session accepts no
   * statements afterwards.
   */
  inTransaction<T>(fn: (transaction: OpenTransaction) => Promise<T>): Promise<T>;
  /**
   * Runs `fn` so that all its statements in the running session, except those of `transaction`, see
   * the same snapshot of the database. They run one after the other, and may not write.
   */
  inSnapshot<T>(fn: () => Promise<T>): Promise<T>;
  /** Connections held, those of them idle, and statements waiting for one. */
  connections(): { total: number; idle: number; waiting: number };
  /** Waits for running statements and transactions, and closes all connections. Safe to call twice. */
  close(): Promise<void>;
}

/** Prisma bounds its plan cache by number only. The largest plans take about 270 KB. */
const MAX_QUERY_PLANS = 250;

/** Returns the database for requests. Connects on the first statement. */
export function createDatabase(options: DatabaseOptions): Database {
  const pool = new SessionPool(options);
  const clientOptions: Prisma.PrismaClientOptions = {
    adapter: new PrismaPg(pool),
    queryPlanCacheMaxSize: MAX_QUERY_PLANS,
    omit: guardedColumns(),
  };
  const client = new PrismaClient(clientOptions);
  let closing: Promise<void> | undefined;
  return {
    // The extension adds no method and changes no result, which its type cannot express.
    prisma: client.$extends(sessionLookups) as unknown as PrismaClient,
    query: queryWith((statement) => pool.run(statement)),
    async texts(text, values, session) {
      const { rows } = await pool.run({ text, values, rowMode: 'array', isFinal: true }, session);
      return rows[0] as (string | null)[];
    },
    async writeTexts(statements, last, session) {
      try {
        const answer = { ...last, rowMode: 'array', isFinal: true } as const;
        const { leadingCounts, rows } = await pool.runTogether(statements, answer, session);
        // The first one is that of the settings.
        const written = leadingCounts.slice(1).reduce((sum, count) => sum + count, 0);
        return { written, texts: rows[0] as (string | null)[] };
      } catch (error) {
        if (isRolledBack(error)) return null;
        throw error;
      }
    },
    async transaction(fn, isolation) {
      return currentSession().work.finish(() => transact(pool, fn, isolation));
    },
    async inTransaction(fn) {
      return currentSession().work.finish(() => pool.inTransaction(fn));
    },
    inSnapshot: (fn) => pool.inSnapshot(fn),
    connections: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close() {
      closing ??= close(pool, client);
      return closing;
    },
  };
}

/** Whether the server has reported that a statement failed, and keeps the connection. */
function isRolledBack(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

async function close(pool: SessionPool, client: PrismaClient): Promise<void> {
  // Prisma rolls back what is open when it disconnects.
  await pool.transactionsEnded();
  await client.$disconnect();
  await pool.end();
}

async function transact<T>(
  pool: SessionPool,
  fn: (query: Query) => Promise<T>,
  isolation?: IsolationLevel,
): Promise<T> {
  const transaction = await pool.begin();
  const execute = (text: string) => transaction.query({ text });
  try {
    if (isolation) await execute(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
    const result = await fn(queryWith((statement) => transaction.query(statement)));
    await execute('COMMIT');
    return result;
  } catch (error) {
    // Without a connection there is nothing to roll back, and the first error is the cause.
    await execute('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    transaction.release();
  }
}

function queryWith(run: (statement: Statement) => Promise<StatementResult>): Query {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) => {
    const { rows } = await run({ text, values });
    return rows as Row[];
  };
}
