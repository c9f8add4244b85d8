import type { Context } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import type { Seal } from '../context/seal.ts';
import type { SessionSettings } from '../context/session.ts';
import type { Viewer } from '../context/viewer.ts';
import type { CurrentWorkspace } from '../context/workspace.ts';
import type { Change } from '../realtime/change.ts';
import { mayRead } from '../resolvers/permissions.ts';

/**
 * Who gets the results of one execution: all members of a workspace with the same role, one person,
 * or an agent wherever it is connected.
 */
export interface Audience {
  /** Equal for equal audiences, different for all others. */
  key: string;
  workspace: CurrentWorkspace | null;
  /** The person whose own rows it may see; null for many people. */
  personId: string | null;
  /** What every statement of an execution runs with. */
  session: SessionSettings;
  /** Null for many people. */
  viewer: Viewer | null;
}

/** Returns the audience that a request belongs to. */
export function audienceOf(
  { viewer, workspace, session }: Pick<Context, 'viewer' | 'workspace' | 'session'>,
  isPersonal: boolean,
): Audience {
  const membership = [workspace?.id ?? null, workspace?.role ?? null];
  if (viewer.kind === 'agent') {
    const key = JSON.stringify([...membership, 'agent', viewer.name, [...viewer.scopes].sort()]);
    return { key, workspace, personId: null, session, viewer };
  }
  // Outside of workspaces people have only shared rows in common.
  if (isPersonal || !workspace) {
    const key = JSON.stringify([...membership, 'person', viewer.id]);
    return { key, workspace, personId: viewer.id, session, viewer };
  }
  return {
    key: JSON.stringify([...membership, 'members']),
    workspace,
    personId: null,
    session: {
      role: 'authenticated',
      // No `sub`: the database shows what every member sees, and nothing of any one of them.
      claims: { role: 'authenticated', audience: workspace.role },
      workspaceId: workspace.id,
    },
    viewer: null,
  };
}

/** Whether an audience may learn that a row changed. What it sees of the row, the policies decide. */
export function mayReceive(
  { workspace, personId, viewer }: Audience,
  { model, workspaceId, readerId }: Change,
): boolean {
  return (
    mayRead(model, viewer, workspace?.role ?? null) &&
    (workspaceId === null || workspaceId === workspace?.id) &&
    (readerId === null || readerId === personId)
  );
}

/** Returns a context for one execution, made only from the audience. */
export function contextOf(
  audience: Audience,
  requestId: string,
  { database, seal }: { database: Database; seal: Seal },
): Context {
  const { viewer, workspace, session } = audience;
  return {
    requestId,
    get viewer(): Viewer {
      if (viewer) return viewer;
      throw new TypeError('A field that depends on the person was executed for many of them');
    },
    workspace,
    idempotencyKey: null,
    session,
    database,
    seal,
  };
}
