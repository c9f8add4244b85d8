import type { Identity } from './authentication.ts';
import type { Database } from './database/client.ts';
import type { SessionSettings } from './session.ts';
import { loadViewer, sessionOf, type Viewer } from './viewer.ts';
import { type CurrentWorkspace, selectWorkspace } from './workspace.ts';

/** What a request runs with. There is none without a signed-in person. */
export interface Context {
  /** Identifies the request in answers and logs. */
  requestId: string;
  viewer: Viewer;
  /** The only workspace that this request sees; null when none was chosen. */
  workspace: CurrentWorkspace | null;
  /** What every statement of the request runs with. */
  session: SessionSettings;
  database: Database;
}

export interface ContextRequest {
  requestId: string;
  identity: Identity;
  /** The value of the header `x-workspace-id`, null when it was not sent. */
  workspaceHeader: string | null;
  database: Database;
}

/** Builds the context of a request. Throws BAD_USER_INPUT or FORBIDDEN for the workspace header. */
export async function createContext(request: ContextRequest): Promise<Context> {
  const { requestId, identity, workspaceHeader, database } = request;
  const viewer = await loadViewer(identity, database);
  const workspace = selectWorkspace(workspaceHeader, viewer.memberships);
  return {
    requestId,
    viewer,
    workspace,
    session: sessionOf(identity, workspace?.id),
    database,
  };
}
