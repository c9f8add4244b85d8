// What the migrations make and the Prisma schema cannot describe.

/** The tables that each migration after the baseline adds. */
export const TABLES_BY_MIGRATION = {
  '013_positioning_and_campaigns': [
    'positioning',
    'message_architecture',
    'campaigns',
    'campaign_quests',
    'campaign_cohorts',
  ],
  '014_gamification': ['achievements', 'user_achievements', 'user_stats'],
  '015_agent_registry': [
    'agent_registry',
    'agent_capabilities',
    'agent_assignments',
    'agent_performance',
  ],
  '016_intelligence': ['intelligence_signals', 'market_insights'],
  '017_alerts': ['system_alerts', 'user_notifications'],
} as const;

/** The read models: views of schema `public`. */
export const VIEWS: readonly string[] = [
  'agent_performance_daily',
  'agent_recommendation_summaries',
  'campaign_health',
  'cohort_journey_shares',
  'experiment_summaries',
  'pattern_effectiveness',
  'trend_opportunities',
  'workspace_status_counts',
];

/** CHECK constraints, as Postgres prints them with an empty search_path. */
export const CHECKS: Record<string, string> = {
  'autopay_payments.autopay_payments_amount_check': 'CHECK ((amount > 0))',
  'autopay_subscriptions.autopay_subscriptions_amount_check': 'CHECK ((amount > 0))',
  'billing_history.billing_history_amount_check': 'CHECK ((amount > 0))',
  'cohorts.cohorts_decision_criteria_check':
    'CHECK (public.validate_decision_criteria_weights(decision_criteria))',
  'cohorts.cohorts_health_score_check': 'CHECK (((health_score >= 0) AND (health_score <= 100)))',
  'cohorts.cohorts_journey_distribution_check':
    'CHECK (public.validate_journey_distribution(journey_distribution))',
  'maneuver_types.maneuver_types_intensity_score_check':
    'CHECK (((intensity_score >= 1) AND (intensity_score <= 10)))',
  'move_anomalies.move_anomalies_severity_check': 'CHECK (((severity >= 1) AND (severity <= 5)))',
  'moves.moves_progress_percentage_check':
    'CHECK (((progress_percentage >= 0) AND (progress_percentage <= 100)))',
  'onboarding_responses.onboarding_responses_progress_percentage_check':
    'CHECK (((progress_percentage >= 0) AND (progress_percentage <= 100)))',
  'strategy_insights.strategy_insights_confidence_score_check':
    'CHECK (((confidence_score >= (0)::numeric) AND (confidence_score <= (1)::numeric)))',
  'strategy_insights.strategy_insights_impact_score_check':
    'CHECK (((impact_score >= 1) AND (impact_score <= 10)))',
};

/** Array columns that are NOT NULL without a default: Prisma cannot tell null from empty. */
export const REQUIRED_ARRAYS: readonly string[] = ['recommendation_patterns.agent_ids'];

/** Functions and procedures, as `to_regprocedure` takes them. */
export const FUNCTIONS: readonly string[] = [
  'gateway.achievement_threshold(jsonb)',
  'gateway.agent_has_scope(text,text)',
  'gateway.agent_may_act(text,uuid)',
  'gateway.agent_workspaces()',
  'gateway.audit()',
  'gateway.audit_table(regclass)',
  'gateway.audit_reader(text,jsonb)',
  'gateway.bucket_seconds(smallint)',
  'gateway.bypasses_policies()',
  'gateway.change_alert_status(uuid,public.alert_status,uuid,text)',
  'gateway.change_readers(text,jsonb)',
  'gateway.change_snapshot()',
  'gateway.changed_columns(jsonb,jsonb)',
  'gateway.changes_after(pg_snapshot,integer)',
  'gateway.changes_between(pg_snapshot,pg_snapshot,bigint,integer,text[],uuid,uuid)',
  'gateway.check_activation()',
  'gateway.check_cohorts_limit()',
  'gateway.check_moves_limit()',
  'gateway.check_status()',
  'gateway.claim_idempotent_request(text,bytea,boolean)',
  'gateway.current_agent()',
  'gateway.current_agent_id()',
  'gateway.current_claims()',
  'gateway.domain_writes(public.member_role,text)',
  'gateway.ensure_enum(text,text[])',
  'gateway.ensure_policy(regclass,text,text)',
  'gateway.execution_bucket(numeric)',
  'gateway.execution_percentiles(uuid[])',
  'gateway.expect_readers()',
  'gateway.guard_status(regclass,text,text,jsonb,text)',
  'gateway.has_variant(jsonb,text)',
  'gateway.is_audience()',
  'gateway.jsonb_patch(jsonb,jsonb,text)',
  'gateway.keep_first_reading()',
  'gateway.keep_last_owner()',
  'gateway.keep_readers_awake(integer)',
  'gateway.lock_user_stats(uuid,uuid)',
  'gateway.log_change()',
  'gateway.log_colleagues()',
  'gateway.log_partial_change()',
  'gateway.log_table(regclass)',
  'gateway.log_truncation()',
  'gateway.make_room_for_idempotency_key(integer,bigint)',
  'gateway.may_write(public.member_role,text)',
  'gateway.may_write_shared()',
  'gateway.member_reads()',
  'gateway.member_writes(public.member_role)',
  'gateway.next_statuses(text,text)',
  'gateway.notify_unlocked_achievement()',
  'gateway.open_change_log()',
  'gateway.protect_global_table(regclass)',
  'gateway.protect_shared_table(regclass,public.member_role)',
  'gateway.protect_table(regclass,text,text,text,text)',
  'gateway.protect_workspace_table(regclass,public.member_role)',
  'gateway.publish_view(regclass)',
  'gateway.record_alert_step()',
  'gateway.record_moment()',
  'gateway.refuse_audit_change()',
  'gateway.require_member(uuid,uuid)',
  'gateway.require_room(uuid,uuid,bigint)',
  'gateway.require_step(text,text,text,text,text)',
  'gateway.require_text(text,text)',
  'gateway.require_workspace_role(uuid,public.member_role)',
  'gateway.require_writer(uuid,public.member_role,text)',
  'gateway.revoke_all(regclass)',
  'gateway.shorten_row(jsonb)',
  'gateway.stamp_agent()',
  'gateway.take_turn(uuid,uuid)',
  'gateway.transactions_between(pg_snapshot,pg_snapshot)',
  'gateway.trim_audit_log(interval)',
  'gateway.trim_change_log(interval,integer)',
  'gateway.trim_idempotency_keys(interval)',
  'gateway.wake_readers()',
  'gateway.workspace_roles(uuid[])',
  'public.acknowledge_alert(uuid,uuid)',
  'public.acknowledge_signal(uuid,text)',
  'public.assign_agent(uuid,uuid,uuid,public.assignment_priority,jsonb)',
  'public.change_campaign_status(uuid,public.campaign_status)',
  'public.change_member_role(uuid,uuid,public.member_role)',
  'public.complete_quest(uuid,text)',
  'public.create_insight_from_signals(uuid,uuid[],text,public.insight_type,text[])',
  'public.create_system_alert(uuid,public.alert_type,public.alert_severity,text,text,text,text,uuid,uuid,text,uuid,uuid,uuid,jsonb,text[],timestamptz)',
  'public.create_workspace(text,text)',
  'public.current_workspace_id()',
  'public.decide_experiment(uuid,text,double precision)',
  'public.dismiss_alert(uuid,text,uuid)',
  'public.get_active_insights(uuid)',
  'public.get_critical_alerts(uuid)',
  'public.get_priority_signals(uuid,numeric)',
  'public.get_user_subscription(uuid)',
  'public.get_user_unread_notifications(uuid)',
  'public.handle_new_user()',
  'public.has_completed_onboarding(uuid)',
  'public.has_workspace_role(public.member_role)',
  'public.invite_member(uuid,text,public.member_role)',
  'public.is_workspace_member(uuid)',
  'public.link_cohorts(uuid,uuid[],numeric[],integer[])',
  'public.log_move(uuid,date,integer,text,jsonb)',
  'public.mark_all_notifications_as_read(uuid,uuid)',
  'public.mark_notification_as_read(uuid)',
  'public.raise_anomaly(uuid,public.move_anomaly_type,integer,text)',
  'public.record_achievement_progress(uuid,uuid,integer)',
  'public.record_agent_execution(uuid,uuid,numeric,integer,integer,numeric,boolean)',
  'public.record_signal(uuid,public.signal_source,public.signal_category,text,numeric,numeric,text,text,text[],jsonb,uuid[],uuid[],uuid[],timestamptz,timestamptz,uuid)',
  'public.remove_member(uuid,uuid)',
  'public.resolve_alert(uuid,text)',
  'public.send_user_notification(uuid,uuid,public.notification_type,text,text,public.notification_priority,public.notification_channel,text,uuid,uuid,uuid,text,text,text,timestamptz)',
  'public.set_experience_level()',
  'public.set_move_success_rate()',
  'public.set_updated_at()',
  'public.start_move(uuid)',
  'public.touch_campaign()',
  'public.unlock_achievement(uuid,uuid,uuid,text)',
  'public.validate_decision_criteria_weights(jsonb)',
  'public.validate_journey_distribution(jsonb)',
  'public.viewer_memberships()',
  'public.workspace_role(uuid)',
];

/** A trigger: where it is and the function that it calls. */
export interface Trigger {
  table: string;
  name: string;
  calls: string;
  /** Whether it fires with session_replication_role = replica, too. */
  always?: boolean;
}

const trigger = (calls: string, name: string, ...tables: string[]) =>
  tables.map((table) => ({ table, name, calls }));

const STATEFUL = [
  'public.assets',
  'public.campaign_quests',
  'public.campaigns',
  'public.experiments',
  'public.intelligence_signals',
  'public.move_anomalies',
  'public.moves',
  'public.system_alerts',
];
const WRITTEN_BY_AGENTS = [
  'public.agent_messages',
  'public.agent_performance',
  'public.agent_recommendations',
  'public.assets',
  'public.competitor_content',
  'public.competitor_patterns',
  'public.content_adaptations',
  'public.experiments',
  'public.intelligence_signals',
  'public.market_insights',
  'public.moves',
  'public.system_alerts',
  'public.visual_designs',
];
const PARTS_OF_CAMPAIGNS = ['public.campaign_cohorts', 'public.campaign_quests'];

/** Triggers that not every table has. */
export const TRIGGERS: readonly Trigger[] = [
  ...trigger('public.handle_new_user()', 'on_auth_user_created', 'auth.users'),
  ...trigger('public.touch_campaign()', 'touch_campaign', ...PARTS_OF_CAMPAIGNS),
  ...trigger('public.touch_campaign()', 'touch_campaign_on_change', ...PARTS_OF_CAMPAIGNS),
  ...trigger('public.touch_campaign()', 'touch_campaign_on_delete', ...PARTS_OF_CAMPAIGNS),
  ...trigger('gateway.check_status()', 'check_new_status', ...STATEFUL),
  ...trigger('gateway.check_status()', 'check_status', ...STATEFUL),
  ...trigger('gateway.check_activation()', 'check_status_active', 'public.campaigns'),
  ...trigger('gateway.record_alert_step()', 'record_step', 'public.system_alerts'),
  ...trigger(
    'gateway.record_moment()',
    'record_step',
    'public.assets',
    'public.experiments',
    'public.move_anomalies',
  ),
  ...trigger('gateway.stamp_agent()', 'stamp_agent', ...WRITTEN_BY_AGENTS),
  ...trigger('gateway.stamp_agent()', 'keep_agent', ...WRITTEN_BY_AGENTS),
  ...trigger('gateway.check_cohorts_limit()', 'check_limit_on_insert', 'public.cohorts'),
  ...trigger('gateway.check_cohorts_limit()', 'check_limit_on_update', 'public.cohorts'),
  ...trigger('gateway.check_moves_limit()', 'check_limit_on_insert', 'public.moves'),
  ...trigger('gateway.check_moves_limit()', 'check_limit_on_update', 'public.moves'),
  ...trigger('gateway.keep_last_owner()', 'keep_last_owner', 'public.user_workspaces'),
  ...trigger('gateway.keep_last_owner()', 'keep_last_owner_on_change', 'public.user_workspaces'),
  ...trigger(
    'gateway.notify_unlocked_achievement()',
    'notify_unlocked_achievement',
    'public.user_achievements',
  ),
  ...trigger('gateway.keep_first_reading()', 'keep_first_reading', 'public.user_notifications'),
  ...trigger('public.set_experience_level()', 'set_experience_level', 'public.user_stats'),
  ...trigger('public.set_move_success_rate()', 'set_move_success_rate', 'public.user_stats'),
  ...trigger('gateway.refuse_audit_change()', 'refuse_change', 'gateway.audit_log'),
  ...['log_colleagues_delete', 'log_colleagues_insert', 'log_colleagues_update'].map((name) => ({
    table: 'public.user_workspaces',
    name,
    calls: 'gateway.log_colleagues()',
    always: true,
  })),
];

/** Triggers of each of the 59 tables, which call `gateway.audit()`. */
export const AUDIT_TRIGGERS = ['audit_insert', 'audit_update', 'audit_delete'] as const;
