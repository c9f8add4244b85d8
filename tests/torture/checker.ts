import pg from 'pg';
import { Deliveries } from '../support/deliveries.ts';
import { type Committed, keyOfChange, type Ledger } from './ledger.ts';
import { fieldsOf, type Subscription } from './subscriptions.ts';
import type { Table } from './tables.ts';

/** What became of what was committed, for all subscriptions; all lists are to be empty. */
export interface Verdicts {
  delivered: number;
  /** Committed, but never told to somebody who had to be told. */
  lost: string[];
  /** Told more than once to the same subscription. */
  twice: string[];
  /** Told after something that was written later. */
  disordered: string[];
  /** Told to somebody for whom it was not, or never committed. */
  foreign: string[];
  /** Rows that look different to a subscription from how they are. */
  stale: string[];
  /** What went wrong otherwise. */
  problems: string[];
}

/** What has to be told yet of all that was committed, once nothing more is. */
export class Outstanding {
  readonly #left: { told: readonly string[]; keys: Set<string>; seen: number }[];

  constructor(subscriptions: readonly Subscription[], { committed }: Ledger) {
    this.#left = subscriptions.map((subscription) => ({
      told: subscription.told,
      keys: new Set(
        committed.filter((change) => subscription.verdict(change) === 'must').map(keyOfChange),
      ),
      seen: 0,
    }));
  }

  /** Returns how many changes have to be told yet. */
  count(): number {
    let count = 0;
    for (const left of this.#left) {
      for (; left.seen < left.told.length; left.seen += 1) {
        left.keys.delete(left.told[left.seen] ?? '');
      }
      count += left.keys.size;
    }
    return count;
  }
}

/** Returns how many of all changes are not among those that were read from the log. */
export function lostFrom(keys: readonly string[], { committed }: Ledger): number {
  const deliveries = new Deliveries();
  for (const change of committed) {
    deliveries.committed([keyOfChange(change)], change.begun, change.committed);
  }
  for (const key of keys) deliveries.delivered(key);
  return deliveries.report().lost.length;
}

/** Compares what subscriptions were told with what was committed, and with the rows as they are. */
export async function check(
  subscriptions: readonly Subscription[],
  ledger: Ledger,
  url: string,
): Promise<Verdicts> {
  const changes = new Map(ledger.committed.map((change) => [keyOfChange(change), change]));
  const rows = await rowsOf(subscriptions, url);
  const verdicts: Verdicts = {
    delivered: 0,
    lost: [],
    twice: [],
    disordered: [],
    foreign: [],
    stale: [],
    problems: [],
  };
  for (const subscription of subscriptions) {
    const { name, told, problems, kind } = subscription;
    const named = (key: string) => `${name}: ${key}`;
    const report = deliveriesOf(subscription, ledger).report();
    verdicts.delivered += report.delivered;
    verdicts.lost.push(...report.lost.map(named));
    verdicts.twice.push(...report.twice.map(named));
    verdicts.disordered.push(...[...report.disordered, ...disordered(told, changes)].map(named));
    verdicts.foreign.push(...report.unknown.map(named));
    verdicts.problems.push(...problems.map(named));
    if (kind.converges) {
      verdicts.stale.push(...stale(subscription, rows.get(kind.table) ?? new Map()).map(named));
    }
  }
  return verdicts;
}

function deliveriesOf(subscription: Subscription, { committed, unsure }: Ledger): Deliveries {
  const deliveries = new Deliveries();
  for (const change of committed) {
    const verdict = subscription.verdict(change);
    if (verdict === 'never') continue;
    const { begun } = change;
    deliveries.committed([keyOfChange(change)], begun, change.committed, verdict === 'must');
  }
  for (const change of unsure.flat()) {
    if (subscription.verdict(change) === 'never') continue;
    deliveries.maybeCommitted([keyOfChange(change)], change.begun);
  }
  for (const key of subscription.told) deliveries.delivered(key);
  return deliveries;
}

/** What was told after a later statement of the same writer, be it of the same transaction. */
function disordered(told: readonly string[], changes: ReadonlyMap<string, Committed>): string[] {
  const last = new Map<string, number>();
  return told.filter((key) => {
    const change = changes.get(key);
    // Who lost a connection during COMMIT goes on while that may still be running.
    if (!change || change.committed === Number.POSITIVE_INFINITY) return false;
    const before = last.get(change.writer) ?? 0;
    last.set(change.writer, Math.max(before, change.statement));
    return change.statement < before;
  });
}

/** Rows by their ids, as texts that clients would be told. */
type Rows = ReadonlyMap<string, string>;

async function rowsOf(
  subscriptions: readonly Subscription[],
  url: string,
): Promise<Map<Table, Rows>> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const tables = new Set(subscriptions.map(({ kind }) => kind.table));
    const found = new Map<Table, Rows>();
    for (const table of tables) {
      const { rows } = await client.query<{ id: string; row: Record<string, string | null> }>(
        `select id, to_jsonb(t) as row from ${table.name} as t`,
      );
      found.set(table, new Map(rows.map(({ id, row }) => [id, textOf(table, row)])));
    }
    return found;
  } finally {
    await client.end();
  }
}

function textOf(table: Table, row: Record<string, string | null>): string {
  const { title, titleField, bits } = table.options;
  const columns = new Map<string, string>([
    [titleField, title],
    ...bits.map(([c, f]) => [f, c] as const),
  ]);
  const values = fieldsOf(table).map((field) => {
    const value = row[columns.get(field) ?? field] ?? null;
    return [field, field === 'status' ? value?.toUpperCase() : value];
  });
  return JSON.stringify(Object.fromEntries(values));
}

/** Rows of which the last that was told is not how they are. */
function stale({ rows, kind }: Subscription, actual: Rows): string[] {
  return [...rows].flatMap(([id, told]) => {
    const row = actual.get(id) ?? null;
    const expected = row && kind.filter && !row.includes('"ACTIVE"') ? null : row;
    return told === expected ? [] : [`${id} is ${expected}, but was told to be ${told}`];
  });
}
