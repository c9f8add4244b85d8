import type { ObjectRef } from '@pothos/core';
import { article, columnOf } from '../../resolvers/catalog.ts';
import type { WriteResult } from '../../resolvers/writes/write.ts';
import { builder, type Types } from '../builder.ts';
import { priced } from '../cost/price.ts';
import { knownRow } from '../cost/row-prices.ts';
import { rowRef } from './any-model.ts';
import { columnType } from './columns.ts';
import { MutationErrorInterface } from './mutation-errors.ts';

/** The names of a model's mutations. */
export interface Names {
  model: string;
  /** The model's name in camelCase: `campaign`. */
  lookup: string;
  /** Its plural with a capital: `Campaigns`. */
  plural: string;
}

/** The result for one row. */
export type Payload = ObjectRef<Types, WriteResult>;

const payloads = new Map<string, Payload>();

/** The payload of mutations that write one row of a model. */
export function payloadOf(names: Pick<Names, 'model' | 'lookup'>): Payload {
  const payload = payloads.get(names.model) ?? definePayload(names);
  payloads.set(names.model, payload);
  return payload;
}

const bulkPayloads = new Map<string, ReturnType<typeof defineBulkPayload>>();

/** The payload of mutations that write many. */
export function bulkPayloadOf(names: Pick<Names, 'model' | 'lookup'>) {
  const payload = bulkPayloads.get(names.model) ?? defineBulkPayload(names, payloadOf(names));
  bulkPayloads.set(names.model, payload);
  return payload;
}

function definePayload({ model, lookup }: Pick<Names, 'model' | 'lookup'>): Payload {
  return builder.objectRef<WriteResult>(`${model}Payload`).implement({
    description: `Result of a mutation for ${article(model)}.`,
    fields: (t) => ({
      id: t.field({
        type: idScalar(model),
        description: 'Null when nothing was written.',
        resolve: ({ id }) => id,
      }),
      [lookup]: t.field({
        type: rowRef(model),
        nullable: true,
        description: 'The row after the change, or before it if the row was deleted.',
        ...priced(knownRow),
        resolve: ({ row }) => row,
      }),
      errors: t.field({
        type: [MutationErrorInterface],
        nullable: false,
        description:
          'Empty if the row was written, or if it was refused only because of errors in other rows.',
        resolve: ({ errors }) => errors,
      }),
    }),
  });
}

function defineBulkPayload({ model }: { model: string }, payload: Payload) {
  return builder.objectRef<WriteResult[]>(`${model}BulkPayload`).implement({
    description: 'Results for each row.',
    fields: (t) => ({
      results: t.field({
        type: [payload],
        nullable: false,
        description: 'In the order given, or by id where a filter chose the rows.',
        resolve: (results) => results,
      }),
      affected: t.int({
        nullable: false,
        description: 'How many rows were written.',
        resolve: (results) => results.filter(({ id }) => id !== null).length,
      }),
    }),
  });
}

/** The type of a model's `id`: dictionaries have keys that people can read. */
export function idScalar(model: string) {
  return columnType('id', columnOf(model, 'id')) as 'UUID' | 'String';
}
