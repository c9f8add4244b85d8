import {
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { sampleRow } from '../mutations/samples.ts';
import { createWritingWorld, type WritingWorld } from '../mutations/world.ts';
import { writables } from '../mutations/writable.ts';
import type { Client } from '../support/api.ts';
import { hostileScalars, literal } from '../support/hostile.ts';
import { type Case, cases as tables } from './cases.ts';
import { type Attempt, type Outcome, sendAttempts } from './hostile-requests.ts';
import { HostileValues, type Sample } from './hostile-values.ts';
import {
  attemptWith,
  plainSample,
  type SchemaArgument,
  schemaArguments,
} from './schema-arguments.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld(2);
});
afterAll(() => world?.close());

/** The codes of errors about the request. */
const CODES: readonly string[] = [
  'BAD_USER_INPUT',
  'CONFLICT',
  'FORBIDDEN',
  'INVALID_STATE',
  'NOT_FOUND',
  'QUERY_TOO_COMPLEX',
  'WORKSPACE_REQUIRED',
];
const REFUSED_DOCUMENT: readonly string[] = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_TOO_LARGE',
];
const VALUES = 2;

let current: Case | undefined;
const sample: Sample = (name, type) => {
  const nullable = getNullableType(type);
  const writable = writables.find((each) => `${each.name}CreateInput` === String(nullable));
  if (writable) return sampleRow(writable, writable.requiredFields, 0, world.around);
  if (name === 'id' && current && isScalarType(nullable)) return idOf(current);
  return plainSample(name, type, sample);
};
const values = new HostileValues(sample);

function idOf({ table, name }: Case): unknown {
  if (name === 'Workspace') return world.ours.workspaceId;
  return world.ours.rows.get(table)?.[0]?.id ?? '00000000-0000-4000-8000-000000000000';
}

const groups = new Map<string, SchemaArgument[]>();
for (const argument of schemaArguments) {
  const name = argument.shown?.name ?? 'others';
  groups.set(name, [...(groups.get(name) ?? []), argument]);
}

function clientOf({ operation, shown }: SchemaArgument): Client {
  const writable = operation === 'mutation' && writables.find(({ name }) => name === shown?.name);
  return writable ? world.writerOf(writable) : world.ours.client;
}

const triedAggregates = new Set<string>();

/** Aggregates of the same rows read their arguments alike: those of one relation are enough. */
function isTriedElsewhere({ parent, field, argument }: SchemaArgument): boolean {
  const type = String(field.type);
  if (!parent || !type.endsWith('Aggregate')) return false;
  const key = `${type} ${argument.name}`;
  const isTried = triedAggregates.has(key);
  triedAggregates.add(key);
  return isTried;
}

function attemptsFor(target: SchemaArgument): Attempt[] {
  if (isTriedElsewhere(target)) return [];
  current = target.shown;
  const { argument } = target;
  return values
    .for(argument.name, argument.type, VALUES)
    .filter(({ value }) => argument.name !== 'dryRun' || value !== null)
    .map((hostile) => attemptWith(target, hostile, clientOf(target), sample, idOf));
}

function expectTyped(outcomes: readonly Outcome[]): void {
  const wrong = outcomes.filter(
    ({ status, codes }) => status >= 500 || codes.some((code) => !CODES.includes(code)),
  );
  expect(
    wrong.map(({ attempt, status, codes, text }) => [
      attempt.about,
      status,
      codes,
      text.slice(0, 300),
    ]),
  ).toEqual([]);
}

describe('a hostile argument gives an answer or an error with a known code', () => {
  it.each([...groups])(
    '%s',
    async (_, ofTable) => {
      expectTyped(await sendAttempts(world.api.url, ofTable.flatMap(attemptsFor)));
    },
    120_000,
  );
});

describe('hostile values written in a document are validated like variables', () => {
  /** A column with filters of this type. */
  const filterOf = (type: string) => {
    for (const { root, name } of tables) {
      const fields = (schema.getType(`${name}Filter`) as GraphQLInputObjectType).getFields();
      for (const { name: column, type: comparisons } of Object.values(fields)) {
        const operators = isInputObjectType(comparisons) ? comparisons.getFields() : {};
        if (getNamedType(operators.equals?.type)?.name === type) return { root, column };
      }
    }
    throw new TypeError(`No column has filters of the type ${type}`);
  };

  it.each(['BigInt', 'Boolean', 'Date', 'DateTime', 'Decimal', 'Float', 'Int', 'JSON', 'String'])(
    '%s',
    async (type) => {
      const { root, column } = filterOf(type);
      for (const { name, value } of hostileScalars(type)) {
        const query = `{ ${root}(first: 1, filter: { ${column}: { equals: ${literal(value)} } }) { nodes { __typename } } }`;
        const { status, errors = [] } = await world.ours.client.ask(query);
        const codes = errors.map(({ extensions }) => String(extensions.code));
        const known = [...CODES, ...REFUSED_DOCUMENT];
        expect(status, name).toBeLessThan(500);
        expect(
          codes.filter((code) => !known.includes(code)),
          name,
        ).toEqual([]);
      }
    },
  );
});

it('tests every argument of the schema', () => {
  const all = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !isIntrospectionType(type))
    .filter((type) => type !== schema.getSubscriptionType())
    .flatMap((type) =>
      Object.values((type as GraphQLObjectType).getFields()).flatMap((field) =>
        field.args.map(({ name }) => `${type.name}.${field.name}(${name})`),
      ),
    );
  expect(schemaArguments.map(({ name }) => name).sort()).toEqual(all.sort());
});
