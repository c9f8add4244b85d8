-- Strategy, the insights into it, and cohorts on their journey.

CALL gateway.ensure_enum('strategy_state', ARRAY['Draft', 'Active', 'Archived']);
CALL gateway.ensure_enum('strategy_insight_source', ARRAY['campaign', 'move', 'cohort', 'asset', 'positioning']);
CALL gateway.ensure_enum('strategy_insight_status', ARRAY['new', 'reviewed', 'actioned', 'dismissed']);
CALL gateway.ensure_enum('feedback_sentiment', ARRAY['positive', 'neutral', 'negative', 'critical']);

-- global_strategies
CREATE TABLE IF NOT EXISTS public.global_strategies (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  business_context jsonb NOT NULL DEFAULT '{}',
  offers jsonb NOT NULL DEFAULT '[]',
  markets jsonb NOT NULL DEFAULT '[]',
  center_of_gravity varchar(200),
  success_metrics jsonb NOT NULL DEFAULT '{}',
  ninety_day_goal text,
  constitution jsonb NOT NULL DEFAULT '{}',
  strategy_state public.strategy_state NOT NULL DEFAULT 'Draft',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT global_strategies_pkey PRIMARY KEY (id),
  CONSTRAINT global_strategies_workspace_id_key UNIQUE (workspace_id),
  CONSTRAINT global_strategies_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS global_strategies_workspace_id_created_at_id_idx ON public.global_strategies (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS global_strategies_business_context_offers_markets_success_m_idx ON public.global_strategies USING gin (business_context jsonb_path_ops, offers jsonb_path_ops, markets jsonb_path_ops, success_metrics jsonb_path_ops, constitution jsonb_path_ops);
CALL gateway.set_up_workspace_table('global_strategies', writer => 'Strategist', domain => 'strategy');

-- strategy_insights
CREATE TABLE IF NOT EXISTS public.strategy_insights (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  source_type public.strategy_insight_source NOT NULL,
  source_id uuid,
  insight_type varchar(50) NOT NULL,
  title varchar(255) NOT NULL,
  description text NOT NULL,
  evidence jsonb NOT NULL DEFAULT '{}',
  recommended_action text,
  confidence_score numeric,
  impact_score integer,
  status public.strategy_insight_status NOT NULL DEFAULT 'new',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  reviewed_at timestamptz(3),
  actioned_at timestamptz(3),
  CONSTRAINT strategy_insights_pkey PRIMARY KEY (id),
  CONSTRAINT strategy_insights_confidence_score_check CHECK (confidence_score BETWEEN 0 AND 1),
  CONSTRAINT strategy_insights_impact_score_check CHECK (impact_score BETWEEN 1 AND 10),
  CONSTRAINT strategy_insights_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_created_at_id_idx ON public.strategy_insights (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_source_type_source_id_idx ON public.strategy_insights (workspace_id, source_type, source_id);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_insight_type_idx ON public.strategy_insights (workspace_id, insight_type);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_status_idx ON public.strategy_insights (workspace_id, status);
CREATE INDEX IF NOT EXISTS strategy_insights_evidence_idx ON public.strategy_insights USING gin (evidence jsonb_path_ops);
CALL gateway.set_up_workspace_table('strategy_insights', writer => 'Strategist', domain => 'strategy');

-- journey_stages
CREATE TABLE IF NOT EXISTS public.journey_stages (
  id varchar(50) NOT NULL,
  name varchar(100) NOT NULL,
  description text,
  sort_order integer NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT journey_stages_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS journey_stages_created_at_id_idx ON public.journey_stages (created_at DESC, id DESC);
CALL gateway.set_up_global_table('journey_stages');

-- channel_roles
CREATE TABLE IF NOT EXISTS public.channel_roles (
  id varchar(50) NOT NULL,
  name varchar(100) NOT NULL,
  description text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT channel_roles_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS channel_roles_created_at_id_idx ON public.channel_roles (created_at DESC, id DESC);
CALL gateway.set_up_global_table('channel_roles');

-- cohorts
CREATE TABLE IF NOT EXISTS public.cohorts (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(200) NOT NULL,
  executive_summary text,
  demographics jsonb NOT NULL DEFAULT '{}',
  buyer_role varchar(100),
  psychographics jsonb NOT NULL DEFAULT '{}',
  pain_points text[],
  goals text[],
  behavioral_triggers text[],
  communication jsonb NOT NULL DEFAULT '{}',
  budget varchar(100),
  timeline varchar(100),
  decision_structure varchar(100),
  tags text[] NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  drift_detected boolean NOT NULL DEFAULT false,
  last_drift_check timestamptz(3),
  buying_triggers jsonb NOT NULL DEFAULT '[]',
  decision_criteria jsonb NOT NULL DEFAULT '[]',
  objection_map jsonb NOT NULL DEFAULT '[]',
  attention_windows jsonb NOT NULL DEFAULT '{}',
  journey_distribution jsonb NOT NULL DEFAULT '{}',
  competitive_frame jsonb NOT NULL DEFAULT '{}',
  decision_making_unit jsonb NOT NULL DEFAULT '{}',
  health_score integer,
  last_validated timestamptz(3),
  CONSTRAINT cohorts_pkey PRIMARY KEY (id),
  CONSTRAINT cohorts_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT cohorts_health_score_check CHECK (health_score BETWEEN 0 AND 100),
  CONSTRAINT cohorts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS cohorts_workspace_id_created_at_id_idx ON public.cohorts (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS cohorts_workspace_id_health_score_idx ON public.cohorts (workspace_id, health_score);
CREATE INDEX IF NOT EXISTS cohorts_demographics_psychographics_pain_points_goals_behav_idx ON public.cohorts USING gin (demographics jsonb_path_ops, psychographics jsonb_path_ops, pain_points, goals, behavioral_triggers, communication jsonb_path_ops, tags, buying_triggers jsonb_path_ops, decision_criteria jsonb_path_ops, objection_map jsonb_path_ops, attention_windows jsonb_path_ops, journey_distribution jsonb_path_ops, competitive_frame jsonb_path_ops, decision_making_unit jsonb_path_ops);
CALL gateway.set_up_workspace_table('cohorts', writer => 'Strategist', domain => 'cohorts');

-- support_feedback
CREATE TABLE IF NOT EXISTS public.support_feedback (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  type varchar(50),
  source varchar(100),
  title varchar(250),
  content text,
  sentiment public.feedback_sentiment,
  extracted_tags text[],
  related_cohort_ids uuid[],
  triggers_defensive_move boolean NOT NULL DEFAULT false,
  customer_id varchar(100),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT support_feedback_pkey PRIMARY KEY (id),
  CONSTRAINT support_feedback_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS support_feedback_workspace_id_created_at_id_idx ON public.support_feedback (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS support_feedback_extracted_tags_related_cohort_ids_idx ON public.support_feedback USING gin (extracted_tags, related_cohort_ids);
CALL gateway.set_up_workspace_table('support_feedback', writer => 'Strategist', domain => 'cohorts');

-- CHECKs of cohorts: [{"weight": 0.4, ...}, ...] or {"price": 0.4, ...}.
CREATE OR REPLACE FUNCTION public.validate_decision_criteria_weights(criteria jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(criteria)
    WHEN 'array' THEN jsonb_array_length(criteria) = 0 OR coalesce((
      SELECT bool_and(jsonb_typeof(c -> 'weight') = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(c -> 'weight') = 'number' THEN (c ->> 'weight')::numeric END) - 1) <= 0.01
      FROM jsonb_array_elements(criteria) AS c), false)
    WHEN 'object' THEN criteria = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(criteria)), false)
    ELSE criteria IS NULL
  END
$$;
COMMENT ON FUNCTION public.validate_decision_criteria_weights IS 'Whether the weights add up to 1 within 0.01; an empty value is valid.';

CREATE OR REPLACE FUNCTION public.validate_journey_distribution(distribution jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(distribution)
    WHEN 'object' THEN distribution = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(distribution)), false)
    ELSE distribution IS NULL
  END
$$;
COMMENT ON FUNCTION public.validate_journey_distribution IS 'Whether the shares of the journey stages add up to 1 within 0.01; an empty value is valid.';

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.cohorts'::regclass AND conname = 'cohorts_decision_criteria_check') THEN
    ALTER TABLE public.cohorts ADD CONSTRAINT cohorts_decision_criteria_check
      CHECK (public.validate_decision_criteria_weights(decision_criteria));
  END IF;
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.cohorts'::regclass AND conname = 'cohorts_journey_distribution_check') THEN
    ALTER TABLE public.cohorts ADD CONSTRAINT cohorts_journey_distribution_check
      CHECK (public.validate_journey_distribution(journey_distribution));
  END IF;
END $$;

-- SECURITY DEFINER: counts what the writer may not see, and takes turns.
CREATE OR REPLACE FUNCTION gateway.check_cohorts_limit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM gateway.require_room(workspace_id, NULL, added)
    FROM (SELECT workspace_id, count(*) AS added FROM new_rows GROUP BY workspace_id ORDER BY workspace_id) AS grown;
  ELSE
    PERFORM gateway.require_room(workspace_id, NULL, added)
    FROM (SELECT n.workspace_id, count(*) AS added FROM new_rows AS n
          LEFT JOIN old_rows AS o ON o.id = n.id AND o.workspace_id = n.workspace_id
          WHERE o.id IS NULL GROUP BY n.workspace_id ORDER BY n.workspace_id) AS grown;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.check_cohorts_limit IS 'Triggers of cohorts: no more of them than the workspace''s plan allows, for every writer.';
REVOKE EXECUTE ON FUNCTION gateway.check_cohorts_limit FROM PUBLIC;

CREATE OR REPLACE TRIGGER check_limit_on_insert AFTER INSERT ON public.cohorts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_cohorts_limit();
CREATE OR REPLACE TRIGGER check_limit_on_update AFTER UPDATE ON public.cohorts
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_cohorts_limit();

-- Read models: joined laterally or grouped by their key, so that a filter on the key reaches the
-- indexes and nothing else is aggregated.

CREATE OR REPLACE VIEW public.cohort_journey_shares WITH (security_invoker = true) AS
SELECT c.workspace_id, c.id AS cohort_id, d.key AS journey_stage_id, d.value::double precision AS share
FROM public.cohorts AS c
CROSS JOIN LATERAL jsonb_each_text(c.journey_distribution) AS d;
COMMENT ON VIEW public.cohort_journey_shares IS 'The share (0-1) of a cohort in each stage of the journey. Key: cohort_id, journey_stage_id.';
CALL gateway.publish_view('public.cohort_journey_shares');
