import { catalog } from '../../src/generated/catalog.ts';
import type { Client } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { askAll } from './batch.ts';
import { sqlName } from './cases.ts';

export interface Order {
  /** Column, direction and position of nulls; an empty list is the default order. */
  by: [column: string, direction: 'ASC' | 'DESC', nulls: 'FIRST' | 'LAST'][];
}

/** A list as a field of Query, with `@` in place of the paging arguments. */
export interface List {
  field: string;
  /** The path from the field's value to the connection. */
  path?: string;
  size: number;
}

export type Direction = 'forward' | 'backward';

/** Returns `orderBy` as the API takes it. */
export function orderArgument({ by }: Order): string {
  const entries = by.map(
    ([column, direction, nulls]) =>
      `{ field: ${column.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}, direction: ${direction}, nulls: ${nulls} }`,
  );
  return entries.length > 0 ? `orderBy: [${entries.join(', ')}], ` : '';
}

const NEWEST =
  /^(createdAt|joinedAt|detectedAt|discoveredAt|evaluationDate|scrapedAt|identifiedAt|timestamp)$/;

/** Returns the same order in SQL, in which a row is `a`. */
export function orderSql(model: string, { by }: Order): string {
  const newest = Object.keys(catalog.models[model]?.columns ?? {}).find((name) =>
    NEWEST.test(name),
  );
  const columns: Order['by'] = by.length > 0 ? by : newest ? [[newest, 'DESC', 'LAST']] : [];
  const terms = columns.map(
    ([column, direction, nulls]) => `a.${sqlName(model, column)} ${direction} nulls ${nulls}`,
  );
  return [...terms, `a.id ${columns[0]?.[1] ?? 'ASC'}`].join(', ');
}

/** Reads one page of each list after its cursor. */
export async function readPages(
  client: Client,
  lists: readonly List[],
  direction: Direction,
  cursors: readonly (string | null)[],
): Promise<Data[]> {
  const [size, from] = direction === 'forward' ? ['first', 'after'] : ['last', 'before'];
  const results = await askAll(
    client,
    lists.map((list, i) => ({
      field: `${list.field.replace('@', `${size}: ${list.size}, ${from}: $0`)}`,
      variables: [['String', cursors[i] ?? null]],
    })),
  );
  return results.map(({ data, error }, i) => {
    if (error) throw new Error(`${lists[i]?.field}: ${error.message}`);
    return lists[i]?.path ? data[lists[i].path] : data;
  });
}

/** The selection of a connection that `walk` needs. */
export const PAGE =
  '{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';

/** Reads all pages of several lists at once. Returns the ids of each in order. */
export async function walk(
  client: Client,
  lists: readonly List[],
  direction: Direction,
): Promise<string[][]> {
  const found: string[][] = lists.map(() => []);
  const cursors: (string | null)[] = lists.map(() => null);
  let open = lists.map((_, i) => i);
  while (open.length > 0) {
    const pages = await readPages(
      client,
      open.map((i) => lists[i] as List),
      direction,
      open.map((i) => cursors[i] ?? null),
    );
    const more: number[] = [];
    for (const [n, i] of open.entries()) {
      const { edges, pageInfo } = pages[n];
      const ids = edges.map((edge: Data) => edge.node.id);
      const forward = direction === 'forward';
      const [continues, hasPassed] = forward
        ? [pageInfo.hasNextPage, pageInfo.hasPreviousPage]
        : [pageInfo.hasPreviousPage, pageInfo.hasNextPage];
      if (hasPassed !== (cursors[i] !== null))
        throw new Error(`${lists[i]?.field} is wrong about its previous page`);
      if (ids.length === 0 && cursors[i] !== null)
        throw new Error(`${lists[i]?.field} announced a page that is empty`);
      found[i] = forward ? [...(found[i] ?? []), ...ids] : [...ids, ...(found[i] ?? [])];
      cursors[i] = forward ? pageInfo.endCursor : pageInfo.startCursor;
      if ((found[i] ?? []).length > 200) throw new Error(`${lists[i]?.field} has too many pages`);
      if (continues) more.push(i);
    }
    open = more;
  }
  return found;
}
