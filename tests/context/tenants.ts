import { randomUUID } from 'node:crypto';
import type { SessionSettings } from '../../src/context/session.ts';
import type { TestDatabase } from '../support/database.ts';

export interface Tenant {
  workspaceId: string;
  campaignIds: string[];
  settings: SessionSettings & { claims: { sub: string } };
}

/** Creates a workspace with an Owner and `count` campaigns that are named after the workspace. */
export async function createTenant(
  { query }: TestDatabase,
  name: string,
  campaigns = 20,
): Promise<Tenant> {
  const [userId, workspaceId] = [randomUUID(), randomUUID()];
  await query('insert into auth.users (id, email) values ($1, $2)', [userId, `${userId}@a.test`]);
  await query('insert into workspaces (id, name) values ($1, $2)', [workspaceId, name]);
  await query(
    "insert into user_workspaces (workspace_id, user_id, role) values ($1, $2, 'Owner')",
    [workspaceId, userId],
  );
  const rows = await query<{ id: string }>(
    'insert into campaigns (workspace_id, name) select $1, $2 from generate_series(1, $3) returning id',
    [workspaceId, name, campaigns],
  );
  return {
    workspaceId,
    campaignIds: rows.map(({ id }) => id),
    settings: {
      role: 'authenticated',
      claims: { sub: userId, role: 'authenticated' },
      workspaceId,
    },
  };
}
