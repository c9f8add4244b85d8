import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import { foundCount, foundPage, type RelatedList } from '../../read/found-lists.ts';
import { readable } from '../../read/readable.ts';
import { relationOf } from '../../resolvers/catalog.ts';
import { toWhere } from '../../resolvers/filter.ts';
import {
  isFoundByOthers,
  type ListArguments,
  type ListRequest,
} from '../../resolvers/list-request.ts';
import { countKey, loadCount } from '../../resolvers/loaders.ts';
import { queriedPage, toConnection } from '../../resolvers/page.ts';
import type { Row } from '../../resolvers/rows.ts';
import { relatedListPrice, WITHOUT_ROWS } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import type { AnyFields } from './any-model.ts';
import {
  type CountedConnection,
  connectionOptions,
  countedConnection,
  NODE_PATHS,
  requestOf,
} from './connection.ts';

/** Pothos' planner: what a document selects of a connection's rows, merged into a query for them. */
type NestedSelection = (query: object, path: object) => object;

/** A to-many relation as a connection. Its rows come with the statement that reads the parents. */
export function relatedConnection(t: AnyFields, model: string, relation: string) {
  const { to, documentation } = relationOf(model, relation);
  const list = `${model}.${relation}`;
  const { type, args, description } = connectionOptions(to, t.arg);
  const parentKey = Object.fromEntries(
    countKey(model, relation).references.map((column) => [column, true]),
  );
  return t.field({
    type,
    nullable: false,
    args,
    description: documentation ?? description,
    extensions: {
      ...priced(relatedListPrice(model, to)).extensions,
      ...readable({ kind: 'relatedList', relation }),
      // Pothos' own `select` option does not know what the document selects of the connection, so it
      // would read a page of rows for a mere count.
      pothosPrismaSelect: (
        listArgs: ListArguments,
        _context: Context,
        nested: NestedSelection,
        selected: () => ReadonlySet<string>,
      ) => {
        const request = requestOf(list, to, listArgs);
        if (onlyCounted(selected()) || isFoundByOthers(request)) return { select: parentKey };
        const { where = {}, ...query } = queriedPage(request.page).query;
        const filter = toWhere(to, listArgs.filter);
        const rows = nested(
          { ...query, where: { AND: [filter, where] } },
          { getType: () => to, paths: NODE_PATHS },
        );
        return { select: { ...parentKey, [relation]: rows } };
      },
    },
    resolve: (parent, listArgs: ListArguments, context, info): CountedConnection => {
      const request = requestOf(list, to, listArgs);
      if (isFoundByOthers(request)) {
        return foundRows(request, { model, relation, parent }, context, info);
      }
      const where = toWhere(to, listArgs.filter);
      return {
        ...toConnection(queriedPage(request.page), (parent[relation] as Row[] | undefined) ?? []),
        totalCount: () => loadCount(context, model, relation, where, parent),
      };
    },
  });
}

/** The connection of rows that do not come with the statement that reads the parents. */
function foundRows(
  request: ListRequest,
  list: RelatedList,
  context: Context,
  info: GraphQLResolveInfo,
): CountedConnection {
  const typeName = request.page.model;
  const select = () =>
    queryFromInfo({ context, info, typeName, paths: NODE_PATHS, select: { id: true } });
  return countedConnection(
    () => foundPage(context, request, list, select),
    () => foundCount(context, request, list),
  );
}

function onlyCounted(selected: ReadonlySet<string>): boolean {
  return [...selected].every((field) => WITHOUT_ROWS.has(field));
}
