import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import { readable } from '../../read/readable.ts';
import { columnOf } from '../../resolvers/catalog.ts';
import { toWhere } from '../../resolvers/filter.ts';
import { listRows } from '../../resolvers/list-rows.ts';
import type { Connection } from '../../resolvers/page.ts';
import { countRows, getRow, type Row } from '../../resolvers/rows.ts';
import { builder } from '../builder.ts';
import { listPrice } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import { foundRow } from '../cost/row-prices.ts';
import { anyFields, anyModel } from './any-model.ts';
import { columnType } from './columns.ts';
import {
  type CountedConnection,
  connectionOptions,
  type ListArguments,
  NODE_PATHS,
  pageOf,
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
): CountedConnection | Promise<CountedConnection> {
  const page = pageOf(list, model, args);
  const where = toWhere(model, args.filter);
  let rows: Promise<Connection<Row>> | undefined;
  const read = () => {
    rows ??= listRows(
      context,
      model,
      page,
      where,
      queryFromInfo({
        context,
        info,
        typeName: model,
        paths: NODE_PATHS,
        select: page.query.select,
      }),
    );
    return rows;
  };
  // Getters, so that an operation that asks for the count alone reads no rows.
  return {
    get edges() {
      return read().then(({ edges }) => edges);
    },
    get pageInfo() {
      return read().then(({ pageInfo }) => pageInfo);
    },
    totalCount: () => countRows(context, model, where),
  };
}
