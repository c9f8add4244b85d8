import { afterAll, beforeAll } from 'vitest';
import type { Answer } from '../server/support/gateway.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

export let database: TestDatabase;

export let api: Api;

export let tenant: Tenant;

export let client: Client;

export const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions.code);

export const CREATE = `mutation Create($input: CampaignCreateInput!, $dryRun: Boolean) {
  createCampaign(input: $input, dryRun: $dryRun) {
    id campaign { resourceAllocation description } errors { message }
  }
}`;

export const VARIABLES = {
  input: {
    name: 'Once',
    description: 'a\nb',
    quests: [{ name: 'one', objective: 'x' }, { name: 'two' }],
    resourceAllocation: { film: { days: 2, people: [1, { a: 1, b: 2 }] }, print: 1.5 },
  },
  dryRun: false,
};

/** The same value with the keys of all objects in another order. */
export function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, reordered(each)]),
  );
}

export const inline = (fields: string) =>
  `mutation { createCampaign(${fields}) { id campaign { name } errors { message } } }`;

export type Request = [query: string, variables?: object, operationName?: string];

/** Sends a request as the Owner, and returns the text of the answer. */
export async function send(
  [query, variables, operationName]: Request,
  key: string,
): Promise<string> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ query, variables, operationName }),
  });
  return response.text();
}

export const FIRST: Request = [CREATE, VARIABLES];

export const INLINE: Request = [
  inline('input: { name: "Inline", description: "a b" }, dryRun: false'),
];

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    tenant = await createTenant(database);
    api = await openApi(database);
    client = await api.as(tenant.people.Owner, tenant.workspaceId);
  });
  afterAll(async () => {
    await api?.close();
    await database?.close();
  });
}
