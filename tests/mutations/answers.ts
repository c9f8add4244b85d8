import { expect } from 'vitest';
import { caseOf } from '../contract/cases.ts';
import type { Client } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { type Call, documentOf } from './mutate.ts';
import type { Writable } from './writable.ts';

/** How many aliases a document may have; those of fragments count at each use. */
const MAX_ALIASES = 30;
/** Relations that one document selects twice. */
const RELATIONS = 11;

/**
 * Selections of a model's rows that need further statements: counts, relations and
 * histories with different arguments, links. As many as needed for all of its relations.
 */
export function costlySelections(model: string): string[] {
  const { one, many, people, links } = caseOf(model);
  const single = [...one, ...people, ...links].map(([name]) => `${name} { id }`).join(' ');
  const rest = `id ${single}
    history(first: 1) { nodes { operation changedColumns after } }
    older: history(first: 3) { edges { node { operation before } } pageInfo { hasNextPage } }`;
  const lists = many.map(
    ([name]) => `${name}(first: 1) { totalCount nodes { id } }
      two_${name}: ${name}(first: 2) { nodes { id } totalCount }`,
  );
  const chunks = [];
  for (let i = 0; i === 0 || i < lists.length; i += RELATIONS) {
    chunks.push(`${rest} ${lists.slice(i, i + RELATIONS).join(' ')}`);
  }
  return chunks;
}

/** How many calls, each with its dry run, one document can make with this selection. */
export function callsAtOnce(selection: string): number {
  const aliases = selection.match(/\w+: \w+\(/g)?.length ?? 0;
  return Math.floor(MAX_ALIASES / (2 + 2 * aliases));
}

/** The rows of a model with these ids as selected, in this order; null for deleted ones. */
export async function readAs(
  client: Client,
  lookup: string,
  ids: readonly string[],
  selection: string,
): Promise<Data[]> {
  const nodes = `nodes(nodeIds: $ids) { ...Row }`;
  const type = lookup.charAt(0).toUpperCase() + lookup.slice(1);
  const data = await client.data(
    `query ($ids: [ID!]!) { ${nodes} } fragment Row on ${type} { ${selection} }`,
    { ids: ids.map((id) => Buffer.from(`${type}:${id}`).toString('base64')) },
  );
  return data.nodes;
}

/** Calls mutations, each as a dry run and then really. Returns their payloads in pairs. */
export async function rehearseAndDo(
  client: Client,
  writable: Writable,
  calls: readonly Call[],
  selection: string,
): Promise<[dry: Data, real: Data][]> {
  const { query, variables } = documentOf(
    writable,
    calls.flatMap(([field, args]): Call[] => [
      [field, { ...args, dryRun: true }],
      [field, args],
    ]),
    selection,
  );
  const data = await client.data(query, variables);
  return calls.map((_, i) => [data[`a${2 * i}`], data[`a${2 * i + 1}`]]);
}

/** The results for the rows of a payload, single or in bulk. */
export function resultsOf(payload: Data): Data[] {
  return payload.results ?? [payload];
}

/** Makes new rows comparable: ids are numbered in order, and times are left out. */
export function withoutIds(value: unknown): unknown {
  const ids = new Map<string, number>();
  const text = JSON.stringify(value)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, 'MOMENT')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      if (!ids.has(id)) ids.set(id, ids.size);
      return `#${ids.get(id)}`;
    });
  return JSON.parse(text);
}

/**
 * Expects each of so many dry runs, and of the writes after them, to be one transaction, and no
 * other statement except the one for the caller's memberships, or for the agent.
 */
export function expectTransactions(statements: readonly string[], count: number): void {
  const kinds = statements
    .filter((sql) => !/viewer_memberships|agent_is_retired/.test(sql))
    .map((sql) => /^(BEGIN|COMMIT|ROLLBACK)$/.exec(sql.trim())?.[0] ?? '.');
  const pair = 'BEGIN (\\. )+ROLLBACK BEGIN (\\. )+(COMMIT|ROLLBACK) ';
  expect(`${kinds.join(' ')} `, statements.join('\n')).toMatch(new RegExp(`^(${pair}){${count}}$`));
}
