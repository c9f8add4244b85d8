import { randomUUID } from 'node:crypto';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { perform } from '../support/mutations.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

const POOLED = {
  'the demo behind a pooler in session mode': 'session',
  'the demo behind a pooler in transaction mode': 'transaction',
} as const;
const isPooled = (place: string): place is keyof typeof POOLED => place in POOLED;

/** The workspaces in which the workflows run. */
export const PLACES: readonly string[] = [
  'the demo',
  'an empty workspace',
  ...(hasPgBouncer() ? Object.keys(POOLED) : []),
];

const ROLES = ['owner', 'strategist', 'creator', 'analyst', 'viewer'] as const;
type Role = (typeof ROLES)[number];

/** The people of a workspace, each with a client of their own. */
export interface Team extends Record<Role, Client & { userId: string }> {
  workspaceId: string;
  asAgent: Api['asAgent'];
  close(): Promise<void>;
}

/** Returns the people of the demo's first workspace, or of a new one that they create. */
export async function meetIn(place: string): Promise<Team> {
  const isEmpty = place === 'an empty workspace';
  const database = await createTestDatabase(isEmpty ? 'migrated' : 'demo');
  const mode = isPooled(place) ? POOLED[place] : undefined;
  const bouncer = mode && (await startPgBouncer(mode, [database.gatewayUrl]));
  const gatewayUrl = bouncer?.url(database.gatewayUrl) ?? database.gatewayUrl;
  const options = mode === 'transaction' ? { preparedStatements: 0 } : {};
  const api = await openApi({ ...database, gatewayUrl }, 3, options);
  let people = demoPeople.slice(0, ROLES.length).map(({ id, email }) => ({ id, email }));
  let workspaceId = demoWorkspaces[0]?.id as string;
  if (isEmpty) {
    people = ROLES.map((role) => ({ id: randomUUID(), email: `${role}@example.com` }));
    // The identity provider signs people up; everything after that uses the API.
    for (const { id, email } of people) {
      await database.query('insert into auth.users (id, email) values ($1, $2)', [id, email]);
    }
    workspaceId = await found(api, people);
  }
  const members = await Promise.all(
    ROLES.map(async (role, i) => {
      const userId = people[i]?.id as string;
      return [role, { userId, ...(await api.as(userId, workspaceId)) }] as const;
    }),
  );
  return {
    ...(Object.fromEntries(members) as Record<Role, Client & { userId: string }>),
    workspaceId,
    asAgent: api.asAgent,
    async close() {
      await api.close();
      await bouncer?.close();
      await database.close();
    },
  };
}

async function found(api: Api, people: readonly { id: string; email: string }[]): Promise<string> {
  const founder = people[0]?.id as string;
  const { workspace } = await perform(
    await api.as(founder),
    'createWorkspace(name: "Kaveri Coffee", slug: "kaveri")',
    '{ workspace { id } }',
  );
  const owner = await api.as(founder, workspace.id);
  for (const [i, { id, email }] of people.entries()) {
    if (i === 0) continue;
    const role = ROLES[i]?.toUpperCase();
    const { invitation } = await perform(
      owner,
      `inviteWorkspaceMember(email: "${email.toUpperCase()}", role: ${role})`,
      '{ invitation { id } }',
    );
    await perform(await api.as(id), `acceptInvitation(id: "${invitation.id}")`, '{ id }');
  }
  return workspace.id;
}
