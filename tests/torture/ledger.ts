import { Deliveries } from '../support/deliveries.ts';
import type { Random } from './random.ts';
import type { Table } from './tables.ts';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A row that a writer makes and changes later. */
export interface Row {
  table: Table;
  /** Its id; null while the writer does not know it. */
  id: string | null;
  title: string;
  workspaceId: string;
  /** The person that it belongs to, if any. */
  personId: string | null;
  /** Of alerts; never changed. */
  severity: Severity | null;
  /** The number of its updates. */
  updates: number;
  /** The number of its status steps. */
  steps: number;
  /** Whether a deletion of it may have been committed. */
  mayBeGone: boolean;
}

/** A writer's change of a row. */
export interface Change {
  row: Row;
  operation: 'INSERT' | 'UPDATE' | 'DELETE';
  /** The number of the update of the row, from 1; 0 for other operations. */
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

/** Names a change, in the same way for writers and readers. */
export function keyOf(rowId: string, operation: Change['operation'], number = 0): string {
  return operation === 'UPDATE' ? `${rowId} UPDATE ${number}` : `${rowId} ${operation}`;
}

/** Returns the name of a change whose row has an id. */
export function keyOfChange({ row, operation, number }: Change): string {
  return keyOf(String(row.id), operation, number);
}

/** All changes of writers, with their known outcomes. */
export class Ledger {
  readonly committed: Committed[] = [];
  /** Transactions whose answer to COMMIT was lost. */
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

/** How many of its rows a writer keeps changing. */
const MAX_ROWS = 150;

/** One writer's changes of its rows, which nobody else changes. */
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

  /** Returns some of its existing rows, of one table and workspace. */
  some(count: number, table: Table, workspaceId: string): Row[] {
    const fitting = [...this.#rows].filter(
      (row) => row.table === table && row.workspaceId === workspaceId,
    );
    return fitting.filter(() => this.#random.chance(count / fitting.length)).slice(0, count);
  }

  /** Keeps rows for later changes, unless they may be deleted or have used up their updates. */
  keep(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (!row.mayBeGone && row.updates < row.table.maxUpdates) this.#rows.add(row);
      else this.#rows.delete(row);
    }
    // The oldest ones are no longer changed.
    for (const row of this.#rows) {
      if (this.#rows.size <= MAX_ROWS) break;
      this.#rows.delete(row);
    }
  }

  /** Stops changing rows. */
  leave(rows: Iterable<Row>): void {
    for (const row of rows) this.#rows.delete(row);
  }

  /** Notes the changes of the next statement, all with one operation. */
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
