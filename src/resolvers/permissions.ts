import type { Context } from '../context/context.ts';
import type { Viewer } from '../context/viewer.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import { models } from '../models/index.ts';
import { modelOf } from './catalog.ts';

/** Roles from the widest to the narrowest. Each includes the rights of the next one. */
export const ROLES: readonly MemberRole[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

/** Returns the lowest role that may write a model, undefined if none may. */
export function writerOf(model: string): MemberRole | undefined {
  return models.get(model)?.writer;
}

/** Agents with this scope write the tables that all workspaces share. */
const GLOBAL_SCOPE = 'global:write';

/** Agents read billing with this scope only. A wildcard does not include it. */
const BILLING_SCOPE = 'billing:read';

/**
 * Whether a viewer may read any rows of a model. The viewer is null for a group of members with the
 * same role, who are served together.
 */
export function mayRead(model: string, viewer: Viewer | null, role: MemberRole | null): boolean {
  if (!models.get(model)?.billing) return true;
  return viewer?.kind === 'agent' ? viewer.scopes.includes(BILLING_SCOPE) : role === 'Owner';
}

/** Returns the scope that lets agents write a model, undefined if none does. */
export function scopeOf(model: string): string | undefined {
  const { writer, global, agentsWrite = true } = models.get(model) ?? {};
  if (global) return GLOBAL_SCOPE;
  // Agents never write what belongs to a person.
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

/**
 * Whether the person's role in the current workspace is this one or includes it. Agents have no
 * role.
 */
export function hasRole({ viewer, workspace }: Context, role: MemberRole): boolean {
  if (viewer.kind === 'agent') return false;
  // A person's own profile and onboarding need no workspace.
  if (!workspace?.role) return role === 'Viewer';
  return ROLES.indexOf(workspace.role) <= ROLES.indexOf(role);
}

/** Whether the agent's token has a scope, by its name or by `*` in place of the domain. */
export function hasScope({ viewer }: Context, scope: string): boolean {
  if (viewer.kind !== 'agent') return false;
  if (viewer.scopes.includes(scope)) return true;
  return scope !== GLOBAL_SCOPE && viewer.scopes.includes(scope.replace(/^.*:/, '*:'));
}

/** Returns why the viewer may not write a model, undefined if they may. */
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
