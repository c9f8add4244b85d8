import {
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  GraphQLScalarType,
  GraphQLString,
  Kind,
  type ObjectValueNode,
  type ValueNode,
} from 'graphql';
import {
  GraphQLBigInt,
  GraphQLDate,
  GraphQLDateTimeISO,
  GraphQLJSON,
  GraphQLURL,
  GraphQLUUID,
} from 'graphql-scalars';
import { isDouble, isHeld, UnheldNumber } from '../context/exact-json.ts';
import { valueProblem } from '../resolvers/value-problem.ts';
import { builder } from './builder.ts';
import type { ScalarTypes } from './scalar-types.ts';
import { parseUrl } from './url.ts';

const NUMERIC = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i;

type Variables = Readonly<Record<string, unknown>> | null | undefined;

function refuse(message: string, node?: ValueNode): never {
  throw new GraphQLError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT' } });
}

function refuseNumber(digits: UnheldNumber | string, advice: string, node?: ValueNode): never {
  const { shown } = typeof digits === 'string' ? new UnheldNumber(digits) : digits;
  refuse(`The number ${shown} cannot be held exactly: ${advice}`, node);
}

const AS_STRING = 'send it as a string.';
const AS_DOUBLE = 'a Float has up to 17 significant digits, and a size of up to 1.8e308.';

/** Numbers in a document follow the same rules as those in variables. */
function heldLiteral(node: ValueNode): string | undefined {
  if (node.kind !== Kind.INT && node.kind !== Kind.FLOAT) return undefined;
  return isHeld(node.value) ? node.value : refuseNumber(node.value, AS_STRING, node);
}

function parseDecimal(value: unknown): string {
  if (value instanceof UnheldNumber) refuseNumber(value, AS_STRING);
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
  parseLiteral: (node) =>
    parseDecimal(heldLiteral(node) ?? ('value' in node ? node.value : undefined)),
});

/**
 * A moment cut to milliseconds would be a different one, and comparisons with rows would be wrong.
 */
function inMilliseconds(value: unknown, node?: ValueNode): unknown {
  if (typeof value === 'string' && /\.\d{3}0*[1-9]/.test(value)) {
    refuse('A DateTime has at most milliseconds: "2026-03-01T09:30:00.123Z".', node);
  }
  return value;
}

const float = GraphQLFloat.toConfig();

function parseFloatValue(value: unknown): number {
  if (!(value instanceof UnheldNumber)) return float.parseValue(value);
  return isDouble(value.digits) ? Number(value.digits) : refuseNumber(value, AS_DOUBLE);
}

function parseFloatLiteral(node: ValueNode, variables: Variables): number {
  const number = float.parseLiteral(node, variables);
  const { value } = node as { value: string };
  return isHeld(value) || isDouble(value) ? number : refuseNumber(value, AS_DOUBLE, node);
}

/** Returns a value of the variables that JSON can hold, and in which no number has lost digits. */
function parseJson(value: unknown): unknown {
  const unread = [value];
  while (unread.length > 0) {
    const next = unread.pop();
    if (next instanceof UnheldNumber) refuseNumber(next, AS_STRING);
    // Variables inside of a literal have types of their own.
    if (typeof next === 'bigint' || next instanceof Date)
      refuse(`JSON has no such value: ${AS_STRING}`);
    if (typeof next !== 'object' || next === null) continue;
    for (const member of Object.values(next)) unread.push(member);
  }
  return value;
}

function parseJsonLiteral(node: ValueNode, variables: Variables): unknown {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return Number(heldLiteral(node));
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => parseJsonLiteral(item, variables));
    case Kind.OBJECT:
      return parseJsonObject(node, variables);
    case Kind.VARIABLE:
      return parseJson(variables?.[node.name.value]);
    default:
      return refuse(`JSON has no ${node.value}: write it as a string.`, node);
  }
}

/** From entries, since assigning to `__proto__` would lose the member. */
function parseJsonObject({ fields }: ObjectValueNode, variables: Variables): unknown {
  return Object.fromEntries(
    fields.map(({ name, value }) => [name.value, parseJsonLiteral(value, variables)]),
  );
}

/** Normalises to the spelling of the database, so that a client gets back what it sent. */
function toUuid(parsed: string): string {
  // graphql-scalars lets a closing brace pass that nothing has opened.
  if (parsed.endsWith('}')) throw new GraphQLError(`Value is not a valid UUID: ${parsed}`);
  return parsed.toLowerCase();
}

/** A number that a double cannot hold has lost digits on its way here. */
function parseBigInt(value: unknown): bigint {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text)) {
    throw new GraphQLError(
      'A BigInt is a whole number of up to 64 bits in a string, such as "42".',
    );
  }
  return BigInt(text);
}

const scalars = new Map<string, GraphQLScalarType>(
  [GraphQLBoolean, GraphQLFloat, GraphQLInt, GraphQLString].map((scalar) => [scalar.name, scalar]),
);

/** Adds a scalar that also refuses values which no column can hold. */
function define<Name extends keyof ScalarTypes, External>(
  name: Name,
  scalar: GraphQLScalarType<ScalarTypes[Name]['Input'], External>,
): void {
  type Input = ScalarTypes[Name]['Input'];
  const config = scalar.toConfig();
  const bounded = (value: Input): Input => {
    // A JSON value is checked as a whole, where its use is known.
    const problem = name === 'JSON' ? undefined : valueProblem(value);
    if (problem) throw new GraphQLError(problem);
    return value;
  };
  const own: GraphQLScalarType = new GraphQLScalarType<Input, External>({
    ...config,
    parseValue: (value) => bounded(config.parseValue(value)),
    parseLiteral: (node, variables) => bounded(config.parseLiteral(node, variables)),
  });
  scalars.set(name, own);
  builder.addScalarType(name, own);
}

/** Reads a value as an argument of the scalar. Throws GraphQLError for an invalid one. */
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
    description:
      'A date and time as ISO 8601 in UTC with milliseconds: "2026-03-01T09:30:00.000Z".',
    parseValue: (value) => GraphQLDateTimeISO.parseValue(inMilliseconds(value)),
    parseLiteral(node, variables) {
      if (node.kind === Kind.STRING) inMilliseconds(node.value, node);
      return GraphQLDateTimeISO.parseLiteral(node, variables);
    },
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
  new GraphQLScalarType<unknown, unknown>({
    ...GraphQLJSON.toConfig(),
    description: 'Any JSON value. Numbers are shown with the digits that are stored.',
    parseValue: parseJson,
    parseLiteral: parseJsonLiteral,
  }),
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
// Pothos has no other Float than that of graphql-js, so that one is made exact.
Object.assign(GraphQLFloat, { parseValue: parseFloatValue, parseLiteral: parseFloatLiteral });
define(
  'URL',
  new GraphQLScalarType<string, string>({
    ...GraphQLURL.toConfig(),
    description: 'An absolute address, such as "https://example.com/page".',
    // A stored value is shown as it is, so that one invalid address does not fail a whole list.
    serialize: String,
    parseValue: parseUrl,
    parseLiteral: (node) => parseUrl('value' in node ? node.value : undefined),
  }),
);
