-- Achievements, who has them, and the statistics that points and levels come from.

-- Enumerations

CALL gateway.ensure_enum('badge_type', ARRAY['milestone', 'excellence', 'exploration', 'collaboration', 'speed', 'quality']);
CALL gateway.ensure_enum('achievement_tier', ARRAY['bronze', 'silver', 'gold', 'platinum']);
CALL gateway.ensure_enum('achievement_condition', ARRAY['count', 'milestone', 'combination', 'time_based']);
CALL gateway.ensure_enum('rarity_level', ARRAY['common', 'uncommon', 'rare', 'legendary']);
CALL gateway.ensure_enum('achievement_visibility', ARRAY['public', 'private', 'friends_only']);

-- achievements
CREATE TABLE IF NOT EXISTS public.achievements (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  icon_url text,
  badge_type public.badge_type NOT NULL,
  category text,
  tier public.achievement_tier NOT NULL DEFAULT 'bronze',
  condition_type public.achievement_condition NOT NULL,
  condition_value jsonb,
  required_previous_achievement_id uuid,
  points_reward integer NOT NULL DEFAULT 0,
  badge_unlocks text[],
  unlock_perks text[],
  is_active boolean NOT NULL DEFAULT true,
  rarity_level public.rarity_level NOT NULL DEFAULT 'common',
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT achievements_pkey PRIMARY KEY (id),
  CONSTRAINT achievements_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT achievements_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT achievements_workspace_id_required_previous_achievement_id_fkey FOREIGN KEY (workspace_id, required_previous_achievement_id) REFERENCES public.achievements (workspace_id, id) ON DELETE SET NULL (required_previous_achievement_id),
  CONSTRAINT achievements_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_created_at_id_idx ON public.achievements (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS achievements_required_previous_achievement_id_workspace_id__idx ON public.achievements (required_previous_achievement_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS achievements_created_by_idx ON public.achievements (created_by);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_badge_type_idx ON public.achievements (workspace_id, badge_type);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_category_idx ON public.achievements (workspace_id, category);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_is_active_idx ON public.achievements (workspace_id, is_active);
CREATE INDEX IF NOT EXISTS achievements_condition_value_badge_unlocks_unlock_perks_idx ON public.achievements USING gin (condition_value jsonb_path_ops, badge_unlocks, unlock_perks);
CALL gateway.set_up_workspace_table('achievements', writer => 'Owner', domain => 'gamification');
CALL gateway.require_not_negative('achievements', 'points_reward');

-- user_achievements
CREATE TABLE IF NOT EXISTS public.user_achievements (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  user_id uuid NOT NULL,
  achievement_id uuid NOT NULL,
  progress_percentage integer NOT NULL DEFAULT 0,
  progress_value integer NOT NULL DEFAULT 0,
  progress_data jsonb,
  unlocked_at timestamptz(3),
  unlocked_by_event text,
  is_locked boolean NOT NULL DEFAULT true,
  display_on_profile boolean NOT NULL DEFAULT true,
  visibility public.achievement_visibility NOT NULL DEFAULT 'public',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT user_achievements_pkey PRIMARY KEY (id),
  CONSTRAINT user_achievements_user_id_achievement_id_workspace_id_key UNIQUE (user_id, achievement_id, workspace_id),
  CONSTRAINT user_achievements_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT user_achievements_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT user_achievements_workspace_id_achievement_id_fkey FOREIGN KEY (workspace_id, achievement_id) REFERENCES public.achievements (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_achievements_workspace_id_created_at_id_idx ON public.user_achievements (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_achievements_achievement_id_workspace_id_created_at_id_idx ON public.user_achievements (achievement_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_achievements_workspace_id_is_locked_unlocked_at_idx ON public.user_achievements (workspace_id, is_locked, unlocked_at);
CREATE INDEX IF NOT EXISTS user_achievements_progress_data_idx ON public.user_achievements USING gin (progress_data jsonb_path_ops);
CALL gateway.protect_table('user_achievements',
  may_select => gateway.member_reads() || ' AND (user_id = (SELECT auth.uid()) OR visibility = ''public'')',
  may_insert => 'false',
  may_update => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_delete => 'false');
-- Progress and unlocks only through their functions.
REVOKE UPDATE ON public.user_achievements FROM authenticated;
GRANT UPDATE (visibility, display_on_profile) ON public.user_achievements TO authenticated;
CALL gateway.track_table('user_achievements');
CALL gateway.require_not_negative('user_achievements', 'progress_percentage', 'progress_value');

-- user_stats
CREATE TABLE IF NOT EXISTS public.user_stats (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  user_id uuid NOT NULL,
  campaigns_created integer NOT NULL DEFAULT 0,
  campaigns_active integer NOT NULL DEFAULT 0,
  campaigns_completed integer NOT NULL DEFAULT 0,
  total_campaign_reach bigint NOT NULL DEFAULT 0,
  content_pieces_created integer NOT NULL DEFAULT 0,
  content_pieces_published integer NOT NULL DEFAULT 0,
  total_engagement_count bigint NOT NULL DEFAULT 0,
  moves_created integer NOT NULL DEFAULT 0,
  moves_executed integer NOT NULL DEFAULT 0,
  moves_successful integer NOT NULL DEFAULT 0,
  success_rate_percentage numeric,
  collaborations_count integer NOT NULL DEFAULT 0,
  teams_joined integer NOT NULL DEFAULT 0,
  total_points integer NOT NULL DEFAULT 0,
  achievements_unlocked integer NOT NULL DEFAULT 0,
  achievements_in_progress integer NOT NULL DEFAULT 0,
  badges_earned text[],
  login_count integer NOT NULL DEFAULT 0,
  last_active_at timestamptz(3),
  total_hours_engaged integer NOT NULL DEFAULT 0,
  experience_level integer NOT NULL DEFAULT 1,
  experience_percentage numeric NOT NULL DEFAULT 0,
  stats_last_updated timestamptz(3) NOT NULL DEFAULT now(),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT user_stats_pkey PRIMARY KEY (id),
  CONSTRAINT user_stats_workspace_id_user_id_key UNIQUE (workspace_id, user_id),
  CONSTRAINT user_stats_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT user_stats_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_stats_workspace_id_created_at_id_idx ON public.user_stats (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_stats_user_id_idx ON public.user_stats (user_id);
CREATE INDEX IF NOT EXISTS user_stats_workspace_id_experience_level_idx ON public.user_stats (workspace_id, experience_level);
CREATE INDEX IF NOT EXISTS user_stats_workspace_id_total_points_idx ON public.user_stats (workspace_id, total_points);
CREATE INDEX IF NOT EXISTS user_stats_badges_earned_idx ON public.user_stats USING gin (badges_earned);
CALL gateway.protect_table('user_stats', may_select => gateway.member_reads(),
  may_insert => 'false', may_update => 'false', may_delete => 'false');
CALL gateway.track_table('user_stats');
CALL gateway.require_not_negative('user_stats', 'campaigns_created', 'campaigns_active', 'campaigns_completed',
  'total_campaign_reach', 'content_pieces_created', 'content_pieces_published', 'total_engagement_count', 'moves_created',
  'moves_executed', 'moves_successful', 'success_rate_percentage', 'collaborations_count', 'teams_joined', 'total_points',
  'achievements_unlocked', 'achievements_in_progress', 'login_count', 'total_hours_engaged', 'experience_level',
  'experience_percentage');

-- Functions

CREATE OR REPLACE FUNCTION public.set_experience_level() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.experience_level := greatest(NEW.total_points, 0) / 1000 + 1;
  NEW.experience_percentage := round(greatest(NEW.total_points, 0) % 1000 / 10.0, 1);
  RETURN NEW;
END $$;
COMMENT ON FUNCTION public.set_experience_level IS 'Trigger of user_stats: a level for every 1000 points, and the progress to the next one in percent.';

CREATE OR REPLACE FUNCTION public.set_move_success_rate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.success_rate_percentage := round(NEW.moves_successful * 100.0 / nullif(NEW.moves_executed, 0), 2);
  RETURN NEW;
END $$;
COMMENT ON FUNCTION public.set_move_success_rate IS 'Trigger of user_stats: successful among executed moves in percent, null without any.';

CREATE OR REPLACE TRIGGER set_experience_level BEFORE INSERT OR UPDATE ON public.user_stats
  FOR EACH ROW EXECUTE FUNCTION public.set_experience_level();
CREATE OR REPLACE TRIGGER set_move_success_rate BEFORE INSERT OR UPDATE ON public.user_stats
  FOR EACH ROW EXECUTE FUNCTION public.set_move_success_rate();

-- Makes the person's statistics if there are none, and locks them until the transaction ends:
-- awards to one person are made one after the other.
CREATE OR REPLACE FUNCTION gateway.lock_user_stats(person uuid, workspace uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.user_stats (workspace_id, user_id) VALUES (workspace, person) ON CONFLICT DO NOTHING;
  PERFORM FROM public.user_stats WHERE workspace_id = workspace AND user_id = person FOR UPDATE;
END $$;
REVOKE EXECUTE ON FUNCTION gateway.lock_user_stats FROM PUBLIC;

-- SECURITY DEFINER: nobody may write points and unlocks in another way. Only an Owner may award, or
-- everybody could move themselves up the leaderboard.
CREATE OR REPLACE FUNCTION public.unlock_achievement(
  person uuid, achievement uuid, workspace uuid, event text DEFAULT NULL,
  OUT success boolean, OUT message text, OUT points integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  award public.achievements;
  progress public.user_achievements;
BEGIN
  PERFORM gateway.require_writer(workspace, 'Owner', 'gamification');
  PERFORM gateway.require_member(person, workspace);
  success := false;
  points := 0;

  SELECT a.* INTO award FROM public.achievements AS a WHERE a.id = achievement AND a.workspace_id = workspace;
  IF NOT FOUND THEN
    message := 'there is no such achievement';
    RETURN;
  ELSIF NOT award.is_active THEN
    message := 'the achievement is not active';
    RETURN;
  ELSIF award.required_previous_achievement_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM public.user_achievements AS u
    WHERE u.user_id = person AND u.achievement_id = award.required_previous_achievement_id AND NOT u.is_locked
  ) THEN
    message := 'the achievement required before it is still locked';
    RETURN;
  END IF;

  PERFORM gateway.lock_user_stats(person, workspace);
  INSERT INTO public.user_achievements (workspace_id, user_id, achievement_id)
  VALUES (workspace, person, achievement)
  ON CONFLICT (user_id, achievement_id, workspace_id) DO NOTHING;
  UPDATE public.user_achievements AS u
  SET is_locked = false, unlocked_at = now(), unlocked_by_event = event, progress_percentage = 100
  WHERE u.user_id = person AND u.achievement_id = achievement AND u.is_locked
  RETURNING u.* INTO progress;
  IF NOT FOUND THEN
    message := 'the achievement is already unlocked';
    RETURN;
  END IF;

  UPDATE public.user_stats AS s
  SET total_points = s.total_points + award.points_reward,
      achievements_unlocked = s.achievements_unlocked + 1,
      achievements_in_progress = greatest(s.achievements_in_progress - (progress.progress_value > 0)::integer, 0),
      badges_earned = s.badges_earned || ARRAY(
        SELECT DISTINCT badge FROM unnest(award.badge_unlocks) AS badge WHERE badge <> ALL (coalesce(s.badges_earned, '{}'))),
      stats_last_updated = now()
  WHERE s.workspace_id = workspace AND s.user_id = person;

  success := true;
  message := 'achievement unlocked';
  points := award.points_reward;
END $$;
COMMENT ON FUNCTION public.unlock_achievement IS 'Unlocks once, adding the points and counters; otherwise success is false and the message says why. For an Owner and trusted writers.';

CREATE OR REPLACE FUNCTION gateway.achievement_threshold(condition jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN jsonb_typeof(condition) = 'number' THEN (condition #>> '{}')::numeric
    WHEN jsonb_typeof(condition -> 'threshold') = 'number' THEN (condition ->> 'threshold')::numeric
  END
$$;
COMMENT ON FUNCTION gateway.achievement_threshold IS 'The value to reach: a bare number, or the number at key "threshold"; null when there is none.';

-- SECURITY DEFINER: nobody may write progress in another way.
CREATE OR REPLACE FUNCTION public.record_achievement_progress(person uuid, achievement uuid, value integer) RETURNS public.user_achievements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  award public.achievements;
  progress public.user_achievements;
  threshold numeric;
BEGIN
  IF NOT gateway.bypasses_policies() THEN
    PERFORM gateway.require_writer(public.current_workspace_id(), 'Owner', 'gamification');
  END IF;
  SELECT a.* INTO award FROM public.achievements AS a
  WHERE a.id = achievement AND (gateway.bypasses_policies() OR a.workspace_id = public.current_workspace_id());
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such achievement' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_member(person, award.workspace_id);
  IF value IS NULL OR value < 0 THEN
    RAISE EXCEPTION 'value must be 0 or more' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'value';
  ELSIF NOT award.is_active THEN
    RAISE EXCEPTION 'the achievement is not active' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  PERFORM gateway.lock_user_stats(person, award.workspace_id);
  INSERT INTO public.user_achievements (workspace_id, user_id, achievement_id)
  VALUES (award.workspace_id, person, achievement)
  ON CONFLICT (user_id, achievement_id, workspace_id) DO NOTHING;
  SELECT u.* INTO progress FROM public.user_achievements AS u
  WHERE u.user_id = person AND u.achievement_id = achievement FOR UPDATE;
  IF NOT progress.is_locked THEN
    RETURN progress;
  END IF;

  threshold := gateway.achievement_threshold(award.condition_value);
  UPDATE public.user_stats AS s
  SET achievements_in_progress =
        greatest(s.achievements_in_progress + (value > 0)::integer - (progress.progress_value > 0)::integer, 0)
  WHERE s.workspace_id = award.workspace_id AND s.user_id = person;
  UPDATE public.user_achievements AS u
  SET progress_value = value,
      progress_percentage = CASE WHEN threshold > 0 THEN floor(least(value * 100.0 / threshold, 100)) ELSE 0 END
  WHERE u.id = progress.id;
  IF value >= threshold THEN
    PERFORM public.unlock_achievement(person, achievement, award.workspace_id, 'progress');
  END IF;
  SELECT u.* INTO progress FROM public.user_achievements AS u WHERE u.id = progress.id;
  RETURN progress;
END $$;
COMMENT ON FUNCTION public.record_achievement_progress IS 'Sets a member''s progress and unlocks at the threshold in condition_value, unless the required predecessor is still locked; what is unlocked stays as it is. For an Owner and trusted writers.';

REVOKE EXECUTE ON FUNCTION public.unlock_achievement, public.record_achievement_progress FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.unlock_achievement, public.record_achievement_progress TO authenticated, service_role;
