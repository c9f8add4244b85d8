-- Positioning, message architecture and campaigns with their quests and cohorts.

-- Enumerations

CALL gateway.ensure_enum('campaign_status', ARRAY['draft', 'planning', 'active', 'paused', 'completed', 'archived']);
CALL gateway.ensure_enum('quest_status', ARRAY['pending', 'in_progress', 'completed', 'blocked', 'on_hold']);

-- positioning
CREATE TABLE IF NOT EXISTS public.positioning (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  market_segment text NOT NULL,
  target_persona text,
  key_message text,
  value_proposition text,
  differentiation text,
  target_pain_points text[],
  solution_benefits text[],
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT positioning_pkey PRIMARY KEY (id),
  CONSTRAINT positioning_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT positioning_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT positioning_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS positioning_workspace_id_created_at_id_idx ON public.positioning (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS positioning_created_by_idx ON public.positioning (created_by);
CREATE INDEX IF NOT EXISTS positioning_workspace_id_market_segment_idx ON public.positioning (workspace_id, market_segment);
CREATE INDEX IF NOT EXISTS positioning_target_pain_points_solution_benefits_idx ON public.positioning USING gin (target_pain_points, solution_benefits);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.positioning
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('positioning', writer => 'Strategist');

-- message_architecture
CREATE TABLE IF NOT EXISTS public.message_architecture (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  positioning_id uuid,
  primary_message text NOT NULL,
  secondary_messages text[],
  content_pillars text[],
  brand_voice text,
  tone_guidelines text,
  target_audience text,
  key_topics text[],
  content_themes text[],
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT message_architecture_pkey PRIMARY KEY (id),
  CONSTRAINT message_architecture_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT message_architecture_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT message_architecture_workspace_id_positioning_id_fkey FOREIGN KEY (workspace_id, positioning_id) REFERENCES public.positioning (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT message_architecture_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS message_architecture_workspace_id_created_at_id_idx ON public.message_architecture (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS message_architecture_positioning_id_workspace_id_idx ON public.message_architecture (positioning_id, workspace_id);
CREATE INDEX IF NOT EXISTS message_architecture_created_by_idx ON public.message_architecture (created_by);
CREATE INDEX IF NOT EXISTS message_architecture_secondary_messages_content_pillars_key_idx ON public.message_architecture USING gin (secondary_messages, content_pillars, key_topics, content_themes);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.message_architecture
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('message_architecture', writer => 'Strategist');

-- campaigns
CREATE TABLE IF NOT EXISTS public.campaigns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  objective text,
  status public.campaign_status NOT NULL DEFAULT 'draft',
  positioning_id uuid,
  message_architecture_id uuid,
  target_segments text[],
  target_geographies text[],
  start_date date,
  end_date date,
  planned_duration_days integer,
  budget_allocation numeric,
  allocated_budget_amount numeric,
  resource_allocation jsonb,
  total_reach bigint NOT NULL DEFAULT 0,
  total_engagements bigint NOT NULL DEFAULT 0,
  conversion_count integer NOT NULL DEFAULT 0,
  roi_percentage numeric,
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT campaigns_pkey PRIMARY KEY (id),
  CONSTRAINT campaigns_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT campaigns_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT campaigns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT campaigns_workspace_id_positioning_id_fkey FOREIGN KEY (workspace_id, positioning_id) REFERENCES public.positioning (workspace_id, id) ON DELETE SET NULL (positioning_id),
  CONSTRAINT campaigns_workspace_id_message_architecture_id_fkey FOREIGN KEY (workspace_id, message_architecture_id) REFERENCES public.message_architecture (workspace_id, id) ON DELETE SET NULL (message_architecture_id)
);
CREATE INDEX IF NOT EXISTS campaigns_workspace_id_created_at_id_idx ON public.campaigns (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaigns_created_by_idx ON public.campaigns (created_by);
CREATE INDEX IF NOT EXISTS campaigns_positioning_id_workspace_id_idx ON public.campaigns (positioning_id, workspace_id);
CREATE INDEX IF NOT EXISTS campaigns_message_architecture_id_workspace_id_idx ON public.campaigns (message_architecture_id, workspace_id);
CREATE INDEX IF NOT EXISTS campaigns_workspace_id_status_idx ON public.campaigns (workspace_id, status);
CREATE INDEX IF NOT EXISTS campaigns_workspace_id_start_date_end_date_idx ON public.campaigns (workspace_id, start_date, end_date);
CREATE INDEX IF NOT EXISTS campaigns_target_segments_target_geographies_resource_alloc_idx ON public.campaigns USING gin (target_segments, target_geographies, resource_allocation jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.campaigns
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('campaigns', writer => 'Strategist');

-- campaign_quests
CREATE TABLE IF NOT EXISTS public.campaign_quests (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  objective text,
  parent_quest_id uuid,
  quest_order integer,
  status public.quest_status NOT NULL DEFAULT 'pending',
  start_date date,
  end_date date,
  due_date date,
  assigned_to_agents text[],
  expected_output text,
  actual_output text,
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT campaign_quests_pkey PRIMARY KEY (id),
  CONSTRAINT campaign_quests_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT campaign_quests_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT campaign_quests_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT campaign_quests_workspace_id_parent_quest_id_fkey FOREIGN KEY (workspace_id, parent_quest_id) REFERENCES public.campaign_quests (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT campaign_quests_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS campaign_quests_workspace_id_created_at_id_idx ON public.campaign_quests (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaign_quests_campaign_id_workspace_id_idx ON public.campaign_quests (campaign_id, workspace_id);
CREATE INDEX IF NOT EXISTS campaign_quests_parent_quest_id_workspace_id_idx ON public.campaign_quests (parent_quest_id, workspace_id);
CREATE INDEX IF NOT EXISTS campaign_quests_created_by_idx ON public.campaign_quests (created_by);
CREATE INDEX IF NOT EXISTS campaign_quests_campaign_id_status_idx ON public.campaign_quests (campaign_id, status);
CREATE INDEX IF NOT EXISTS campaign_quests_assigned_to_agents_idx ON public.campaign_quests USING gin (assigned_to_agents);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.campaign_quests
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('campaign_quests', writer => 'Strategist');

-- campaign_cohorts
CREATE TABLE IF NOT EXISTS public.campaign_cohorts (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  cohort_id uuid NOT NULL,
  allocation_percentage numeric,
  target_count integer,
  reached_count integer NOT NULL DEFAULT 0,
  converted_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT campaign_cohorts_pkey PRIMARY KEY (id),
  CONSTRAINT campaign_cohorts_campaign_id_cohort_id_key UNIQUE (campaign_id, cohort_id),
  CONSTRAINT campaign_cohorts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT campaign_cohorts_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT campaign_cohorts_workspace_id_cohort_id_fkey FOREIGN KEY (workspace_id, cohort_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS campaign_cohorts_workspace_id_created_at_id_idx ON public.campaign_cohorts (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaign_cohorts_campaign_id_workspace_id_idx ON public.campaign_cohorts (campaign_id, workspace_id);
CREATE INDEX IF NOT EXISTS campaign_cohorts_cohort_id_workspace_id_idx ON public.campaign_cohorts (cohort_id, workspace_id);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.campaign_cohorts
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('campaign_cohorts', writer => 'Strategist');

-- moves
ALTER TABLE public.moves ADD COLUMN IF NOT EXISTS campaign_id uuid;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.moves'::regclass AND conname = 'moves_workspace_id_campaign_id_fkey') THEN
    ALTER TABLE public.moves ADD CONSTRAINT moves_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id)
      REFERENCES public.campaigns (workspace_id, id) ON DELETE SET NULL (campaign_id);
  END IF;
END $$;
CREATE INDEX IF NOT EXISTS moves_campaign_id_workspace_id_idx ON public.moves (campaign_id, workspace_id);
