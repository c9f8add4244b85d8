import { afterAll, beforeAll, expect } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

export let database: TestDatabase;

export let api: Api;

export let tenant: Tenant;

export let client: Client;

export const CREATE = `mutation($name: String!) {
  createCampaign(input: { name: $name }) { id campaign { id name createdAt } errors { message } }
}`;

export const named = (name: string) =>
  database.query<{ id: string }>('select id from campaigns where name = $1 order by id', [name]);

export const keysOf = (key: string) =>
  database.query<{ outcome: object }>(
    'select outcome from gateway.idempotency_key where key = $1',
    [key],
  );

export async function expectMismatch(answer: Promise<{ errors?: unknown; data?: object | null }>) {
  const { data, errors } = await answer;
  expect(Object.values(data ?? {}).filter((payload) => payload !== null)).toEqual([]);
  expect(errors).toMatchObject([
    { extensions: { code: 'IDEMPOTENCY_MISMATCH', argument: 'idempotency-key' } },
  ]);
}

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    tenant = await createTenant(database);
    api = await openApi(database, 10);
    client = await api.as(tenant.people.Owner, tenant.workspaceId);
  });
  afterAll(async () => {
    await api?.close();
    await database?.close();
  });
}
