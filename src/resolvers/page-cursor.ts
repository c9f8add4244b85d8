import { GatewayError } from '../context/errors.ts';
import { parseClientJson } from '../context/exact-json.ts';
import { type Column, catalog } from '../generated/catalog.ts';
import { limits } from './limits.ts';
import type { Ordering } from './ordering.ts';
import { prismaArgument } from './prisma-argument.ts';
import { shownValue } from './representable.ts';
import { valueProblem } from './value-problem.ts';

/**
 * A cursor is a place in an order, not a row: it holds the values of the ordered columns, so that
 * paging continues where it stopped even if the row was deleted meanwhile.
 */
export type CursorValues = readonly unknown[];

/**
 * Returns a value of a column, read like an argument of its type. Throws for values that such an argument
 * does not accept.
 */
export type ReadValue = (name: string, column: Column, value: unknown) => unknown;

/** What a cursor says first: the list and the order that it belongs to. */
export function signatureOf(list: string, orderings: readonly Ordering[]): string {
  const order = orderings.map(({ name, direction, nulls }) => `${name} ${direction} ${nulls}`);
  return `${list}: ${order.join(', ')}`;
}

/** Returns the cursor of a row in a list. Throws UNREPRESENTABLE_VALUE for a row that has no place in it. */
export function encodeCursor(
  list: string,
  model: string,
  orderings: readonly Ordering[],
  row: Record<string, unknown>,
): string {
  const values = orderings.map(({ name, column }) => written(column, shownValue(model, name, row)));
  return Buffer.from(JSON.stringify([signatureOf(list, orderings), ...values])).toString(
    'base64url',
  );
}

/** As the API writes the value. */
function written({ nativeType }: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) {
    const text = value.toISOString();
    return nativeType === 'Date' ? text.slice(0, text.indexOf('T')) : text;
  }
  if (typeof value === 'object') return (value as { toFixed(): string }).toFixed();
  return typeof value === 'bigint' ? value.toString() : value;
}

/**
 * Returns the values of a cursor, each checked like an argument of its type. Throws BAD_USER_INPUT
 * for one that this list did not hand out.
 */
export function decodeCursor(
  cursor: string,
  argument: string,
  list: string,
  orderings: readonly Ordering[],
  readValue: ReadValue,
): CursorValues {
  if (cursor.length > limits.maxCursorLength) {
    const message = `"${argument}" has more than ${limits.maxCursorLength} characters: order by shorter texts.`;
    throw new GatewayError('BAD_USER_INPUT', message, { argument });
  }
  const foreign = () =>
    new GatewayError('BAD_USER_INPUT', `"${argument}" is not a cursor of this API.`, { argument });
  let decoded: unknown;
  try {
    decoded = parseClientJson(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw foreign();
  }
  if (!Array.isArray(decoded) || typeof decoded[0] !== 'string') throw foreign();
  const [from, ...values] = decoded as [string, ...unknown[]];
  if (from !== signatureOf(list, orderings) || values.length !== orderings.length) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"${argument}" is a cursor of another list or order: use one that this list returned with the same orderBy.`,
      { argument },
    );
  }
  return orderings.map(({ name, column, via }, i) => {
    if (values[i] === null && !column.isRequired) return null;
    try {
      return prismaArgument(
        column,
        checked(column, readValue(via?.kind === 'one' ? via.column : name, column, values[i])),
      );
    } catch {
      throw foreign();
    }
  });
}

function checked({ kind, type }: Column, value: unknown): unknown {
  const isUnknownLabel =
    kind === 'enum' && !catalog.enums[type]?.values.some(({ name }) => name === value);
  if (isUnknownLabel || valueProblem(value)) throw new TypeError('No column holds this value');
  return value;
}
