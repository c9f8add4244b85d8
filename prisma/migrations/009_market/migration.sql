-- Competitors and trends.

CALL gateway.ensure_enum('trend_lifecycle_stage', ARRAY['emerging', 'peak', 'declining']);

-- competitors
CREATE TABLE IF NOT EXISTS public.competitors (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  website_url text,
  industry text,
  platforms jsonb,
  last_analyzed timestamptz(3),
  notes jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT competitors_pkey PRIMARY KEY (id),
  CONSTRAINT competitors_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT competitors_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_created_at_id_idx ON public.competitors (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_name_idx ON public.competitors (workspace_id, name);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_last_analyzed_idx ON public.competitors (workspace_id, last_analyzed DESC);
CREATE INDEX IF NOT EXISTS competitors_platforms_notes_idx ON public.competitors USING gin (platforms jsonb_path_ops, notes jsonb_path_ops);
CALL gateway.set_up_workspace_table('competitors', writer => 'Analyst', domain => 'intelligence');

-- competitor_content
CREATE TABLE IF NOT EXISTS public.competitor_content (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  competitor_id uuid NOT NULL,
  platform text,
  content_type text,
  title text,
  body text,
  url text,
  metadata jsonb,
  performance_metrics jsonb,
  patterns jsonb,
  scraped_at timestamptz(3) NOT NULL DEFAULT now(),
  scraped_by_agent text,
  CONSTRAINT competitor_content_pkey PRIMARY KEY (id),
  CONSTRAINT competitor_content_workspace_id_competitor_id_fkey FOREIGN KEY (workspace_id, competitor_id) REFERENCES public.competitors (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT competitor_content_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_scraped_at_id_idx ON public.competitor_content (workspace_id, scraped_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_content_competitor_id_workspace_id_scraped_at_id_idx ON public.competitor_content (competitor_id, workspace_id, scraped_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_platform_idx ON public.competitor_content (workspace_id, platform);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_content_type_idx ON public.competitor_content (workspace_id, content_type);
CREATE INDEX IF NOT EXISTS competitor_content_metadata_performance_metrics_patterns_idx ON public.competitor_content USING gin (metadata jsonb_path_ops, performance_metrics jsonb_path_ops, patterns jsonb_path_ops);
CALL gateway.set_up_workspace_table('competitor_content', writer => 'Analyst', domain => 'intelligence');
CALL gateway.stamp_table('competitor_content', 'scraped_by_agent', 'name');

-- competitor_patterns
CREATE TABLE IF NOT EXISTS public.competitor_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  competitor_id uuid NOT NULL,
  pattern_type text,
  pattern_name text,
  pattern_data jsonb,
  frequency integer,
  success_rate double precision,
  identified_at timestamptz(3) NOT NULL DEFAULT now(),
  identified_by_agent text,
  CONSTRAINT competitor_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT competitor_patterns_workspace_id_competitor_id_fkey FOREIGN KEY (workspace_id, competitor_id) REFERENCES public.competitors (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT competitor_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitor_patterns_workspace_id_identified_at_id_idx ON public.competitor_patterns (workspace_id, identified_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_patterns_competitor_id_workspace_id_identified_a_idx ON public.competitor_patterns (competitor_id, workspace_id, identified_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_patterns_pattern_data_idx ON public.competitor_patterns USING gin (pattern_data jsonb_path_ops);
CALL gateway.set_up_workspace_table('competitor_patterns', writer => 'Analyst', domain => 'intelligence');
CALL gateway.stamp_table('competitor_patterns', 'identified_by_agent', 'name');
CALL gateway.require_not_negative('competitor_patterns', 'frequency', 'success_rate');

-- trends
CREATE TABLE IF NOT EXISTS public.trends (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  topic text NOT NULL,
  platforms text[],
  velocity double precision,
  lifecycle_stage public.trend_lifecycle_stage,
  relevant_cohorts uuid[],
  opportunity_score double precision,
  first_seen timestamptz(3),
  expiry_date timestamptz(3),
  source text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT trends_pkey PRIMARY KEY (id),
  CONSTRAINT trends_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT trends_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS trends_workspace_id_created_at_id_idx ON public.trends (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS trends_workspace_id_topic_idx ON public.trends (workspace_id, topic);
CREATE INDEX IF NOT EXISTS trends_workspace_id_opportunity_score_idx ON public.trends (workspace_id, opportunity_score DESC);
CREATE INDEX IF NOT EXISTS trends_workspace_id_lifecycle_stage_idx ON public.trends (workspace_id, lifecycle_stage);
CREATE INDEX IF NOT EXISTS trends_platforms_relevant_cohorts_idx ON public.trends USING gin (platforms, relevant_cohorts);
CALL gateway.set_up_workspace_table('trends', writer => 'Analyst', domain => 'intelligence');
CALL gateway.require_not_negative('trends', 'opportunity_score');

-- trend_mentions
CREATE TABLE IF NOT EXISTS public.trend_mentions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  trend_id uuid NOT NULL,
  source_platform text,
  source_url text,
  mention_count integer,
  engagement integer,
  "timestamp" timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT trend_mentions_pkey PRIMARY KEY (id),
  CONSTRAINT trend_mentions_workspace_id_trend_id_fkey FOREIGN KEY (workspace_id, trend_id) REFERENCES public.trends (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT trend_mentions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS trend_mentions_workspace_id_timestamp_id_idx ON public.trend_mentions (workspace_id, "timestamp" DESC, id DESC);
CREATE INDEX IF NOT EXISTS trend_mentions_trend_id_workspace_id_timestamp_id_idx ON public.trend_mentions (trend_id, workspace_id, timestamp DESC, id DESC);
CALL gateway.set_up_workspace_table('trend_mentions', writer => 'Analyst', domain => 'intelligence');
CALL gateway.require_not_negative('trend_mentions', 'mention_count', 'engagement');
