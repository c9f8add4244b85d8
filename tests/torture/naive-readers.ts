import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Change, keyOf } from './ledger.ts';
import { TABLES } from './tables.ts';

const POLL_MS = 3;

/** A naive way to read the log: what to read, and where to continue. */
interface Naivety {
  name: string;
  start: string;
  /** Gets the position; returns changes and the next position. */
  sql: string;
}

const CHANGE = `jsonb_build_array(c.table_name, c.row_id, c.operation, c.changed_columns)`;

function overColumn(column: string, type: string, start: string): Naivety {
  return {
    name: `cursor over ${column}`,
    start,
    sql: `select coalesce(max(c.${column})::text, $1::text) as place,
                 coalesce(jsonb_agg(${CHANGE} order by c.${column}, c.seq), '[]') as changes
          from gateway.change as c where c.${column} > $1::text::${type}`,
  };
}

export const OVER_COLUMNS: readonly Naivety[] = [
  overColumn('seq', 'bigint', '0'),
  overColumn('occurred_at', 'timestamptz', '-infinity'),
];

/** Reads between two unmodified snapshots: after a crash they see too much. */
export const NOT_CUT_OFF: Naivety = {
  name: 'snapshot that is not cut off',
  start: '1:1:',
  sql: `select pg_current_snapshot()::text as place,
               coalesce(jsonb_agg(${CHANGE} order by c.seq), '[]') as changes
        from gateway.change as c
        where pg_visible_in_snapshot(c.xid, pg_current_snapshot())
          and not pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot)`,
};

/** Reads the log in a naive way. */
export class NaiveReader {
  readonly name: string;
  /** Of what it read. */
  readonly keys: string[] = [];
  readonly #sql: string;
  #place: string;

  constructor({ name, sql, start }: Naivety) {
    this.name = name;
    this.#sql = sql;
    this.#place = start;
  }

  /** Reads what seems to be new. */
  async read(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ place: string; changes: Logged[] }>(this.#sql, [
      this.#place,
    ]);
    this.#place = rows[0]?.place ?? this.#place;
    this.keys.push(...(rows[0]?.changes ?? []).map(keyOfLogged));
  }

  /** Keeps reading, next to the gateways, until it is stopped. */
  async follow(url: () => string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const client = new pg.Client({ connectionString: url(), connectionTimeoutMillis: 3_000 });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!signal.aborted) {
          await this.read(client);
          await delay(POLL_MS);
        }
      } catch {
        // The server is down.
        await delay(20);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }
}

type Logged = [table: string, rowId: string, operation: Change['operation'], columns: string[]];

function keyOfLogged([name, rowId, operation, columns]: Logged): string {
  const table = TABLES.find((each) => each.name === name);
  return keyOf(rowId, operation, table?.updateOf(columns, 'columns') ?? 0);
}
