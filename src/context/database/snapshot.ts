import type { Stop } from '../stop.ts';
import { isOutdated } from './prepared-statements.ts';
import type { SessionConnection } from './session-connection.ts';
import type { Statement, StatementResult } from './statement-batch.ts';
import { PoolTransaction } from './transaction.ts';

const BEGIN_SNAPSHOT = { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY' };
const SAVEPOINT = { text: 'SAVEPOINT start' };
const BACK_TO_SAVEPOINT = { text: 'ROLLBACK TO SAVEPOINT start' };

/**
 * Returns a transaction whose statements see what was committed before the first of them, and
 * nothing else. One that fails does not affect the others.
 */
export function createSnapshot(
  connection: SessionConnection,
  settings: Statement,
  stop: Stop,
): PoolTransaction {
  const again = (statement: Statement) => connection.send([BACK_TO_SAVEPOINT], statement, stop);
  // The same as outside of a transaction, where each statement is a transaction of its own.
  const retried = (first: Promise<StatementResult>, retry: () => Promise<StatementResult>) =>
    first.catch((error) => (isOutdated(error) ? retry() : Promise.reject(error)));
  return new PoolTransaction({
    open: (_begin, statement) => {
      const leading = [BEGIN_SNAPSHOT, settings, SAVEPOINT];
      return retried(connection.send(leading, statement, stop), () => again(statement));
    },
    send: (statement) => retried(again(statement), () => again(statement)),
    end: (statement) => connection.end([], statement, stop),
    release: (isUsable) => connection.release(isUsable),
  });
}
