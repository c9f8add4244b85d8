import { isDeepStrictEqual } from 'node:util';
import DataLoader from 'dataloader';
import { catalog } from '../../generated/catalog.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { lookupOf } from '../../models/descriptor.ts';
import { currentSession, type Session } from '../session.ts';

type Args = Record<string, unknown>;
type Row = Record<string, unknown>;
type Scalar = string | number | bigint | boolean | null;

interface ModelDelegate {
  findMany(args: Args): Promise<Row[]>;
  findFirst(args: Args): Promise<Row | null>;
}

/** The arguments of a query extension. Prisma's types lack the last one. */
interface Operation {
  model: string;
  args: Args;
  query(args: Args): Promise<unknown>;
  __internalParams: {
    transaction?: { kind: 'itx' | 'batch' };
    /** The path of a chained relation: `findUnique(...).campaigns()`. */
    dataPath?: string[];
  };
}

/** Look-ups of one tick that only differ in the values of their unique columns. */
interface PendingLookups {
  model: string;
  columns: string[];
  args: Args;
  loader: DataLoader<Scalar[], Row | null, Scalar[]>;
}

/** Bounds the length of a statement; more keys take several. */
const MAX_BATCH_SIZE = 1_024;

const pendingBySession = new WeakMap<Session, PendingLookups[]>();

/**
 * Batches `findUnique` per session. Prisma's own batching joins look-ups of one tick from all
 * sessions, and sends them under the settings of the first one, so no look-up may reach it.
 */
export const sessionLookups = Prisma.defineExtension((client) =>
  client.$extends({
    name: 'session-lookups',
    query: {
      $allOperations(operation) {
        const { __internalParams, args, query } = withInternals(operation);
        if (__internalParams.transaction?.kind === 'batch') {
          throw new Error(
            '$transaction takes a function here: an array may run in another session',
          );
        }
        return query(args);
      },
      $allModels: {
        findUnique: (operation) => findUnique(client, withInternals(operation)),
        async findUniqueOrThrow(operation) {
          const row = await findUnique(client, withInternals(operation));
          if (row !== null) return row;
          throw new Prisma.PrismaClientKnownRequestError('No record was found for a query.', {
            code: 'P2025',
            clientVersion: Prisma.prismaVersion.client,
            meta: { modelName: operation.model },
          });
        },
      },
    },
  }),
);

function withInternals(operation: object): Operation {
  return operation as Operation;
}

async function findUnique(client: object, operation: Operation): Promise<unknown> {
  const { model, args, query, __internalParams } = operation;
  // Prisma batches within a transaction by itself, and a transaction belongs to one session.
  if (__internalParams.transaction) return query(args);
  const { where, ...rest } = args;
  const delegate = delegateOf(client, model);
  const unique = uniqueColumns(model, where as Row);
  const row = await (unique
    ? pendingLookups(delegate, model, Object.keys(unique), rest).loader.load(Object.values(unique))
    : delegate.findFirst(args));
  // A chained relation is unpacked from the row; `select` alternates with the relations' names.
  const path = __internalParams.dataPath?.filter((_, index) => index % 2 === 1) ?? [];
  return path.reduce<unknown>((value, name) => (value as Row | null)?.[name] ?? null, row);
}

function delegateOf(client: object, model: string): ModelDelegate {
  return (client as Record<string, ModelDelegate>)[lookupOf(model)] as ModelDelegate;
}

/**
 * Returns the columns and values of a `where`, with compound keys taken apart. Null if it has more
 * than equality, or a value that the database spells differently in its result.
 */
function uniqueColumns(model: string, where: Row): Record<string, Scalar> | null {
  const columns = catalog.models[model]?.columns ?? {};
  const unique: Record<string, Scalar> = {};
  for (const [name, value] of Object.entries(where)) {
    if (value === undefined) continue;
    const isCompound = !(name in columns) && value !== null && typeof value === 'object';
    for (const [column, scalar] of isCompound ? Object.entries(value) : [[name, value] as const]) {
      if (!(column in columns) || !isScalar(scalar) || isUnusualUuid(scalar)) return null;
      if (column in unique && unique[column] !== scalar) return null;
      unique[column] = scalar;
    }
    if (isCompound && name !== Object.keys(value).join('_')) return null;
  }
  return unique;
}

function isScalar(value: unknown): value is Scalar {
  return value === null || /^(string|number|bigint|boolean)$/.test(typeof value);
}

/**
 * Postgres accepts UUIDs in capitals, in braces and without hyphens, but never returns them so.
 */
function isUnusualUuid(value: Scalar): boolean {
  return (
    typeof value === 'string' &&
    /^\{?([0-9a-f]{4}-?){8}\}?$/i.test(value) &&
    !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
  );
}

function pendingLookups(
  delegate: ModelDelegate,
  model: string,
  columns: string[],
  args: Args,
): PendingLookups {
  const session = currentSession();
  const pending = pendingBySession.get(session) ?? [];
  pendingBySession.set(session, pending);
  const same = pending.find(
    (lookups) =>
      lookups.model === model &&
      isDeepStrictEqual(lookups.columns, columns) &&
      isDeepStrictEqual(lookups.args, args),
  );
  if (same) return same;
  const lookups: PendingLookups = {
    model,
    columns,
    args,
    loader: new DataLoader(
      (keys) => {
        const index = pending.indexOf(lookups);
        if (index !== -1) pending.splice(index, 1);
        return findByKeys(delegate, columns, args, keys);
      },
      // Nothing is kept: a read after a write of the same session has to see it.
      { cache: false, maxBatchSize: MAX_BATCH_SIZE },
    ),
  };
  pending.push(lookups);
  return lookups;
}

async function findByKeys(
  delegate: ModelDelegate,
  columns: string[],
  args: Args,
  keys: readonly Scalar[][],
): Promise<(Row | null)[]> {
  const distinct = [...new Map(keys.map((key) => [identityOf(key), key])).values()];
  const rows = await delegate.findMany({
    ...withColumns(args, columns),
    where: whereAnyOf(columns, distinct),
  });
  const byIdentity = new Map(
    rows.map((row) => [identityOf(columns.map((column) => row[column])), row]),
  );
  return keys.map((key) => byIdentity.get(identityOf(key)) ?? null);
}

function identityOf(values: readonly unknown[]): string {
  return JSON.stringify(values.map((value) => (value === null ? null : String(value))));
}

/** `{ workspaceId: w, id: { in: [...] } }` where one column differs, a list of keys otherwise. */
function whereAnyOf(columns: string[], keys: readonly Scalar[][]): Args {
  const first = keys[0] ?? [];
  const varying = columns.filter((_, index) => keys.some((key) => key[index] !== first[index]));
  const shared = Object.fromEntries(
    columns
      .map((column, index) => [column, first[index]] as const)
      .filter(([column]) => !varying.includes(column)),
  );
  const [only, ...others] = varying;
  if (only === undefined) return shared;
  const values = keys.map((key) => key[columns.indexOf(only)]);
  if (others.length === 0 && !values.includes(null)) {
    return { ...shared, [only]: { in: paddedToPowerOfTwo(values) } };
  }
  return {
    OR: keys.map((key) => Object.fromEntries(columns.map((column, i) => [column, key[i]]))),
  };
}

/** Each number of values needs another prepared statement. Rounding up leaves eleven of 1,024. */
export function paddedToPowerOfTwo<T>(values: readonly T[]): (T | undefined)[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, index) => values[Math.min(index, values.length - 1)]);
}

/** Adds the columns that identify rows to the selection. */
function withColumns(args: Args, columns: string[]): Args {
  const { select, omit } = args as { select?: Args | null; omit?: Args | null };
  const shown = Object.fromEntries(columns.map((column) => [column, true]));
  if (select) return { ...args, select: { ...select, ...shown } };
  const hidden = Object.fromEntries(columns.map((column) => [column, false]));
  return omit ? { ...args, omit: { ...omit, ...hidden } } : args;
}
