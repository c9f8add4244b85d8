import type { Identity } from './authentication.ts';
import type { Database } from './database/client.ts';
import { runInSession, type SessionSettings } from './session.ts';
import type { Membership } from './workspace.ts';

/** The signed-in person of a request. */
export interface Viewer {
  id: string;
  /** As the token says; absent where it says nothing. */
  email?: string;
  /** Oldest first. */
  memberships: readonly Membership[];
}

/** Returns the session settings of a person, in a workspace or in none. */
export function sessionOf({ id, email }: Identity, workspaceId?: string): SessionSettings {
  return {
    role: 'authenticated',
    // Only what policies read: the rest of a token can be long, and travels with every statement.
    claims: { sub: id, role: 'authenticated', ...(email ? { email } : {}) },
    ...(workspaceId ? { workspaceId } : {}),
  };
}

/** Returns the person with their memberships, in one statement. */
export async function loadViewer(identity: Identity, database: Database): Promise<Viewer> {
  const memberships = await runInSession(sessionOf(identity), () =>
    database.query<Membership>(
      'SELECT workspace_id AS "workspaceId", role, joined_at AS "joinedAt" FROM viewer_memberships()',
    ),
  );
  const { id, email } = identity;
  return { id, ...(email ? { email } : {}), memberships };
}
