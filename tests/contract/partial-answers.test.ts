import { type GraphQLField, isNullableType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { schema } from '../../src/schema/index.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await openApi(database);
  const tenant = await createTenant(database);
  client = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const fields = Object.values(schema.getQueryType()?.getFields() ?? {});

/** An argument that the field refuses; undefined if there is none. */
function badArgument({ name, args }: GraphQLField<unknown, unknown>): string | undefined {
  if (name.endsWith('Aggregate')) return 'offset: -1';
  const names = args.map(({ name }) => name);
  if (names.includes('text')) return 'text: "%"';
  if (names.includes('first')) return `first: ${limits.maxPageSize + 1}`;
  if (names.includes('nodeId')) return 'nodeId: "garbage"';
  if (names.includes('nodeIds')) return `nodeIds: [${'"x" '.repeat(limits.maxNodes + 1)}]`;
  return undefined;
}

it('every field of Query can be null', () => {
  const required = fields.filter(({ type }) => !isNullableType(type)).map(({ name }) => name);
  expect(required).toEqual([]);
});

describe('a field of Query that fails does not affect the other fields', () => {
  const failing = fields.flatMap((field) => {
    const argument = badArgument(field);
    return argument ? [[field.name, argument] as const] : [];
  });

  it('more than 60 fields can fail', () => {
    expect(failing.length).toBeGreaterThan(60);
  });

  it.each(failing)('%s', async (name, argument) => {
    const { data, errors, status } = await client.ask(
      `{ viewer { __typename } failed: ${name}(${argument}) { __typename } }`,
    );
    expect(status).toBe(200);
    expect(data).toEqual({ viewer: { __typename: 'Viewer' }, failed: null });
    expect(errors).toHaveLength(1);
    expect(errors?.[0]).toMatchObject({
      path: ['failed'],
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});

it('a count that fails makes only its list null', async () => {
  const outsider = await api.as('00000000-0000-4000-8000-000000000000');
  const { data, errors } = await outsider.ask('{ viewer { email } campaigns { totalCount } }');
  expect(data).toEqual({ viewer: { email: null }, campaigns: null });
  expect(errors?.[0]).toMatchObject({
    path: ['campaigns', 'totalCount'],
    extensions: { code: 'WORKSPACE_REQUIRED' },
  });
});
