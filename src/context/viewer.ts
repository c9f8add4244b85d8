import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Database } from './database/client.ts';
import { GatewayError } from './errors.ts';
import type { AgentIdentity, Identity, PersonIdentity } from './identity.ts';
import { runInSession, type SessionSettings } from './session.ts';
import type { Work } from './work.ts';

/** A workspace that the viewer belongs to. */
export interface Membership {
  workspaceId: string;
  role: MemberRole;
  joinedAt: Date;
}

/** The signed-in person of a request. */
export interface Person {
  kind: 'person';
  id: string;
  /** From the token; absent if it has none. */
  email?: string;
  /** Oldest first. */
  memberships: readonly Membership[];
}

/** The sender of a request. */
export type Viewer = Person | AgentIdentity;

/** Returns the session settings of a person or an agent, in a workspace or in none. */
export function sessionOf(identity: Identity, workspaceId?: string): SessionSettings {
  return {
    role: 'authenticated',
    // Only the claims that policies read. The others can be long, and would be sent with every
    // statement.
    claims: { role: 'authenticated', ...claimsOf(identity) },
    ...(workspaceId ? { workspaceId } : {}),
  };
}

function claimsOf(identity: Identity) {
  if (identity.kind === 'agent') return { agent: identity.name, scopes: identity.scopes };
  const { id, email } = identity;
  return { sub: id, ...(email ? { email } : {}) };
}

/** Returns the person with their memberships, in one statement. */
export async function loadPerson(
  identity: PersonIdentity,
  database: Database,
  work?: Work,
): Promise<Person> {
  const read = () =>
    database.query<Membership>(
      'SELECT workspace_id AS "workspaceId", role, joined_at AS "joinedAt" FROM viewer_memberships()',
    );
  const memberships = await runInSession(sessionOf(identity), read, work);
  const { id, email } = identity;
  return { kind: 'person', id, ...(email ? { email } : {}), memberships };
}

/** Returns the person who sent the request. Throws FORBIDDEN for an agent. */
export function requirePerson({ viewer }: { viewer: Viewer }): Person {
  if (viewer.kind === 'person') return viewer;
  throw new GatewayError('FORBIDDEN', 'Only people can do this, not agents.');
}
