import type { Stop } from '../stop.ts';
import type { SessionConnection } from './session-connection.ts';
import type { Statement } from './statement-batch.ts';
import { PoolTransaction } from './transaction.ts';

const FIRST_ROWS = 50;
const MOST_ROWS = 500;
/** What a batch aims at, in characters: rows may be long, and the whole batch is in memory. */
const BATCH_CHARACTERS = 256 * 1024;
const BEGIN = { text: 'BEGIN READ ONLY' };

/**
 * Reads the rows of a statement, each as an array, through a cursor in a transaction of its own. The
 * connection is released when all are read, when reading them fails, and when nobody wants more.
 */
export async function* readBatches(
  connection: SessionConnection,
  settings: Statement,
  { text, values = [] }: Statement,
  stop: Stop,
): AsyncGenerator<readonly unknown[][]> {
  const opening = [BEGIN, settings, { text: `DECLARE batch NO SCROLL CURSOR FOR ${text}`, values }];
  const transaction = new PoolTransaction({
    open: (_begin, statement) => connection.send(opening, statement, stop),
    send: (statement) => connection.send([], statement, stop),
    end: (statement) => connection.end([], statement, stop),
    release: (isUsable) => connection.release(isUsable),
  });
  try {
    for (let count = FIRST_ROWS; ; ) {
      const fetch: Statement = {
        text: `FETCH ${count} FROM batch`,
        rowMode: 'array',
        isFinal: true,
      };
      const rows = (await transaction.query(fetch)).rows as unknown[][];
      if (rows.length > 0) yield rows;
      if (rows.length < count) return;
      count = nextCount(rows);
    }
  } finally {
    await transaction.query({ text: 'ROLLBACK' }).then(
      () => transaction.release(),
      (error: unknown) => transaction.release(error),
    );
  }
}

/** Grows slowly, because the next rows may be longer. */
function nextCount(rows: readonly unknown[][]): number {
  let characters = 0;
  for (const row of rows) for (const cell of row) characters += String(cell).length;
  const fitting = Math.floor((BATCH_CHARACTERS * rows.length) / Math.max(characters, 1));
  return Math.max(1, Math.min(fitting, rows.length * 2, MOST_ROWS));
}
