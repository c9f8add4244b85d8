import type { Context } from '../context/context.ts';
import { GatewayError } from '../context/errors.ts';
import { limits } from './limits.ts';
import { delegateOf, type Row } from './rows.ts';

/** A function of the database that returns rows of a model in its own order. */
export interface ListFunction {
  name: string;
  /** Values of its parameters, in their order. */
  values: readonly unknown[];
}

/**
 * Returns the first rows of a function, as selected. Throws BAD_USER_INPUT for more rows than a
 * page may have.
 */
export async function listFrom(
  context: Context,
  model: string,
  { name, values }: ListFunction,
  first: number,
  selection: object,
): Promise<Row[]> {
  requirePageSize(first);
  const list = values.map((_, i) => `$${i + 1}`).join(', ');
  const found = await context.database.query<{ id: string }>(
    `SELECT id FROM public."${name}"(${list}) LIMIT $${values.length + 1}`,
    [...values, first],
  );
  const ids = found.map(({ id }) => id);
  const rows = await delegateOf(context, model).findMany({
    ...selection,
    where: { id: { in: ids } },
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined);
}

/** Throws BAD_USER_INPUT for more rows than a page may have. */
export function requirePageSize(first: number): void {
  if (first >= 0 && first <= limits.maxPageSize) return;
  const message = `"first" must be between 0 and ${limits.maxPageSize}.`;
  throw new GatewayError('BAD_USER_INPUT', message, { argument: 'first' });
}
