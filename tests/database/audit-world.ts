import { afterAll, beforeAll } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

export let database: TestDatabase;

export let tenant: Tenant;

export let strategist: Actor;

export interface Entry {
  operation: string;
  actor: string | null;
  agent: string | null;
  role: string;
  workspace_id: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  txid: string;
}

export const historyOf = (rowId: unknown, actor?: Actor) => {
  const sql = 'select * from gateway.audit_log where row_id = $1 order by id';
  return actor
    ? database.rehearse(actor, (query) => query<Entry>(sql, [rowId]))
    : database.query<Entry>(sql, [rowId]);
};

export const COHORT = `insert into cohorts (workspace_id, name) values ($1, $2) returning id`;

export async function newCohort(actor: Actor, name = 'Cohort'): Promise<unknown> {
  await database.query('update workspaces set cohorts_limit = 1000 where id = $1', [
    tenant.workspaceId,
  ]);
  const [row] = await database.as(actor, (query) => query(COHORT, [tenant.workspaceId, name]));
  return row?.id;
}

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    tenant = await createTenant(database);
    strategist = tenant.actor('Strategist');
  });
  afterAll(() => database.close());
}
