import { z } from 'zod';
import type { MemberRole } from '../generated/prisma/enums.ts';
import type { Database } from './database/client.ts';
import { GatewayError } from './errors.ts';
import type { AgentIdentity } from './identity.ts';
import { runInSession, type SessionSettings } from './session.ts';
import { type Membership, sessionOf, type Viewer } from './viewer.ts';
import type { Work } from './work.ts';

/** The header that chooses the workspace of a request. */
export const WORKSPACE_HEADER = 'x-workspace-id';

/** The one workspace that a request sees, and the viewer's role in it. */
export interface CurrentWorkspace {
  id: string;
  /** Null for an agent, which has scopes instead. */
  role: MemberRole | null;
}

/**
 * Returns the workspace that the header names or, without a header, the one that the viewer joined
 * first. That way a new membership never moves requests to another workspace. Null when there is
 * none, or when several were joined first at the same moment. Throws BAD_USER_INPUT for a header
 * that is no UUID and FORBIDDEN for a workspace without membership, whether it exists or not.
 */
export function selectWorkspace(
  header: string | null,
  /** Oldest first. */
  memberships: readonly Membership[],
): CurrentWorkspace | null {
  if (header === null) {
    const [first, second] = memberships;
    if (!first || Number(first.joinedAt) === Number(second?.joinedAt)) return null;
    return { id: first.workspaceId, role: first.role };
  }
  const id = readWorkspaceId(header);
  const membership = memberships.find(({ workspaceId }) => workspaceId === id);
  if (!membership) {
    throw new GatewayError('FORBIDDEN', 'You are not a member of this workspace.', {
      argument: WORKSPACE_HEADER,
      status: 403,
    });
  }
  return { id, role: membership.role };
}

/**
 * SQL that is true while `selectWorkspace` would return the session's workspace again: for a person
 * who chose it, for one who did not, and for an agent.
 */
export const MEMBERSHIP_CHECKS = {
  chosen: 'gateway.is_current_member()',
  first: `(select workspace_id = current_workspace_id() and ties = 1
    from (select workspace_id, joined_at, count(*) over (order by joined_at) as ties
          from viewer_memberships()) as joined
    order by joined_at limit 1)`,
  agent: '(gateway.agent_is_retired() is false and gateway.is_current_member())',
} as const;

/** Why an agent is refused, null if it is not. */
export type AgentRefusal = 'retired' | 'not assigned' | null;

/** Returns whether the agent of the session may act: in a workspace, or outside of them. */
export async function agentRefusal(
  session: SessionSettings,
  database: Pick<Database, 'query'>,
  work?: Work,
): Promise<AgentRefusal> {
  const ask = () =>
    database.query<{ retired: boolean; admitted: boolean }>(
      'SELECT gateway.agent_is_retired() AS retired, coalesce(is_workspace_member($1), true) AS admitted',
      [session.workspaceId ?? null],
    );
  const [row] = await runInSession(session, ask, work);
  if (row?.retired !== false) return 'retired';
  return session.workspaceId === undefined || row.admitted ? null : 'not assigned';
}

/** Messages for agents that are refused. */
export const AGENT_REFUSALS: Record<NonNullable<AgentRefusal>, string> = {
  retired: 'The agent is retired: it is inactive in the registry.',
  'not assigned': 'The agent has no active assignment in this workspace.',
};

/**
 * Returns the workspace that the header names for an agent, null without a header. Throws
 * BAD_USER_INPUT for a header that is no UUID, and FORBIDDEN for a retired agent, or for a workspace
 * in which the agent has no active assignment, whether it exists or not.
 */
export async function selectAssignedWorkspace(
  header: string | null,
  agent: AgentIdentity,
  database: Database,
  work?: Work,
): Promise<CurrentWorkspace | null> {
  const id = header === null ? undefined : readWorkspaceId(header);
  const refusal = await agentRefusal(sessionOf(agent, id), database, work);
  if (!refusal) return id === undefined ? null : { id, role: null };
  throw new GatewayError('FORBIDDEN', AGENT_REFUSALS[refusal], {
    ...(refusal === 'not assigned' ? { argument: WORKSPACE_HEADER } : {}),
    status: 403,
  });
}

function readWorkspaceId(header: string): string {
  if (z.guid().safeParse(header).success) return header.toLowerCase();
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The header ${WORKSPACE_HEADER} must be the UUID of a workspace.`,
    { argument: WORKSPACE_HEADER, status: 400 },
  );
}

/** Returns the request's workspace. Throws WORKSPACE_REQUIRED, saying how to choose one. */
export function requireWorkspace(context: {
  viewer: Viewer;
  workspace: CurrentWorkspace | null;
}): CurrentWorkspace {
  if (context.workspace) return context.workspace;
  throw new GatewayError('WORKSPACE_REQUIRED', howToChoose(context.viewer), {
    argument: WORKSPACE_HEADER,
  });
}

function howToChoose(viewer: Viewer): string {
  if (viewer.kind === 'agent') {
    return `An agent names its workspace with the header ${WORKSPACE_HEADER}.`;
  }
  const count = viewer.memberships.length;
  return count === 0
    ? 'This needs a workspace, and you are not a member of any: create one, or accept an invitation.'
    : `You are a member of ${count} workspaces: choose one with the header ${WORKSPACE_HEADER}.`;
}
