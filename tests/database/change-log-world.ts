import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { logged } from './change-log.ts';

export let database: TestDatabase;

export let query: Query;

export let tenant: Tenant;

export let workspace: string;

export const changes = (run: (query: Query) => Promise<unknown>) => logged(query, () => run(query));

export const newCohort = (name = 'Cohort') =>
  insert(database, 'cohorts', { workspace_id: workspace, name });

export const newAlert = () =>
  insert(database, 'system_alerts', {
    workspace_id: workspace,
    alert_type: 'error',
    title: 'Alert',
  });

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    query = database.query;
    tenant = await createTenant(database);
    workspace = tenant.workspaceId;
    await query('update workspaces set cohorts_limit = 100000');
  });
  afterAll(() => database.close());
}
