// The tenancy rules, written independently of the policies that they are compared with. The class of each
// table is copied from the contract of the schema, and what the classes mean is said here once more.

export const ROLES = ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer'] as const;
export type Role = (typeof ROLES)[number];

type TenancyClass =
  | 'workspace itself'
  | 'workspace'
  | 'workspace and own user'
  | 'own user'
  | 'billing'
  | 'global'
  | 'shared or workspace';

export type Operation = 'insert' | 'update' | 'delete';

interface TableClass {
  tenancy: TenancyClass;
  /** The domain of the scope: "strategy:write". */
  domain: string;
  /** The least role that writes rows of the workspace; null where no role does. */
  writer: Role | null;
}

const CLASSES: Record<string, TableClass> = {};
const classify = (domain: string, writer: Role | null, tenancy: TenancyClass, tables: string) => {
  for (const table of tables.trim().split(/\s+/)) CLASSES[table] = { tenancy, domain, writer };
};
classify('workspace', 'Owner', 'workspace itself', 'workspaces');
classify('workspace', 'Owner', 'workspace', 'user_workspaces');
classify('workspace', null, 'own user', 'user_profiles onboarding_responses');
classify('billing', null, 'own user', 'subscriptions');
classify('billing', 'Owner', 'billing', 'billing_history autopay_subscriptions autopay_payments');
classify(
  'strategy',
  'Strategist',
  'workspace',
  'global_strategies positioning message_architecture',
);
classify('strategy', 'Strategist', 'workspace', 'strategy_insights');
classify('campaigns', 'Strategist', 'workspace', 'campaigns campaign_quests campaign_cohorts');
classify('cohorts', 'Strategist', 'workspace', 'cohorts support_feedback');
classify('cohorts', null, 'global', 'journey_stages');
classify(
  'moves',
  'Strategist',
  'workspace',
  'lines_of_operation sprints moves move_anomalies move_logs',
);
classify('moves', null, 'global', 'channel_roles maneuver_types');
classify('content', 'Creator', 'workspace', 'assets visual_designs content_adaptations');
classify('content', 'Creator', 'workspace', 'content_patterns');
classify(
  'content',
  'Creator',
  'shared or workspace',
  'visual_design_templates adaptation_patterns',
);
classify(
  'experiments',
  'Creator',
  'workspace',
  'experiments experiment_results experiment_metadata',
);
classify('gamification', 'Owner', 'workspace', 'achievements');
classify('gamification', null, 'workspace and own user', 'user_achievements user_stats');
classify('agents', null, 'global', 'agent_registry agent_capabilities');
classify('agents', 'Strategist', 'workspace', 'agent_assignments');
classify(
  'agents',
  'Owner',
  'workspace',
  'agent_performance agent_messages agent_debates debate_rounds',
);
classify('agents', 'Owner', 'workspace', 'policy_decisions');
classify('learning', 'Analyst', 'workspace', 'agent_recommendations recommendation_patterns');
classify('learning', 'Analyst', 'workspace', 'recommendation_outcomes agent_trust_scores');
classify('learning', 'Analyst', 'workspace', 'meta_learner_state');
classify(
  'intelligence',
  'Analyst',
  'workspace',
  'intelligence_signals market_insights competitors',
);
classify('intelligence', 'Analyst', 'workspace', 'competitor_content competitor_patterns');
classify('intelligence', 'Analyst', 'workspace', 'trends trend_mentions');
classify('alerts', 'Analyst', 'workspace', 'system_alerts');
classify('alerts', null, 'workspace and own user', 'user_notifications');

/** Every scope that a token may hold. */
export const SCOPES: readonly string[] = [
  ...[...new Set(Object.values(CLASSES).map(({ domain }) => domain)), '*'].flatMap((domain) => [
    `${domain}:read`,
    `${domain}:write`,
  ]),
  'global:write',
];

export interface Rule {
  tenancy: TenancyClass;
  /** Which rows a person ($1) sees in a workspace ($2), as plain SQL without policies. */
  visible: string;
  /** Which rows an agent with these scopes sees that is assigned to the workspace ($2). */
  visibleToAgent(scopes: readonly string[]): string;
  /** The roles that may do it to a row of the current workspace (their own row, if rows belong to people). */
  may: Record<Operation, readonly Role[]>;
  /** Whether an agent with these scopes may. */
  agentMay(operation: Operation, scopes: readonly string[]): boolean;
  /** A column that they may change. */
  column: string;
  /** Whether rows belong to a person, by which column. */
  person?: string;
}

const HERE = 'workspace_id = $2';
const MEMBER = `exists (select from user_workspaces where user_id = $1 and workspace_id = $2)`;
const OWNER = `exists (select from user_workspaces where user_id = $1 and workspace_id = $2 and role = 'Owner')`;
const COLLEAGUES = 'id in (select user_id from user_workspaces where workspace_id = $2)';
const NOBODY = { insert: [], update: [], delete: [] };

const atLeast = (role: Role | null) => (role ? ROLES.slice(0, ROLES.indexOf(role) + 1) : []);
const everyOne = (roles: readonly Role[]) => ({ insert: roles, update: roles, delete: roles });
const unless = (condition: boolean, sql: string) => (condition ? sql : 'false');
const refusesAgents = () => false;

/** An agent with any scope sees what members see; without a scope it sees nothing. */
const asMember = (sql: string) => (scopes: readonly string[]) => unless(scopes.length > 0, sql);

function byClass({ tenancy, domain, writer }: TableClass, table: string): Omit<Rule, 'tenancy'> {
  const writes = (scopes: readonly string[]) =>
    scopes.includes(`${domain}:write`) || scopes.includes('*:write');
  switch (tenancy) {
    case 'workspace itself':
      return {
        visible: 'id in (select workspace_id from user_workspaces where user_id = $1)',
        visibleToAgent: () => 'id = $2',
        // It is made together with its Owner's membership, by a function.
        may: { insert: [], update: atLeast(writer), delete: atLeast(writer) },
        agentMay: refusesAgents,
        column: 'name',
      };
    case 'workspace':
      return {
        visible: `${HERE} and ${MEMBER}`,
        visibleToAgent: asMember(HERE),
        may: {
          ...everyOne(atLeast(writer)),
          // A membership is made by creating the workspace, or by accepting an invitation.
          ...(table === 'user_workspaces' ? { insert: [] } : {}),
        },
        agentMay: (operation, scopes) => {
          // Only people assign agents. An agent writes the counters of its own assignment.
          if (table === 'user_workspaces') return false;
          return writes(scopes) && (table !== 'agent_assignments' || operation === 'update');
        },
        column: table === 'user_workspaces' ? 'role' : 'id',
      };
    case 'billing':
      return {
        visible: `${HERE} and ${OWNER}`,
        visibleToAgent: (scopes) => unless(scopes.includes('billing:read'), HERE),
        may: everyOne(atLeast(writer)),
        agentMay: refusesAgents,
        column: 'id',
      };
    case 'global':
      return {
        visible: '$1::uuid is not null',
        visibleToAgent: () => 'true',
        may: NOBODY,
        // Trusted writers of the API have this scope.
        agentMay: (_, scopes) => scopes.includes('global:write'),
        column: 'id',
      };
    case 'shared or workspace':
      return {
        visible: `(workspace_id is null and $1::uuid is not null) or (${HERE} and ${MEMBER})`,
        visibleToAgent: (scopes) => `workspace_id is null or ${asMember(HERE)(scopes)}`,
        may: everyOne(atLeast(writer)),
        agentMay: (_, scopes) => writes(scopes),
        column: 'id',
      };
    case 'workspace and own user':
    case 'own user':
      return { agentMay: refusesAgents, ...ofPeople(table) };
  }
}

/** The rows that belong to a person, by table. */
function ofPeople(table: string): Omit<Rule, 'tenancy' | 'agentMay'> {
  const person = 'user_id';
  const own = `user_id = $1 and (workspace_id is null or ${HERE} and ${MEMBER})`;
  switch (table) {
    case 'user_profiles':
      return {
        visible: `id = $1 or ${MEMBER} and ${COLLEAGUES}`,
        visibleToAgent: asMember(COLLEAGUES),
        may: { insert: ROLES, update: ROLES, delete: [] },
        column: 'bio',
        person: 'id',
      };
    case 'onboarding_responses':
      return {
        visible: own,
        visibleToAgent: () => 'false',
        may: everyOne(ROLES),
        column: 'current_step',
        person,
      };
    case 'subscriptions':
      return {
        visible: own,
        visibleToAgent: () => 'false',
        may: NOBODY,
        column: 'plan',
        person,
      };
    case 'user_notifications':
      return {
        visible: `user_id = $1 and ${HERE} and ${MEMBER}`,
        visibleToAgent: () => 'false',
        may: { insert: [], update: ROLES, delete: [] },
        column: 'is_read',
        person,
      };
    case 'user_achievements':
      return {
        visible: `${HERE} and ${MEMBER} and (user_id = $1 or visibility = 'public')`,
        visibleToAgent: asMember(`${HERE} and visibility = 'public'`),
        may: { insert: [], update: ROLES, delete: [] },
        column: 'visibility',
        person,
      };
    case 'user_stats':
      return {
        visible: `${HERE} and ${MEMBER}`,
        visibleToAgent: asMember(HERE),
        may: NOBODY,
        column: 'login_count',
        person,
      };
    default:
      throw new TypeError(`What of ${table} is a person's own is not said`);
  }
}

/** The rule of each table. */
export const RULES: Readonly<Record<string, Rule>> = Object.fromEntries(
  Object.entries(CLASSES).map(([table, where]) => [
    table,
    { tenancy: where.tenancy, ...byClass(where, table) },
  ]),
);

const tablesOf = (tenancy: TenancyClass) =>
  Object.keys(RULES).filter((table) => RULES[table]?.tenancy === tenancy);

/** Tables of what all workspaces share. */
export const GLOBAL: readonly string[] = tablesOf('global');

/** Tables with rows of no workspace, which everybody can read and nobody can write. */
export const SHARED: readonly string[] = tablesOf('shared or workspace');

/** Tables of billing. */
export const BILLING: readonly string[] = tablesOf('billing');
