import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { attempt, perform } from '../support/mutations.ts';
import { type Listener, listening } from '../support/subscribe.ts';
import type { Tenant } from '../support/tenant.ts';

export let database: TestDatabase;

export let api: LiveApi;

export let listeners: Listener[] = [];

export interface Somebody {
  userId: string;
  email: string;
  /** Sends no workspace header. */
  client: Client;
}

/** Somebody who has signed up, and is in no workspace. */
export async function signUp(name = 'Asha Rao'): Promise<Somebody> {
  const userId = randomUUID();
  const email = `${userId}@example.com`;
  await database.query(
    'insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)',
    [userId, email, { full_name: name }],
  );
  return { userId, email, client: await api.as(userId) };
}

/** A stranger with a workspace of their own making. */
export async function found(
  name: string,
): Promise<Somebody & { workspaceId: string; owner: Client }> {
  const stranger = await signUp('Mallory');
  const { id } = await perform(stranger.client, `createWorkspace(name: "${name}")`, '{ id }');
  return { ...stranger, workspaceId: id, owner: await api.as(stranger.userId, id) };
}

export const INVITATION =
  '{ invitation { id workspaceId workspaceName email role inviterName status createdAt expiresAt } }';

export const invite = (client: Client, email: string, role = 'VIEWER') =>
  perform(client, `inviteWorkspaceMember(email: "${email}", role: ${role})`, INVITATION);

export const settle = (client: Client, step: 'accept' | 'decline' | 'revoke', id: string) =>
  attempt(client, `${step}Invitation(id: "${id}")`, '{ id invitation { status workspaceId } }');

export const MINE = '{ viewer { invitations { id workspaceName inviterName role status } } }';

export const mine = async (client: Client): Promise<Data[]> =>
  (await client.data(MINE)).viewer.invitations;

export const placeOf = async (client: Client): Promise<Data> =>
  (await client.data('{ viewer { workspace { id } role memberships { role } } }')).viewer;

/** A person at work in a workspace, which their requests do not name. */
export async function atWork(tenant: Tenant): Promise<Somebody> {
  const person = await signUp();
  await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
    person.userId,
    tenant.workspaceId,
  ]);
  return person;
}

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    api = await openLiveApi(database);
  });
  afterEach(async () => {
    for (const listener of listeners) listener.close();
    listeners = [];
    await listening(api, 0);
  });
  afterAll(async () => {
    await api?.close();
    await database?.close();
  });
}
