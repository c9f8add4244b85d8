-- Whoever writes, a table holds only what the API can show: moments and days of the years 1 to 9999,
-- and numbers that are finite; and nothing negative where that has no meaning. Rows from before that
-- hold something else stay, and are named: correcting them is for those who know what was meant.

-- Rows that violate CHECKs ({name: expression}); of each at most ten, by id.
CREATE OR REPLACE FUNCTION gateway.check_violations(target regclass, checks jsonb)
RETURNS TABLE (name text, violations bigint, row_ids text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT c.name, count(*), (array_agg(coalesce(to_jsonb(t) ->> ''id'', t.ctid::text)))[1:10]'
    ' FROM %s AS t CROSS JOIN LATERAL (VALUES %s) AS c(name, holds) WHERE c.holds IS FALSE GROUP BY c.name ORDER BY c.name',
    target, (SELECT string_agg(format('(%L, (%s))', key, value), ', ') FROM jsonb_each_text(checks)));
END $$;
COMMENT ON FUNCTION gateway.check_violations IS 'How many rows of the table violate each of these CHECKs ({name: expression}), and the ids of the first ten; nothing for a CHECK that all rows satisfy.';

-- A CHECK that rows violate is left NOT VALID: it holds for what is written from then on. Called again
-- once the rows are corrected, this validates it.
CREATE OR REPLACE PROCEDURE gateway.ensure_checks(target regclass, checks jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  missing text := (
    SELECT string_agg(format('ADD CONSTRAINT %I CHECK (%s) NOT VALID', key, value), ', ')
    FROM jsonb_each_text(checks)
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND conname = key));
  is_forced boolean := (SELECT relforcerowsecurity FROM pg_class WHERE oid = target);
  unproven jsonb;
  found record;
BEGIN
  IF missing IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', target, missing);
  END IF;
  SELECT jsonb_object_agg(conname, checks -> conname::text) INTO unproven
  FROM pg_constraint WHERE conrelid = target AND checks ? conname AND NOT convalidated;
  IF unproven IS NULL THEN
    RETURN;
  END IF;
  -- The owner is to see all rows, also where it does not bypass policies.
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', target);
  END IF;
  FOR found IN SELECT * FROM gateway.check_violations(target, unproven) LOOP
    RAISE WARNING '%: % row(s) violate %: % (%)', target, found.violations, found.name, unproven ->> found.name,
      array_to_string(found.row_ids, ', ') || CASE WHEN found.violations > 10 THEN ', ...' ELSE '' END
      USING HINT = format('Correct them, then: ALTER TABLE %s VALIDATE CONSTRAINT %I', target, found.name);
    unproven := unproven - found.name;
  END LOOP;
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  END IF;
  IF unproven <> '{}' THEN
    EXECUTE format('ALTER TABLE %s %s', target,
      (SELECT string_agg(format('VALIDATE CONSTRAINT %I', key), ', ') FROM jsonb_object_keys(unproven) AS key));
  END IF;
END $$;

-- NaN is above infinity to Postgres, so that this refuses it, too. Lists are bounded item by item.
CREATE OR REPLACE FUNCTION gateway.finite_checks(target regclass) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_object_agg(left(relname || '_' || attname, 56) || '_finite',
    CASE WHEN typcategory = 'A'
      THEN format('%2$L::%1$s %3$s ALL (%6$I) AND %4$L::%1$s %5$s ALL (%6$I)',
        type, low, translate(above, '<>', '><'), high, translate(below, '<>', '><'), attname)
      ELSE format('%1$I %2$s %3$L AND %1$I %4$s %5$L', attname, above, low, below, high)
    END), '{}')
  FROM pg_attribute
  JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_type ON pg_type.oid = atttypid
  JOIN (VALUES
    ('date'::regtype, '>=', '0001-01-01', '<=', '9999-12-31'),
    ('timestamp', '>=', '0001-01-01 00:00:00', '<', '10000-01-01 00:00:00'),
    ('timestamptz', '>=', '0001-01-01 00:00:00+00', '<', '10000-01-01 00:00:00+00'),
    ('real', '>', '-Infinity', '<', 'Infinity'),
    ('double precision', '>', '-Infinity', '<', 'Infinity'),
    ('numeric', '>', '-Infinity', '<', 'Infinity')
  ) AS bounds(type, above, low, below, high) ON type = CASE typcategory WHEN 'A' THEN typelem ELSE atttypid END
  WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION gateway.finite_checks IS 'The CHECKs ({name: expression}) that keep a table''s moments and days in the years 1 to 9999, and its numbers finite.';

CREATE OR REPLACE PROCEDURE gateway.require_finite(target regclass)
LANGUAGE sql AS $$
  CALL gateway.ensure_checks(target, gateway.finite_checks(target))
$$;

CREATE OR REPLACE PROCEDURE gateway.require_not_negative(target regclass, VARIADIC names text[])
LANGUAGE plpgsql AS $$
DECLARE
  checks jsonb := (
    SELECT jsonb_object_agg(relname || '_' || name || '_check', format('%I >= 0', name))
    FROM unnest(names) AS name, pg_class WHERE oid = target);
BEGIN
  CALL gateway.ensure_checks(target, checks);
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.ensure_checks, gateway.require_finite, gateway.require_not_negative FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION gateway.check_violations, gateway.finite_checks FROM PUBLIC;

-- As in the baseline, and with finite values: what every table of the API is protected by.
CREATE OR REPLACE PROCEDURE gateway.protect_table(
  target regclass, may_select text, may_insert text, may_update text, may_delete text
)
LANGUAGE plpgsql AS $$
DECLARE
  operation text;
  expression text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO service_role', target);
  FOR operation, expression IN
    VALUES ('select', may_select), ('insert', may_insert), ('update', may_update), ('delete', may_delete)
  LOOP
    CALL gateway.ensure_policy(target, operation, expression);
    IF expression <> 'false' THEN
      EXECUTE format('GRANT %s ON %s TO authenticated', operation, target);
    END IF;
  END LOOP;
  -- The gateway's own tables are not shown.
  IF (SELECT relnamespace FROM pg_class WHERE oid = target) = 'public'::regnamespace THEN
    CALL gateway.require_finite(target);
  END IF;
END $$;

DO $$
DECLARE
  target regclass;
BEGIN
  -- Those that are protected are those of the API; what others keep in this schema is their own.
  FOR target IN
    SELECT oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND oid IN (SELECT polrelid FROM pg_policy WHERE polname = 'authenticated_select')
    ORDER BY relname
  LOOP
    CALL gateway.require_finite(target);
  END LOOP;
END $$;

-- Rewards, budgets, costs, durations, counts and shares. What grows and falls may be negative: returns
-- in percent, the velocity of a trend, the improvement of a score, a measured value.
CALL gateway.require_not_negative('workspaces', 'cohorts_limit', 'moves_per_sprint_limit');
CALL gateway.require_not_negative('autopay_subscriptions', 'total_payments', 'successful_payments', 'failed_payments');
CALL gateway.require_not_negative('autopay_payments', 'retry_count');
CALL gateway.require_not_negative('campaigns', 'planned_duration_days', 'budget_allocation', 'allocated_budget_amount',
  'total_reach', 'total_engagements', 'conversion_count');
CALL gateway.require_not_negative('campaign_cohorts', 'allocation_percentage', 'target_count', 'reached_count', 'converted_count');
CALL gateway.require_not_negative('maneuver_types', 'base_duration_days');
CALL gateway.require_not_negative('sprints', 'capacity_budget', 'current_load');
CALL gateway.require_not_negative('move_logs', 'actions_completed');
CALL gateway.require_not_negative('visual_design_templates', 'success_rate', 'usage_count');
CALL gateway.require_not_negative('content_adaptations', 'quality_score');
CALL gateway.require_not_negative('adaptation_patterns', 'success_rate', 'usage_count');
CALL gateway.require_not_negative('content_patterns', 'success_rate', 'usage_count');
CALL gateway.require_not_negative('experiments', 'sample_size_per_variant', 'duration_days', 'confidence');
CALL gateway.require_not_negative('experiment_results', 'sample_size');
CALL gateway.require_not_negative('achievements', 'points_reward');
CALL gateway.require_not_negative('user_achievements', 'progress_percentage', 'progress_value');
CALL gateway.require_not_negative('user_stats', 'campaigns_created', 'campaigns_active', 'campaigns_completed',
  'total_campaign_reach', 'content_pieces_created', 'content_pieces_published', 'total_engagement_count', 'moves_created',
  'moves_executed', 'moves_successful', 'success_rate_percentage', 'collaborations_count', 'teams_joined', 'total_points',
  'achievements_unlocked', 'achievements_in_progress', 'login_count', 'total_hours_engaged', 'experience_level',
  'experience_percentage');
CALL gateway.require_not_negative('agent_registry', 'avg_execution_time_seconds', 'success_rate_percentage',
  'error_rate_percentage', 'cost_per_execution');
CALL gateway.require_not_negative('agent_capabilities', 'typical_execution_time_seconds', 'typical_token_usage',
  'typical_cost', 'success_rate_percentage');
CALL gateway.require_not_negative('agent_assignments', 'tasks_assigned', 'tasks_completed', 'tasks_failed',
  'total_tokens_used', 'total_cost_incurred');
CALL gateway.require_not_negative('agent_performance', 'measurement_hour', 'execution_count', 'success_count', 'failure_count',
  'error_count', 'avg_execution_time_seconds', 'min_execution_time_seconds', 'max_execution_time_seconds',
  'p50_execution_time_seconds', 'p95_execution_time_seconds', 'p99_execution_time_seconds', 'total_input_tokens',
  'total_output_tokens', 'avg_input_tokens_per_execution', 'avg_output_tokens_per_execution', 'total_cost_incurred',
  'avg_cost_per_execution', 'success_rate_percentage', 'error_rate_percentage', 'quality_score');
CALL gateway.require_not_negative('agent_messages', 'ttl');
CALL gateway.require_not_negative('agent_debates', 'rounds', 'voting_threshold', 'confidence');
CALL gateway.require_not_negative('debate_rounds', 'round_number');
CALL gateway.require_not_negative('agent_recommendations', 'confidence_score', 'outcome_quality_score');
CALL gateway.require_not_negative('recommendation_patterns', 'success_rate', 'frequency_count', 'confidence_level');
CALL gateway.require_not_negative('recommendation_outcomes', 'overall_quality_score', 'compared_against', 'ranked_position',
  'outperformed_count', 'impact_duration_days');
CALL gateway.require_not_negative('agent_trust_scores', 'overall_trust_score', 'accuracy_score', 'consistency_score',
  'timeliness_score', 'reliability_score', 'total_recommendations', 'approved_recommendations', 'rejected_recommendations',
  'partial_recommendations', 'approval_rate', 'avg_quality_score');
CALL gateway.require_not_negative('meta_learner_state', 'learning_rate', 'pattern_confidence_threshold', 'samples_processed',
  'learning_cycles_completed', 'model_accuracy', 'model_coverage');
CALL gateway.require_not_negative('intelligence_signals', 'confidence_score', 'relevance_score');
CALL gateway.require_not_negative('market_insights', 'number_of_signals_analyzed', 'confidence_score');
CALL gateway.require_not_negative('competitor_patterns', 'frequency', 'success_rate');
CALL gateway.require_not_negative('trends', 'opportunity_score');
CALL gateway.require_not_negative('trend_mentions', 'mention_count', 'engagement');
