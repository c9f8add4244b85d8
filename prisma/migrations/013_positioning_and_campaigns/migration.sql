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
CALL gateway.set_up_workspace_table('positioning', writer => 'Strategist', domain => 'strategy');

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
CREATE INDEX IF NOT EXISTS message_architecture_positioning_id_workspace_id_created_at_idx ON public.message_architecture (positioning_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS message_architecture_created_by_idx ON public.message_architecture (created_by);
CREATE INDEX IF NOT EXISTS message_architecture_secondary_messages_content_pillars_key_idx ON public.message_architecture USING gin (secondary_messages, content_pillars, key_topics, content_themes);
CALL gateway.set_up_workspace_table('message_architecture', writer => 'Strategist', domain => 'strategy');

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
CREATE INDEX IF NOT EXISTS campaigns_positioning_id_workspace_id_created_at_id_idx ON public.campaigns (positioning_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaigns_message_architecture_id_workspace_id_created_at_i_idx ON public.campaigns (message_architecture_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaigns_workspace_id_status_idx ON public.campaigns (workspace_id, status);
CREATE INDEX IF NOT EXISTS campaigns_workspace_id_start_date_end_date_idx ON public.campaigns (workspace_id, start_date, end_date);
CREATE INDEX IF NOT EXISTS campaigns_target_segments_target_geographies_resource_alloc_idx ON public.campaigns USING gin (target_segments, target_geographies, resource_allocation jsonb_path_ops);
CALL gateway.set_up_workspace_table('campaigns', writer => 'Strategist', domain => 'campaigns');
CALL gateway.guard_status('campaigns', 'campaign', 'draft', '{
  "draft": ["planning", "archived"],
  "planning": ["active", "archived"],
  "active": ["paused", "completed", "archived"],
  "paused": ["active", "completed", "archived"],
  "completed": ["archived"]}');
CALL gateway.require_not_negative('campaigns', 'planned_duration_days', 'budget_allocation', 'allocated_budget_amount',
  'total_reach', 'total_engagements', 'conversion_count');

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
CREATE INDEX IF NOT EXISTS campaign_quests_campaign_id_workspace_id_created_at_id_idx ON public.campaign_quests (campaign_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaign_quests_parent_quest_id_workspace_id_created_at_id_idx ON public.campaign_quests (parent_quest_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaign_quests_created_by_idx ON public.campaign_quests (created_by);
CREATE INDEX IF NOT EXISTS campaign_quests_campaign_id_status_idx ON public.campaign_quests (campaign_id, status);
CREATE INDEX IF NOT EXISTS campaign_quests_assigned_to_agents_idx ON public.campaign_quests USING gin (assigned_to_agents);
CALL gateway.set_up_workspace_table('campaign_quests', writer => 'Strategist', domain => 'campaigns');
CALL gateway.guard_status('campaign_quests', 'quest', 'pending', '{
  "pending": ["in_progress", "blocked", "on_hold"],
  "in_progress": ["completed", "blocked", "on_hold"],
  "blocked": ["pending", "in_progress"],
  "on_hold": ["pending", "in_progress"]}');

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
CREATE INDEX IF NOT EXISTS campaign_cohorts_campaign_id_workspace_id_created_at_id_idx ON public.campaign_cohorts (campaign_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS campaign_cohorts_cohort_id_workspace_id_created_at_id_idx ON public.campaign_cohorts (cohort_id, workspace_id, created_at DESC, id DESC);
CALL gateway.set_up_workspace_table('campaign_cohorts', writer => 'Strategist', domain => 'campaigns');
CALL gateway.require_not_negative('campaign_cohorts', 'allocation_percentage', 'target_count', 'reached_count', 'converted_count');

-- moves
ALTER TABLE public.moves ADD COLUMN IF NOT EXISTS campaign_id uuid;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.moves'::regclass AND conname = 'moves_workspace_id_campaign_id_fkey') THEN
    ALTER TABLE public.moves ADD CONSTRAINT moves_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id)
      REFERENCES public.campaigns (workspace_id, id) ON DELETE SET NULL (campaign_id);
  END IF;
END $$;
CREATE INDEX IF NOT EXISTS moves_campaign_id_workspace_id_created_at_id_idx ON public.moves (campaign_id, workspace_id, created_at DESC, id DESC);

-- Functions

-- Campaigns are updated once a statement, and in a fixed order: two writers of quests of the same campaigns,
-- in opposite orders, wait for each other instead of ending in a deadlock.
CREATE OR REPLACE FUNCTION public.touch_campaign() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    changed := ARRAY(SELECT campaign_id FROM new_rows);
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT campaign_id FROM old_rows);
  ELSE
    changed := ARRAY(
      SELECT unnest(ARRAY[o.campaign_id, n.campaign_id])
      FROM old_rows AS o JOIN new_rows AS n USING (id)
      WHERE o.* IS DISTINCT FROM n.*);
  END IF;
  -- Once a transaction: a thousand quests written together make one new version of the campaign.
  UPDATE public.campaigns SET updated_at = now()
  WHERE id IN (
    SELECT id FROM public.campaigns
    WHERE id = ANY (changed) AND xmin <> pg_current_xact_id()::xid
    ORDER BY id FOR NO KEY UPDATE);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION public.touch_campaign IS 'Trigger of campaign_quests and campaign_cohorts: their changes also update the campaign.';

CREATE OR REPLACE TRIGGER touch_campaign AFTER INSERT ON public.campaign_quests
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_change AFTER UPDATE ON public.campaign_quests
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_delete AFTER DELETE ON public.campaign_quests
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign AFTER INSERT ON public.campaign_cohorts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_change AFTER UPDATE ON public.campaign_cohorts
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();
CREATE OR REPLACE TRIGGER touch_campaign_on_delete AFTER DELETE ON public.campaign_cohorts
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.touch_campaign();

CREATE OR REPLACE FUNCTION gateway.check_activation() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  missing text := concat_ws(', ',
    CASE WHEN btrim(NEW.name) = '' THEN 'a name' END,
    CASE WHEN NEW.positioning_id IS NULL THEN 'a positioning' END,
    CASE WHEN NOT EXISTS (SELECT FROM public.campaign_cohorts WHERE campaign_id = NEW.id AND workspace_id = NEW.workspace_id)
      THEN 'at least one cohort' END);
BEGIN
  IF missing <> '' THEN
    RAISE EXCEPTION 'the campaign cannot become active, it needs %', missing
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'status';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.check_activation IS 'Trigger of campaigns: what a campaign needs to become active.';
CREATE OR REPLACE TRIGGER check_status_active BEFORE UPDATE ON public.campaigns
  FOR EACH ROW WHEN (NEW.status = 'active' AND OLD.status <> 'active') EXECUTE FUNCTION gateway.check_activation();

CREATE OR REPLACE FUNCTION public.change_campaign_status(campaign uuid, status public.campaign_status) RETURNS public.campaigns
LANGUAGE plpgsql AS $$
DECLARE
  current public.campaigns;
BEGIN
  SELECT c.* INTO current FROM public.campaigns AS c WHERE c.id = campaign;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such campaign' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Strategist', 'campaigns');
  SELECT c.* INTO current FROM public.campaigns AS c WHERE c.id = campaign FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such campaign' USING ERRCODE = 'no_data_found';
  ELSIF change_campaign_status.status IS NULL THEN
    RAISE EXCEPTION 'status must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'status';
  END IF;
  PERFORM gateway.require_step('campaigns', 'campaign', 'status', current.status::text, change_campaign_status.status::text);
  UPDATE public.campaigns AS c SET status = change_campaign_status.status WHERE c.id = campaign RETURNING c.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.change_campaign_status IS 'The campaign after an allowed step: draft > planning > active <> paused, active or paused > completed, any > archived. To become active it needs a name, a positioning and a cohort.';

CREATE OR REPLACE FUNCTION public.complete_quest(quest uuid, actual_output text DEFAULT NULL) RETURNS public.campaign_quests
LANGUAGE plpgsql AS $$
DECLARE
  current public.campaign_quests;
BEGIN
  SELECT q.* INTO current FROM public.campaign_quests AS q WHERE q.id = quest;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such quest' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Strategist', 'campaigns');
  SELECT q.* INTO current FROM public.campaign_quests AS q WHERE q.id = quest FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such quest' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_step('campaign_quests', 'quest', 'status', current.status::text, 'completed');
  UPDATE public.campaign_quests AS q
  SET status = 'completed', actual_output = coalesce(complete_quest.actual_output, q.actual_output)
  WHERE q.id = quest
  RETURNING q.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.complete_quest IS 'The quest, completed; it must have been in progress. Without an output it keeps the one it has.';

CREATE OR REPLACE FUNCTION public.link_cohorts(
  campaign uuid, cohorts uuid[], allocation_percentages numeric[] DEFAULT NULL, target_counts integer[] DEFAULT NULL
) RETURNS SETOF public.campaign_cohorts
LANGUAGE plpgsql AS $$
DECLARE
  workspace uuid := (SELECT c.workspace_id FROM public.campaigns AS c WHERE c.id = campaign);
  problem text := CASE
    WHEN coalesce(cardinality(cohorts), 0) = 0 OR array_position(cohorts, NULL) > 0 THEN 'cohorts'
    WHEN cardinality(allocation_percentages) <> cardinality(cohorts) THEN 'allocation_percentages'
    WHEN cardinality(target_counts) <> cardinality(cohorts) THEN 'target_counts'
  END;
  missing bigint;
BEGIN
  IF workspace IS NULL THEN
    RAISE EXCEPTION 'there is no such campaign' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(workspace, 'Strategist', 'campaigns');
  IF problem = 'cohorts' THEN
    RAISE EXCEPTION 'cohorts must name at least one cohort, and nothing else' USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  ELSIF problem IS NOT NULL THEN
    RAISE EXCEPTION '% must be as many as cohorts', problem USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  END IF;
  SELECT count(DISTINCT id) INTO missing FROM unnest(cohorts) AS given(id)
  WHERE NOT EXISTS (SELECT FROM public.cohorts AS c WHERE c.id = given.id AND c.workspace_id = workspace);
  IF missing > 0 THEN
    RAISE EXCEPTION '% of the cohorts do not exist in the workspace', missing USING ERRCODE = 'no_data_found', COLUMN = 'cohorts';
  END IF;
  -- In a fixed order, against deadlocks between two calls that share cohorts.
  INSERT INTO public.campaign_cohorts AS l (workspace_id, campaign_id, cohort_id, allocation_percentage, target_count)
  SELECT DISTINCT ON (cohort) workspace, campaign, cohort, allocation_percentages[position], target_counts[position]
  FROM unnest(cohorts) WITH ORDINALITY AS given(cohort, position)
  ORDER BY cohort, position DESC
  ON CONFLICT ON CONSTRAINT campaign_cohorts_campaign_id_workspace_id_cohort_id_key DO UPDATE
  SET allocation_percentage = coalesce(EXCLUDED.allocation_percentage, l.allocation_percentage),
      target_count = coalesce(EXCLUDED.target_count, l.target_count);
  RETURN QUERY
    SELECT l.* FROM public.campaign_cohorts AS l
    WHERE l.campaign_id = campaign AND l.cohort_id = ANY (cohorts)
    ORDER BY array_position(cohorts, l.cohort_id);
END $$;
COMMENT ON FUNCTION public.link_cohorts IS 'The links of a campaign to these cohorts, in their order. Existing links stay, with the new shares and targets if given.';

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
COMMENT ON VIEW public.campaign_health IS 'Progress of a campaign; state is upcoming, on_track, overdue (past its last day, or past its first and not begun) or ended. Key: campaign_id.';
CALL gateway.publish_view('public.campaign_health');
