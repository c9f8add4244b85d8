import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { schema } from '../../src/schema/index.ts';
import { isStatistics, modelNamed } from '../../src/schema/model/type-names.ts';
import type { Client } from '../support/api.ts';
import type { Hostile } from '../support/hostile.ts';
import { type Case, cases } from './cases.ts';
import type { Attempt } from './hostile-requests.ts';
import type { Sample } from './hostile-values.ts';

/** An argument of a field in the schema. */
export interface SchemaArgument {
  /** For example `Campaign.quests(filter)`. */
  name: string;
  operation: 'query' | 'mutation';
  /** The table of the field. */
  shown: Case | undefined;
  /** The table whose rows have the field; undefined for any other field. */
  parent: Case | undefined;
  /** The path of a document to the field without such a row: `@` stands for the field. */
  path: string;
  field: GraphQLField<unknown, unknown>;
  argument: GraphQLArgument;
}

const ROOTS: readonly unknown[] = [
  schema.getQueryType(),
  schema.getMutationType(),
  schema.getSubscriptionType(),
];

/** Every argument of every field, except those of subscriptions. */
export const schemaArguments: readonly SchemaArgument[] = [
  ...schemaArgumentsOf(schema.getQueryType(), 'query'),
  ...schemaArgumentsOf(schema.getMutationType(), 'mutation'),
  ...Object.values(schema.getTypeMap())
    .filter((type): type is GraphQLObjectType => isObjectType(type) && !isIntrospectionType(type))
    .filter((type) => !ROOTS.includes(type))
    .flatMap((type) => schemaArgumentsOf(type, 'query')),
];

function schemaArgumentsOf(
  type: GraphQLObjectType | null | undefined,
  operation: SchemaArgument['operation'],
): SchemaArgument[] {
  if (!type) return [];
  const parent = cases.find(({ name }) => name === type.name);
  const path = ROOTS.includes(type) || parent ? '@' : pathTo(type.name);
  return Object.values(type.getFields()).flatMap((field) =>
    field.args.map((argument) => ({
      name: `${type.name}.${field.name}(${argument.name})`,
      operation,
      shown: parent ?? caseNamed(getNamedType(field.type).name) ?? caseNamed(type.name),
      parent,
      path,
      field,
      argument,
    })),
  );
}

function caseNamed(type: string): Case | undefined {
  const name = modelNamed(type.replace(/(BulkPayload|Payload)$/, ''));
  return cases.find((each) => each.name === name);
}

/** The path of a document to a type that is not in a row: `@` stands for its selection. */
function pathTo(type: string): string {
  if (type === 'Viewer') return 'viewer { @ }';
  const root = caseNamed(type)?.root;
  if (type.endsWith('Group')) return `${root}Aggregate { groups { @ } }`;
  if (type.endsWith('GroupKey')) return `${root}Aggregate { groups { key { @ } } }`;
  if (!isStatistics(type)) return '@';
  for (const { name, root, columns } of cases) {
    const values = schema.getType(`${name}GroupValues`);
    const [column] =
      columns.find(
        ([field]) =>
          isObjectType(values) && getNamedType(values.getFields()[field]?.type)?.name === type,
      ) ?? [];
    if (column) return `${root}Aggregate { groups { values { ${column} { @ } } } }`;
  }
  throw new TypeError(`No column has ${type}`);
}

/** Returns a field with this value for the argument, and valid values for the others. */
export function attemptWith(
  target: SchemaArgument,
  { name, value }: Hostile,
  client: Client,
  sample: Sample,
  idOf: (shown: Case) => unknown,
): Attempt {
  const { field, argument, parent, operation } = target;
  const variables: [string, unknown][] = [[String(argument.type), value]];
  const given = [`${argument.name}: $0`];
  for (const other of field.args) {
    if (other === argument || !isGiven(other, argument)) continue;
    given.push(`${other.name}: $${variables.length}`);
    variables.push([String(other.type), ordinary(other, sample)]);
  }
  const call = `${field.name}(${given.join(', ')}) ${selectionOf(field.type)}`;
  const about = `${target.name}: ${name}`;
  if (!parent) {
    const path = target.path.replace('@', call);
    return { about, client, operation, field: path, variables };
  }
  const [id] = parentId(parent).args;
  variables.push([String(id?.type), idOf(parent)]);
  return {
    about,
    client,
    operation,
    field: `${parent.lookup}(id: $${variables.length - 1}) { ${call} }`,
    variables,
  };
}

function parentId({ lookup }: Case): GraphQLField<unknown, unknown> {
  return schema.getQueryType()?.getFields()[lookup] as GraphQLField<unknown, unknown>;
}

/** Whether another argument is sent too: required ones, a small page, and a dry run. */
function isGiven(argument: GraphQLArgument, tried: GraphQLArgument): boolean {
  if (argument.name === 'dryRun') return true;
  if (argument.name === 'first') return !['last', 'before'].includes(tried.name);
  return isRequiredArgument(argument);
}

function ordinary({ name, type }: GraphQLArgument, sample: Sample): unknown {
  if (name === 'dryRun') return true;
  return name === 'first' ? 1 : sample(name, type);
}

function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (!('getFields' in named)) return isObjectType(named) ? '{ __typename }' : '';
  const fields = named.getFields();
  if (fields.nodes)
    return '{ totalCount nodes { __typename } }'.replace(
      'totalCount ',
      fields.totalCount ? 'totalCount ' : '',
    );
  if (named.name.endsWith('Aggregate')) return '{ totalGroups groups { count } }';
  if (named.name.endsWith('BulkPayload')) return '{ results { errors { __typename } } }';
  return named.name.endsWith('Payload') ? '{ errors { __typename } }' : '{ __typename }';
}

/** Returns a valid value for any argument of this name and type. */
export function plainSample(name: string, type: GraphQLInputType, sample: Sample): unknown {
  if (isNonNullType(type)) return plainSample(name, type.ofType, sample);
  if (isListType(type)) return [sample(name, type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    if (type.name.endsWith('Filter')) return { id: { in: [] } };
    if (type.name.endsWith('Key')) return { id: sample('id', schema.getType('UUID') as never) };
    return Object.fromEntries(
      fields
        .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
        .map((field) => [field.name, sample(field.name, field.type)]),
    );
  }
  return SCALARS[type.name] ?? 'a';
}

const SCALARS: Record<string, unknown> = {
  UUID: '00000000-0000-4000-8000-000000000000',
  Int: 1,
  Float: 1,
  Boolean: true,
  Decimal: '1',
  BigInt: '1',
  Date: '2026-01-01',
  DateTime: '2026-01-01T00:00:00.000Z',
  URL: 'https://example.com/',
  JSON: {},
};
