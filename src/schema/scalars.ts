import {
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  GraphQLScalarType,
  GraphQLString,
} from 'graphql';
import {
  GraphQLBigInt,
  GraphQLDate,
  GraphQLDateTimeISO,
  GraphQLJSON,
  GraphQLURL,
  GraphQLUUID,
} from 'graphql-scalars';
import { builder } from './builder.ts';

export type ScalarTypes = {
  UUID: { Input: string; Output: string };
  DateTime: { Input: Date; Output: Date };
  Date: { Input: Date; Output: Date };
  JSON: { Input: unknown; Output: unknown };
  BigInt: { Input: bigint; Output: bigint };
  Decimal: { Input: string; Output: { toString(): string } };
  URL: { Input: string; Output: string };
};

const NUMERIC = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i;

function parseDecimal(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof text !== 'string' || text.length > 1_000 || !NUMERIC.test(text)) {
    throw new GraphQLError('A Decimal is a number in a string, such as "12.50".');
  }
  return text;
}

const decimal = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'A decimal number of any precision, in a string so that no digit is lost: "12.50".',
  serialize: (value) => (value as { toFixed?: () => string }).toFixed?.() ?? String(value),
  parseValue: parseDecimal,
  parseLiteral: (node) => parseDecimal('value' in node ? node.value : undefined),
});

/** As the database writes it, so that what a client sends equals what it gets. */
function toUuid(parsed: string): string {
  // graphql-scalars lets a closing brace pass that nothing has opened.
  if (parsed.endsWith('}')) throw new GraphQLError(`Value is not a valid UUID: ${parsed}`);
  return parsed.toLowerCase();
}

/** A number that JSON's own cannot hold exactly has lost digits on its way here. */
function parseBigInt(value: unknown): bigint {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text)) {
    throw new GraphQLError(
      'A BigInt is a whole number of up to 64 bits in a string, such as "42".',
    );
  }
  return BigInt(text);
}

function parseUrl(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value)) {
    throw new GraphQLError('A URL is an absolute address, such as "https://example.com/page".');
  }
  return new URL(value).href;
}

const scalars = new Map<string, GraphQLScalarType>(
  [GraphQLBoolean, GraphQLFloat, GraphQLInt, GraphQLString].map((scalar) => [scalar.name, scalar]),
);

function define<Name extends keyof ScalarTypes, External>(
  name: Name,
  scalar: GraphQLScalarType<ScalarTypes[Name]['Input'], External>,
): void {
  scalars.set(name, scalar as GraphQLScalarType);
  builder.addScalarType(name, scalar as never);
}

/** Reads a value as an argument of the scalar. Throws GraphQLError for one that it does not take. */
export function readScalar(name: string, value: unknown): unknown {
  const scalar = scalars.get(name);
  if (!scalar) throw new TypeError(`There is no scalar ${name}`);
  return scalar.parseValue(value);
}

define(
  'UUID',
  new GraphQLScalarType<string, string>({
    ...GraphQLUUID.toConfig(),
    parseValue: (value) => toUuid(String(GraphQLUUID.parseValue(value))),
    parseLiteral: (node, variables) => toUuid(String(GraphQLUUID.parseLiteral(node, variables))),
  }),
);
define(
  'DateTime',
  new GraphQLScalarType({
    ...GraphQLDateTimeISO.toConfig(),
    name: 'DateTime',
    description: 'A moment as ISO 8601 in UTC with milliseconds: "2026-03-01T09:30:00.000Z".',
  }),
);
define(
  'Date',
  new GraphQLScalarType({
    ...GraphQLDate.toConfig(),
    description: 'A calendar day as ISO 8601: "2026-03-01".',
  }),
);
define(
  'JSON',
  new GraphQLScalarType({ ...GraphQLJSON.toConfig(), description: 'Any JSON value.' }),
);
define(
  'BigInt',
  new GraphQLScalarType<bigint, string>({
    ...(GraphQLBigInt.toConfig() as object),
    name: 'BigInt',
    description: 'A whole number of up to 64 bits, in a string so that no digit is lost: "42".',
    serialize: String,
    parseValue: parseBigInt,
    parseLiteral: (node) => parseBigInt('value' in node ? node.value : undefined),
  }),
);
define('Decimal', decimal);
define(
  'URL',
  new GraphQLScalarType<string, string>({
    ...GraphQLURL.toConfig(),
    description: 'An absolute address, such as "https://example.com/page".',
    // What a writer stored is shown as it is: one odd address must not fail a whole list.
    serialize: String,
    parseValue: parseUrl,
    parseLiteral: (node) => parseUrl('value' in node ? node.value : undefined),
  }),
);
