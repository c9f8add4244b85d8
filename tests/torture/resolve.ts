import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Change, Ledger, Row } from './ledger.ts';

/**
 * Finds the outcomes of transactions whose writers do not know them. What cannot be
 * found stays unsure. Returns how many changes were committed; throws if a transaction was
 * committed in part.
 */
export async function resolveUnsure(url: string, ledger: Ledger): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await untilNothingRuns(client);
    let committed = 0;
    const unsure = [];
    for (const changes of ledger.unsure) {
      const outcome = await outcomeOf(client, changes);
      if (outcome === null) unsure.push(changes);
      // Its order relative to later changes is unknown.
      else if (outcome) ledger.commit(changes, Number.POSITIVE_INFINITY);
      else for (const { row, operation } of changes) row.mayBeGone &&= operation !== 'DELETE';
      committed += outcome ? changes.length : 0;
    }
    ledger.unsure = unsure;
    return committed;
  } finally {
    await client.end();
  }
}

/** A killed client's last statement may still be running. */
async function untilNothingRuns(client: pg.Client): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      `select from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()`,
    );
    if (rowCount === 0) return;
    await delay(50);
  }
}

async function outcomeOf(client: pg.Client, changes: readonly Change[]): Promise<boolean | null> {
  const signs = new Set<boolean>();
  for (const row of new Set(changes.map((change) => change.row))) {
    const sign = await signOf(
      client,
      row,
      changes.filter((change) => change.row === row),
    );
    if (sign !== null) signs.add(sign);
  }
  if (signs.size === 2) {
    const titles = changes.map(({ row, operation }) => `${operation} ${row.title}`);
    throw new Error(`A transaction was committed in part: ${titles.join(', ')}`);
  }
  return [...signs][0] ?? null;
}

/** Whether the row shows these changes; null if it would look the same without them. */
async function signOf(
  client: pg.Client,
  row: Row,
  changes: readonly Change[],
): Promise<boolean | null> {
  const { name, options } = row.table;
  const { rows } = await client.query<Record<string, unknown>>(
    `select * from ${name} where ${options.title} = $1`,
    [row.title],
  );
  const found = rows[0];
  if (found) row.id ??= String(found.id);
  const isNew = changes.some(({ operation }) => operation === 'INSERT');
  const isGone = changes.some(({ operation }) => operation === 'DELETE');
  if (isNew && isGone) return null;
  if (isNew) return found !== undefined;
  if (isGone) return found === undefined;
  const [column, value] = row.table.updated(changes.at(-1)?.number ?? 0, 'columns')[0] ?? [];
  return found?.[column ?? ''] === value;
}
