import type { Context } from '../context/context.ts';
import type { ListRequest } from '../resolvers/list-request.ts';
import { loader, loadRow, nameOf } from '../resolvers/loaders.ts';
import { type Connection, connectionOf } from '../resolvers/page.ts';
import { unrepresentable } from '../resolvers/representable.ts';
import { type Row, requireScope } from '../resolvers/rows.ts';
import { FAILED } from '../sql/json.ts';
import { countStatement, type ListParents, pageStatement } from '../sql/place-statement.ts';
import { relationKey } from '../sql/relation.ts';

/** A row of a page by its id, and its cursor. */
interface Place {
  parent: number;
  id: string;
  cursor: string;
}

/** The list of a row. */
export interface RelatedList {
  model: string;
  relation: string;
  parent: Row;
}

/**
 * Returns a page of a list that only a statement of our own can find; its rows with what `select` returns,
 * which is asked for each of them.
 */
export async function foundPage(
  context: Context,
  request: ListRequest,
  list: RelatedList | null,
  select: () => object,
): Promise<Connection<Row>> {
  const { page } = request;
  const places = await loadPlaces(context, request, list);
  const { edges, pageInfo } = connectionOf(page, places, ({ cursor, id }) => {
    if (cursor !== FAILED) return cursor;
    const [bounded] = page.orderings;
    throw unrepresentable(page.model, bounded?.name ?? 'id', id);
  });
  const rows = await Promise.all(
    edges.map(({ node }) => loadRow(context, page.model, 'id', node.id, select())),
  );
  return {
    pageInfo,
    // A row that was deleted meanwhile is left out.
    edges: edges.flatMap((edge, n) => {
      const node = rows[n];
      if (!node) return [];
      return {
        get cursor() {
          return edge.cursor;
        },
        node,
      };
    }),
  };
}

/** Returns how many rows such a list has, on all pages. */
export async function foundCount(
  context: Context,
  request: ListRequest,
  list: RelatedList | null,
): Promise<number> {
  const { model } = request.page;
  const read = async (parents: ListParents | null) => {
    const { text, values } = countStatement(request, parents);
    return await context.database.query<{ count: number }>(text, values);
  };
  if (!list) {
    requireScope(context, model);
    const [found] = await read(null);
    return found?.count ?? 0;
  }
  const name = nameOf('found count', list.model, list.relation, request.filter);
  return loader<unknown[], number>(context, name, async (keys) => {
    const rows = await read(parentsOf(list, keys));
    return rows.map(({ count }) => count);
  }).load(keyOf(list));
}

async function loadPlaces(
  context: Context,
  request: ListRequest,
  list: RelatedList | null,
): Promise<readonly Place[]> {
  const read = (parents: ListParents | null) => {
    const { text, values } = pageStatement(request, parents);
    return context.database.query<Place>(text, values);
  };
  if (!list) {
    requireScope(context, request.page.model);
    return read(null);
  }
  const name = nameOf('found', list.model, list.relation, request);
  return loader<unknown[], Place[]>(context, name, async (keys) => {
    const places = await read(parentsOf(list, keys));
    const pages = keys.map((): Place[] => []);
    for (const place of places) pages[place.parent - 1]?.push(place);
    return pages;
  }).load(keyOf(list));
}

/** What a row has in the columns that its relation takes. */
function keyOf({ model, relation, parent }: RelatedList): unknown[] {
  return relationKey(model, relation).own.map((column) => parent[column]);
}

function parentsOf({ model, relation }: RelatedList, keys: readonly unknown[][]): ListParents {
  const values = relationKey(model, relation).own.map((_, n) => keys.map((key) => key[n]));
  return { model, relation, values };
}
