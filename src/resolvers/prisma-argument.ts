import type { Column } from '../generated/catalog.ts';
import { Prisma } from '../generated/prisma/client.ts';

/**
 * Returns a value of a client, or a list of them, for Prisma, which would change some: it takes plain
 * objects apart, and rounds large numbers that are written into its query.
 */
export function prismaArgument({ type }: Column, value: unknown): unknown {
  if (type === 'Json') return jsonArgument(value);
  if (type === 'Float')
    return Array.isArray(value) ? floatArguments(value) : floatArguments([value])[0];
  return value;
}

/**
 * Returns a JSON value as a text of its own. Member by member Prisma would lose `__proto__`, and take
 * members such as `prisma__type` for its own.
 */
export function jsonArgument(value: unknown): object {
  const tagged = { $type: 'Json', value: JSON.stringify(value) };
  return { toJSON: () => tagged };
}

/**
 * Fractions and 32-bit numbers are parameters of Prisma's statement. All others are part of its query,
 * and so is a list with one of them: as numbers they would keep 16 digits there.
 */
function floatArguments(values: readonly unknown[]): unknown[] {
  const areParameters = values.every(
    (value) => typeof value !== 'number' || !Number.isInteger(value) || (value | 0) === value,
  );
  return areParameters ? [...values] : values.map(exactArgument);
}

/** Returns a number with all its digits for where Prisma writes it into its query. */
export function exactArgument(value: unknown): unknown {
  return typeof value === 'number' ? new Prisma.Decimal(value) : value;
}
