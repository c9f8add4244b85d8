import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { schema } from '../../src/schema/index.ts';

const SCALARS: Record<string, string> = {
  UUID: '"00000000-0000-4000-8000-000000000000"',
  ID: '"Campaign:00000000-0000-4000-8000-000000000000"',
  String: '"text"',
  URL: '"https://example.com"',
  Int: '1',
  Float: '1',
  Boolean: 'true',
  Decimal: '"1"',
  BigInt: '"1"',
  JSON: '1',
  Date: '"2026-03-01"',
  DateTime: '"2026-03-01T00:00:00Z"',
};

/** A value that the schema accepts, with everything that is required. */
export function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name as string;
  if (!isInputObjectType(type)) return SCALARS[type.name] as string;
  const given = Object.values(type.getFields()).filter(isRequiredInputField);
  return `{ ${given.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')} }`;
}

/** Returns a field with all required arguments, and more. */
export function call(
  { name, args }: GraphQLField<unknown, unknown>,
  more: readonly string[] = [],
): string {
  const required = args
    .filter(isRequiredArgument)
    .map((arg: GraphQLArgument) => `${arg.name}: ${literal(arg.type)}`);
  const all = [...required, ...more];
  return all.length > 0 ? `${name}(${all.join(', ')})` : name;
}

/** Every type, with a document that reaches it: `@` is the place of its selection. */
export const reached = new Map<GraphQLObjectType, string>();
const queue: [GraphQLObjectType, string][] = [
  [schema.getQueryType() as GraphQLObjectType, '{ @ }'],
  [schema.getMutationType() as GraphQLObjectType, 'mutation { @ }'],
  [schema.getSubscriptionType() as GraphQLObjectType, 'subscription { @ }'],
];
for (let next = queue.shift(); next; next = queue.shift()) {
  const [type, document] = next;
  if (reached.has(type)) continue;
  reached.set(type, document);
  for (const field of Object.values(type.getFields())) {
    const to = getNamedType(field.type);
    const inner = document.replace('@', `${call(field)} { @ }`);
    if (isObjectType(to)) queue.push([to, inner]);
    else if (isCompositeType(to)) {
      for (const each of schema.getPossibleTypes(to)) {
        queue.push([each, inner.replace('@', `... on ${each.name} { @ }`)]);
      }
    }
  }
}

/** A field that returns rows. */
export interface Reader {
  title: string;
  field: GraphQLField<unknown, unknown>;
  /** A document that reaches its type: `@` is the place of the selection. */
  document: string;
}

/** Every field that returns rows. */
export const readers: readonly Reader[] = [...reached].flatMap(([type, document]) =>
  Object.values(type.getFields())
    .filter((field) => isCompositeType(getNamedType(field.type)))
    .map((field) => ({ title: `${type.name}.${field.name}`, field, document })),
);
