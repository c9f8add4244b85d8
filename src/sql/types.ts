import { type Column, catalog } from '../generated/catalog.ts';
import { identifier, type Sql, sql, Unsupported } from './fragment.ts';

const TYPES: Record<string, Sql> = {
  String: sql`text`,
  Int: sql`int4`,
  Float: sql`float8`,
  Boolean: sql`bool`,
  BigInt: sql`int8`,
  Decimal: sql`numeric`,
  DateTime: sql`timestamptz`,
};

/** The type of a column's values in SQL; of the items, for a list. */
export function sqlType({ kind, type, nativeType }: Column): Sql {
  if (kind === 'enum') return identifier(catalog.enums[type]?.type ?? type);
  if (nativeType === 'Uuid') return sql`uuid`;
  if (nativeType === 'Date') return sql`date`;
  const found = TYPES[type];
  if (!found) throw new Unsupported(`comparisons of ${type}`);
  return found;
}

/** Returns a value to compare a column with, or a list of them, as the driver takes it. */
export function driverValue(column: Column, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => driverValue(column, item));
  if (value instanceof Date) {
    const text = value.toISOString();
    return column.nativeType === 'Date' ? text.slice(0, text.indexOf('T')) : text;
  }
  return value === null || value === undefined ? null : String(value);
}
