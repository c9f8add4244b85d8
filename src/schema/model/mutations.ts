import type { InputFieldMap, MaybePromise, OutputType } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { GatewayError } from '../../context/errors.ts';
import type { Writes } from '../../models/descriptor.ts';
import { article, modelOf } from '../../resolvers/catalog.ts';
import { limits } from '../../resolvers/limits.ts';
import type { Row } from '../../resolvers/rows.ts';
import { fieldOf } from '../../resolvers/writes/field.ts';
import { upsertRow } from '../../resolvers/writes/upsert.ts';
import {
  createRow,
  createRows,
  deleteRow,
  deleteRows,
  updateRow,
  updateRows,
  type Write,
} from '../../resolvers/writes/write.ts';
import { type Writable, writable } from '../../write/writable.ts';
import { builder, type Types } from '../builder.ts';
import { type PriceOf, priced } from '../cost/price.ts';
import { deletePrice, writePrice } from '../cost/writes.ts';
import { type AnyArguments, type AnyInput, anyFields } from './any-model.ts';
import { filterInput } from './inputs.ts';
import { bulkPayloadOf, idScalar, type Names, type Payload, payloadOf } from './payloads.ts';
import {
  chosenIdOf,
  createInput,
  keyInput,
  settableColumns,
  uniqueKeysOf,
  updateInput,
} from './write-inputs.ts';

/** The arguments that a client gives to a mutation. */
export type Arguments = { dryRun?: boolean | null; [name: string]: unknown };

/** Gives Mutation the writes of a model, single and in bulk. */
export function defineMutations(
  names: Names,
  columns: readonly string[],
  writes: Writes,
  settableOf: (model: string) => readonly string[],
): void {
  const { operations = ['create', 'update', 'delete'] } = writes;
  const settable = settableColumns(columns, writes.readOnly);
  const payload = payloadOf(names);
  const bulk = bulkPayloadOf(names);
  const create = operations.includes('create')
    ? createInput(
        names.model,
        [...chosenIdOf(names.model), ...settable],
        writes.nested ?? [],
        settableOf,
      )
    : undefined;
  const update = operations.includes('update') ? updateInput(names.model, settable) : undefined;
  if (create) defineCreates(names, payload, bulk, create);
  if (update) defineUpdates(names, payload, bulk, update);
  const isNamed = uniqueKeysOf(names.model).length > 0;
  if (create && update && isNamed) defineUpsert(names, payload, create, update);
  if (operations.includes('delete')) defineDeletes(names, payload, bulk);
}

const DRY_RUN = 'Try the mutation: return its result, and undo all its changes.';
const UNMODIFIED =
  'The updatedAt of the row as you read it. ConflictError if the row was changed since.';

/** The arguments of every mutation. */
export function common(arg: AnyArguments) {
  return { dryRun: arg.boolean({ defaultValue: false, description: DRY_RUN }) };
}

function conditional(arg: AnyArguments, model: string) {
  const versioned = 'updatedAt' in modelOf(model).columns;
  return {
    id: arg({ type: idScalar(model), required: true }),
    ...(versioned ? { ifUnmodifiedSince: arg({ type: 'DateTime', description: UNMODIFIED }) } : {}),
    ...common(arg),
  };
}

function chosen(arg: AnyArguments, model: string) {
  return {
    filter: arg({ type: filterInput(model), required: true }),
    atMost: arg.int({
      required: true,
      description: `At most ${limits.maxBulkRows}. If the filter matches more rows than this, nothing is done and the mutation is refused.`,
    }),
    ...common(arg),
  };
}

/**
 * Adds one field to Mutation. The resolver gets a `Write` with the selection at the `path` in the
 * payload; the path is null where a payload has no rows.
 */
export function mutation(
  names: { model: string },
  name: string,
  description: string,
  type: OutputType<Types>,
  path: string[] | null,
  args: (arg: AnyArguments) => InputFieldMap,
  run: (write: Write, args: Arguments) => MaybePromise<unknown>,
  price: PriceOf = writePrice(names.model),
  kind?: Writable['kind'],
): void {
  builder.mutationField(name, (root) => {
    const t = anyFields(root);
    return t.field({
      type,
      // An error of this field must not remove the answers of fields that were committed before.
      nullable: true,
      description,
      args: args(t.arg),
      extensions: {
        ...priced(price).extensions,
        ...(kind ? writable({ kind, model: names.model }) : {}),
      },
      resolve: (_root, given: Arguments, context, info) => {
        const { settled } = fieldOf(context);
        if (settled) return settled.payload;
        const write = {
          context,
          model: names.model,
          selection: path ? queryFromInfo({ context, info, typeName: names.model, path }) : {},
          dryRun: given.dryRun ?? false,
        };
        return run(write, given);
      },
    });
  });
}

function defineCreates(
  names: Names,
  payload: Payload,
  bulk: OutputType<Types>,
  input: AnyInput,
): void {
  const { model, lookup, plural } = names;
  mutation(
    names,
    `create${model}`,
    `Creates ${article(model)}.`,
    payload,
    [lookup],
    (arg) => ({ input: arg({ type: input, required: true }), ...common(arg) }),
    (write, args) => createRow(write, args.input as Row),
    writePrice(model),
    'create',
  );
  mutation(
    names,
    `create${plural}`,
    `Creates many in one transaction: all or nothing, unless atomic is false.`,
    bulk,
    ['results', lookup],
    (arg) => ({
      inputs: arg({ type: [input], required: true }),
      atomic: arg.boolean({
        defaultValue: true,
        description: 'False creates the valid rows even if others are refused.',
      }),
      ...common(arg),
    }),
    (write, { inputs, atomic }) => createRows(write, inputs as Row[], atomic !== false),
    writePrice(model),
    'createMany',
  );
}

function defineUpdates(
  names: Names,
  payload: Payload,
  bulk: OutputType<Types>,
  input: AnyInput,
): void {
  const { model, lookup, plural } = names;
  mutation(
    names,
    `update${model}`,
    `Changes ${article(model)}.`,
    payload,
    [lookup],
    (arg) => ({ ...conditional(arg, model), input: arg({ type: input, required: true }) }),
    (write, { id, input: changes, ifUnmodifiedSince }) =>
      updateRow(write, id as string, changes as Row, ifUnmodifiedSince as Date | null),
    writePrice(model),
    'update',
  );
  mutation(
    names,
    `update${plural}`,
    'Changes all rows that match the filter, in one transaction.',
    bulk,
    ['results', lookup],
    (arg) => ({ ...chosen(arg, model), input: arg({ type: input, required: true }) }),
    (write, { filter, input: changes, atMost }) =>
      updateRows(write, filter as Row, changes as Row, atMost as number),
  );
}

function defineDeletes(names: Names, payload: Payload, bulk: OutputType<Types>): void {
  const { model, lookup, plural } = names;
  mutation(
    names,
    `delete${model}`,
    `Deletes ${article(model)}, with all rows that depend on it.`,
    payload,
    [lookup],
    (arg) => conditional(arg, model),
    (write, { id, ifUnmodifiedSince }) =>
      deleteRow(write, id as string, ifUnmodifiedSince as Date | null),
    deletePrice(model),
    'delete',
  );
  mutation(
    names,
    `delete${plural}`,
    'Deletes all rows that match the filter, in one transaction.',
    bulk,
    ['results', lookup],
    (arg) => chosen(arg, model),
    (write, { filter, atMost }) => deleteRows(write, filter as Row, atMost as number),
    deletePrice(model),
  );
}

function defineUpsert(names: Names, payload: Payload, create: AnyInput, update: AnyInput): void {
  const { model, lookup } = names;
  const key = keyInput(model);
  mutation(
    names,
    `upsert${model}`,
    `Changes the ${model} with this key, or creates it if there is none.`,
    payload,
    [lookup],
    (arg) => ({
      key: arg({ type: key, required: true }),
      create: arg({ type: create, required: true }),
      update: arg({ type: update, required: true }),
      ...common(arg),
    }),
    (write, args) => {
      const given = Object.fromEntries(
        Object.entries(args.key as Row).filter(([, value]) => value != null),
      );
      if (
        !uniqueKeysOf(model).some(
          (names) => [...names].sort().join() === Object.keys(given).sort().join(),
        )
      ) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          `"key" must hold exactly one of the unique keys of ${model}.`,
          { argument: 'key' },
        );
      }
      return upsertRow(write, given, args.create as Row, args.update as Row);
    },
  );
}
