import type { Stop } from '../stop.ts';
import type { SessionConnection } from './session-connection.ts';
import type { Statement } from './statement-batch.ts';
import { PoolTransaction } from './transaction.ts';

const FIRST_ROWS = 50;
const MOST_ROWS = 100;
/** What a batch aims at, in characters: rows may be long, and the whole batch is in memory. */
const BATCH_CHARACTERS = 64 * 1024;
const BEGIN = { text: 'BEGIN READ ONLY' };

/**
 * Reads the rows of a statement, each as an array, through a cursor in a transaction of its own: one batch
 * ahead of what is asked for. A batch is emptied when the next one is asked for. The connection is released
 * when all are read, when reading them fails, and when nobody wants more.
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
  const fetch = async (count: number) => {
    const text = `FETCH ${count} FROM batch`;
    const { rows } = await transaction.query({ text, rowMode: 'array', isFinal: true });
    return rows as unknown[][];
  };
  try {
    let count = FIRST_ROWS;
    for (let next = fetch(count); ; ) {
      const rows = await next;
      const isLast = rows.length < count;
      if (!isLast) {
        count = nextCount(rows);
        // Postgres reads the next ones meanwhile. The error is for the one who asks for them.
        next = fetch(count);
        next.catch(() => {});
      }
      if (rows.length > 0) yield rows;
      if (isLast) return;
      // The driver links what it has done to what it does next, which keeps garbage alive for long.
      rows.length = 0;
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
