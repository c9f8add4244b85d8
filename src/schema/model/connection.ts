import type { MaybePromise } from '@pothos/core';
import { limits } from '../../resolvers/limits.ts';
import { readLiveCursor } from '../../resolvers/live-cursor.ts';
import { creationColumn } from '../../resolvers/ordering.ts';
import {
  type Connection,
  type Page,
  type PageArguments,
  queriedPage,
  readPageRequest,
} from '../../resolvers/page.ts';
import type { Row } from '../../resolvers/rows.ts';
import { builder } from '../builder.ts';
import { type AnyArguments, anyFields, rowRef } from './any-model.ts';
import { readColumn } from './columns.ts';
import { filterInput, orderByInput } from './inputs.ts';
import { LIVE_CURSOR } from './live-cursor-field.ts';

/** The value of a connection. The count is a function, so that it is only read when selected. */
export interface CountedConnection {
  edges: MaybePromise<Connection<Row>['edges']>;
  pageInfo: MaybePromise<Connection<Row>['pageInfo']>;
  totalCount: () => Promise<number>;
}

export interface ListArguments extends PageArguments {
  filter?: Row | null;
}

/** The paths of a connection at which its rows are selected. */
export const NODE_PATHS = [[{ name: 'nodes' }], [{ name: 'edges' }, { name: 'node' }]];

function defineConnection(model: string, columns: readonly string[]) {
  const ref = rowRef(model);
  const orderBy = orderByInput(model, columns);
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
export function implementConnection(model: string, columns: readonly string[]): void {
  connections.set(model, defineConnection(model, columns));
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
 * Reads the paging arguments of a connection field over a model; `list` names the field in its
 * cursors. Throws BAD_USER_INPUT with the wrong argument.
 */
export function pageOf(list: string, model: string, args: PageArguments): Page {
  return queriedPage(readPageRequest(list, model, args, readColumn));
}
