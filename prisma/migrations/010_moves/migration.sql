-- Moves with their types, lines, sprints, anomalies and logs.

CALL gateway.ensure_enum('maneuver_category', ARRAY['Offensive', 'Defensive', 'Logistical', 'Recon']);
CALL gateway.ensure_enum('fogg_role', ARRAY['Spark', 'Facilitator', 'Signal']);
CALL gateway.ensure_enum('risk_profile', ARRAY['Low', 'Medium', 'Brand_Risk', 'Budget_Risk']);
CALL gateway.ensure_enum('seasonality', ARRAY['Harvest', 'Planting', 'Agnostic']);
CALL gateway.ensure_enum('line_of_operation_status', ARRAY['Active', 'Paused', 'Complete']);
CALL gateway.ensure_enum('season_type', ARRAY['High_Season', 'Low_Season', 'Shoulder']);
CALL gateway.ensure_enum('sprint_status', ARRAY['Planning', 'Active', 'Review', 'Complete']);
CALL gateway.ensure_enum('move_status', ARRAY['Planning', 'OODA_Observe', 'OODA_Orient', 'OODA_Decide', 'OODA_Act', 'Complete', 'Killed']);
CALL gateway.ensure_enum('move_health', ARRAY['green', 'amber', 'red']);
CALL gateway.ensure_enum('move_intensity', ARRAY['light', 'standard', 'aggressive']);
CALL gateway.ensure_enum('move_anomaly_type', ARRAY['Tone_Clash', 'Fatigue', 'Drift', 'Rule_Violation', 'Capacity_Overload']);
CALL gateway.ensure_enum('move_anomaly_status', ARRAY['Open', 'Acknowledged', 'Resolved', 'Ignored']);

-- maneuver_types
CREATE TABLE IF NOT EXISTS public.maneuver_types (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(100) NOT NULL,
  category public.maneuver_category NOT NULL,
  base_duration_days integer NOT NULL DEFAULT 14,
  fogg_role public.fogg_role,
  intensity_score integer,
  risk_profile public.risk_profile,
  description text,
  default_config jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT maneuver_types_pkey PRIMARY KEY (id),
  CONSTRAINT maneuver_types_intensity_score_check CHECK (intensity_score BETWEEN 1 AND 10)
);
CREATE INDEX IF NOT EXISTS maneuver_types_created_at_id_idx ON public.maneuver_types (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS maneuver_types_default_config_idx ON public.maneuver_types USING gin (default_config jsonb_path_ops);
CALL gateway.set_up_global_table('maneuver_types');
CALL gateway.require_not_negative('maneuver_types', 'base_duration_days');

-- lines_of_operation
CREATE TABLE IF NOT EXISTS public.lines_of_operation (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(150) NOT NULL,
  strategic_objective text,
  seasonality_tag public.seasonality,
  center_of_gravity varchar(100),
  status public.line_of_operation_status NOT NULL DEFAULT 'Active',
  start_date date,
  target_date date,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT lines_of_operation_pkey PRIMARY KEY (id),
  CONSTRAINT lines_of_operation_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT lines_of_operation_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS lines_of_operation_workspace_id_created_at_id_idx ON public.lines_of_operation (workspace_id, created_at DESC, id DESC);
CALL gateway.set_up_workspace_table('lines_of_operation', writer => 'Strategist', domain => 'moves');

-- sprints
CREATE TABLE IF NOT EXISTS public.sprints (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(100),
  start_date date NOT NULL,
  end_date date NOT NULL,
  theme varchar(200),
  capacity_budget integer NOT NULL DEFAULT 100,
  current_load integer NOT NULL DEFAULT 0,
  season_type public.season_type,
  status public.sprint_status NOT NULL DEFAULT 'Planning',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT sprints_pkey PRIMARY KEY (id),
  CONSTRAINT sprints_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT sprints_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS sprints_workspace_id_created_at_id_idx ON public.sprints (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS sprints_workspace_id_status_idx ON public.sprints (workspace_id, status);
CALL gateway.set_up_workspace_table('sprints', writer => 'Strategist', domain => 'moves');
CALL gateway.require_not_negative('sprints', 'capacity_budget', 'current_load');

-- moves
CREATE TABLE IF NOT EXISTS public.moves (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  maneuver_type_id uuid,
  sprint_id uuid,
  line_of_operation_id uuid,
  name varchar(200) NOT NULL,
  primary_icp_id uuid NOT NULL,
  secondary_icp_ids uuid[] NOT NULL DEFAULT '{}',
  status public.move_status NOT NULL DEFAULT 'Planning',
  ooda_config jsonb NOT NULL DEFAULT '{}',
  fogg_config jsonb NOT NULL DEFAULT '{}',
  goal text,
  channels varchar(50)[] NOT NULL DEFAULT '{}',
  content_frequency varchar(100),
  action_types varchar(50)[] NOT NULL DEFAULT '{}',
  key_metrics jsonb NOT NULL DEFAULT '{}',
  decision_checkpoints jsonb NOT NULL DEFAULT '[]',
  start_date date,
  end_date date,
  progress_percentage integer NOT NULL DEFAULT 0,
  owner_id uuid,
  health_status public.move_health NOT NULL DEFAULT 'green',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  triggered_by_trend_id uuid,
  competitor_analysis jsonb,
  created_by_agent text,
  agent_recommendations jsonb,
  journey_stage_from varchar(50),
  journey_stage_to varchar(50),
  message_variant jsonb NOT NULL DEFAULT '{}',
  asset_requirements jsonb NOT NULL DEFAULT '[]',
  intensity public.move_intensity,
  CONSTRAINT moves_pkey PRIMARY KEY (id),
  CONSTRAINT moves_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT moves_progress_percentage_check CHECK (progress_percentage BETWEEN 0 AND 100),
  CONSTRAINT moves_maneuver_type_id_fkey FOREIGN KEY (maneuver_type_id) REFERENCES public.maneuver_types (id) ON DELETE SET NULL,
  CONSTRAINT moves_workspace_id_sprint_id_fkey FOREIGN KEY (workspace_id, sprint_id) REFERENCES public.sprints (workspace_id, id) ON DELETE SET NULL (sprint_id),
  CONSTRAINT moves_workspace_id_line_of_operation_id_fkey FOREIGN KEY (workspace_id, line_of_operation_id) REFERENCES public.lines_of_operation (workspace_id, id) ON DELETE SET NULL (line_of_operation_id),
  CONSTRAINT moves_workspace_id_triggered_by_trend_id_fkey FOREIGN KEY (workspace_id, triggered_by_trend_id) REFERENCES public.trends (workspace_id, id) ON DELETE SET NULL (triggered_by_trend_id),
  CONSTRAINT moves_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT moves_workspace_id_primary_icp_id_fkey FOREIGN KEY (workspace_id, primary_icp_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE NO ACTION,
  CONSTRAINT moves_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT moves_journey_stage_from_fkey FOREIGN KEY (journey_stage_from) REFERENCES public.journey_stages (id) ON DELETE NO ACTION,
  CONSTRAINT moves_journey_stage_to_fkey FOREIGN KEY (journey_stage_to) REFERENCES public.journey_stages (id) ON DELETE NO ACTION
);
CREATE INDEX IF NOT EXISTS moves_workspace_id_created_at_id_idx ON public.moves (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_maneuver_type_id_idx ON public.moves (maneuver_type_id);
CREATE INDEX IF NOT EXISTS moves_sprint_id_workspace_id_created_at_id_idx ON public.moves (sprint_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_line_of_operation_id_workspace_id_created_at_id_idx ON public.moves (line_of_operation_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_triggered_by_trend_id_workspace_id_created_at_id_idx ON public.moves (triggered_by_trend_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_primary_icp_id_workspace_id_created_at_id_idx ON public.moves (primary_icp_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_owner_id_idx ON public.moves (owner_id);
CREATE INDEX IF NOT EXISTS moves_journey_stage_to_idx ON public.moves (journey_stage_to);
CREATE INDEX IF NOT EXISTS moves_workspace_id_status_idx ON public.moves (workspace_id, status);
CREATE INDEX IF NOT EXISTS moves_journey_stage_from_journey_stage_to_idx ON public.moves (journey_stage_from, journey_stage_to);
CREATE INDEX IF NOT EXISTS moves_workspace_id_intensity_idx ON public.moves (workspace_id, intensity);
CREATE INDEX IF NOT EXISTS moves_secondary_icp_ids_ooda_config_fogg_config_channels_ac_idx ON public.moves USING gin (secondary_icp_ids, ooda_config jsonb_path_ops, fogg_config jsonb_path_ops, channels, action_types, key_metrics jsonb_path_ops, decision_checkpoints jsonb_path_ops, competitor_analysis jsonb_path_ops, agent_recommendations jsonb_path_ops, message_variant jsonb_path_ops, asset_requirements jsonb_path_ops);
CALL gateway.set_up_workspace_table('moves', writer => 'Strategist', domain => 'moves');
CALL gateway.stamp_table('moves', 'created_by_agent', 'name');
CALL gateway.guard_status('moves', 'move', 'Planning', '{
  "Planning": ["OODA_Observe", "Killed"],
  "OODA_Observe": ["OODA_Orient", "Killed"],
  "OODA_Orient": ["OODA_Decide", "Killed"],
  "OODA_Decide": ["OODA_Act", "Killed"],
  "OODA_Act": ["Complete", "OODA_Observe", "Killed"]}');

-- move_anomalies
CREATE TABLE IF NOT EXISTS public.move_anomalies (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid NOT NULL,
  type public.move_anomaly_type,
  severity integer,
  description text,
  detected_at timestamptz(3) NOT NULL DEFAULT now(),
  resolution text,
  resolved_at timestamptz(3),
  status public.move_anomaly_status NOT NULL DEFAULT 'Open',
  CONSTRAINT move_anomalies_pkey PRIMARY KEY (id),
  CONSTRAINT move_anomalies_severity_check CHECK (severity BETWEEN 1 AND 5),
  CONSTRAINT move_anomalies_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT move_anomalies_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS move_anomalies_workspace_id_detected_at_id_idx ON public.move_anomalies (workspace_id, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_anomalies_move_id_workspace_id_detected_at_id_idx ON public.move_anomalies (move_id, workspace_id, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_anomalies_workspace_id_status_idx ON public.move_anomalies (workspace_id, status);
CALL gateway.set_up_workspace_table('move_anomalies', writer => 'Strategist', domain => 'moves');
CALL gateway.guard_status('move_anomalies', 'anomaly', 'Open', '{
  "Open": ["Acknowledged", "Ignored"],
  "Acknowledged": ["Resolved", "Ignored"]}');
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.move_anomalies
  FOR EACH ROW WHEN (NEW.status IN ('Resolved', 'Ignored') AND OLD.status <> NEW.status) EXECUTE FUNCTION gateway.record_moment('resolved_at');

-- move_logs
CREATE TABLE IF NOT EXISTS public.move_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid NOT NULL,
  date date NOT NULL,
  actions_completed integer NOT NULL DEFAULT 0,
  notes text,
  metrics_snapshot jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT move_logs_pkey PRIMARY KEY (id),
  CONSTRAINT move_logs_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT move_logs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS move_logs_workspace_id_created_at_id_idx ON public.move_logs (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_logs_move_id_workspace_id_created_at_id_idx ON public.move_logs (move_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_logs_workspace_id_date_idx ON public.move_logs (workspace_id, date);
CREATE INDEX IF NOT EXISTS move_logs_metrics_snapshot_idx ON public.move_logs USING gin (metrics_snapshot jsonb_path_ops);
CALL gateway.set_up_workspace_table('move_logs', writer => 'Strategist', domain => 'moves');
CALL gateway.require_not_negative('move_logs', 'actions_completed');

-- Functions

-- SECURITY DEFINER, as check_cohorts_limit.
CREATE OR REPLACE FUNCTION gateway.check_moves_limit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM gateway.require_room(workspace_id, sprint_id, added)
    FROM (SELECT workspace_id, sprint_id, count(*) AS added FROM new_rows
          WHERE sprint_id IS NOT NULL GROUP BY workspace_id, sprint_id ORDER BY sprint_id) AS grown;
  ELSE
    PERFORM gateway.require_room(workspace_id, sprint_id, added)
    FROM (SELECT n.workspace_id, n.sprint_id, count(*) AS added FROM new_rows AS n
          LEFT JOIN old_rows AS o ON o.id = n.id AND o.sprint_id = n.sprint_id
          WHERE n.sprint_id IS NOT NULL AND o.id IS NULL GROUP BY n.workspace_id, n.sprint_id ORDER BY n.sprint_id) AS grown;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.check_moves_limit IS 'Triggers of moves: no more of them in a sprint than the workspace''s plan allows, for every writer.';
REVOKE EXECUTE ON FUNCTION gateway.check_moves_limit FROM PUBLIC;

CREATE OR REPLACE TRIGGER check_limit_on_insert AFTER INSERT ON public.moves
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_moves_limit();
CREATE OR REPLACE TRIGGER check_limit_on_update AFTER UPDATE ON public.moves
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_moves_limit();

CREATE OR REPLACE FUNCTION public.start_move(move uuid) RETURNS public.moves
LANGUAGE plpgsql AS $$
DECLARE
  current public.moves;
BEGIN
  SELECT m.* INTO current FROM public.moves AS m WHERE m.id = move;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such move' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Strategist', 'moves');
  SELECT m.* INTO current FROM public.moves AS m WHERE m.id = move FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such move' USING ERRCODE = 'no_data_found';
  ELSIF current.status <> 'Planning' THEN
    RAISE EXCEPTION 'the move has started already'
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'status', DETAIL = format('It is %s.', current.status);
  END IF;
  UPDATE public.moves AS m
  SET status = 'OODA_Observe', start_date = coalesce(m.start_date, (now() AT TIME ZONE 'UTC')::date)
  WHERE m.id = move
  RETURNING m.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.start_move IS 'The move, started in its observe phase; it starts today (UTC) unless it has a start date.';

CREATE OR REPLACE FUNCTION public.log_move(
  move uuid, date date DEFAULT NULL, actions_completed integer DEFAULT 0, notes text DEFAULT NULL, metrics jsonb DEFAULT '{}'
) RETURNS public.move_logs
LANGUAGE plpgsql AS $$
DECLARE
  workspace uuid := (SELECT m.workspace_id FROM public.moves AS m WHERE m.id = move);
  logged public.move_logs;
BEGIN
  IF workspace IS NULL THEN
    RAISE EXCEPTION 'there is no such move' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(workspace, 'Strategist', 'moves');
  IF (actions_completed >= 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'actions_completed must be 0 or more' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'actions_completed';
  END IF;
  INSERT INTO public.move_logs AS l (workspace_id, move_id, date, actions_completed, notes, metrics_snapshot)
  VALUES (workspace, move, coalesce(log_move.date, (now() AT TIME ZONE 'UTC')::date),
          log_move.actions_completed, log_move.notes, coalesce(metrics, '{}'))
  RETURNING l.* INTO logged;
  RETURN logged;
END $$;
COMMENT ON FUNCTION public.log_move IS 'A new entry in the log of a move, of today (UTC) unless a date is given.';

CREATE OR REPLACE FUNCTION public.raise_anomaly(
  move uuid, type public.move_anomaly_type, severity integer, description text DEFAULT NULL
) RETURNS public.move_anomalies
LANGUAGE plpgsql AS $$
DECLARE
  workspace uuid := (SELECT m.workspace_id FROM public.moves AS m WHERE m.id = move);
  raised public.move_anomalies;
BEGIN
  IF workspace IS NULL THEN
    RAISE EXCEPTION 'there is no such move' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(workspace, 'Strategist', 'moves');
  IF type IS NULL THEN
    RAISE EXCEPTION 'type must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'type';
  ELSIF (severity BETWEEN 1 AND 5) IS NOT TRUE THEN
    RAISE EXCEPTION 'severity must be from 1 to 5' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'severity';
  END IF;
  INSERT INTO public.move_anomalies AS a (workspace_id, move_id, type, severity, description)
  VALUES (workspace, move, raise_anomaly.type, raise_anomaly.severity, raise_anomaly.description)
  RETURNING a.* INTO raised;
  RETURN raised;
END $$;
COMMENT ON FUNCTION public.raise_anomaly IS 'A new open anomaly of a move, detected now; severity 1 (slight) to 5.';

-- Read models

CREATE OR REPLACE VIEW public.trend_opportunities WITH (security_invoker = true) AS
SELECT t.workspace_id, t.id AS trend_id, t.topic, t.lifecycle_stage, t.velocity, t.opportunity_score, t.expiry_date,
       mentions.*, moves.*
FROM public.trends AS t
CROSS JOIN LATERAL (
  SELECT coalesce(sum(mention_count), 0) AS mention_count, coalesce(sum(engagement), 0) AS engagement_count
  FROM public.trend_mentions
  WHERE trend_id = t.id AND workspace_id = t.workspace_id
) AS mentions
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS triggered_move_count
  FROM public.moves
  WHERE triggered_by_trend_id = t.id AND workspace_id = t.workspace_id
) AS moves
WHERE t.expiry_date IS NULL OR t.expiry_date > now();
COMMENT ON VIEW public.trend_opportunities IS 'Trends that have not expired, with their mentions and the moves they triggered. Key: trend_id.';
CALL gateway.publish_view('public.trend_opportunities');
