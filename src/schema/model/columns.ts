import type { EnumRef } from '@pothos/core';
import { type Column, catalog } from '../../generated/catalog.ts';
import { builder, type Types } from '../builder.ts';
import type { ScalarTypes } from '../scalar-types.ts';
import { readScalar } from '../scalars.ts';

export type ScalarName = keyof ScalarTypes | 'String' | 'Int' | 'Float' | 'Boolean';

/** How the API shows the values of a column. */
export type ColumnType = ScalarName | EnumRef<Types, unknown>;

const SCALARS: Record<string, ScalarName> = {
  Int: 'Int',
  Float: 'Float',
  Boolean: 'Boolean',
  BigInt: 'BigInt',
  Decimal: 'Decimal',
  Json: 'JSON',
  DateTime: 'DateTime',
};

/** The GraphQL type of a column's values (of the items, for a list). */
export function columnType(name: string, column: Column): ColumnType {
  if (column.kind === 'enum') return enumType(column.type);
  if (column.nativeType === 'Uuid') return 'UUID';
  if (column.nativeType === 'Date') return 'Date';
  if (column.type === 'String' && /(^|[a-z])url$/i.test(name)) return 'URL';
  return SCALARS[column.type] ?? 'String';
}

/** The type of operands for a value of this type: a URL is compared as a text. */
export function operandType(type: ColumnType): ColumnType {
  return type === 'URL' ? 'String' : type;
}

/**
 * Reads a value to compare a column with, like an argument of its type. Throws GraphQLError for an
 * invalid one.
 */
export function readColumn(name: string, column: Column, value: unknown): unknown {
  const type = operandType(columnType(name, column));
  return typeof type === 'string' ? readScalar(type, value) : value;
}

const enumTypes = new Map<string, EnumRef<Types, unknown>>();

/** The GraphQL enumeration for one of the database, in UPPER_SNAKE_CASE. */
export function enumType(name: string): EnumRef<Types, unknown> {
  let type = enumTypes.get(name);
  if (!type) {
    const { documentation, values } = catalog.enums[name] as (typeof catalog.enums)[string];
    type = builder.enumType(name, {
      ...(documentation ? { description: documentation } : {}),
      values: Object.fromEntries(
        values.map((value) => [
          value.name.toUpperCase(),
          {
            value: value.name,
            ...(value.documentation ? { description: value.documentation } : {}),
          },
        ]),
      ),
    }) as EnumRef<Types, unknown>;
    enumTypes.set(name, type);
  }
  return type;
}

/** `createdAt` as `CREATED_AT`. */
export function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}
