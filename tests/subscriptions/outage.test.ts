import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Listener, listen, listening } from '../support/subscribe.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: LiveApi;
let tenant: Tenant;
let listener: Listener;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openLiveApi(database, { statementTimeoutMs: 1_000 });
  listener = listen(api.url, await api.as(tenant.people.Owner, tenant.workspaceId));
});
afterAll(async () => {
  listener?.close();
  await api?.close();
  await database?.close();
});

it('sends a change that cannot be read at first as soon as it can be read', async () => {
  const campaigns = listener.subscribe(
    'subscription { campaignChanged(filter: { not: { alerts: { some: {} } } }) { node { name } } }',
  );
  await listening(api, 1);
  const migration = new pg.Client(database.url);
  await migration.connect();
  await migration.query('begin; lock table system_alerts in access exclusive mode');
  api.statements();
  const names = ['Spring', 'Summer'];
  for (const name of names) {
    await insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name });
  }
  let attempts = 0;
  await eventually(() => {
    attempts += api.statements().filter((sql) => sql.includes('"system_alerts"')).length;
    return attempts;
  }).toBeGreaterThan(2);
  expect(campaigns.results).toEqual([]);
  await migration.query('commit');
  await migration.end();
  await eventually(() => campaigns.results).toEqual(
    names.map((name) => ({ data: { campaignChanged: { node: { name } } } })),
  );
});
