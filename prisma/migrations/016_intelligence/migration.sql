-- Signals from the market and the insights drawn from them.

-- Enumerations

CALL gateway.ensure_enum('signal_source', ARRAY['competitor', 'market', 'trend', 'industry', 'customer']);
CALL gateway.ensure_enum('signal_category', ARRAY['competitor_activity', 'market_trend', 'industry_news', 'customer_sentiment', 'technology_shift']);
CALL gateway.ensure_enum('signal_status', ARRAY['new', 'acknowledged', 'actioned', 'archived']);
CALL gateway.ensure_enum('insight_type', ARRAY['opportunity', 'threat', 'trend', 'gap', 'pattern']);
CALL gateway.ensure_enum('confidence_level', ARRAY['low', 'medium', 'high']);
CALL gateway.ensure_enum('insight_status', ARRAY['active', 'archived', 'superseded']);

-- intelligence_signals
CREATE TABLE IF NOT EXISTS public.intelligence_signals (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  source_agent_id uuid,
  source_type public.signal_source NOT NULL,
  data_source text,
  signal_title text NOT NULL,
  signal_description text,
  signal_category public.signal_category NOT NULL,
  key_findings text[],
  data_points jsonb,
  confidence_score numeric,
  relevance_score numeric,
  related_competitor_ids uuid[],
  related_cohort_ids uuid[],
  related_campaign_ids uuid[],
  signal_date timestamptz(3),
  detection_date timestamptz(3) NOT NULL DEFAULT now(),
  expiry_date timestamptz(3),
  action_status public.signal_status NOT NULL DEFAULT 'new',
  assigned_to_user_id uuid,
  action_notes text,
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT intelligence_signals_pkey PRIMARY KEY (id),
  CONSTRAINT intelligence_signals_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT intelligence_signals_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT intelligence_signals_source_agent_id_fkey FOREIGN KEY (source_agent_id) REFERENCES public.agent_registry (id) ON DELETE SET NULL,
  CONSTRAINT intelligence_signals_assigned_to_user_id_fkey FOREIGN KEY (assigned_to_user_id) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT intelligence_signals_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS intelligence_signals_workspace_id_created_at_id_idx ON public.intelligence_signals (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS intelligence_signals_source_agent_id_workspace_id_created_a_idx ON public.intelligence_signals (source_agent_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS intelligence_signals_assigned_to_user_id_idx ON public.intelligence_signals (assigned_to_user_id);
CREATE INDEX IF NOT EXISTS intelligence_signals_created_by_idx ON public.intelligence_signals (created_by);
CREATE INDEX IF NOT EXISTS intelligence_signals_workspace_id_action_status_idx ON public.intelligence_signals (workspace_id, action_status);
CREATE INDEX IF NOT EXISTS intelligence_signals_workspace_id_signal_category_idx ON public.intelligence_signals (workspace_id, signal_category);
CREATE INDEX IF NOT EXISTS intelligence_signals_workspace_id_detection_date_idx ON public.intelligence_signals (workspace_id, detection_date DESC);
CREATE INDEX IF NOT EXISTS intelligence_signals_key_findings_data_points_related_compe_idx ON public.intelligence_signals USING gin (key_findings, data_points jsonb_path_ops, related_competitor_ids, related_cohort_ids, related_campaign_ids);
CALL gateway.set_up_workspace_table('intelligence_signals', writer => 'Analyst', domain => 'intelligence');
CALL gateway.stamp_table('intelligence_signals', 'source_agent_id', 'id');
-- An insight also uses signals that nobody has acknowledged.
CALL gateway.guard_status('intelligence_signals', 'signal', 'new', '{
  "new": ["acknowledged", "actioned", "archived"],
  "acknowledged": ["actioned", "archived"],
  "actioned": ["archived"]}', status_column => 'action_status');
CALL gateway.require_not_negative('intelligence_signals', 'confidence_score', 'relevance_score');

-- market_insights
CREATE TABLE IF NOT EXISTS public.market_insights (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  insight_title text NOT NULL,
  insight_description text,
  insight_type public.insight_type NOT NULL,
  category text,
  source_signal_ids uuid[],
  source_agent_id uuid,
  number_of_signals_analyzed integer,
  key_conclusions text[],
  supporting_evidence text[],
  confidence_level public.confidence_level NOT NULL DEFAULT 'medium',
  confidence_score numeric,
  business_implications text[],
  recommended_actions text[],
  potential_impact text,
  potential_roi_percentage numeric,
  relevant_for_competitors uuid[],
  relevant_for_cohorts uuid[],
  relevant_for_campaigns uuid[],
  relevant_segments text[],
  time_relevance_start date,
  time_relevance_end date,
  discovery_date timestamptz(3) NOT NULL DEFAULT now(),
  insight_status public.insight_status NOT NULL DEFAULT 'active',
  actioned_date timestamptz(3),
  created_by uuid,
  reviewed_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT market_insights_pkey PRIMARY KEY (id),
  CONSTRAINT market_insights_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT market_insights_source_agent_id_fkey FOREIGN KEY (source_agent_id) REFERENCES public.agent_registry (id) ON DELETE SET NULL,
  CONSTRAINT market_insights_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT market_insights_reviewed_by_fkey FOREIGN KEY (reviewed_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS market_insights_workspace_id_created_at_id_idx ON public.market_insights (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS market_insights_source_agent_id_workspace_id_created_at_id_idx ON public.market_insights (source_agent_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS market_insights_created_by_idx ON public.market_insights (created_by);
CREATE INDEX IF NOT EXISTS market_insights_reviewed_by_idx ON public.market_insights (reviewed_by);
CREATE INDEX IF NOT EXISTS market_insights_workspace_id_insight_type_idx ON public.market_insights (workspace_id, insight_type);
CREATE INDEX IF NOT EXISTS market_insights_workspace_id_insight_status_idx ON public.market_insights (workspace_id, insight_status);
CREATE INDEX IF NOT EXISTS market_insights_workspace_id_discovery_date_idx ON public.market_insights (workspace_id, discovery_date DESC);
CREATE INDEX IF NOT EXISTS market_insights_workspace_id_time_relevance_start_time_rele_idx ON public.market_insights (workspace_id, time_relevance_start, time_relevance_end);
CREATE INDEX IF NOT EXISTS market_insights_source_signal_ids_key_conclusions_supportin_idx ON public.market_insights USING gin (source_signal_ids, key_conclusions, supporting_evidence, business_implications, recommended_actions, relevant_for_competitors, relevant_for_cohorts, relevant_for_campaigns, relevant_segments);
CALL gateway.set_up_workspace_table('market_insights', writer => 'Analyst', domain => 'intelligence');
CALL gateway.stamp_table('market_insights', 'source_agent_id', 'id');
CALL gateway.require_not_negative('market_insights', 'number_of_signals_analyzed', 'confidence_score');

-- Functions

CREATE OR REPLACE FUNCTION public.record_signal(
  workspace uuid, source public.signal_source, category public.signal_category, title text,
  confidence numeric DEFAULT NULL, relevance numeric DEFAULT NULL, description text DEFAULT NULL,
  data_source text DEFAULT NULL, key_findings text[] DEFAULT NULL, data_points jsonb DEFAULT NULL,
  competitors uuid[] DEFAULT NULL, cohorts uuid[] DEFAULT NULL, campaigns uuid[] DEFAULT NULL,
  signal_date timestamptz DEFAULT NULL, expiry_date timestamptz DEFAULT NULL, agent uuid DEFAULT NULL
) RETURNS public.intelligence_signals
LANGUAGE plpgsql AS $$
DECLARE
  missing text := CASE WHEN source IS NULL THEN 'source' WHEN category IS NULL THEN 'category' END;
  beyond text := CASE
    WHEN confidence NOT BETWEEN 0 AND 100 THEN 'confidence'
    WHEN relevance NOT BETWEEN 0 AND 100 THEN 'relevance'
  END;
  recorded public.intelligence_signals;
BEGIN
  PERFORM gateway.require_writer(workspace, 'Analyst', 'intelligence');
  PERFORM gateway.require_text(title, 'title');
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION '% must not be empty', missing USING ERRCODE = 'invalid_parameter_value', COLUMN = missing;
  ELSIF beyond IS NOT NULL THEN
    RAISE EXCEPTION '% must be from 0 to 100', beyond USING ERRCODE = 'invalid_parameter_value', COLUMN = beyond;
  END IF;
  INSERT INTO public.intelligence_signals AS s (
    workspace_id, source_agent_id, source_type, data_source, signal_title, signal_description, signal_category,
    key_findings, data_points, confidence_score, relevance_score,
    related_competitor_ids, related_cohort_ids, related_campaign_ids, signal_date, expiry_date, created_by)
  VALUES (
    workspace, agent, source, data_source, title, description, category,
    key_findings, data_points, confidence, relevance,
    competitors, cohorts, campaigns, coalesce(signal_date, now()), expiry_date, auth.uid())
  RETURNING s.* INTO recorded;
  RETURN recorded;
END $$;
COMMENT ON FUNCTION public.record_signal IS 'A new signal, detected now; confidence and relevance are 0-100. The agent is the calling one; trusted writers may name one.';

CREATE OR REPLACE FUNCTION public.acknowledge_signal(signal uuid, notes text DEFAULT NULL) RETURNS public.intelligence_signals
LANGUAGE plpgsql AS $$
DECLARE
  current public.intelligence_signals;
BEGIN
  SELECT s.* INTO current FROM public.intelligence_signals AS s WHERE s.id = signal;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such signal' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Analyst', 'intelligence');
  SELECT s.* INTO current FROM public.intelligence_signals AS s WHERE s.id = signal FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such signal' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_step('intelligence_signals', 'signal', 'action_status', current.action_status::text, 'acknowledged');
  UPDATE public.intelligence_signals AS s
  SET action_status = 'acknowledged',
      assigned_to_user_id = coalesce(s.assigned_to_user_id, auth.uid()),
      action_notes = coalesce(notes, s.action_notes)
  WHERE s.id = signal
  RETURNING s.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.acknowledge_signal IS 'The signal, acknowledged, and assigned to the person of the request unless it is assigned already.';

CREATE OR REPLACE FUNCTION public.create_insight_from_signals(
  workspace uuid, signals uuid[], title text, type public.insight_type, conclusions text[] DEFAULT NULL
) RETURNS public.market_insights
LANGUAGE plpgsql AS $$
DECLARE
  distinct_signals uuid[] := ARRAY(
    SELECT id FROM unnest(signals) WITH ORDINALITY AS s(id, position) WHERE id IS NOT NULL GROUP BY id ORDER BY min(position));
  signal_count integer := cardinality(distinct_signals);
  missing integer;
  score integer := least(50 + 10 * signal_count, 100);
  created public.market_insights;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Analyst');
  PERFORM gateway.require_text(title, 'title');
  IF type IS NULL THEN
    RAISE EXCEPTION 'type must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'type';
  ELSIF signal_count = 0 THEN
    RAISE EXCEPTION 'an insight needs at least one signal' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'signals';
  END IF;
  -- In a fixed order, against deadlocks between two insights that share signals.
  PERFORM FROM public.intelligence_signals AS s
  WHERE s.id = ANY (distinct_signals) AND s.workspace_id = workspace ORDER BY s.id FOR NO KEY UPDATE;
  GET DIAGNOSTICS missing = ROW_COUNT;
  missing := signal_count - missing;
  IF missing > 0 THEN
    RAISE EXCEPTION '% of the % signals do not exist in the workspace', missing, signal_count
      USING ERRCODE = 'no_data_found', COLUMN = 'signals';
  END IF;
  UPDATE public.intelligence_signals AS s SET action_status = 'actioned'
  WHERE s.id = ANY (distinct_signals) AND s.action_status <> 'actioned';
  INSERT INTO public.market_insights AS i (
    workspace_id, insight_title, insight_type, source_signal_ids, number_of_signals_analyzed,
    key_conclusions, confidence_level, confidence_score, created_by)
  VALUES (
    workspace, title, type, distinct_signals, signal_count, conclusions,
    CASE WHEN score >= 80 THEN 'high'::public.confidence_level ELSE 'medium' END, score, auth.uid())
  RETURNING i.* INTO created;
  RETURN created;
END $$;
COMMENT ON FUNCTION public.create_insight_from_signals IS 'A new insight with confidence 50 and 10 more for each signal, at most 100 (level high from 80); its signals become actioned.';

CREATE OR REPLACE FUNCTION public.get_active_insights(workspace uuid) RETURNS SETOF public.market_insights
LANGUAGE sql STABLE AS $$
  SELECT * FROM public.market_insights
  WHERE workspace_id = workspace AND insight_status = 'active'
    AND (time_relevance_start IS NULL OR time_relevance_start <= (now() AT TIME ZONE 'UTC')::date)
    AND (time_relevance_end IS NULL OR time_relevance_end >= (now() AT TIME ZONE 'UTC')::date)
  ORDER BY confidence_score DESC NULLS LAST, discovery_date DESC, id DESC
$$;
COMMENT ON FUNCTION public.get_active_insights IS 'Active insights that are relevant today (UTC), most confident first.';

CREATE OR REPLACE FUNCTION public.get_priority_signals(workspace uuid, threshold numeric DEFAULT 50) RETURNS SETOF public.intelligence_signals
LANGUAGE sql STABLE AS $$
  SELECT * FROM public.intelligence_signals
  WHERE workspace_id = workspace AND action_status = 'new'
    AND (expiry_date IS NULL OR expiry_date > now())
    AND confidence_score * relevance_score / 100 >= threshold
  ORDER BY confidence_score * relevance_score DESC, detection_date DESC, id DESC
$$;
COMMENT ON FUNCTION public.get_priority_signals IS 'New, unexpired signals whose confidence x relevance / 100 reaches the threshold, highest first, then newest.';
