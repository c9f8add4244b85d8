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
CREATE INDEX IF NOT EXISTS achievements_required_previous_achievement_id_workspace_id_idx ON public.achievements (required_previous_achievement_id, workspace_id);
CREATE INDEX IF NOT EXISTS achievements_created_by_idx ON public.achievements (created_by);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_badge_type_idx ON public.achievements (workspace_id, badge_type);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_category_idx ON public.achievements (workspace_id, category);
CREATE INDEX IF NOT EXISTS achievements_workspace_id_is_active_idx ON public.achievements (workspace_id, is_active);
CREATE INDEX IF NOT EXISTS achievements_condition_value_badge_unlocks_unlock_perks_idx ON public.achievements USING gin (condition_value jsonb_path_ops, badge_unlocks, unlock_perks);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.achievements
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('achievements', writer => 'Owner');

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
  CONSTRAINT user_achievements_user_id_achievement_id_key UNIQUE (user_id, achievement_id),
  CONSTRAINT user_achievements_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT user_achievements_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT user_achievements_workspace_id_achievement_id_fkey FOREIGN KEY (workspace_id, achievement_id) REFERENCES public.achievements (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_achievements_workspace_id_created_at_id_idx ON public.user_achievements (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_achievements_achievement_id_workspace_id_idx ON public.user_achievements (achievement_id, workspace_id);
CREATE INDEX IF NOT EXISTS user_achievements_workspace_id_is_locked_unlocked_at_idx ON public.user_achievements (workspace_id, is_locked, unlocked_at);
CREATE INDEX IF NOT EXISTS user_achievements_progress_data_idx ON public.user_achievements USING gin (progress_data jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.user_achievements
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_table('user_achievements',
  may_select => gateway.member_reads() || ' AND (user_id = (SELECT auth.uid()) OR visibility = ''public'')',
  may_insert => 'false',
  may_update => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_delete => 'false');
-- Progress and unlocks only through their functions.
REVOKE UPDATE ON public.user_achievements FROM authenticated;
GRANT UPDATE (visibility, display_on_profile) ON public.user_achievements TO authenticated;

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
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.user_stats
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_table('user_stats', may_select => gateway.member_reads(),
  may_insert => 'false', may_update => 'false', may_delete => 'false');
