import type { Context } from '../context/context.ts';
import type { Viewer } from '../context/viewer.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import { models } from '../models/index.ts';
import { modelOf } from './catalog.ts';

/** Roles from the widest to the narrowest: each includes what the next one may. */
export const ROLES: readonly MemberRole[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

/** Returns the least role that writes a model, undefined where no role does. */
export function writerOf(model: string): MemberRole | undefined {
  return models.get(model)?.writer;
}

/** Agents with this scope write what all workspaces share. */
const GLOBAL_SCOPE = 'global:write';

/** Agents read billing with this scope, and by its own name only. */
const BILLING_SCOPE = 'billing:read';

/**
 * Whether somebody reads rows of a model at all. The viewer is null for all members of a workspace
 * with the same role, who are served together.
 */
export function mayRead(model: string, viewer: Viewer | null, role: MemberRole | null): boolean {
  if (!models.get(model)?.billing) return true;
  return viewer?.kind === 'agent' ? viewer.scopes.includes(BILLING_SCOPE) : role === 'Owner';
}

/** Returns the scope by which agents write a model, undefined where none does. */
export function scopeOf(model: string): string | undefined {
  const { writer, global, agentsWrite = true } = models.get(model) ?? {};
  if (global) return GLOBAL_SCOPE;
  // What is a person's own, no agent writes.
  return writer && writer !== 'Viewer' && agentsWrite
    ? `${modelOf(model).domain}:write`
    : undefined;
}

/** Returns what the viewer may read beyond what every member does, by name. */
export function privilegesOf({ viewer, workspace }: Context): string[] {
  if (viewer.kind === 'agent') {
    return [BILLING_SCOPE, GLOBAL_SCOPE].filter((scope) => viewer.scopes.includes(scope));
  }
  return workspace?.role === 'Owner' ? ['Owner'] : [];
}

/** Whether the person's role in the current workspace is this one, or includes it; no agent has one. */
export function hasRole({ viewer, workspace }: Context, role: MemberRole): boolean {
  if (viewer.kind === 'agent') return false;
  // One's own profile and onboarding need no workspace.
  if (!workspace?.role) return role === 'Viewer';
  return ROLES.indexOf(workspace.role) <= ROLES.indexOf(role);
}

/** Whether the agent's token covers a scope: by its name, or by `*` for that of any one domain. */
export function hasScope({ viewer }: Context, scope: string): boolean {
  if (viewer.kind !== 'agent') return false;
  if (viewer.scopes.includes(scope)) return true;
  return scope !== GLOBAL_SCOPE && viewer.scopes.includes(scope.replace(/^.*:/, '*:'));
}

/** Returns why the viewer may not write a model, undefined where they may. */
export function writeRefusal(context: Context, model: string): string | undefined {
  const scope = scopeOf(model);
  if (context.viewer.kind === 'agent') {
    if (!scope) return `A ${model} is not written by agents.`;
    return hasScope(context, scope) ? undefined : `This takes the scope "${scope}".`;
  }
  const role = writerOf(model);
  if (!role) return `A ${model} is written by trusted writers only.`;
  return hasRole(context, role)
    ? undefined
    : `This takes the role ${role} or one that includes it; yours is ${context.workspace?.role ?? 'none'}.`;
}
