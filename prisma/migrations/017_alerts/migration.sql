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
CREATE INDEX IF NOT EXISTS system_alerts_triggered_by_agent_id_workspace_id_created_at_idx ON public.system_alerts (triggered_by_agent_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_triggered_by_signal_id_workspace_id_created_a_idx ON public.system_alerts (triggered_by_signal_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_related_campaign_id_workspace_id_created_at_i_idx ON public.system_alerts (related_campaign_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_related_cohort_id_workspace_id_created_at_id_idx ON public.system_alerts (related_cohort_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_related_move_id_workspace_id_created_at_id_idx ON public.system_alerts (related_move_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS system_alerts_acknowledged_by_idx ON public.system_alerts (acknowledged_by);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_status_idx ON public.system_alerts (workspace_id, status);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_severity_level_idx ON public.system_alerts (workspace_id, severity_level);
CREATE INDEX IF NOT EXISTS system_alerts_workspace_id_alert_type_idx ON public.system_alerts (workspace_id, alert_type);
CREATE INDEX IF NOT EXISTS system_alerts_data_points_recommended_actions_idx ON public.system_alerts USING gin (data_points jsonb_path_ops, recommended_actions);
CALL gateway.set_up_workspace_table('system_alerts', writer => 'Analyst', domain => 'alerts');
CALL gateway.stamp_table('system_alerts', 'triggered_by_agent_id', 'id');
CALL gateway.guard_status('system_alerts', 'alert', 'active', '{
  "active": ["acknowledged", "dismissed"],
  "acknowledged": ["resolved", "dismissed"]}');

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
CREATE INDEX IF NOT EXISTS user_notifications_related_alert_id_workspace_id_created_at_idx ON public.user_notifications (related_alert_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_notifications_related_achievement_id_workspace_id_crea_idx ON public.user_notifications (related_achievement_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_notifications_related_campaign_id_workspace_id_created_idx ON public.user_notifications (related_campaign_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_notifications_user_id_is_read_idx ON public.user_notifications (user_id, is_read);
CREATE INDEX IF NOT EXISTS user_notifications_workspace_id_notification_type_idx ON public.user_notifications (workspace_id, notification_type);
CREATE INDEX IF NOT EXISTS user_notifications_user_id_created_at_idx ON public.user_notifications (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS user_notifications_workspace_id_channel_idx ON public.user_notifications (workspace_id, channel);
CALL gateway.protect_table('user_notifications',
  may_select => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_insert => 'false',
  may_update => gateway.member_reads() || ' AND user_id = (SELECT auth.uid())',
  may_delete => 'false');
-- A person can only change whether it is read.
REVOKE UPDATE ON public.user_notifications FROM authenticated;
GRANT UPDATE (is_read, read_at) ON public.user_notifications TO authenticated;
CALL gateway.track_table('user_notifications');

-- Functions

CREATE OR REPLACE FUNCTION gateway.record_alert_step() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- Dismissing an alert that nobody has acknowledged also acknowledges it.
  IF OLD.status = 'active' THEN
    NEW.acknowledged_at := now();
    NEW.acknowledged_by := coalesce(auth.uid(), NEW.acknowledged_by);
  END IF;
  IF NEW.status IN ('resolved', 'dismissed') THEN
    NEW.resolved_at := now();
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.record_alert_step IS 'Trigger of system_alerts: who acknowledged an alert and when, and when it was closed.';
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.system_alerts
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION gateway.record_alert_step();

CREATE OR REPLACE FUNCTION public.create_system_alert(
  workspace uuid, type public.alert_type, severity public.alert_severity, title text,
  message text DEFAULT NULL, description text DEFAULT NULL, action_url text DEFAULT NULL,
  agent uuid DEFAULT NULL, signal uuid DEFAULT NULL, event text DEFAULT NULL,
  campaign uuid DEFAULT NULL, cohort uuid DEFAULT NULL, move uuid DEFAULT NULL,
  data_points jsonb DEFAULT NULL, recommended_actions text[] DEFAULT NULL, expiry_date timestamptz DEFAULT NULL
) RETURNS public.system_alerts
LANGUAGE plpgsql AS $$
DECLARE
  problem text := CASE WHEN type IS NULL THEN 'type' WHEN severity IS NULL THEN 'severity' END;
  created public.system_alerts;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Analyst');
  PERFORM gateway.require_text(title, 'title');
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '% must not be empty', problem USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  END IF;
  INSERT INTO public.system_alerts AS a (
    workspace_id, alert_type, severity_level, title, message, description, action_url,
    triggered_by_agent_id, triggered_by_signal_id, triggered_by_event, triggered_at,
    related_campaign_id, related_cohort_id, related_move_id,
    data_points, recommended_actions, expiry_date, created_by)
  VALUES (
    workspace, type, severity, title, message, description, action_url,
    agent, signal, event, now(), campaign, cohort, move,
    data_points, recommended_actions, expiry_date, auth.uid())
  RETURNING a.* INTO created;
  RETURN created;
END $$;
COMMENT ON FUNCTION public.create_system_alert IS 'A new active alert, triggered now.';

CREATE OR REPLACE FUNCTION gateway.change_alert_status(alert uuid, to_status public.alert_status, person uuid, action text) RETURNS public.system_alerts
LANGUAGE plpgsql AS $$
DECLARE
  current public.system_alerts;
BEGIN
  SELECT a.* INTO current FROM public.system_alerts AS a WHERE a.id = alert;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such alert' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Analyst', 'alerts');
  SELECT a.* INTO current FROM public.system_alerts AS a WHERE a.id = alert FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such alert' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_step('system_alerts', 'alert', 'status', current.status::text, to_status::text);
  UPDATE public.system_alerts AS a
  SET status = to_status,
      acknowledged_by = coalesce(a.acknowledged_by, person),
      action_taken = coalesce(action, a.action_taken)
  WHERE a.id = alert
  RETURNING a.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION gateway.change_alert_status IS 'The alert after an allowed step. The argument person is used if the caller is a trusted writer without a person.';

CREATE OR REPLACE FUNCTION public.acknowledge_alert(alert uuid, person uuid DEFAULT NULL) RETURNS public.system_alerts
LANGUAGE sql AS $$ SELECT gateway.change_alert_status(alert, 'acknowledged', person, NULL) $$;
COMMENT ON FUNCTION public.acknowledge_alert IS 'The alert, acknowledged by the person of the request; trusted writers name the person.';

CREATE OR REPLACE FUNCTION public.resolve_alert(alert uuid, action_taken text DEFAULT NULL) RETURNS public.system_alerts
LANGUAGE sql AS $$ SELECT gateway.change_alert_status(alert, 'resolved', NULL, action_taken) $$;
COMMENT ON FUNCTION public.resolve_alert IS 'The alert, resolved; it must have been acknowledged.';

CREATE OR REPLACE FUNCTION public.dismiss_alert(alert uuid, reason text DEFAULT NULL, person uuid DEFAULT NULL) RETURNS public.system_alerts
LANGUAGE sql AS $$ SELECT gateway.change_alert_status(alert, 'dismissed', person, reason) $$;
COMMENT ON FUNCTION public.dismiss_alert IS 'The alert, closed without action; the reason is kept as the action taken.';

CREATE OR REPLACE FUNCTION public.get_critical_alerts(workspace uuid) RETURNS SETOF public.system_alerts
LANGUAGE sql STABLE AS $$
  SELECT * FROM public.system_alerts
  WHERE workspace_id = workspace AND status = 'active' AND severity_level IN ('critical', 'high')
    AND (expiry_date IS NULL OR expiry_date > now())
  ORDER BY severity_level, created_at DESC, id DESC
$$;
COMMENT ON FUNCTION public.get_critical_alerts IS 'Active, unexpired alerts that are critical or high, critical first, then newest.';

-- SECURITY DEFINER: nobody may write notifications for others in another way.
CREATE OR REPLACE FUNCTION public.send_user_notification(
  workspace uuid, person uuid, type public.notification_type, title text, message text,
  priority public.notification_priority DEFAULT 'normal', channel public.notification_channel DEFAULT 'in_app',
  description text DEFAULT NULL, alert uuid DEFAULT NULL, achievement uuid DEFAULT NULL, campaign uuid DEFAULT NULL,
  action_url text DEFAULT NULL, action_label text DEFAULT NULL, call_to_action text DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL
) RETURNS public.user_notifications
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  problem text := CASE
    WHEN type IS NULL THEN 'type' WHEN priority IS NULL THEN 'priority' WHEN channel IS NULL THEN 'channel'
  END;
  sent public.user_notifications;
BEGIN
  PERFORM gateway.require_writer(workspace, 'Analyst', 'alerts');
  PERFORM gateway.require_member(person, workspace);
  PERFORM gateway.require_text(title, 'title');
  PERFORM gateway.require_text(message, 'message');
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '% must not be empty', problem USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  END IF;
  INSERT INTO public.user_notifications AS n (
    workspace_id, user_id, notification_type, title, message, priority_level, channel, description,
    related_alert_id, related_achievement_id, related_campaign_id,
    action_url, action_label, call_to_action, expires_at)
  VALUES (
    workspace, person, type, title, message, priority, channel, description,
    alert, achievement, campaign, action_url, action_label, call_to_action, expires_at)
  RETURNING n.* INTO sent;
  RETURN sent;
END $$;
COMMENT ON FUNCTION public.send_user_notification IS 'A notification to a member of the workspace. For an Analyst and trusted writers.';
REVOKE EXECUTE ON FUNCTION public.send_user_notification FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.send_user_notification TO authenticated, service_role;

CREATE OR REPLACE FUNCTION gateway.notify_unlocked_achievement() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.user_notifications (workspace_id, user_id, notification_type, title, message, related_achievement_id)
  SELECT NEW.workspace_id, NEW.user_id, 'achievement', 'Achievement unlocked: ' || name,
         coalesce(description, 'You have earned it.') || CASE WHEN points_reward > 0 THEN format(' (+%s points)', points_reward) ELSE '' END,
         id
  FROM public.achievements
  WHERE id = NEW.achievement_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.notify_unlocked_achievement IS 'Trigger of user_achievements: notifies the person of the unlock.';

CREATE OR REPLACE TRIGGER notify_unlocked_achievement AFTER UPDATE ON public.user_achievements
  FOR EACH ROW WHEN (OLD.is_locked AND NOT NEW.is_locked) EXECUTE FUNCTION gateway.notify_unlocked_achievement();

CREATE OR REPLACE FUNCTION gateway.keep_first_reading() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.read_at := CASE
    WHEN NOT NEW.is_read THEN NULL
    WHEN TG_OP = 'UPDATE' THEN coalesce(OLD.read_at, NEW.read_at, now())
    ELSE coalesce(NEW.read_at, now())
  END;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.keep_first_reading IS 'Trigger of user_notifications: read_at is the time of the first reading, null while unread.';

CREATE OR REPLACE TRIGGER keep_first_reading BEFORE INSERT OR UPDATE ON public.user_notifications
  FOR EACH ROW EXECUTE FUNCTION gateway.keep_first_reading();

CREATE OR REPLACE FUNCTION public.mark_notification_as_read(notification uuid) RETURNS public.user_notifications
LANGUAGE plpgsql AS $$
DECLARE
  marked public.user_notifications;
BEGIN
  UPDATE public.user_notifications AS n SET is_read = true WHERE n.id = notification RETURNING n.* INTO marked;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such notification' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN marked;
END $$;
COMMENT ON FUNCTION public.mark_notification_as_read IS 'The notification, read; reading it again keeps the first time.';

CREATE OR REPLACE FUNCTION public.mark_all_notifications_as_read(person uuid, workspace uuid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  marked integer;
BEGIN
  UPDATE public.user_notifications SET is_read = true
  WHERE user_id = person AND NOT is_read AND (workspace IS NULL OR workspace_id = workspace);
  GET DIAGNOSTICS marked = ROW_COUNT;
  RETURN marked;
END $$;
COMMENT ON FUNCTION public.mark_all_notifications_as_read IS 'The number of notifications marked as read, of those that the caller may change: in the given workspace, or in all.';

CREATE OR REPLACE FUNCTION public.get_user_unread_notifications(person uuid) RETURNS SETOF public.user_notifications
LANGUAGE sql STABLE AS $$
  SELECT * FROM public.user_notifications
  WHERE user_id = person AND NOT is_read AND (expires_at IS NULL OR expires_at > now())
  ORDER BY priority_level DESC, created_at DESC, id DESC
$$;
COMMENT ON FUNCTION public.get_user_unread_notifications IS 'A person''s unread, unexpired notifications: urgent, high, normal, low, each newest first.';

-- Read models

CREATE OR REPLACE VIEW public.workspace_status_counts WITH (security_invoker = true) AS
SELECT workspace_id, 'campaign' AS entity, status::text AS status, count(*)::integer AS total
  FROM public.campaigns GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'campaign_quest', status::text, count(*)::integer FROM public.campaign_quests GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'move', status::text, count(*)::integer FROM public.moves GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'move_anomaly', status::text, count(*)::integer FROM public.move_anomalies GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'experiment', status::text, count(*)::integer FROM public.experiments GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'asset', status::text, count(*)::integer FROM public.assets GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'agent_assignment', assignment_status::text, count(*)::integer FROM public.agent_assignments GROUP BY workspace_id, assignment_status
UNION ALL
SELECT workspace_id, 'intelligence_signal', action_status::text, count(*)::integer FROM public.intelligence_signals GROUP BY workspace_id, action_status
UNION ALL
SELECT workspace_id, 'market_insight', insight_status::text, count(*)::integer FROM public.market_insights GROUP BY workspace_id, insight_status
UNION ALL
SELECT workspace_id, 'strategy_insight', status::text, count(*)::integer FROM public.strategy_insights GROUP BY workspace_id, status
UNION ALL
SELECT workspace_id, 'system_alert', status::text, count(*)::integer FROM public.system_alerts GROUP BY workspace_id, status;
COMMENT ON VIEW public.workspace_status_counts IS 'Number of rows of each kind in a workspace by status; a status without rows is left out. Key: workspace_id, entity, status.';
CALL gateway.publish_view('public.workspace_status_counts');
