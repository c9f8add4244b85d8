import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS } from '../support/race.ts';
import type { Role } from '../support/tenant.ts';

export let database: TestDatabase;

export interface Invitation {
  id: string;
  workspace_id: string;
  email: string;
  role: Role;
  status: string;
}

export const call = (actor: Actor, expression: string, values: unknown[] = []) =>
  database.as(actor, (query) => query<Invitation>(`select * from ${expression}`, values));

export const newAddress = () => `${randomUUID()}@example.com`;

/** Signs a person up, without a workspace. */
export async function signUp(email = newAddress()): Promise<{ email: string; userId: string }> {
  const userId = randomUUID();
  await database.query('insert into auth.users (id, email) values ($1, $2)', [userId, email]);
  return { email, userId };
}

export async function invite(
  actor: Actor,
  email: string,
  role: Role = 'Viewer',
): Promise<Invitation> {
  const values = [actor.workspaceId, email, role];
  const [sent] = await call(actor, 'invite_workspace_member($1, $2, $3)', values);
  return sent as Invitation;
}

export const settle = (step: 'accept' | 'decline' | 'revoke', actor: Actor, id: string) =>
  call(actor, `${step}_invitation($1)`, [id]);

export const seenBy = (actor: Actor) => call(actor, 'invitation order by created_at, id');

export const membershipsOf = (userId: string) =>
  database.query('select workspace_id, role from user_workspaces where user_id = $1', [userId]);

export const statusOf = async (id: string) =>
  (await database.query('select status from gateway.invitation where id = $1', [id]))[0]?.status;

/** Makes an invitation as old as if it had been sent 15 days ago. */
export const letExpire = (id: string) =>
  database.query(
    `update gateway.invitation set created_at = now() - interval '15 days', expires_at = now() - interval '1 day' where id = $1`,
    [id],
  );

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase('migrated', CALLERS);
  });
  afterAll(() => database.close());
}
