import { z } from 'zod';
import type { MemberRole } from '../generated/prisma/enums.ts';
import { GatewayError } from './errors.ts';

/** The header that chooses the workspace of a request. */
export const WORKSPACE_HEADER = 'x-workspace-id';

/** A workspace that the viewer belongs to. */
export interface Membership {
  workspaceId: string;
  role: MemberRole;
  joinedAt: Date;
}

/** The one workspace that a request sees, and what the viewer is in it. */
export interface CurrentWorkspace {
  id: string;
  role: MemberRole;
}

/**
 * Returns the workspace that the header names or, without a header, the only one there is; null when
 * there is none or several. Throws BAD_USER_INPUT for a header that is no UUID and FORBIDDEN for a
 * workspace without membership, whether it exists or not.
 */
export function selectWorkspace(
  header: string | null,
  memberships: readonly Membership[],
): CurrentWorkspace | null {
  if (header === null) {
    const [only, ...others] = memberships;
    return only && others.length === 0 ? { id: only.workspaceId, role: only.role } : null;
  }
  if (!z.guid().safeParse(header).success) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The header ${WORKSPACE_HEADER} must be the UUID of a workspace.`,
      { argument: WORKSPACE_HEADER, status: 400 },
    );
  }
  const id = header.toLowerCase();
  const membership = memberships.find(({ workspaceId }) => workspaceId === id);
  if (!membership) {
    throw new GatewayError('FORBIDDEN', 'You are not a member of this workspace.', {
      argument: WORKSPACE_HEADER,
      status: 403,
    });
  }
  return { id, role: membership.role };
}

/** Returns the request's workspace. Throws WORKSPACE_REQUIRED, saying how to choose one. */
export function requireWorkspace(context: {
  viewer: { memberships: readonly Membership[] };
  workspace: CurrentWorkspace | null;
}): CurrentWorkspace {
  if (context.workspace) return context.workspace;
  const count = context.viewer.memberships.length;
  throw new GatewayError(
    'WORKSPACE_REQUIRED',
    count === 0
      ? 'This needs a workspace, and you are not a member of any: create one, or ask to be added.'
      : `You are a member of ${count} workspaces: choose one with the header ${WORKSPACE_HEADER}.`,
    { argument: WORKSPACE_HEADER },
  );
}
