import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  const { workspaceId, people } = await createTenant(database);
  api = await openApi(database);
  client = await api.as(people.Owner, workspaceId);
  const positioning = await insert(database, 'positioning', {
    workspace_id: workspaceId,
    name: 'Ours',
    market_segment: 'Everybody',
  });
  for (const [reach, allocation] of [
    ['9007199254740993', null],
    ['9007199254740992', 'null'],
    ['9007199254740992', '{}'],
  ]) {
    await insert(database, 'campaigns', {
      workspace_id: workspaceId,
      name: 'Launch',
      positioning_id: positioning,
      total_reach: reach,
      resource_allocation: allocation,
    });
  }
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const counted = async (filters: Record<string, string>) => {
  const fields = Object.entries(filters).map(
    ([alias, filter]) => `${alias}: campaigns(filter: ${filter}) { totalCount }`,
  );
  const { positionings } = await client.data(`{ positionings { nodes { ${fields.join(' ')} } } }`);
  const [counts] = positionings.nodes as Record<string, { totalCount: number }>[];
  return Object.fromEntries(
    Object.entries(counts ?? {}).map(([alias, { totalCount }]) => [alias, totalCount]),
  );
};

describe('counts of one relation are not mixed up if their filters differ only', () => {
  it('in the last digit of a 64-bit number', async () => {
    expect(
      await counted({
        more: '{ totalReach: { gt: "9007199254740992" } }',
        all: '{ totalReach: { gt: "9007199254740991" } }',
        one: '{ totalReach: { equals: "9007199254740993" } }',
      }),
    ).toEqual({ more: 1, all: 3, one: 1 });
  });

  it('in a missing value and an empty JSON object', async () => {
    expect(
      await counted({
        missing: '{ resourceAllocation: { isNull: true } }',
        empty: '{ resourceAllocation: { equals: {} } }',
      }),
    ).toEqual({ missing: 2, empty: 1 });
  });
});
