import { GatewayError } from '../context/errors.ts';
import type { Column } from '../generated/catalog.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { modelOf } from './catalog.ts';
import type { Row } from './rows.ts';
import { valueProblem } from './value-problem.ts';

const BOUNDED_TYPES = ['DateTime', 'Float', 'Decimal'];

/** Whether the database's type of the column has values that the API's type does not have. */
export function isBounded({ type }: Column): boolean {
  return BOUNDED_TYPES.includes(type);
}

/**
 * Returns the value of a row's column. Throws UNREPRESENTABLE_VALUE, with its place, for a value
 * that the API cannot show. The database refuses such values, but older rows may have some.
 */
export function shownValue(model: string, name: string, row: Row): unknown {
  const value = row[name];
  for (const item of Array.isArray(value) ? value : [value]) {
    if (!isRepresentable(item)) throw unrepresentable(model, name, row.id);
  }
  return value;
}

function isRepresentable(value: unknown): boolean {
  if (Prisma.Decimal.isDecimal(value)) return value.isFinite();
  return typeof value === 'string' || valueProblem(value) === undefined;
}

/** The error for a value of a row that the API cannot show, or that is part of one. */
export function unrepresentable(model: string, name: string, id: unknown): GatewayError {
  const { table, columns } = modelOf(model);
  const column = columns[name]?.column ?? name;
  const row = id === undefined ? {} : { row: String(id) };
  return new GatewayError(
    'UNREPRESENTABLE_VALUE',
    `"${name}" of this row has a value that cannot be shown: it is infinite, not a number, or not of the years 1 to 9999. Have it corrected in the database.`,
    { details: { table, column, ...row } },
  );
}
