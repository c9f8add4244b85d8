import type { ClientBase } from 'pg';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Row = Record<string, Json | Date>;

const BATCH_ROWS = 1000;
/** From so many rows on, a look-up by index is the best plan and stays so. */
const ANALYZED_ROWS = 1000;

/** Writes rows in statements of bounded size, building the next one while the last one runs. */
export class RowWriter {
  readonly counts: Record<string, number> = {};
  readonly #client: ClientBase;
  readonly #onRows: (count: number, table: string) => void;

  constructor(client: ClientBase, onRows: (count: number, table: string) => void) {
    this.#client = client;
    this.#onRows = onRows;
  }

  /** Inserts the rows in their order. Columns that a row leaves out get their defaults. */
  async write(table: string, rows: Iterable<Row>): Promise<void> {
    let running = Promise.resolve();
    let columns = '';
    let batch: Row[] = [];
    for (const row of rows) {
      const rowColumns = Object.keys(row).join(', ');
      if (batch.length === BATCH_ROWS || (batch.length > 0 && rowColumns !== columns)) {
        await running;
        running = this.#insert(table, columns, batch);
        batch = [];
      }
      columns = rowColumns;
      batch.push(row);
    }
    await running;
    if (batch.length > 0) await this.#insert(table, columns, batch);
  }

  /**
   * Updates a table's statistics. Foreign keys are checked by plans that Postgres makes when a
   * table is small and keeps, such as reading all of it: with new statistics it plans again.
   */
  async analyze(table: string): Promise<void> {
    await this.#client.query(`ANALYZE ${table}`);
  }

  // One parameter, whatever the number of rows; Postgres takes the types from the table.
  async #insert(table: string, columns: string, rows: Row[]): Promise<void> {
    await this.#client.query(
      `INSERT INTO ${table} (${columns})
       SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`,
      [JSON.stringify(rows)],
    );
    const before = this.counts[table] ?? 0;
    this.counts[table] = before + rows.length;
    if (before < ANALYZED_ROWS && before + rows.length >= ANALYZED_ROWS) await this.analyze(table);
    this.#onRows(rows.length, table);
  }
}
