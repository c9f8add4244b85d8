import type { Database } from './database/client.ts';
import { type IdempotencyKey, readIdempotencyKey } from './idempotency.ts';
import type { Identity } from './identity.ts';
import type { Seal } from './seal.ts';
import type { SessionSettings } from './session.ts';
import { loadPerson, sessionOf, type Viewer } from './viewer.ts';
import type { Work } from './work.ts';
import { type CurrentWorkspace, selectAssignedWorkspace, selectWorkspace } from './workspace.ts';

/** Makes cursors of the change log. */
export interface LiveCursors {
  /**
   * Returns the cursor, for clients in a workspace, after everything that a snapshot of the
   * database sees. The snapshot is in Postgres' notation.
   */
  seal(snapshot: string, workspaceId: string | null): string;
}

/** The context of a request. Every request has a signed-in person or agent. */
export interface Context {
  /** Identifies the request in answers and logs. */
  requestId: string;
  viewer: Viewer;
  /** The only workspace that this request sees; null when none was chosen. */
  workspace: CurrentWorkspace | null;
  /** Set when the client may send the same mutations again. */
  idempotencyKey: IdempotencyKey | null;
  /** The settings that every statement of the request runs with. */
  session: SessionSettings;
  database: Database;
  /** Seals cursors that clients must not read. */
  seal: Seal;
  /** Null where changes are not followed. */
  liveCursors?: LiveCursors | null;
}

export interface ContextRequest {
  requestId: string;
  identity: Identity;
  /** The value of the header `x-workspace-id`, null when it was not sent. */
  workspaceHeader: string | null;
  /** The value of the header `idempotency-key`, null when it was not sent. */
  idempotencyHeader: string | null;
  database: Database;
  seal: Seal;
  /** Left out where changes are not followed. */
  liveCursors?: LiveCursors | null;
  /** The work of the request in the database; left out, nothing ends it early. */
  work?: Work | undefined;
}

/** Builds the context of a request. Throws BAD_USER_INPUT or FORBIDDEN for its headers. */
export async function createContext(request: ContextRequest): Promise<Context> {
  const { requestId, identity, workspaceHeader, idempotencyHeader, database, seal } = request;
  const { viewer, workspace } = await locate(request);
  return {
    requestId,
    viewer,
    workspace,
    idempotencyKey: readIdempotencyKey(idempotencyHeader, workspaceHeader),
    session: sessionOf(identity, workspace?.id),
    database,
    seal,
    liveCursors: request.liveCursors ?? null,
  };
}

/** The sender and the workspace. */
async function locate({ identity, workspaceHeader, database, work }: ContextRequest) {
  if (identity.kind === 'agent') {
    const workspace = await selectAssignedWorkspace(workspaceHeader, identity, database, work);
    return { viewer: identity, workspace };
  }
  const viewer = await loadPerson(identity, database, work);
  return { viewer, workspace: selectWorkspace(workspaceHeader, viewer.memberships) };
}
