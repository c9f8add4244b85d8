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
  'gateway.bucket_seconds(smallint)',
  'gateway.bypasses_policies()',
  'gateway.change_alert_status(uuid,public.alert_status,uuid,text)',
  'gateway.check_alert_status()',
  'gateway.check_campaign_status()',
  'gateway.ensure_enum(text,text[])',
  'gateway.ensure_policy(regclass,text,text)',
  'gateway.execution_bucket(numeric)',
  'gateway.execution_percentiles(uuid[])',
  'gateway.keep_first_reading()',
  'gateway.lock_user_stats(uuid,uuid)',
  'gateway.member_reads()',
  'gateway.member_writes(public.member_role)',
  'gateway.next_alert_statuses(public.alert_status)',
  'gateway.next_campaign_statuses(public.campaign_status)',
  'gateway.notify_unlocked_achievement()',
  'gateway.protect_global_table(regclass)',
  'gateway.protect_shared_table(regclass,public.member_role)',
  'gateway.protect_table(regclass,text,text,text,text)',
  'gateway.protect_workspace_table(regclass,public.member_role)',
  'gateway.publish_view(regclass)',
  'gateway.refuse_alert_step(public.alert_status,public.alert_status)',
  'gateway.refuse_campaign_step(public.campaign_status,public.campaign_status)',
  'gateway.require_member(uuid,uuid)',
  'gateway.require_text(text,text)',
  'gateway.require_workspace_role(uuid,public.member_role)',
  'gateway.revoke_all(regclass)',
  'public.acknowledge_alert(uuid,uuid)',
  'public.change_campaign_status(uuid,public.campaign_status)',
  'public.create_insight_from_signals(uuid,uuid[],text,public.insight_type,text[])',
  'public.create_system_alert(uuid,public.alert_type,public.alert_severity,text,text,text,text,uuid,uuid,text,uuid,uuid,uuid,jsonb,text[],timestamptz)',
  'public.create_workspace(text,text)',
  'public.current_workspace_id()',
  'public.dismiss_alert(uuid,text,uuid)',
  'public.get_active_insights(uuid)',
  'public.get_critical_alerts(uuid)',
  'public.get_priority_signals(uuid,numeric)',
  'public.get_user_subscription(uuid)',
  'public.get_user_unread_notifications(uuid)',
  'public.handle_new_user()',
  'public.has_completed_onboarding(uuid)',
  'public.has_workspace_role(public.member_role)',
  'public.is_workspace_member(uuid)',
  'public.mark_all_notifications_as_read(uuid,uuid)',
  'public.mark_notification_as_read(uuid)',
  'public.record_achievement_progress(uuid,uuid,integer)',
  'public.record_agent_execution(uuid,uuid,numeric,integer,integer,numeric,boolean)',
  'public.resolve_alert(uuid,text)',
  'public.send_user_notification(uuid,uuid,public.notification_type,text,text,public.notification_priority,public.notification_channel,text,uuid,uuid,uuid,text,text,text,timestamptz)',
  'public.set_experience_level()',
  'public.set_move_success_rate()',
  'public.set_updated_at()',
  'public.touch_campaign()',
  'public.unlock_achievement(uuid,uuid,uuid,text)',
  'public.validate_decision_criteria_weights(jsonb)',
  'public.validate_journey_distribution(jsonb)',
  'public.viewer_memberships()',
  'public.workspace_role(uuid)',
];

/** Triggers other than `set_updated_at`: table, name and the function that it calls. */
export const TRIGGERS: readonly { table: string; name: string; calls: string }[] = [
  { table: 'auth.users', name: 'on_auth_user_created', calls: 'public.handle_new_user()' },
  { table: 'public.campaign_cohorts', name: 'touch_campaign', calls: 'public.touch_campaign()' },
  {
    table: 'public.campaign_cohorts',
    name: 'touch_campaign_on_change',
    calls: 'public.touch_campaign()',
  },
  { table: 'public.campaign_quests', name: 'touch_campaign', calls: 'public.touch_campaign()' },
  {
    table: 'public.campaign_quests',
    name: 'touch_campaign_on_change',
    calls: 'public.touch_campaign()',
  },
  { table: 'public.campaigns', name: 'check_new_status', calls: 'gateway.check_campaign_status()' },
  { table: 'public.campaigns', name: 'check_status', calls: 'gateway.check_campaign_status()' },
  {
    table: 'public.system_alerts',
    name: 'check_new_status',
    calls: 'gateway.check_alert_status()',
  },
  { table: 'public.system_alerts', name: 'check_status', calls: 'gateway.check_alert_status()' },
  {
    table: 'public.user_achievements',
    name: 'notify_unlocked_achievement',
    calls: 'gateway.notify_unlocked_achievement()',
  },
  {
    table: 'public.user_notifications',
    name: 'keep_first_reading',
    calls: 'gateway.keep_first_reading()',
  },
  {
    table: 'public.user_stats',
    name: 'set_experience_level',
    calls: 'public.set_experience_level()',
  },
  {
    table: 'public.user_stats',
    name: 'set_move_success_rate',
    calls: 'public.set_move_success_rate()',
  },
];
