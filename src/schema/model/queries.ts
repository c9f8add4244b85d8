import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import { foundCount, foundPage } from '../../read/found-lists.ts';
import { readable } from '../../read/readable.ts';
import { columnOf } from '../../resolvers/catalog.ts';
import { toWhere } from '../../resolvers/filter.ts';
import { isFoundByOthers, type ListArguments } from '../../resolvers/list-request.ts';
import { listRows } from '../../resolvers/list-rows.ts';
import { queriedPage } from '../../resolvers/page.ts';
import { countRows, getRow } from '../../resolvers/rows.ts';
import { builder } from '../builder.ts';
import { listPrice } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import { foundRow } from '../cost/row-prices.ts';
import { anyFields, anyModel } from './any-model.ts';
import { columnType } from './columns.ts';
import {
  type CountedConnection,
  connectionOptions,
  countedConnection,
  NODE_PATHS,
  requestOf,
} from './connection.ts';

/** Gives Query the look-up of a model's rows by id, and their list. */
export function defineQueries(model: string, lookup: string, list: string): void {
  const id = columnOf(model, 'id');
  builder.queryField(lookup, (root) => {
    const t = anyFields(root);
    return t.prismaField({
      type: anyModel(model),
      nullable: true,
      description: `The ${model} with this id; null when there is none that you may see.`,
      extensions: { ...priced(foundRow).extensions, ...readable({ kind: 'row' }) },
      args: { id: t.arg({ type: columnType('id', id), required: true }) },
      resolve: (query, _root, args, context) => getRow(context, model, args.id, query),
    });
  });
  builder.queryField(list, (root) => {
    const t = anyFields(root);
    const { type, args, description } = connectionOptions(model, t.arg);
    return t.field({
      type,
      args,
      description,
      extensions: { ...priced(listPrice(model)).extensions, ...readable({ kind: 'list' }) },
      resolve: (_root, listArgs: ListArguments, context, info) =>
        rootConnection(model, list, listArgs, context, info),
    });
  });
}

function rootConnection(
  model: string,
  list: string,
  args: ListArguments,
  context: Context,
  info: GraphQLResolveInfo,
): CountedConnection {
  const request = requestOf(list, model, args);
  const select = (columns: Record<string, true>) =>
    queryFromInfo({ context, info, typeName: model, paths: NODE_PATHS, select: columns });
  if (isFoundByOthers(request)) {
    return countedConnection(
      () => foundPage(context, request, null, () => select({ id: true })),
      () => foundCount(context, request, null),
    );
  }
  const page = queriedPage(request.page);
  const where = toWhere(model, args.filter);
  return countedConnection(
    () => listRows(context, model, page, where, select(page.query.select)),
    () => countRows(context, model, where),
  );
}
