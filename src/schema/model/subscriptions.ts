import type { InputFieldMap, ObjectRef } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { encodeGlobalID } from '@pothos/plugin-relay';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context/context.ts';
import { GatewayError } from '../../context/errors.ts';
import { type ChangeEvent, ChangeSource } from '../../realtime/change-source.ts';
import { article } from '../../resolvers/catalog.ts';
import {
  CHANGE_OPERATIONS,
  type ChangeOperation,
  type DeliveredChange,
  deliverChange,
  loggedOperations,
  type Wanted,
} from '../../resolvers/changes.ts';
import { toWhere } from '../../resolvers/filter.ts';
import { noLiveCursor } from '../../resolvers/live-cursor.ts';
import { type Row, requireScope } from '../../resolvers/rows.ts';
import { builder, type Types } from '../builder.ts';
import { subscriptionPrice } from '../cost/lists.ts';
import { priced } from '../cost/price.ts';
import { knownRow } from '../cost/row-prices.ts';
import { type AnyArguments, anyFields, rowRef } from './any-model.ts';
import { filterInput } from './inputs.ts';
import { mentionsLiveCursor } from './live-cursor-field.ts';

const ChangeOperationEnum = builder.enumType('ChangeOperation', {
  description: 'What happened to a row.',
  values: {
    CREATED: { description: 'A new row matches the filter.' },
    UPDATED: {
      description:
        'A row was changed and matches the filter now. It may not have matched before, so that you see it for the first time.',
    },
    DELETED: {
      description:
        'A row was deleted. Whether it matched the filter is no longer known, so this is always delivered.',
    },
    LEFT: {
      description:
        'A row was changed and no longer matches the filter, or you may no longer see it: remove it. You may never have received it.',
    },
  },
});

const AFTER =
  "The cursor to resume from: that of the last change that you received, or a list's liveCursor. Default: changes from now on.";

type ChangeRef = ObjectRef<Types, DeliveredChange>;

const changes = new Map<string, ChangeRef>();

/** The type of a change to a model's rows. */
function changeType(model: string): ChangeRef {
  const found = changes.get(model);
  if (!found) throw new TypeError(`${model} has no changes: defineModel() comes first`);
  return found;
}

/** Rows are named by their nodeId or, where they have none, by their id. */
function defineChange(model: string, columns: readonly string[], hasNodeId: boolean): ChangeRef {
  return builder.objectRef<DeliveredChange>(`${model}Change`).implement({
    description: `A change to ${article(model)}.`,
    fields: (t) => ({
      operation: t.expose('operation', { type: ChangeOperationEnum, nullable: false }),
      ...(hasNodeId
        ? {
            nodeId: t.id({
              nullable: false,
              description: "The row's nodeId.",
              resolve: ({ change }) => encodeGlobalID(model, change.rowId),
            }),
          }
        : {
            id: t.field({
              type: 'UUID',
              nullable: false,
              description: "The row's id.",
              resolve: ({ change }) => change.rowId,
            }),
          }),
      node: t.field({
        type: rowRef(model),
        nullable: true,
        description:
          'The row at delivery, which may include later changes. Null if the operation is DELETED or LEFT.',
        ...priced(knownRow),
        resolve: ({ node }) => node,
      }),
      changedColumns: t.stringList({
        nullable: false,
        description: 'The fields that an update changed, without updatedAt; empty otherwise.',
        resolve: ({ change }) => change.changedColumns.filter((name) => columns.includes(name)),
      }),
      occurredAt: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When it was written, shortly before it was committed.',
        resolve: ({ change }) => change.occurredAt,
      }),
      cursor: t.exposeString('cursor', {
        nullable: false,
        description: 'Value for "after", to resume after this change.',
      }),
    }),
  });
}

/** A subscription to changes of a model's rows. */
export interface SubscriptionOptions {
  model: string;
  description: string;
  /** The operations that are delivered. */
  operations: readonly ChangeOperation[];
  /** If set, only updates that change this column are delivered. */
  changedColumn?: string;
  /** Condition on the rows, in Prisma's terms. Default: all rows. */
  where?: object;
  /** Throws for those who cannot subscribe. Default: those who may read the model's list can. */
  authorize?: (context: Context) => void;
  /** Whether it takes a filter, that of the model's list. Default: true. */
  isFiltered?: boolean;
  /** Arguments besides `filter` and `after`. */
  args?: (arg: AnyArguments) => InputFieldMap;
}

interface Arguments {
  filter?: Row | null;
  operations?: readonly ChangeOperation[] | null;
  after?: string | null;
}

/** Gives Subscription a field. */
export function subscription(name: string, options: SubscriptionOptions): void {
  const { model, description, changedColumn, where, authorize } = options;
  const wantedBy = ({ filter, operations }: Arguments): Wanted => ({
    model,
    operations: operations ?? options.operations,
    filter,
    ...(where ? { where } : {}),
  });
  builder.subscriptionField(name, (root) => {
    const t = anyFields<ChangeEvent>(root);
    return t.field({
      type: changeType(model),
      nullable: false,
      description,
      ...priced(subscriptionPrice(model)),
      args: {
        ...(options.isFiltered === false ? {} : { filter: t.arg({ type: filterInput(model) }) }),
        ...options.args?.(t.arg),
        after: t.arg.string({ description: AFTER }),
      },
      subscribe: (_root, args: Arguments, context, info) => {
        requireScope(context, model);
        authorize?.(context);
        const { operations } = wantedBy(args);
        if (operations.length === 0) {
          throw new GatewayError(
            'BAD_USER_INPUT',
            '"operations" names none: leave it out for all.',
            {
              argument: 'operations',
            },
          );
        }
        // An invalid selection is refused now rather than with every change.
        toWhere(model, args.filter);
        if ([info.operation, ...Object.values(info.fragments)].some(mentionsLiveCursor)) {
          throw noLiveCursor();
        }
        selectionOf(context, info, model);
        return new ChangeSource({
          model,
          operations: loggedOperations(operations),
          ...(changedColumn ? { changedColumn } : {}),
          after: args.after ?? null,
        });
      },
      resolve: (event, args: Arguments, context, info): Promise<DeliveredChange> =>
        deliverChange(context, event, wantedBy(args), selectionOf(context, info, model)),
    });
  });
}

function selectionOf(context: Context, info: GraphQLResolveInfo, typeName: string): object {
  return queryFromInfo({ context, info, typeName, path: ['node'], select: { id: true } });
}

/** Defines the type of changes to a model's rows, and the subscription to all of them. */
export function defineSubscription(
  model: string,
  lookup: string,
  columns: readonly string[],
): void {
  changes.set(model, defineChange(model, columns, true));
  subscription(`${lookup}Changed`, {
    model,
    description: `Every change to ${article(model)} that you may see, as soon as it is committed, from every writer.`,
    operations: CHANGE_OPERATIONS,
    args: (arg) => ({
      operations: arg({
        type: [ChangeOperationEnum],
        description: 'The operations to deliver. Default: all of them.',
      }),
    }),
  });
}

/**
 * Gives Subscription the changes of something that is no table of the API, without nodeId and
 * filter.
 */
export function readModelSubscription(
  name: string,
  columns: readonly string[],
  options: Omit<SubscriptionOptions, 'isFiltered'>,
): void {
  changes.set(options.model, defineChange(options.model, columns, false));
  subscription(name, { ...options, isFiltered: false });
}
