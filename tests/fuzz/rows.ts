import { uuidOf } from '../../prisma/seed/random.ts';
import { buildRow, type Owner, type Row, type Table } from '../support/rows.ts';

/** Is in every text of the other workspace; no answer may contain it, and no request does. */
export const CANARY = 'Qzcanaryqz';
/** A search text that matches the canary. */
export const PROBE = 'Qzcana';
/** From this number on, the other workspace's rows equal ours in texts and labels. */
const CANARIES = 2;

type Kind = 'ours' | 'theirs' | 'shared';

/** Returns the n-th row of a table, the same one every time. */
export function rowOf(
  table: Table,
  owner: Owner,
  made: ReadonlyMap<string, Row[]>,
  n: number,
  kind: Kind,
): Row {
  const isMarked = kind === 'theirs' && n < CANARIES;
  const number = kind === 'theirs' ? Math.max(0, n - CANARIES) + (isMarked ? n : 0) : n;
  const row = buildRow(table, owner, made, number);
  const referring = new Set(table.references.flatMap(({ columns }) => columns));
  for (const { name, type, length, labels } of table.columns) {
    if (labels || referring.has(name) || name === 'workspace_id') continue;
    const text = textOf(name, number, isMarked).slice(0, length ?? 100);
    if (type === 'uuid') row[name] = uuidOf(`${kind} ${table.name} ${name} ${n}`);
    else if (type === 'uuid[]') row[name] = [];
    else if (isText(type)) row[name] = text;
    else if (/^(text|character varying)\[\]$/.test(type)) row[name] = [text, 'one'];
    // Adds up to 1, as weights and shares have to.
    else if (type === 'jsonb') row[name] = { [isMarked ? CANARY : 'a']: 1 };
    else if (type === 'boolean') row[name] = number % 2 === 0;
    else if (/^(date|timestamp)/.test(type)) row[name] = momentOf(name, number);
  }
  return row;
}

/** Whether a type's values are plain texts. */
export function isText(type: string): boolean {
  return /^(text|character varying)$/.test(type);
}

function textOf(column: string, n: number, isMarked: boolean): string {
  const text = isMarked ? `${CANARY} ${n}` : `${column} ${n}`;
  return /url$/.test(column) ? `https://example.com/${text.replace(' ', '/')}` : text;
}

/** Rows expire in years, so that lists of unexpired rows are not empty. */
function momentOf(column: string, n: number): string {
  const year = /expir|until|valid_to|end_date|relevan/.test(column) ? 2099 : 2026;
  return `${year}-01-0${n + 2}T03:04:05.678Z`;
}
