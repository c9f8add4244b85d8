import { afterAll, beforeAll } from 'vitest';
import { type Api, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

export let database: TestDatabase;

export let api: Api;

export let tenant: Tenant;

export let other: Tenant;

export let scout: string;

export function register(name: string, isActive = true): Promise<string> {
  return insert(database, 'agent_registry', {
    agent_name: name,
    agent_type: 'researcher',
    is_active: isActive,
  });
}

export function assign(agentId: string, workspaceId: string, status = 'active'): Promise<string> {
  return insert(database, 'agent_assignments', {
    workspace_id: workspaceId,
    agent_id: agentId,
    assignment_status: status,
  });
}

export const asScout = (...scopes: string[]) => api.asAgent('scout', scopes, tenant.workspaceId);

export const count = async (table: string) => {
  const [row] = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  return row?.n;
};

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    [tenant, other] = await Promise.all([createTenant(database), createTenant(database)]);
    scout = await register('scout');
    await assign(scout, tenant.workspaceId);
    api = await openApi(database);
  });
  afterAll(async () => {
    await api?.close();
    await database?.close();
  });
}
