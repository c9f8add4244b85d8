-- Experiments, and the content that they compare.

CALL gateway.ensure_enum('experiment_status', ARRAY['running', 'completed', 'stopped', 'failed']);
CALL gateway.ensure_enum('asset_type', ARRAY['case_study', 'whitepaper', 'video', 'blog_post', 'social_post', 'email', 'landing_page', 'creative', 'template', 'other']);
CALL gateway.ensure_enum('asset_status', ARRAY['draft', 'review', 'approved', 'published', 'archived']);

-- experiments
CREATE TABLE IF NOT EXISTS public.experiments (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid,
  hypothesis text NOT NULL,
  variants jsonb,
  sample_size_per_variant integer,
  duration_days integer,
  success_metric text,
  stop_conditions jsonb,
  status public.experiment_status NOT NULL DEFAULT 'running',
  winner_variant text,
  confidence double precision,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  completed_at timestamptz(3),
  created_by_agent text,
  CONSTRAINT experiments_pkey PRIMARY KEY (id),
  CONSTRAINT experiments_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT experiments_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE SET NULL (move_id),
  CONSTRAINT experiments_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiments_workspace_id_created_at_id_idx ON public.experiments (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiments_move_id_workspace_id_created_at_id_idx ON public.experiments (move_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiments_workspace_id_status_idx ON public.experiments (workspace_id, status);
CREATE INDEX IF NOT EXISTS experiments_variants_stop_conditions_idx ON public.experiments USING gin (variants jsonb_path_ops, stop_conditions jsonb_path_ops);
CALL gateway.set_up_workspace_table('experiments', writer => 'Creator', domain => 'experiments');
CALL gateway.stamp_table('experiments', 'created_by_agent', 'name');
CALL gateway.guard_status('experiments', 'experiment', 'running', '{
  "running": ["completed", "stopped", "failed"]}');
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.experiments
  FOR EACH ROW WHEN (OLD.status = 'running' AND NEW.status <> 'running') EXECUTE FUNCTION gateway.record_moment('completed_at');
CALL gateway.require_not_negative('experiments', 'sample_size_per_variant', 'duration_days', 'confidence');

-- experiment_results
CREATE TABLE IF NOT EXISTS public.experiment_results (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  experiment_id uuid NOT NULL,
  variant text NOT NULL,
  metric_name text NOT NULL,
  metric_value double precision,
  sample_size integer,
  "timestamp" timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT experiment_results_pkey PRIMARY KEY (id),
  CONSTRAINT experiment_results_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT experiment_results_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiment_results_workspace_id_timestamp_id_idx ON public.experiment_results (workspace_id, "timestamp" DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_results_experiment_id_workspace_id_timestamp_id_idx ON public.experiment_results (experiment_id, workspace_id, timestamp DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_results_workspace_id_variant_idx ON public.experiment_results (workspace_id, variant);
CALL gateway.set_up_workspace_table('experiment_results', writer => 'Creator', domain => 'experiments');
CALL gateway.require_not_negative('experiment_results', 'sample_size');

-- experiment_metadata
CREATE TABLE IF NOT EXISTS public.experiment_metadata (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  experiment_id uuid NOT NULL,
  key text,
  value jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT experiment_metadata_pkey PRIMARY KEY (id),
  CONSTRAINT experiment_metadata_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT experiment_metadata_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiment_metadata_workspace_id_created_at_id_idx ON public.experiment_metadata (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_metadata_experiment_id_workspace_id_created_at_i_idx ON public.experiment_metadata (experiment_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_metadata_value_idx ON public.experiment_metadata USING gin (value jsonb_path_ops);
CALL gateway.set_up_workspace_table('experiment_metadata', writer => 'Creator', domain => 'experiments');

-- content_patterns
CREATE TABLE IF NOT EXISTS public.content_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  pattern_type text,
  pattern_name text,
  pattern_description text,
  performing_assets uuid[],
  success_rate double precision,
  recommended_for_cohorts uuid[],
  recommended_for_channels text[],
  usage_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT content_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT content_patterns_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT content_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_created_at_id_idx ON public.content_patterns (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_pattern_type_idx ON public.content_patterns (workspace_id, pattern_type);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_success_rate_idx ON public.content_patterns (workspace_id, success_rate DESC);
CREATE INDEX IF NOT EXISTS content_patterns_performing_assets_recommended_for_cohorts__idx ON public.content_patterns USING gin (performing_assets, recommended_for_cohorts, recommended_for_channels);
CALL gateway.set_up_workspace_table('content_patterns', writer => 'Creator', domain => 'content');
CALL gateway.require_not_negative('content_patterns', 'success_rate', 'usage_count');

-- assets
CREATE TABLE IF NOT EXISTS public.assets (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid,
  icp_id uuid,
  name varchar(250) NOT NULL,
  type public.asset_type NOT NULL,
  status public.asset_status NOT NULL DEFAULT 'draft',
  url text,
  file_path text,
  thumbnail_url text,
  description text,
  tags varchar(50)[] NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}',
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  published_at timestamptz(3),
  created_by_agent text,
  reviewed_by_agents text[],
  agent_debate_id uuid,
  experiment_id uuid,
  experiment_variant text,
  pattern_id uuid,
  CONSTRAINT assets_pkey PRIMARY KEY (id),
  CONSTRAINT assets_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT assets_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE SET NULL (move_id),
  CONSTRAINT assets_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE SET NULL (experiment_id),
  CONSTRAINT assets_workspace_id_pattern_id_fkey FOREIGN KEY (workspace_id, pattern_id) REFERENCES public.content_patterns (workspace_id, id) ON DELETE SET NULL (pattern_id),
  CONSTRAINT assets_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT assets_workspace_id_icp_id_fkey FOREIGN KEY (workspace_id, icp_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE SET NULL (icp_id),
  CONSTRAINT assets_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT assets_workspace_id_agent_debate_id_fkey FOREIGN KEY (workspace_id, agent_debate_id) REFERENCES public.agent_debates (workspace_id, id) ON DELETE SET NULL (agent_debate_id)
);
CREATE INDEX IF NOT EXISTS assets_workspace_id_created_at_id_idx ON public.assets (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_move_id_workspace_id_created_at_id_idx ON public.assets (move_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_experiment_id_workspace_id_created_at_id_idx ON public.assets (experiment_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_pattern_id_workspace_id_created_at_id_idx ON public.assets (pattern_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_icp_id_workspace_id_created_at_id_idx ON public.assets (icp_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_created_by_idx ON public.assets (created_by);
CREATE INDEX IF NOT EXISTS assets_agent_debate_id_workspace_id_created_at_id_idx ON public.assets (agent_debate_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_workspace_id_type_idx ON public.assets (workspace_id, type);
CREATE INDEX IF NOT EXISTS assets_workspace_id_status_idx ON public.assets (workspace_id, status);
CREATE INDEX IF NOT EXISTS assets_tags_metadata_reviewed_by_agents_idx ON public.assets USING gin (tags, metadata jsonb_path_ops, reviewed_by_agents);
CALL gateway.set_up_workspace_table('assets', writer => 'Creator', domain => 'content');
CALL gateway.stamp_table('assets', 'created_by_agent', 'name');
CALL gateway.guard_status('assets', 'asset', 'draft', '{
  "draft": ["review", "archived"],
  "review": ["approved", "draft", "archived"],
  "approved": ["published", "archived"],
  "published": ["archived"]}');
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.assets
  FOR EACH ROW WHEN (NEW.status = 'published' AND OLD.status <> 'published') EXECUTE FUNCTION gateway.record_moment('published_at');

-- visual_designs
CREATE TABLE IF NOT EXISTS public.visual_designs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  brief_id uuid,
  channel text,
  format text,
  mood text,
  color_palette text[],
  composition text,
  elements text[],
  canva_template_id text,
  canva_template_name text,
  image_gen_prompt text,
  image_gen_model text,
  aspect_ratio text,
  design_notes jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  created_by_agent text,
  CONSTRAINT visual_designs_pkey PRIMARY KEY (id),
  CONSTRAINT visual_designs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_created_at_id_idx ON public.visual_designs (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_brief_id_idx ON public.visual_designs (workspace_id, brief_id);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_channel_idx ON public.visual_designs (workspace_id, channel);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_mood_idx ON public.visual_designs (workspace_id, mood);
CREATE INDEX IF NOT EXISTS visual_designs_color_palette_elements_design_notes_idx ON public.visual_designs USING gin (color_palette, elements, design_notes jsonb_path_ops);
CALL gateway.set_up_workspace_table('visual_designs', writer => 'Creator', domain => 'content');
CALL gateway.stamp_table('visual_designs', 'created_by_agent', 'name');

-- visual_design_templates
CREATE TABLE IF NOT EXISTS public.visual_design_templates (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid,
  name text NOT NULL,
  channel text,
  format text,
  mood text,
  template_config jsonb,
  success_rate double precision,
  usage_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT visual_design_templates_pkey PRIMARY KEY (id),
  CONSTRAINT visual_design_templates_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_created_at_id_idx ON public.visual_design_templates (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_mood_idx ON public.visual_design_templates (workspace_id, mood);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_channel_idx ON public.visual_design_templates (workspace_id, channel);
CREATE INDEX IF NOT EXISTS visual_design_templates_template_config_idx ON public.visual_design_templates USING gin (template_config jsonb_path_ops);
CALL gateway.set_up_shared_table('visual_design_templates', writer => 'Creator', domain => 'content');
CALL gateway.require_not_negative('visual_design_templates', 'success_rate', 'usage_count');

-- content_adaptations
CREATE TABLE IF NOT EXISTS public.content_adaptations (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  source_asset_id uuid,
  target_channel text,
  target_format text,
  source_format text,
  adapted_body text,
  adaptation_rules jsonb,
  quality_score double precision,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  created_by_agent text,
  CONSTRAINT content_adaptations_pkey PRIMARY KEY (id),
  CONSTRAINT content_adaptations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT content_adaptations_workspace_id_source_asset_id_fkey FOREIGN KEY (workspace_id, source_asset_id) REFERENCES public.assets (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS content_adaptations_workspace_id_created_at_id_idx ON public.content_adaptations (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS content_adaptations_source_asset_id_workspace_id_created_at_idx ON public.content_adaptations (source_asset_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS content_adaptations_workspace_id_target_channel_idx ON public.content_adaptations (workspace_id, target_channel);
CREATE INDEX IF NOT EXISTS content_adaptations_adaptation_rules_idx ON public.content_adaptations USING gin (adaptation_rules jsonb_path_ops);
CALL gateway.set_up_workspace_table('content_adaptations', writer => 'Creator', domain => 'content');
CALL gateway.stamp_table('content_adaptations', 'created_by_agent', 'name');
CALL gateway.require_not_negative('content_adaptations', 'quality_score');

-- adaptation_patterns
CREATE TABLE IF NOT EXISTS public.adaptation_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid,
  source_format text,
  target_format text,
  pattern_data jsonb,
  success_rate double precision,
  usage_count integer,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT adaptation_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT adaptation_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS adaptation_patterns_workspace_id_created_at_id_idx ON public.adaptation_patterns (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS adaptation_patterns_workspace_id_source_format_target_forma_idx ON public.adaptation_patterns (workspace_id, source_format, target_format);
CREATE INDEX IF NOT EXISTS adaptation_patterns_pattern_data_idx ON public.adaptation_patterns USING gin (pattern_data jsonb_path_ops);
CALL gateway.set_up_shared_table('adaptation_patterns', writer => 'Creator', domain => 'content');
CALL gateway.require_not_negative('adaptation_patterns', 'success_rate', 'usage_count');

-- Functions

CREATE OR REPLACE FUNCTION gateway.has_variant(variants jsonb, variant text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(variants)
    WHEN 'array' THEN EXISTS (
      SELECT FROM jsonb_array_elements(variants) AS v
      WHERE variant IN (v ->> 'key', v ->> 'id', v ->> 'name') OR (jsonb_typeof(v) = 'string' AND variant = v #>> '{}'))
    WHEN 'object' THEN variants ? variant
    ELSE true
  END
$$;
COMMENT ON FUNCTION gateway.has_variant IS 'Whether an experiment has this variant: an item by its key, id, name or text, or a key of an object; true for an experiment that lists no variants.';

CREATE OR REPLACE FUNCTION public.decide_experiment(experiment uuid, winner text, confidence double precision DEFAULT NULL) RETURNS public.experiments
LANGUAGE plpgsql AS $$
DECLARE
  current public.experiments;
BEGIN
  SELECT e.* INTO current FROM public.experiments AS e WHERE e.id = experiment;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such experiment' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Creator', 'experiments');
  SELECT e.* INTO current FROM public.experiments AS e WHERE e.id = experiment FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such experiment' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_step('experiments', 'experiment', 'status', current.status::text, 'completed');
  PERFORM gateway.require_text(winner, 'winner');
  IF NOT gateway.has_variant(current.variants, winner) THEN
    RAISE EXCEPTION 'the experiment has no such variant' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'winner';
  ELSIF confidence NOT BETWEEN 0 AND 1 THEN
    RAISE EXCEPTION 'confidence must be from 0 to 1' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'confidence';
  END IF;
  UPDATE public.experiments AS e
  SET status = 'completed', winner_variant = winner, confidence = decide_experiment.confidence
  WHERE e.id = experiment
  RETURNING e.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.decide_experiment IS 'The experiment, completed with one of its variants as the winner; confidence is 0-1. It must have been running.';

-- Read models

CREATE OR REPLACE VIEW public.experiment_summaries WITH (security_invoker = true) AS
SELECT m.workspace_id, m.id AS move_id, e.*
FROM public.moves AS m
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS experiment_count,
         count(*) FILTER (WHERE status = 'running')::integer AS running_count,
         count(*) FILTER (WHERE status = 'completed')::integer AS completed_count,
         count(*) FILTER (WHERE status = 'stopped')::integer AS stopped_count,
         count(*) FILTER (WHERE status = 'failed')::integer AS failed_count
  FROM public.experiments
  WHERE move_id = m.id AND workspace_id = m.workspace_id
) AS e;
COMMENT ON VIEW public.experiment_summaries IS 'The experiments of a move by status, zeros for a move without any. Key: move_id.';
CALL gateway.publish_view('public.experiment_summaries');
