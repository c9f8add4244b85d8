import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Listener, listen, listening, quiet, TRANSPORTS } from '../support/subscribe.ts';
import { createTenant, raise, type Tenant } from '../support/tenant.ts';

/** Filters that are empty while their variable `$unsent` is not sent. */
const FILTERS: [filter: string, type: string][] = [
  ['{ title: { equals: $unsent } }', 'String'],
  ['{ not: { title: { equals: $unsent } } }', 'String'],
  ['{ relatedCampaign: { not: { name: { equals: $unsent } } } }', 'String'],
  ['{ relatedCampaign: { name: $unsent } }', 'StringFilter'],
  ['{ or: [{ relatedCampaign: $unsent }] }', 'CampaignFilter'],
];

let database: TestDatabase;
let api: LiveApi;
let tenant: Tenant;
let client: Client;
let listener: Listener | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openLiveApi(database);
  client = await api.as(tenant.people.Viewer, tenant.workspaceId);
});
afterEach(async () => {
  listener?.close();
  await listening(api, 0);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const operations = (kind: string, fields: (filter: string) => string) =>
  FILTERS.map(([filter, type]) => `${kind} ($unsent: ${type}) ${fields(filter)}`);

describe.each(TRANSPORTS)('over %s, a filter is ignored without its variable in', (transport) => {
  it('subscriptions', async () => {
    const connection = listen(api.url, client, transport);
    listener = connection;
    const subscriptions = operations(
      'subscription',
      (filter) => `{ alertRaised(filter: ${filter}) { node { title } } }`,
    ).map((query) => connection.subscribe(query));
    await listening(api, subscriptions.length);
    const title = `Raised over ${transport}`;
    await raise(database, tenant, title);
    for (const [i, subscription] of subscriptions.entries()) {
      await eventually(subscription.received).toEqual([{ node: { title } }]);
      expect(subscription.isOver(), FILTERS[i]?.[0]).toBe(false);
    }
  });

  it('live queries', async () => {
    const [row] = await database.query<{ n: number }>(
      'select count(*)::int as n from system_alerts',
    );
    const before = row?.n as number;
    const connection = listen(api.url, client, transport);
    listener = connection;
    const live = operations(
      'query',
      (filter) => `@live { systemAlerts(filter: ${filter}) { totalCount } }`,
    ).map((query) => connection.subscribe(query));
    const counts = () => live.map((each) => each.received().map(({ totalCount }) => totalCount));
    await eventually(counts).toEqual(live.map(() => [before]));
    await raise(database, tenant, `Live over ${transport}`);
    await eventually(counts).toEqual(live.map(() => [before, before + 1]));
  });
});

it('the other conditions of a filter still apply', async () => {
  const connection = listen(api.url, client);
  listener = connection;
  const query = `subscription ($title: String, $unsent: String) {
    alertRaised(filter: { title: { equals: $title, not: $unsent } }) { node { title } }
  }`;
  const subscription = connection.subscribe(query, { title: 'Wanted' });
  await listening(api, 1);
  await raise(database, tenant, 'Another');
  await raise(database, tenant, 'Wanted');
  await eventually(subscription.received).toEqual([{ node: { title: 'Wanted' } }]);
  await quiet([connection]);
  expect(subscription.received()).toHaveLength(1);
});
