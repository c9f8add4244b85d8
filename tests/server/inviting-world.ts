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

export interface SignedUp {
  userId: string;
  email: string;
  /** Sends no workspace header. */
  client: Client;
}

/** Signs up a person without a workspace. */
export async function signUp(name = 'Asha Rao'): Promise<SignedUp> {
  const userId = randomUUID();
  const email = `${userId}@example.com`;
  await database.query(
    'insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)',
    [userId, email, { full_name: name }],
  );
  return { userId, email, client: await api.as(userId) };
}

/** Signs up a person who creates a workspace. */
export async function signUpOwner(
  name: string,
): Promise<SignedUp & { workspaceId: string; owner: Client }> {
  const stranger = await signUp('Mallory');
  const { id } = await perform(stranger.client, `createWorkspace(name: "${name}")`, '{ id }');
  return { ...stranger, workspaceId: id, owner: await api.as(stranger.userId, id) };
}

export const INVITATION =
  '{ invitation { id workspaceId workspaceName email role inviterName status createdAt expiresAt } }';

export const invite = (client: Client, email: string, role = 'VIEWER') =>
  perform(client, `inviteWorkspaceMember(email: "${email}", role: ${role})`, INVITATION);

export const changeInvitation = (
  client: Client,
  step: 'accept' | 'decline' | 'revoke',
  id: string,
) => attempt(client, `${step}Invitation(id: "${id}")`, '{ id invitation { status workspaceId } }');

export const MINE = '{ viewer { invitations { id workspaceName inviterName role status } } }';

export const invitationsOf = async (client: Client): Promise<Data[]> =>
  (await client.data(MINE)).viewer.invitations;

export const membershipsOf = async (client: Client): Promise<Data> =>
  (await client.data('{ viewer { workspace { id } role memberships { role } } }')).viewer;

/** Signs up a person and adds them to a workspace. Their requests send no workspace header. */
export async function addMember(tenant: Tenant): Promise<SignedUp> {
  const person = await signUp();
  await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
    person.userId,
    tenant.workspaceId,
  ]);
  return person;
}

/** Registers the hooks that create and close what the tests of a file share. */
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
