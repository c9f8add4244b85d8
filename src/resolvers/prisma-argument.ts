import type { Column } from '../generated/catalog.ts';
import { Prisma } from '../generated/prisma/client.ts';

/**
 * Returns a client's value, or a list of them, in a form that Prisma does not change. Prisma
 * interprets plain objects, and rounds large numbers that it writes into its query.
 */
export function prismaArgument({ type }: Column, value: unknown): unknown {
  if (type === 'Json') return jsonArgument(value);
  if (type === 'Float')
    return Array.isArray(value) ? floatArguments(value) : floatArguments([value])[0];
  return value;
}

/**
 * Returns a JSON value as text. As an object, Prisma would lose the member `__proto__`, and misread
 * members such as `prisma__type`.
 */
export function jsonArgument(value: unknown): object {
  const tagged = { $type: 'Json', value: JSON.stringify(value) };
  return { toJSON: () => tagged };
}

/**
 * Fractions and 32-bit numbers become parameters of Prisma's statement. Other numbers, and lists
 * with one of them, are written into its query, which keeps 16 digits.
 */
function floatArguments(values: readonly unknown[]): unknown[] {
  const areParameters = values.every(
    (value) => typeof value !== 'number' || !Number.isInteger(value) || (value | 0) === value,
  );
  return areParameters ? [...values] : values.map(exactArgument);
}

/** Returns a number with all its digits for Prisma's query. */
export function exactArgument(value: unknown): unknown {
  return typeof value === 'number' ? new Prisma.Decimal(value) : value;
}
