import pg from 'pg';
import { Deliveries } from '../support/deliveries.ts';
import { type Committed, keyOfChange, type Ledger } from './ledger.ts';
import { fieldsOf, type Subscription } from './subscriptions.ts';
import type { Table } from './tables.ts';

/** The results of all subscriptions; all lists should be empty. */
export interface Verdicts {
  delivered: number;
  /** Committed, but not delivered to a subscription that must receive it. */
  lost: string[];
  /** Delivered more than once to the same subscription. */
  twice: string[];
  /** Delivered after a change that was written later. */
  disordered: string[];
  /** Delivered to a subscription that must not receive it, or never committed. */
  foreign: string[];
  /** Rows whose last delivered state differs from the stored one. */
  stale: string[];
  /** Other problems. */
  problems: string[];
}

/** Changes that still have to be delivered after the writers have stopped. */
export class Outstanding {
  readonly #left: { received: readonly string[]; keys: Set<string>; seen: number }[];

  constructor(subscriptions: readonly Subscription[], { committed }: Ledger) {
    this.#left = subscriptions.map((subscription) => ({
      received: subscription.received,
      keys: new Set(
        committed.filter((change) => subscription.verdict(change) === 'must').map(keyOfChange),
      ),
      seen: 0,
    }));
  }

  /** Returns how many changes still have to be delivered. */
  count(): number {
    let count = 0;
    for (const left of this.#left) {
      for (; left.seen < left.received.length; left.seen += 1) {
        left.keys.delete(left.received[left.seen] ?? '');
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

/** Compares what subscriptions received with what was committed, and with the stored rows. */
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
    const { name, received, problems, kind } = subscription;
    const named = (key: string) => `${name}: ${key}`;
    const report = deliveriesOf(subscription, ledger).report();
    verdicts.delivered += report.delivered;
    verdicts.lost.push(...report.lost.map(named));
    verdicts.twice.push(...report.twice.map(named));
    verdicts.disordered.push(
      ...[...report.disordered, ...disordered(received, changes)].map(named),
    );
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
  for (const key of subscription.received) deliveries.delivered(key);
  return deliveries;
}

/** Changes delivered after a later statement of the same writer, even of the same transaction. */
function disordered(
  received: readonly string[],
  changes: ReadonlyMap<string, Committed>,
): string[] {
  const last = new Map<string, number>();
  return received.filter((key) => {
    const change = changes.get(key);
    // A writer that lost its connection during COMMIT continues while that may still be running.
    if (!change || change.committed === Number.POSITIVE_INFINITY) return false;
    const before = last.get(change.writer) ?? 0;
    last.set(change.writer, Math.max(before, change.statement));
    return change.statement < before;
  });
}

/** Rows by their ids, as the texts that clients would receive. */
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

/** Rows whose last delivered state is not the stored one. */
function stale({ rows, kind }: Subscription, actual: Rows): string[] {
  return [...rows].flatMap(([id, received]) => {
    const row = actual.get(id) ?? null;
    const expected = row && kind.filter && !row.includes('"ACTIVE"') ? null : row;
    return received === expected ? [] : [`${id} is ${expected}, but was delivered as ${received}`];
  });
}
