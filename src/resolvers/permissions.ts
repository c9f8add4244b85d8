import type { Context } from '../context/context.ts';
import type { MemberRole } from '../generated/prisma/enums.ts';

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

/** Whether the viewer's role in the current workspace is this one, or includes it. */
export function hasRole({ workspace }: Context, role: MemberRole): boolean {
  // One's own profile and onboarding need no workspace.
  if (!workspace) return role === 'Viewer';
  return ROLES.indexOf(workspace.role) <= ROLES.indexOf(role);
}
