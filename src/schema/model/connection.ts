import type { MaybePromise } from '@pothos/core';
import { limits } from '../../resolvers/limits.ts';
import {
  type ListArguments,
  type ListRequest,
  readListRequest,
} from '../../resolvers/list-request.ts';
import { readLiveCursor } from '../../resolvers/live-cursor.ts';
import { creationColumn } from '../../resolvers/ordering.ts';
import type { Connection } from '../../resolvers/page.ts';
import type { Row } from '../../resolvers/rows.ts';
import { builder } from '../builder.ts';
import { type AnyArguments, anyFields, rowRef } from './any-model.ts';
import { readColumn } from './columns.ts';
import { filterInput, type OrderedBy, orderByInput } from './inputs.ts';
import { LIVE_CURSOR } from './live-cursor-field.ts';

/** The value of a connection. The count is a function, so that it is only read when selected. */
export interface CountedConnection {
  edges: MaybePromise<Connection<Row>['edges']>;
  pageInfo: MaybePromise<Connection<Row>['pageInfo']>;
  totalCount: () => Promise<number>;
}

/** Returns the value of a connection whose rows are read when they are selected. */
export function countedConnection(
  readPage: () => Promise<Connection<Row>>,
  totalCount: () => Promise<number>,
): CountedConnection {
  let rows: Promise<Connection<Row>> | undefined;
  const read = () => {
    rows ??= readPage();
    return rows;
  };
  return {
    get edges() {
      return read().then(({ edges }) => edges);
    },
    get pageInfo() {
      return read().then(({ pageInfo }) => pageInfo);
    },
    totalCount,
  };
}

/** The paths of a connection at which its rows are selected. */
export const NODE_PATHS = [[{ name: 'nodes' }], [{ name: 'edges' }, { name: 'node' }]];

function defineConnection(model: string, orderedBy: OrderedBy) {
  const ref = rowRef(model);
  const orderBy = orderByInput(model, orderedBy);
  const edge = builder.edgeObject({ name: `${model}Edge`, type: ref });
  const connection = builder.connectionObject(
    {
      name: `${model}Connection`,
      type: ref,
      fields: (t) => ({
        totalCount: anyFields<CountedConnection>(t).field({
          type: 'Int',
          nullable: false,
          description: 'How many rows match the filter, on all pages.',
          resolve: (parent) => parent.totalCount(),
        }),
        [LIVE_CURSOR]: t.string({
          nullable: false,
          description:
            'For "after" of a subscription: it delivers every change that is not part of what this query read, and no other.',
          resolve: (_parent, _args, context) => readLiveCursor(context),
        }),
      }),
    },
    edge,
  );
  return { orderBy, connection };
}

const connections = new Map<string, ReturnType<typeof defineConnection>>();

/** Defines a model's connection type and order; once, when the model is defined. */
export function implementConnection(model: string, orderedBy: OrderedBy): void {
  connections.set(model, defineConnection(model, orderedBy));
}

/**
 * The options that every connection field over a model has in common. Called when fields are
 * built, by which time all models are defined.
 */
export function connectionOptions(model: string, arg: AnyArguments) {
  const defined = connections.get(model);
  if (!defined) throw new TypeError(`${model} has no connection: defineModel() comes first`);
  const newestFirst = creationColumn(model) ? 'newest first' : 'in a fixed order';
  return {
    type: defined.connection,
    args: {
      filter: arg({ type: filterInput(model) }),
      orderBy: arg({ type: [defined.orderBy] }),
      ...arg.connectionArgs(),
    },
    description: `A page of rows, ${newestFirst} unless orderBy says otherwise: ${limits.defaultPageSize} of them, at most ${limits.maxPageSize}.`,
  };
}

/**
 * Reads the arguments of a connection field over a model; `list` names the field in its cursors. Throws
 * BAD_USER_INPUT with the wrong argument.
 */
export function requestOf(list: string, model: string, args: ListArguments): ListRequest {
  return readListRequest(list, model, args, readColumn);
}
