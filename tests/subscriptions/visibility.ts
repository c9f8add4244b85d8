import { catalog } from '../../src/generated/catalog.ts';
import { openRows, type Row } from '../support/rows.ts';
import type { LiveWorld, Participant } from './world.ts';

/** The rows that a participant may see according to the database, and texts of all other rows. */
export interface Visibility {
  /** Ids by table. */
  ids: ReadonlyMap<string, ReadonlySet<string>>;
  /** Ids and texts of visible rows. */
  known: ReadonlySet<string>;
  /** Ids and texts of other rows that no visible row contains. */
  secrets: ReadonlySet<string>;
}

/** Returns what a participant may see now. */
export async function visibilityOf(
  { database, tables }: LiveWorld,
  who: Participant,
): Promise<Visibility> {
  const ids = new Map<string, Set<string>>();
  const known = new Set<string>();
  const all = new Set<string>();
  for (const { name } of tables) {
    const statement = (rows: string) => `select to_jsonb(t) as row from ${rows} as t`;
    const seen = await database.as(who.actor, (query) =>
      query<{ row: Row }>(statement(openRows(name))),
    );
    ids.set(name, new Set(seen.map(({ row }) => String(row.id))));
    for (const { row } of seen) noteTexts(name, row, known);
    for (const { row } of await database.query<{ row: Row }>(statement(name)))
      noteTexts(name, row, all);
  }
  const prompts = await database.as(who.actor, (query) =>
    query<{ row: Row }>(
      'select to_jsonb(t) as row from gateway.agent_prompts(array(select id from agent_registry)) as t',
    ),
  );
  for (const { row } of prompts) noteTexts('agent_registry', row, known);
  return { ids, known, secrets: new Set([...all].filter((text) => !known.has(text))) };
}

const MODEL_OF_TABLE = new Map(
  Object.entries(catalog.models).map(([name, { table }]) => [table, name]),
);

/** Adds the random texts of a row. Two rows share one only if one refers to the other. */
function noteTexts(table: string, row: Row, texts: Set<string>): void {
  const note = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(note);
    if (typeof value === 'string' && /[0-9a-f]{12}$/.test(value)) texts.add(value);
  };
  Object.values(row).forEach(note);
  texts.add(nodeIdOf(table, String(row.id)));
}

export function nodeIdOf(table: string, id: string): string {
  return Buffer.from(`${MODEL_OF_TABLE.get(table)}:${id}`).toString('base64');
}

/** Returns those of the texts that the raw output contains, in plain text or base64. */
export function textsIn(raw: string, texts: Iterable<string>): string[] {
  const words = new Set(raw.split(/[":,{}[\]\s]+/));
  const decoded = [...words]
    .filter((word) => /^[A-Za-z0-9+/]{12,}=*$/.test(word))
    .map((word) => Buffer.from(word, 'base64').toString('latin1'));
  const strings = new Set(raw.match(/"(?:[^"\\]|\\.)*"/g));
  const sent = [...words, ...strings, ...decoded].join('\n');
  return [...texts].filter((text) => sent.includes(text));
}
