import { Deliveries } from '../support/deliveries.ts';
import type { Random } from './random.ts';
import type { Table } from './tables.ts';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A row that a writer makes, and goes on to change. */
export interface Row {
  table: Table;
  /** Its id; null while nobody has told the writer. */
  id: string | null;
  title: string;
  workspaceId: string;
  /** Whose it is, where it is a person's. */
  personId: string | null;
  /** Of alerts; never changed. */
  severity: Severity | null;
  /** How many updates it was given. */
  updates: number;
  /** How many steps its status went. */
  steps: number;
  /** Whether a deletion of it may have been committed. */
  mayBeGone: boolean;
}

/** A change that a writer made of a row. */
export interface Change {
  row: Row;
  operation: 'INSERT' | 'UPDATE' | 'DELETE';
  /** Of updates: the how-manieth of the row. */
  number: number;
  /** Whether it changed the row's status. */
  isStep: boolean;
  /** Orders the changes of a writer; the same for those of one statement. */
  statement: number;
  writer: string;
  /** When its statement was sent. */
  begun: number;
}

export interface Committed extends Change {
  committed: number;
}

/** Names a change, the same from whoever knows of it. */
export function keyOf(rowId: string, operation: Change['operation'], number = 0): string {
  return operation === 'UPDATE' ? `${rowId} UPDATE ${number}` : `${rowId} ${operation}`;
}

/** Returns the name of a change whose row has an id. */
export function keyOfChange({ row, operation, number }: Change): string {
  return keyOf(String(row.id), operation, number);
}

/** All that writers did, and what is known of its outcome. */
export class Ledger {
  readonly committed: Committed[] = [];
  /** Transactions of which the answer to COMMIT was lost. */
  unsure: (readonly Change[])[] = [];
  rolledBack = 0;

  /** Notes a transaction; `committed` is when its COMMIT had been answered. */
  commit(changes: readonly Change[], committed = Deliveries.now()): void {
    for (const change of changes) this.committed.push({ ...change, committed });
  }

  loseTrackOf(changes: readonly Change[]): void {
    if (changes.length > 0) this.unsure.push(changes);
  }
}

/** A writer goes on changing so many of its rows. */
const MAX_ROWS = 150;

/** What one writer does to its rows, which nobody else changes. */
export class Hand {
  readonly writer: string;
  readonly #random: Random;
  readonly #rows = new Set<Row>();
  #statements = 0;
  #titles = 0;

  constructor(writer: string, random: Random) {
    this.writer = writer;
    this.#random = random;
  }

  newRow(table: Table, workspaceId: string, personId: string | null, id: string | null): Row {
    this.#titles += 1;
    return {
      table,
      id,
      title: `${table.name} ${this.writer} ${this.#titles} of ${workspaceId}`,
      workspaceId,
      personId,
      severity: table.name === 'system_alerts' ? this.#random.pick(SEVERITIES) : null,
      updates: 0,
      steps: 0,
      mayBeGone: false,
    };
  }

  /** Returns some of its rows that are there, of one table and workspace. */
  some(count: number, table: Table, workspaceId: string): Row[] {
    const fitting = [...this.#rows].filter(
      (row) => row.table === table && row.workspaceId === workspaceId,
    );
    return fitting.filter(() => this.#random.chance(count / fitting.length)).slice(0, count);
  }

  /** Has rows at hand from now on, unless they are gone or can be told no more updates. */
  keep(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (!row.mayBeGone && row.updates < row.table.maxUpdates) this.#rows.add(row);
      else this.#rows.delete(row);
    }
    // The oldest are left as they are.
    for (const row of this.#rows) {
      if (this.#rows.size <= MAX_ROWS) break;
      this.#rows.delete(row);
    }
  }

  /** Leaves rows as they are. */
  leave(rows: Iterable<Row>): void {
    for (const row of rows) this.#rows.delete(row);
  }

  /** Notes what the statement that is sent now does to rows, all of one kind. */
  change(
    rows: readonly Row[],
    operation: Change['operation'],
    number = 0,
    isStep = false,
  ): Change[] {
    this.#statements += 1;
    const begun = Deliveries.now();
    const { writer } = this;
    const statement = this.#statements;
    return rows.map((row) => ({ row, operation, number, isStep, statement, writer, begun }));
  }
}
