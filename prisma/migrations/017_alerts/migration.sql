-- Alerts of a workspace and notifications of its people.

-- Enumerations

CALL gateway.ensure_enum('alert_type', ARRAY['performance', 'error', 'milestone', 'anomaly', 'action_required', 'opportunity']);
CALL gateway.ensure_enum('alert_severity', ARRAY['critical', 'high', 'medium', 'low', 'info']);
CALL gateway.ensure_enum('alert_status', ARRAY['active', 'acknowledged', 'resolved', 'dismissed']);
CALL gateway.ensure_enum('notification_type', ARRAY['alert', 'achievement', 'message', 'reminder', 'summary']);
CALL gateway.ensure_enum('notification_channel', ARRAY['in_app', 'email', 'slack', 'sms', 'push']);
CALL gateway.ensure_enum('delivery_status', ARRAY['pending', 'delivered', 'failed', 'bounced']);
CALL gateway.ensure_enum('notification_priority', ARRAY['low', 'normal', 'high', 'urgent']);

-- system_alerts
CREATE TABLE IF NOT EXISTS public.system_alerts (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  alert_type public.alert_type NOT NULL,
  severity_level public.alert_severity NOT NULL DEFAULT 'info',
  status public.alert_status NOT NULL DEFAULT 'active',
  title text NOT NULL,
  description text,
  message text,
  action_url text,
  triggered_by_agent_id uuid,
  triggered_by_signal_id uuid,
  triggered_by_event text,
  related_campaign_id uuid,
  related_cohort_id uuid,
  related_move_id uuid,
  data_points jsonb,
  recommended_actions text[],
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  triggered_at timestamptz(3),
  acknowledged_at timestamptz(3),
  resolved_at timestamptz(3),
  expiry_date timestamptz(3),
  acknowledged_by uuid,
  action_taken text,
  created_by uuid,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT system_alerts_pkey PRIMARY KEY (id),
  CONSTRAINT system_alerts_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT system_alerts_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT system_alerts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT system_alerts_triggered_by_agent_id_fkey FOREIGN KEY (triggered_by_agent_id) REFERENCES public.agent_registry (id) ON DELETE SET NULL,
  CONSTRAINT system_alerts_workspace_id_triggered_by_signal_id_fkey FOREIGN KEY (workspace_id, triggered_by_signal_id) REFERENCES public.intelligence_signals (workspace_id, id) ON DELETE SET NULL (triggered_by_signal_id),
  CONSTRAINT system_alerts_workspace_id_related_campaign_id_fkey FOREIGN KEY (workspace_id, related_campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT system_alerts_workspace_id_related_cohort_id_fkey FOREIGN KEY (workspace_id, related_cohort_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT system_alerts_workspace_id_related_move_id_fkey FOREIGN KEY (workspace_id, related_move_id) REFERENCES public.moves (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT system_alerts_acknowledged_by_fkey FOREIGN KEY (acknowledged_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_created_at_id_idx ON public.system_alerts (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_created_by_idx ON public.system_alerts (created_by);
CREATE INDEX IF NOT EXISTS system_alerts_triggered_by_agent_id_idx ON public.system_alerts (triggered_by_agent_id);
CREATE INDEX IF NOT EXISTS system_alerts_triggered_by_signal_id_workspace_id_idx ON public.system_alerts (triggered_by_signal_id, workspace_id);
CREATE INDEX IF NOT EXISTS system_alerts_related_campaign_id_workspace_id_idx ON public.system_alerts (related_campaign_id, workspace_id);
CREATE INDEX IF NOT EXISTS system_alerts_related_cohort_id_workspace_id_idx ON public.system_alerts (related_cohort_id, workspace_id);
CREATE INDEX IF NOT EXISTS system_alerts_related_move_id_workspace_id_idx ON public.system_alerts (related_move_id, workspace_id);
CREATE INDEX IF NOT EXISTS system_alerts_acknowledged_by_idx ON public.system_alerts (acknowledged_by);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_status_idx ON public.system_alerts (workspace_id, status);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_severity_level_idx ON public.system_alerts (workspace_id, severity_level);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_alert_type_idx ON public.system_alerts (workspace_id, alert_type);
CREATE INDEX IF NOT EXISTS system_alerts_data_points_recommended_actions_idx ON public.system_alerts USING gin (data_points jsonb_path_ops, recommended_actions);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.system_alerts
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('system_alerts', writer => 'Analyst');

-- user_notifications
CREATE TABLE IF NOT EXISTS public.user_notifications (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  user_id uuid NOT NULL,
  notification_type public.notification_type NOT NULL,
  title text NOT NULL,
  message text NOT NULL,
  description text,
  related_alert_id uuid,
  related_achievement_id uuid,
  related_campaign_id uuid,
  channel public.notification_channel NOT NULL DEFAULT 'in_app',
  is_read boolean NOT NULL DEFAULT false,
  read_at timestamptz(3),
  delivery_status public.delivery_status NOT NULL DEFAULT 'pending',
  delivery_method text,
  action_url text,
  action_label text,
  call_to_action text,
  priority_level public.notification_priority NOT NULL DEFAULT 'normal',
  expires_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT user_notifications_pkey PRIMARY KEY (id),
  CONSTRAINT user_notifications_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT user_notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT user_notifications_workspace_id_related_alert_id_fkey FOREIGN KEY (workspace_id, related_alert_id) REFERENCES public.system_alerts (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT user_notifications_workspace_id_related_achievement_id_fkey FOREIGN KEY (workspace_id, related_achievement_id) REFERENCES public.achievements (workspace_id, id) ON DELETE SET NULL (related_achievement_id),
  CONSTRAINT user_notifications_workspace_id_related_campaign_id_fkey FOREIGN KEY (workspace_id, related_campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_notifications_workspace_id_created_at_id_idx ON public.user_notifications (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_notifications_related_alert_id_workspace_id_idx ON public.user_notifications (related_alert_id, workspace_id);
CREATE INDEX IF NOT EXISTS user_notifications_related_achievement_id_workspace_id_idx ON public.user_notifications (related_achievement_id, workspace_id);
CREATE INDEX IF NOT EXISTS user_notifications_related_campaign_id_workspace_id_idx ON public.user_notifications (related_campaign_id, workspace_id);
CREATE INDEX IF NOT EXISTS user_notifications_user_id_is_read_idx ON public.user_notifications (user_id, is_read);
CREATE INDEX IF NOT EXISTS user_notifications_workspace_id_notification_type_idx ON public.user_notifications (workspace_id, notification_type);
CREATE INDEX IF NOT EXISTS user_notifications_user_id_created_at_idx ON public.user_notifications (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS user_notifications_workspace_id_channel_idx ON public.user_notifications (workspace_id, channel);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.user_notifications
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_table('user_notifications',
  may_select => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_insert => 'false',
  may_update => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_delete => 'false');
-- A person changes the read state only.
REVOKE UPDATE ON public.user_notifications FROM authenticated;
GRANT UPDATE (is_read, read_at) ON public.user_notifications TO authenticated;
