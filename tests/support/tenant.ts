import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Actor, TestDatabase } from './database.ts';

export type Role = 'Owner' | 'Strategist' | 'Creator' | 'Analyst' | 'Viewer';

const ROLES: readonly Role[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

/** The trusted writers: no person, no workspace. */
export const service: Actor = { role: 'service_role' };

/** A workspace with a person in every role. */
export interface Tenant {
  workspaceId: string;
  people: Record<Role, string>;
  /** The person of this role, working in the workspace. */
  actor(role: Role): Actor;
}

/** Creates a workspace with a new person in every role. */
export async function createTenant({ query }: TestDatabase): Promise<Tenant> {
  const workspaceId = randomUUID();
  await query(`insert into workspaces (id, name) values ($1, 'Workspace')`, [workspaceId]);
  const people = Object.fromEntries(ROLES.map((role) => [role, randomUUID()])) as Tenant['people'];
  for (const role of ROLES) {
    await query('insert into auth.users (id) values ($1)', [people[role]]);
    await query('insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)', [
      people[role],
      workspaceId,
      role,
    ]);
  }
  return { workspaceId, people, actor: (role) => ({ userId: people[role], workspaceId }) };
}

/** Inserts one row as the superuser and returns its id. */
export async function insert(
  { query }: TestDatabase,
  table: string,
  values: Record<string, unknown>,
): Promise<string> {
  const names = Object.keys(values);
  const [row] = await query<{ id: string }>(
    `insert into ${table} (${names.join(', ')}) values (${names.map((_, n) => `$${n + 1}`).join(', ')})
     returning id`,
    Object.values(values),
  );
  if (!row) throw new Error(`Nothing was inserted into ${table}.`);
  return row.id;
}

/** Raises an alert in the workspace and returns its id. */
export async function raise(
  database: TestDatabase,
  { workspaceId }: Tenant,
  title: string,
): Promise<string> {
  return insert(database, 'system_alerts', {
    workspace_id: workspaceId,
    alert_type: 'error',
    title,
  });
}

/** Notifies the person of this role and returns the notification's id. */
export async function notify(
  database: TestDatabase,
  { workspaceId, people }: Tenant,
  role: Role,
  title: string,
): Promise<string> {
  return insert(database, 'user_notifications', {
    workspace_id: workspaceId,
    user_id: people[role],
    title,
    message: title,
    notification_type: 'alert',
  });
}

/** Expects the statement to be refused with the SQLSTATE, and a message that says why. */
export async function expectRefusal(
  statement: Promise<unknown>,
  code: string,
  message: RegExp,
): Promise<void> {
  await expect(statement).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}
