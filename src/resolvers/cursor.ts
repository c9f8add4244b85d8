import { GatewayError } from '../context/errors.ts';
import { type Column, catalog } from '../generated/catalog.ts';
import { columnOf } from './catalog.ts';
import type { Ordering } from './ordering.ts';

/**
 * A cursor is a place in an order, not a row: it holds the values of the ordered columns, so that
 * paging goes on where it stopped even when the row has gone since.
 */
export type CursorValues = readonly unknown[];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NUMERIC = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

function signature(list: string, orderings: readonly Ordering[]): string {
  const order = orderings.map(({ column, direction, nulls }) => `${column} ${direction} ${nulls}`);
  return `${list}: ${order.join(', ')}`;
}

/** Returns the cursor of a row in a list. */
export function encodeCursor(
  list: string,
  orderings: readonly Ordering[],
  row: Record<string, unknown>,
): string {
  const values = orderings.map(({ column }) => {
    const value = row[column];
    if (value instanceof Date) return value.toISOString();
    if (typeof value === 'bigint' || typeof value === 'object') return value?.toString() ?? null;
    return value ?? null;
  });
  return Buffer.from(JSON.stringify([signature(list, orderings), ...values])).toString('base64url');
}

/** Returns the values of a cursor. Throws BAD_USER_INPUT for one that this list did not hand out. */
export function decodeCursor(
  cursor: string,
  argument: string,
  list: string,
  model: string,
  orderings: readonly Ordering[],
): CursorValues {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    decoded = null;
  }
  if (!Array.isArray(decoded) || typeof decoded[0] !== 'string') {
    throw new GatewayError('BAD_USER_INPUT', `"${argument}" is not a cursor of this API.`, {
      argument,
    });
  }
  const [from, ...values] = decoded as [string, ...unknown[]];
  if (from !== signature(list, orderings) || values.length !== orderings.length) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"${argument}" is a cursor of another list or order: use one that this list returned with the same orderBy.`,
      { argument },
    );
  }
  return orderings.map((ordering, i) => {
    const column = columnOf(model, ordering.column);
    const value = values[i];
    if (value === null && !column.isRequired) return null;
    const parsed = parse(column, value);
    if (parsed === undefined) {
      throw new GatewayError('BAD_USER_INPUT', `"${argument}" is not a cursor of this API.`, {
        argument,
      });
    }
    return parsed;
  });
}

function parse(column: Column, value: unknown): unknown {
  if (column.kind === 'enum') {
    const known = catalog.enums[column.type]?.values.some(({ name }) => name === value);
    return known ? value : undefined;
  }
  switch (column.type) {
    case 'Boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'Int':
      return Number.isSafeInteger(value) ? value : undefined;
    case 'Float':
      return typeof value === 'number' ? value : undefined;
    case 'BigInt':
      return typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : undefined;
    case 'Decimal':
      return typeof value === 'string' && NUMERIC.test(value) ? value : undefined;
    case 'DateTime': {
      const date = typeof value === 'string' ? new Date(value) : undefined;
      return date && !Number.isNaN(date.getTime()) ? date : undefined;
    }
    default:
      if (typeof value !== 'string') return undefined;
      return column.nativeType === 'Uuid' && !UUID.test(value) ? undefined : value;
  }
}
