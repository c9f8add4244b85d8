import { postgresType, TABLES } from './expected-tables.ts';

/** A CHECK of one column. */
export interface Range {
  table: string;
  column: string;
  name: string;
  /** As Postgres prints it with an empty search_path and in UTC. */
  condition: string;
}

/** Columns with individual bounds. */
const BOUNDED: Record<string, string> = {
  'autopay_payments.amount': '(amount > 0)',
  'autopay_subscriptions.amount': '(amount > 0)',
  'billing_history.amount': '(amount > 0)',
  'cohorts.decision_criteria': 'public.validate_decision_criteria_weights(decision_criteria)',
  'cohorts.health_score': '((health_score >= 0) AND (health_score <= 100))',
  'cohorts.journey_distribution': 'public.validate_journey_distribution(journey_distribution)',
  'maneuver_types.intensity_score': '((intensity_score >= 1) AND (intensity_score <= 10))',
  'move_anomalies.severity': '((severity >= 1) AND (severity <= 5))',
  'moves.progress_percentage': '((progress_percentage >= 0) AND (progress_percentage <= 100))',
  'onboarding_responses.progress_percentage':
    '((progress_percentage >= 0) AND (progress_percentage <= 100))',
  'strategy_insights.confidence_score':
    '((confidence_score >= (0)::numeric) AND (confidence_score <= (1)::numeric))',
  'strategy_insights.impact_score': '((impact_score >= 1) AND (impact_score <= 10))',
};

/** By table, the columns in which negative values have no meaning. */
const NOT_NEGATIVE: Record<string, string> = {
  achievements: 'points_reward',
  adaptation_patterns: 'success_rate usage_count',
  agent_assignments:
    'tasks_assigned tasks_completed tasks_failed total_tokens_used total_cost_incurred',
  agent_capabilities:
    'typical_execution_time_seconds typical_token_usage typical_cost success_rate_percentage',
  agent_debates: 'rounds voting_threshold confidence',
  agent_messages: 'ttl',
  agent_performance:
    'measurement_hour execution_count success_count failure_count error_count avg_execution_time_seconds min_execution_time_seconds max_execution_time_seconds p50_execution_time_seconds p95_execution_time_seconds p99_execution_time_seconds total_input_tokens total_output_tokens avg_input_tokens_per_execution avg_output_tokens_per_execution total_cost_incurred avg_cost_per_execution success_rate_percentage error_rate_percentage quality_score',
  agent_recommendations: 'confidence_score outcome_quality_score',
  agent_registry:
    'avg_execution_time_seconds success_rate_percentage error_rate_percentage cost_per_execution',
  agent_trust_scores:
    'overall_trust_score accuracy_score consistency_score timeliness_score reliability_score total_recommendations approved_recommendations rejected_recommendations partial_recommendations approval_rate avg_quality_score',
  autopay_payments: 'retry_count',
  autopay_subscriptions: 'total_payments successful_payments failed_payments',
  campaign_cohorts: 'allocation_percentage target_count reached_count converted_count',
  campaigns:
    'planned_duration_days budget_allocation allocated_budget_amount total_reach total_engagements conversion_count',
  competitor_patterns: 'frequency success_rate',
  content_adaptations: 'quality_score',
  content_patterns: 'success_rate usage_count',
  debate_rounds: 'round_number',
  experiment_results: 'sample_size',
  experiments: 'sample_size_per_variant duration_days confidence',
  intelligence_signals: 'confidence_score relevance_score',
  maneuver_types: 'base_duration_days',
  market_insights: 'number_of_signals_analyzed confidence_score',
  meta_learner_state:
    'learning_rate pattern_confidence_threshold samples_processed learning_cycles_completed model_accuracy model_coverage',
  move_logs: 'actions_completed',
  recommendation_outcomes:
    'overall_quality_score compared_against ranked_position outperformed_count impact_duration_days',
  recommendation_patterns: 'success_rate frequency_count confidence_level',
  sprints: 'capacity_budget current_load',
  trend_mentions: 'mention_count engagement',
  trends: 'opportunity_score',
  user_achievements: 'progress_percentage progress_value',
  user_stats:
    'campaigns_created campaigns_active campaigns_completed total_campaign_reach content_pieces_created content_pieces_published total_engagement_count moves_created moves_executed moves_successful success_rate_percentage collaborations_count teams_joined total_points achievements_unlocked achievements_in_progress login_count total_hours_engaged experience_level experience_percentage',
  visual_design_templates: 'success_rate usage_count',
  workspaces: 'cohorts_limit moves_per_sprint_limit',
};

/** Values of a Postgres type outside these bounds cannot be shown by the API. */
const FINITE: Record<string, (column: string) => string> = {
  date: (c) => `((${c} >= '0001-01-01'::date) AND (${c} <= '9999-12-31'::date))`,
  'timestamp with time zone': (c) =>
    `((${c} >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (${c} < '10000-01-01 00:00:00+00'::timestamp with time zone))`,
  'double precision': (c) =>
    `((${c} > '-Infinity'::double precision) AND (${c} < 'Infinity'::double precision))`,
  numeric: (c) => `((${c} > '-Infinity'::numeric) AND (${c} < 'Infinity'::numeric))`,
};

const COLUMNS = TABLES.flatMap(({ table, columns }) =>
  Object.values(columns).map((column) => ({
    table,
    column: column.column,
    type: postgresType(column).replace(/\(\d+(,\d+)?\)/, ''),
  })),
);

/** Postgres puts the words that begin a type in quotes. */
const printed = (column: string) => (column === 'timestamp' ? `"${column}"` : column);

/** The CHECKs of the tables. */
export const RANGES: readonly Range[] = COLUMNS.flatMap(({ table, column, type }): Range[] => {
  const zero = type === 'numeric' || type === 'double precision' ? `(0)::${type}` : '0';
  const isNotNegative = NOT_NEGATIVE[table]?.split(' ').includes(column);
  const bounds =
    BOUNDED[`${table}.${column}`] ?? (isNotNegative ? `(${column} >= ${zero})` : undefined);
  const finite = FINITE[type]?.(printed(column));
  return [
    ...(bounds ? [{ table, column, name: `${table}_${column}_check`, condition: bounds }] : []),
    ...(finite ? [{ table, column, name: `${table}_${column}_finite`, condition: finite }] : []),
  ];
});

/** Their definitions, by table and name. */
export const CHECKS: Record<string, string> = Object.fromEntries(
  RANGES.map(({ table, name, condition }) => [`${table}.${name}`, `CHECK (${condition})`]),
);
