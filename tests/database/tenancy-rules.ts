// The tenancy rules in words of their own: what the policies are held against.

export const ROLES = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'] as const;
export type Role = (typeof ROLES)[number];

const WRITERS: Record<string, Role> = {};
const writtenBy = (role: Role, tables: string) => {
  for (const table of tables.trim().split(/\s+/)) WRITERS[table] = role;
};
writtenBy('Owner', 'user_workspaces billing_history autopay_subscriptions autopay_payments');
writtenBy('Owner', 'achievements');
writtenBy('Owner', 'agent_performance agent_messages agent_debates debate_rounds policy_decisions');
writtenBy('Strategist', 'global_strategies positioning message_architecture strategy_insights');
writtenBy('Strategist', 'campaigns campaign_quests campaign_cohorts cohorts support_feedback');
writtenBy('Strategist', 'lines_of_operation sprints moves move_anomalies move_logs');
writtenBy('Strategist', 'agent_assignments');
writtenBy('Creator', 'assets visual_designs content_adaptations content_patterns');
writtenBy('Creator', 'visual_design_templates adaptation_patterns');
writtenBy('Creator', 'experiments experiment_results experiment_metadata');
writtenBy('Analyst', 'agent_recommendations recommendation_patterns recommendation_outcomes');
writtenBy('Analyst', 'agent_trust_scores meta_learner_state');
writtenBy('Analyst', 'intelligence_signals market_insights trends trend_mentions');
writtenBy('Analyst', 'competitors competitor_content competitor_patterns system_alerts');

type Operation = 'insert' | 'update' | 'delete';

export interface Rule {
  /** Which rows a person ($1) sees in a workspace ($2), as plain SQL without policies. */
  visible: string;
  /** Who may do it to a row of the current workspace that is theirs, where rows are people's. */
  may: Record<Operation, readonly Role[]>;
  /** A column that they may change. */
  column: string;
  /** Whether rows belong to a person, by which column. */
  person?: string;
}

const MEMBER = `exists (select from user_workspaces where user_id = $1 and workspace_id = $2)`;
const OWNER = `exists (select from user_workspaces where user_id = $1 and workspace_id = $2 and role = 'Owner')`;
const MEMBERS_ROWS = `(workspace_id = $2 and ${MEMBER})`;
const NOBODY = { insert: [], update: [], delete: [] };

const atLeast = (role: Role) => ROLES.slice(0, ROLES.indexOf(role) + 1);

const OWN_RULES: Record<string, Rule> = {
  workspaces: {
    visible: 'id in (select workspace_id from user_workspaces where user_id = $1)',
    may: { insert: [], update: ['Owner'], delete: ['Owner'] },
    column: 'name',
  },
  user_profiles: {
    visible: `id = $1 or ${MEMBER} and id in (select user_id from user_workspaces where workspace_id = $2)`,
    may: { insert: ROLES, update: ROLES, delete: [] },
    column: 'bio',
    person: 'id',
  },
  onboarding_responses: {
    visible: `user_id = $1 and (workspace_id is null or ${MEMBERS_ROWS})`,
    may: { insert: ROLES, update: ROLES, delete: ROLES },
    column: 'current_step',
    person: 'user_id',
  },
  subscriptions: {
    visible: `user_id = $1 and (workspace_id is null or ${MEMBERS_ROWS}) or workspace_id = $2 and ${OWNER}`,
    may: NOBODY,
    column: 'plan',
    person: 'user_id',
  },
  user_notifications: {
    visible: `user_id = $1 and ${MEMBERS_ROWS}`,
    may: { insert: [], update: ROLES, delete: [] },
    column: 'is_read',
    person: 'user_id',
  },
  user_achievements: {
    visible: `${MEMBERS_ROWS} and (user_id = $1 or visibility = 'public')`,
    may: { insert: [], update: ROLES, delete: [] },
    column: 'visibility',
    person: 'user_id',
  },
  user_stats: { visible: MEMBERS_ROWS, may: NOBODY, column: 'login_count', person: 'user_id' },
};

/** Tables of what all workspaces share. */
export const GLOBAL = [
  'journey_stages',
  'channel_roles',
  'maneuver_types',
  'agent_registry',
  'agent_capabilities',
];
for (const table of GLOBAL) {
  OWN_RULES[table] = { visible: '$1::uuid is not null', may: NOBODY, column: 'id' };
}

/** Tables with rows of no workspace, which are everybody's to read and nobody's to write. */
export const SHARED = ['visual_design_templates', 'adaptation_patterns'];

const sharedRows = '(workspace_id is null and $1::uuid is not null)';

/** The rule of each of the 59 tables. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...OWN_RULES,
  ...Object.fromEntries(
    Object.entries(WRITERS).map(([table, writer]): [string, Rule] => {
      const may = { insert: atLeast(writer), update: atLeast(writer), delete: atLeast(writer) };
      const visible = SHARED.includes(table) ? `${sharedRows} or ${MEMBERS_ROWS}` : MEMBERS_ROWS;
      return [table, { visible, may, column: 'id' }];
    }),
  ),
};
