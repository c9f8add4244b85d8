import { type Demo, WorkspaceDemo } from './demo.ts';
import { dictionaryRows } from './dictionaries/index.ts';
import { agentRows } from './domains/agents.ts';
import { alertRows } from './domains/alerts.ts';
import { billingRows, planSubscriptionRows } from './domains/billing.ts';
import { campaignRows } from './domains/campaigns.ts';
import { cohortRows } from './domains/cohorts.ts';
import { contentRows, sharedContentRows } from './domains/content.ts';
import { experimentRows } from './domains/experiments.ts';
import { gamificationRows } from './domains/gamification.ts';
import { intelligenceRows } from './domains/intelligence.ts';
import { learningRows } from './domains/learning.ts';
import { moveRows } from './domains/moves.ts';
import { strategyRows } from './domains/strategy.ts';
import { peopleRows, workspaceRows } from './domains/workspace.ts';
import { stories } from './stories/index.ts';
import type { Row } from './writer.ts';

/** Every table, referenced ones before those that refer to them. */
const insertOrder = [
  'auth.users',
  'user_profiles',
  'workspaces',
  'user_workspaces',
  'onboarding_responses',
  'subscriptions',
  'billing_history',
  'autopay_subscriptions',
  'autopay_payments',
  'journey_stages',
  'channel_roles',
  'maneuver_types',
  'agent_registry',
  'agent_capabilities',
  'global_strategies',
  'positioning',
  'message_architecture',
  'strategy_insights',
  'cohorts',
  'support_feedback',
  'campaigns',
  'campaign_quests',
  'campaign_cohorts',
  'competitors',
  'competitor_content',
  'competitor_patterns',
  'trends',
  'trend_mentions',
  'lines_of_operation',
  'sprints',
  'moves',
  'move_anomalies',
  'move_logs',
  'experiments',
  'experiment_results',
  'experiment_metadata',
  'agent_assignments',
  'agent_performance',
  'agent_messages',
  'agent_debates',
  'debate_rounds',
  'policy_decisions',
  'content_patterns',
  'assets',
  'visual_designs',
  'visual_design_templates',
  'content_adaptations',
  'adaptation_patterns',
  'achievements',
  'user_achievements',
  'user_stats',
  'agent_recommendations',
  'recommendation_patterns',
  'recommendation_outcomes',
  'agent_trust_scores',
  'meta_learner_state',
  'intelligence_signals',
  'market_insights',
  'system_alerts',
  'user_notifications',
];

/** Returns the rows of the story, a few thousand, table by table in the order of insertion. */
export function storyTables(demo: Demo): [table: string, rows: Row[]][] {
  const parts: Record<string, Row[]>[] = [
    peopleRows(demo),
    { subscriptions: planSubscriptionRows(demo) },
    dictionaryRows(demo),
    sharedContentRows(demo),
    ...stories.map((story) => new WorkspaceDemo(demo, story)).flatMap(workspaceParts),
  ];
  return insertOrder.map((table) => [table, parts.flatMap((part) => part[table] ?? [])]);
}

function workspaceParts(workspace: WorkspaceDemo): Record<string, Row[]>[] {
  const campaigns = campaignRows(workspace);
  const moves = moveRows(workspace);
  const content = contentRows(workspace);
  const alerts = alertRows(workspace);
  return [
    workspaceRows(workspace),
    billingRows(workspace),
    strategyRows(workspace),
    cohortRows(workspace),
    campaigns,
    moves,
    content,
    experimentRows(workspace),
    agentRows(workspace),
    learningRows(workspace),
    intelligenceRows(workspace),
    alerts,
    gamificationRows(workspace, { ...campaigns, ...moves, ...content, ...alerts }),
  ];
}
