import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Change, Hand, type Ledger, type Row } from './ledger.ts';
import type { Random } from './random.ts';
import { alerts, notifications, TABLES, type Table } from './tables.ts';
import type { Workspace, World } from './world.ts';

const STEPS = ['acknowledged', 'resolved'];
const MAX_STATEMENTS = 4;
const MAX_BULK = 20;
const THOUGHT_MS = 8;
const LONG_THOUGHT_MS = 400;
const ROLLBACKS = 0.12;

export interface WriterOptions {
  name: string;
  random: Random;
  ledger: Ledger;
  world: World;
  /** How long to wait between transactions, on average, in milliseconds. */
  pauseMs: number;
  signal: AbortSignal;
}

/** Writes over a connection of its own, like a migration or a script, until it is stopped. */
export class SqlWriter {
  readonly #options: WriterOptions;
  readonly #url: () => string;
  readonly #random: Random;
  readonly #hand: Hand;
  #client: pg.Client | null = null;
  /** Of the transaction. */
  #changes: Change[] = [];

  constructor(url: () => string, options: WriterOptions) {
    this.#url = url;
    this.#options = options;
    this.#random = options.random;
    this.#hand = new Hand(options.name, options.random);
  }

  /** Rejects with an error that is not due to an outage. */
  async run(): Promise<void> {
    const { signal, pauseMs } = this.#options;
    while (!signal.aborted) {
      try {
        this.#client ??= await this.#connect();
        await this.#transact(this.#client);
      } catch (error) {
        if (!isOutage(error)) throw error;
        await this.#disconnect();
        await delay(this.#random.around(50));
      }
      await delay(this.#random.around(pauseMs));
    }
    await this.#disconnect();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url(),
      application_name: 'torture-writer',
      connectionTimeoutMillis: 3_000,
      query_timeout: 30_000,
    });
    // The running statement fails, which is enough.
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #transact(client: pg.Client): Promise<void> {
    const { ledger } = this.#options;
    this.#changes = [];
    try {
      await client.query('begin');
      const statements = 1 + this.#random.below(MAX_STATEMENTS);
      for (let i = 0; i < statements; i += 1) {
        if (this.#random.chance(0.1)) await this.#writeInVain(client);
        await this.#write(client);
        await this.#think();
      }
      if (this.#random.chance(ROLLBACKS)) throw new RolledBack();
    } catch (error) {
      ledger.rolledBack += 1;
      this.#undo(this.#changes);
      if (!(error instanceof RolledBack)) throw error;
      await client.query('rollback');
      return;
    }
    await this.#commit(client);
  }

  async #commit(client: pg.Client): Promise<void> {
    const { ledger } = this.#options;
    try {
      await client.query('commit');
      ledger.commit(this.#changes);
    } catch (error) {
      ledger.loseTrackOf(this.#changes);
      this.#hand.leave(this.#changes.map(({ row }) => row));
      throw error;
    }
  }

  /** Writes changes that are rolled back without the rest of the transaction. */
  async #writeInVain(client: pg.Client): Promise<void> {
    const before = this.#changes.length;
    await client.query('savepoint s');
    await this.#write(client);
    await client.query('rollback to s');
    this.#undo(this.#changes.splice(before));
  }

  #undo(changes: readonly Change[]): void {
    const made = changes.filter(({ operation }) => operation === 'INSERT').map(({ row }) => row);
    for (const { row, operation, isStep } of changes) {
      if (isStep) row.steps -= 1;
      if (operation === 'DELETE') row.mayBeGone = false;
    }
    this.#hand.keep(changes.map(({ row }) => row));
    this.#hand.leave(made);
  }

  async #think(): Promise<void> {
    const mean = this.#random.chance(0.03) ? LONG_THOUGHT_MS : THOUGHT_MS;
    await delay(this.#random.around(mean));
  }

  async #write(client: pg.Client): Promise<void> {
    const random = this.#random;
    const table = random.pick([...TABLES, alerts, alerts]);
    const workspace = random.pick(this.#options.world.workspaces);
    const bulk = random.chance(0.2) ? 1 + random.below(MAX_BULK) : 1;
    const kind = random.next();
    if (kind < 0.5) await this.#insert(client, table, workspace, bulk);
    else if (kind < 0.88) await this.#update(client, table, workspace, bulk);
    else await this.#delete(client, table, workspace, bulk);
  }

  async #insert(
    client: pg.Client,
    table: Table,
    { id, people }: Workspace,
    count: number,
  ): Promise<void> {
    const person = () => this.#random.pick(Object.values(people)).personId;
    const rows = Array.from({ length: count }, () =>
      this.#hand.newRow(table, id, table === notifications ? person() : null, randomUUID()),
    );
    this.#changes.push(...this.#hand.change(rows, 'INSERT'));
    const columns: [column: string, type: string, values: (string | null)[]][] = [
      ['id', 'uuid', rows.map((row) => row.id)],
      ['workspace_id', 'uuid', rows.map(() => id)],
      [table.options.title, 'text', rows.map(({ title }) => title)],
      ...Object.values(table.options.fixed).map(
        ([column, type, value]): (typeof columns)[number] => [column, type, rows.map(() => value)],
      ),
    ];
    if (table === notifications) columns.push(['user_id', 'uuid', rows.map((row) => row.personId)]);
    if (table === alerts)
      columns.push(['severity_level', 'alert_severity', rows.map((row) => row.severity)]);
    await client.query(
      `insert into ${table.name} (${columns.map(([column]) => column).join(', ')})
       select * from unnest(${columns.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ')})`,
      columns.map(([, , values]) => values),
    );
    this.#hand.keep(rows);
  }

  async #update(client: pg.Client, table: Table, { id }: Workspace, count: number): Promise<void> {
    const rows = this.#hand.some(count, table, id);
    if (rows.length === 0) return;
    const number = 1 + Math.max(...rows.map(({ updates }) => updates));
    const step = stepOf(table, rows, this.#random);
    for (const row of rows) {
      row.updates = number;
      if (step) row.steps += 1;
    }
    const values = [
      ...table.updated(number, 'columns'),
      ...(step ? ([['status', step]] as const) : []),
    ];
    this.#changes.push(...this.#hand.change(rows, 'UPDATE', number, step !== null));
    await client.query(
      `update ${table.name} set ${values.map(([column], i) => `${column} = $${i + 2}`).join(', ')}
       where id = any ($1)`,
      [rows.map((row) => row.id), ...values.map(([, value]) => value)],
    );
    this.#hand.keep(rows);
  }

  async #delete(client: pg.Client, table: Table, { id }: Workspace, count: number): Promise<void> {
    const rows = this.#hand.some(count, table, id);
    if (rows.length === 0) return;
    this.#changes.push(...this.#hand.change(rows, 'DELETE'));
    for (const row of rows) row.mayBeGone = true;
    this.#hand.leave(rows);
    await client.query(`delete from ${table.name} where id = any ($1)`, [rows.map((r) => r.id)]);
  }
}

class RolledBack extends Error {}

/** The next status of alerts, if all of them have the same one. */
export function stepOf(table: Table, rows: readonly Row[], random: Random): string | null {
  const [first] = rows;
  if (!first || table !== alerts || !random.chance(0.4)) return null;
  return rows.every(({ steps }) => steps === first.steps) ? (STEPS[first.steps] ?? null) : null;
}

/** Whether the error is due to a stopping server. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return !(error instanceof TypeError);
  // It is shutting down or starting, or the connection was ended.
  return /^(57P|08|53300)/.test(error.code ?? '');
}
