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
  CONSTRAINT campaign_cohorts_campaign_id_workspace_id_cohort_id_key UNIQUE (campaign_id, workspace_id, cohort_id),
  CONSTRAINT campaign_cohorts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT campaign_cohorts_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT campaign_cohorts_workspace_id_cohort_id_fkey FOREIGN KEY (workspace_id, cohort_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS campaign_cohorts_workspace_id_created_at_id_idx ON public.campaign_cohorts (workspace_id, created_at DESC, id DESC);
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

-- Functions

CREATE OR REPLACE FUNCTION public.touch_campaign() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- Once a transaction: a thousand quests written together are one new version of the campaign.
  UPDATE public.campaigns SET updated_at = now()
  WHERE id IN (OLD.campaign_id, NEW.campaign_id) AND updated_at <> now()::timestamptz(3);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION public.touch_campaign IS 'Trigger of campaign_quests and campaign_cohorts: their changes are changes of the campaign.';

CREATE OR REPLACE TRIGGER touch_campaign AFTER INSERT OR DELETE ON public.campaign_quests
  FOR EACH ROW EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_change AFTER UPDATE ON public.campaign_quests
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign AFTER INSERT OR DELETE ON public.campaign_cohorts
  FOR EACH ROW EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_change AFTER UPDATE ON public.campaign_cohorts
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.touch_campaign();

CREATE OR REPLACE FUNCTION gateway.next_campaign_statuses(status public.campaign_status) RETURNS public.campaign_status[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE status
    WHEN 'draft' THEN '{planning,archived}'
    WHEN 'planning' THEN '{active,archived}'
    WHEN 'active' THEN '{paused,completed,archived}'
    WHEN 'paused' THEN '{active,completed,archived}'
    WHEN 'completed' THEN '{archived}'
    ELSE '{}'
  END)::public.campaign_status[]
$$;
COMMENT ON FUNCTION gateway.next_campaign_statuses IS 'The steps that a campaign may take from a status.';

CREATE OR REPLACE FUNCTION gateway.refuse_campaign_step(from_status public.campaign_status, to_status public.campaign_status) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RAISE EXCEPTION 'a campaign cannot go from % to %', from_status, to_status
    USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'status',
          DETAIL = coalesce('From ' || from_status || ' it can go to '
            || nullif(array_to_string(gateway.next_campaign_statuses(from_status), ', '), '') || '.',
            'A campaign that is ' || from_status || ' stays so.');
END $$;

CREATE OR REPLACE FUNCTION gateway.check_campaign_status() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  missing text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'draft' AND NOT gateway.bypasses_policies() THEN
      RAISE EXCEPTION 'a new campaign is a draft'
        USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'status';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.status <> ALL (gateway.next_campaign_statuses(OLD.status)) THEN
    PERFORM gateway.refuse_campaign_step(OLD.status, NEW.status);
  END IF;
  IF NEW.status = 'active' THEN
    missing := concat_ws(', ',
      CASE WHEN btrim(NEW.name) = '' THEN 'a name' END,
      CASE WHEN NEW.positioning_id IS NULL THEN 'a positioning' END,
      CASE WHEN NOT EXISTS (SELECT FROM public.campaign_cohorts WHERE campaign_id = NEW.id AND workspace_id = NEW.workspace_id)
        THEN 'at least one cohort' END);
    IF missing <> '' THEN
      RAISE EXCEPTION 'the campaign cannot become active, it needs %', missing
        USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'status';
    END IF;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.check_campaign_status IS 'Triggers of campaigns: only the allowed steps, whoever writes; trusted writers may import campaigns in any status.';

CREATE OR REPLACE TRIGGER check_new_status BEFORE INSERT ON public.campaigns
  FOR EACH ROW EXECUTE FUNCTION gateway.check_campaign_status();
CREATE OR REPLACE TRIGGER check_status BEFORE UPDATE ON public.campaigns
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION gateway.check_campaign_status();

CREATE OR REPLACE FUNCTION public.change_campaign_status(campaign uuid, status public.campaign_status) RETURNS public.campaigns
LANGUAGE plpgsql AS $$
DECLARE
  current public.campaigns;
BEGIN
  SELECT c.* INTO current FROM public.campaigns AS c WHERE c.id = campaign;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such campaign' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_workspace_role(current.workspace_id, 'Strategist');
  SELECT c.* INTO current FROM public.campaigns AS c WHERE c.id = campaign FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such campaign' USING ERRCODE = 'no_data_found';
  END IF;
  IF change_campaign_status.status IS NULL THEN
    RAISE EXCEPTION 'status must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'status';
  ELSIF current.status = change_campaign_status.status THEN
    PERFORM gateway.refuse_campaign_step(current.status, change_campaign_status.status);
  END IF;
  UPDATE public.campaigns AS c SET status = change_campaign_status.status WHERE c.id = campaign RETURNING c.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.change_campaign_status IS 'The campaign after an allowed step: draft > planning > active <> paused, active or paused > completed, any > archived. To become active it needs a name, a positioning and a cohort.';

-- Read models

CREATE OR REPLACE VIEW public.campaign_health WITH (security_invoker = true) AS
SELECT c.workspace_id, c.id AS campaign_id, moves.*, cohorts.*, quests.*, c.total_reach AS reach,
       CASE
         WHEN c.status IN ('completed', 'archived') THEN 'ended'
         WHEN c.end_date < today.day OR (c.status IN ('draft', 'planning') AND c.start_date < today.day) THEN 'overdue'
         WHEN c.status IN ('draft', 'planning') OR c.start_date > today.day THEN 'upcoming'
         ELSE 'on_track'
       END AS state
FROM public.campaigns AS c
CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS day) AS today
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS move_count,
         count(*) FILTER (WHERE status = 'Complete')::integer AS completed_move_count
  FROM public.moves
  WHERE campaign_id = c.id AND workspace_id = c.workspace_id
) AS moves
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS cohort_count
  FROM public.campaign_cohorts
  WHERE campaign_id = c.id AND workspace_id = c.workspace_id
) AS cohorts
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS quest_count,
         count(*) FILTER (WHERE status = 'completed')::integer AS completed_quest_count
  FROM public.campaign_quests
  WHERE campaign_id = c.id AND workspace_id = c.workspace_id
) AS quests;
COMMENT ON VIEW public.campaign_health IS 'How far a campaign is; state is upcoming, on_track, overdue (past its last day, or past its first and not begun) or ended. Key: campaign_id.';
CALL gateway.publish_view('public.campaign_health');
