import { randomUUID } from 'node:crypto';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { perform } from '../support/mutations.ts';

/** Where the stories happen. */
export const PLACES = ['the demo', 'an empty workspace'] as const;
export type Place = (typeof PLACES)[number];

const ROLES = ['owner', 'strategist', 'creator', 'analyst', 'viewer'] as const;
type Role = (typeof ROLES)[number];

/** The people of a workspace, each with a client of their own. */
export interface Team extends Record<Role, Client & { userId: string }> {
  workspaceId: string;
  asAgent: Api['asAgent'];
  close(): Promise<void>;
}

/** Returns the people of the demo's first workspace, or of a new one that they make themselves. */
export async function meetIn(place: Place): Promise<Team> {
  const database = await createTestDatabase(place === 'the demo' ? 'demo' : 'migrated');
  const api = await openApi(database);
  let people = demoPeople.slice(0, ROLES.length).map(({ id, email }) => ({ id, email }));
  let workspaceId = demoWorkspaces[0]?.id as string;
  if (place === 'an empty workspace') {
    people = ROLES.map((role) => ({ id: randomUUID(), email: `${role}@example.com` }));
    // Signing up is the identity provider's; all that follows is the API's.
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
  for (const [i, { email }] of people.entries()) {
    if (i === 0) continue;
    const role = ROLES[i]?.toUpperCase();
    await perform(owner, `inviteMember(email: "${email.toUpperCase()}", role: ${role})`, '{ id }');
  }
  return workspace.id;
}
