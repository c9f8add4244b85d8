import { EventEmitter } from 'node:events';
import { SqlStateError } from './database-errors.ts';
import type { Statement, StatementResult } from './statement-batch.ts';

/** The operations of a transaction on its connection. */
export interface TransactionConnection {
  /** Sends BEGIN (with its isolation level), the settings and the first statement together. */
  open(begin: string, statement: Statement): Promise<StatementResult>;
  send(statement: Statement): Promise<StatementResult>;
  /** Sends COMMIT or ROLLBACK. */
  end(statement: Statement): Promise<StatementResult>;
  release(usable: boolean): void;
}

const DONE: StatementResult = { command: '', rowCount: null, fields: [], rows: [] };
const ISOLATION = /^SET TRANSACTION (ISOLATION LEVEL .+)$/;

/**
 * The client of one transaction, as Prisma's adapter drives it: BEGIN, statements, COMMIT or
 * ROLLBACK, `release`. Nothing is sent before the first statement, which BEGIN travels with, since
 * the isolation level has to come before the settings. Statements run one after the other.
 */
export class PoolTransaction extends EventEmitter {
  readonly #connection: TransactionConnection;
  #begin = 'BEGIN';
  #state: 'unsent' | 'open' | 'ended' | 'released' = 'unsent';
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: TransactionConnection) {
    super();
    this.#connection = connection;
  }

  /** Rejects with the server's error; after one, only ROLLBACK (TO SAVEPOINT) is accepted. */
  query(statement: Statement): Promise<StatementResult> {
    const result = this.#last.then(() => this.#run(statement));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Gives the connection back; one with an unfinished transaction is closed instead. */
  release(error?: unknown): void {
    if (this.#state === 'released') return;
    const usable = !error && this.#state !== 'open';
    this.#state = 'released';
    this.#connection.release(usable);
  }

  async #run(statement: Statement): Promise<StatementResult> {
    const { text } = statement;
    const ends = text === 'COMMIT' || text === 'ROLLBACK';
    switch (this.#state) {
      case 'released':
      case 'ended':
        throw new SqlStateError('25P01', 'ERROR', 'The transaction has ended');
      case 'unsent': {
        if (text === 'BEGIN') return DONE;
        const isolation = ISOLATION.exec(text)?.[1];
        if (isolation) {
          this.#begin = `BEGIN ${isolation}`;
          return DONE;
        }
        this.#state = ends ? 'ended' : 'open';
        return ends ? DONE : this.#connection.open(this.#begin, statement);
      }
      case 'open': {
        const result = await (ends
          ? this.#connection.end(statement)
          : this.#connection.send(statement));
        // A `close` after the release must not revive the transaction.
        if (ends && this.#state === 'open') this.#state = 'ended';
        // Postgres answers COMMIT of a failed transaction with a ROLLBACK that looks like success.
        if (text === 'COMMIT' && result.command !== 'COMMIT') {
          throw new SqlStateError('25P02', 'ERROR', 'The transaction had failed: rolled back');
        }
        return result;
      }
    }
  }
}
