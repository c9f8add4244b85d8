import DataLoader from 'dataloader';
import type { Context } from '../context/context.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { modelOf, relationOf } from './catalog.ts';
import { delegateOf, type Row } from './rows.ts';

type Batch<Key, Value> = (keys: readonly Key[]) => Promise<ArrayLike<Value>>;

const loadersOf = new WeakMap<Context, Map<string, DataLoader<unknown, unknown, string>>>();

/**
 * Returns the loader of a request with this name. The name identifies what `batch` looks up, so
 * that look-ups of the same kind share a statement.
 */
export function loader<Key, Value>(context: Context, name: string, batch: Batch<Key, Value>) {
  const loaders = loadersOf.get(context) ?? new Map();
  loadersOf.set(context, loaders);
  let found = loaders.get(name);
  if (!found) {
    found = new DataLoader<Key, Value, string>(batch, { cacheKeyFn: (key) => JSON.stringify(key) });
    loaders.set(name, found);
  }
  return found as DataLoader<Key, Value, string>;
}

/** Returns a name that is equal for equal conditions and selections only. */
export function nameOf(...parts: readonly unknown[]): string {
  return JSON.stringify(parts, (_, value) => {
    // JSON cannot represent the first, and turns the second into an empty object.
    if (typeof value === 'bigint') return `${value}n`;
    return value === Prisma.AnyNull ? null : value;
  });
}

/**
 * Returns the row of a model with this value in a unique column, null when there is none that the
 * viewer may see. Look-ups with the same selection are batched.
 */
export function loadRow(
  context: Context,
  model: string,
  column: string,
  value: unknown,
  selection: object,
): Promise<Row | null> {
  const name = nameOf(model, column, selection);
  return loader<unknown, Row | null>(context, name, async (values) => {
    const rows = await delegateOf(context, model).findMany({
      ...withColumn(selection, column),
      where: { [column]: { in: [...values] } },
    });
    const byValue = new Map(rows.map((row) => [row[column], row]));
    return values.map((wanted) => byValue.get(wanted) ?? null);
  }).load(value);
}

/**
 * Returns the rows for a stored list of references, in its order and with its duplicates. Missing
 * rows are left out.
 */
export async function loadRows(
  context: Context,
  model: string,
  column: string,
  values: readonly unknown[],
  selection: object,
): Promise<Row[]> {
  const rows = await Promise.all(
    values.map((value) => loadRow(context, model, column, value, selection)),
  );
  return rows.filter((row) => row !== null);
}

/** Returns how many rows a to-many relation of a parent has under a filter. Batched over parents. */
export function loadCount(
  context: Context,
  model: string,
  relationName: string,
  where: object,
  parent: Row,
): Promise<number> {
  const { child, columns, references } = countKey(model, relationName);
  const key = references.map((reference) => parent[reference]);
  return loader<unknown[], number>(
    context,
    nameOf('count', model, relationName, where),
    async (keys) => {
      const groups = await delegateOf(context, child).groupBy({
        by: columns,
        where: { AND: [where, ...columns.map((column, i) => inKeys(column, keys, i))] },
        _count: { _all: true },
      });
      const totals = new Map(
        groups.map((group) => [
          JSON.stringify(columns.map((column) => group[column])),
          group._count._all,
        ]),
      );
      return keys.map((wanted) => totals.get(JSON.stringify(wanted)) ?? 0);
    },
  ).load(key);
}

/**
 * How the rows of a to-many relation find their parent: `columns` of the child hold what
 * `references` of the parent do.
 */
export function countKey(model: string, relationName: string) {
  const relation = relationOf(model, relationName);
  const child = relation.to;
  const back = Object.values(modelOf(child).relations).find(
    ({ name, columns }) => name === relation.name && columns.length > 0,
  );
  if (!back) throw new TypeError(`${model}.${relationName} is no to-many relation`);
  return { child, columns: back.columns, references: back.references };
}

function inKeys(column: string, keys: readonly unknown[][], position: number) {
  return { [column]: { in: [...new Set(keys.map((key) => key[position]))] } };
}

/** Returns the selection with the column that identifies its rows. */
export function withColumn(selection: { select?: object }, column: string): object {
  return selection.select
    ? { ...selection, select: { ...selection.select, [column]: true } }
    : selection;
}
