import type { Context } from '../context/context.ts';
import type { Viewer } from '../context/viewer.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';
import { modelOf } from './catalog.ts';

/** Roles from the widest to the narrowest: each includes what the next one may. */
export const ROLES: readonly MemberRole[] = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'];

/**
 * The least role that writes a table, by what the tables are about. The database's policies say
 * the same; this is what clients are shown, and what refuses them before any work is done. A table
 * that is not listed is written by functions and trusted writers only.
 */
export const writers: Record<MemberRole, readonly string[]> = {
  Owner: [
    'Workspace',
    'WorkspaceMember',
    'BillingRecord',
    'AutopaySubscription',
    'AutopayPayment',
    'Achievement',
    'AgentMessage',
    'AgentDebate',
    'DebateRound',
    'PolicyDecision',
  ],
  Strategist: [
    'GlobalStrategy',
    'Positioning',
    'MessageArchitecture',
    'StrategyInsight',
    'Campaign',
    'CampaignQuest',
    'CampaignCohort',
    'Cohort',
    'SupportFeedback',
    'LineOfOperation',
    'Sprint',
    'Move',
    'MoveAnomaly',
    'MoveLog',
    'AgentAssignment',
  ],
  Creator: [
    'Asset',
    'VisualDesign',
    'VisualDesignTemplate',
    'ContentAdaptation',
    'AdaptationPattern',
    'ContentPattern',
    'Experiment',
    'ExperimentResult',
    'ExperimentMetadata',
  ],
  Analyst: [
    'IntelligenceSignal',
    'MarketInsight',
    'Competitor',
    'CompetitorContent',
    'CompetitorPattern',
    'Trend',
    'TrendMention',
    'SystemAlert',
    'AgentRecommendation',
    'RecommendationPattern',
    'RecommendationOutcome',
    'AgentTrustScore',
    'MetaLearnerState',
  ],
  Viewer: ['UserProfile', 'OnboardingResponse', 'UserNotification', 'UserAchievement'],
};

/** Returns the least role that writes a model, undefined where no role does. */
export function writerOf(model: string): MemberRole | undefined {
  return ROLES.find((role) => writers[role].includes(model));
}

/** What all workspaces share, written by trusted writers only: agents with this scope. */
export const shared = {
  scope: 'global:write',
  models: ['Agent', 'AgentCapability', 'ManeuverType', 'JourneyStage', 'ChannelRole'],
} as const;

/** Money: read by Owners, and by agents with this scope by its own name. */
export const billing = {
  scope: 'billing:read',
  models: ['BillingRecord', 'AutopaySubscription', 'AutopayPayment'],
} as const;

/**
 * Whether somebody reads rows of a model at all. The viewer is null for all members of a workspace
 * with the same role, who are served together.
 */
export function mayRead(model: string, viewer: Viewer | null, role: MemberRole | null): boolean {
  if (!(billing.models as readonly string[]).includes(model)) return true;
  return viewer?.kind === 'agent' ? viewer.scopes.includes(billing.scope) : role === 'Owner';
}

/** What people keep to themselves, besides what is a person's own: whom they let in, and money. */
const KEPT_FROM_AGENTS = { domains: ['workspace', 'billing'], models: ['AgentAssignment'] };

/** Returns the scope by which agents write a model, undefined where none does. */
export function scopeOf(model: string): string | undefined {
  if ((shared.models as readonly string[]).includes(model)) return shared.scope;
  const role = writerOf(model);
  const { domain } = modelOf(model);
  const isKept =
    KEPT_FROM_AGENTS.domains.includes(domain) || KEPT_FROM_AGENTS.models.includes(model);
  return role && role !== 'Viewer' && !isKept ? `${domain}:write` : undefined;
}

/** Returns what the viewer may read beyond what every member does, by name. */
export function privilegesOf({ viewer, workspace }: Context): string[] {
  if (viewer.kind === 'agent') {
    return [billing.scope, shared.scope].filter((scope) => viewer.scopes.includes(scope));
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
  return scope !== shared.scope && viewer.scopes.includes(scope.replace(/^.*:/, '*:'));
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
