-- What every write rests on, whoever writes: versions of rows, state machines, agents that act in
-- their own name, plan limits, memberships, the functions of the workflows, an audit log, and the
-- memory of idempotent requests.

-- Versions: updated_at tells one state of a row from the next, also within a millisecond and where
-- an earlier transaction commits later.

CREATE OR REPLACE FUNCTION public.set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := greatest(now()::timestamptz(3), OLD.updated_at + interval '1 millisecond');
  RETURN NEW;
END $$;
COMMENT ON FUNCTION public.set_updated_at IS 'Trigger: updated_at is now, and later than it was; it serves as the version of a row.';

CREATE OR REPLACE FUNCTION public.touch_campaign() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- Once a transaction: a thousand quests written together are one new version of the campaign.
  UPDATE public.campaigns SET updated_at = now()
  WHERE id IN (OLD.campaign_id, NEW.campaign_id) AND xmin <> pg_current_xact_id()::xid;
  RETURN NULL;
END $$;

-- Agents as writers. A request of an agent runs as `authenticated` with its claims: no `sub`, its
-- name in the registry as `agent`, and `scopes` such as "intelligence:write" or "*:read".

CREATE OR REPLACE FUNCTION gateway.current_claims() RETURNS jsonb
LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
COMMENT ON FUNCTION gateway.current_claims IS 'The claims of the request, null when unset.';

CREATE OR REPLACE FUNCTION gateway.current_agent() RETURNS text
LANGUAGE sql STABLE AS
$$ SELECT nullif(gateway.current_claims() ->> 'agent', '') $$;
COMMENT ON FUNCTION gateway.current_agent IS 'The name of the agent that asks, null for people.';

CREATE OR REPLACE FUNCTION gateway.agent_has_scope(domain text, action text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(gateway.current_claims() -> 'scopes' ?| ARRAY[domain || ':' || action, '*:' || action], false)
$$;
COMMENT ON FUNCTION gateway.agent_has_scope IS 'Whether the claims grant an action (read, write) in a domain or in all.';

-- SECURITY DEFINER: the policies of agent_registry ask this, and must not ask themselves.
CREATE OR REPLACE FUNCTION gateway.current_agent_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT id FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND is_active
$$;
COMMENT ON FUNCTION gateway.current_agent_id IS 'The agent that asks, null for people and for agents that the registry does not have as active.';

-- SECURITY DEFINER: the policies of agent_assignments ask this, and must not ask themselves.
CREATE OR REPLACE FUNCTION gateway.agent_may_act(agent_name text, workspace uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM public.agent_registry AS r
    JOIN public.agent_assignments AS a ON a.agent_id = r.id
    WHERE r.agent_name = agent_may_act.agent_name AND r.is_active
      AND a.workspace_id = workspace AND a.assignment_status = 'active');
END $$;
COMMENT ON FUNCTION gateway.agent_may_act IS 'Whether the agent is active and has an active assignment in the workspace.';

-- SECURITY DEFINER: which workspaces these are is asked before one of them is chosen.
CREATE OR REPLACE FUNCTION gateway.agent_workspaces() RETURNS TABLE (workspace_id uuid, assigned_date timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT a.workspace_id, min(a.assigned_date)
  FROM public.agent_assignments AS a
  WHERE a.agent_id = gateway.current_agent_id() AND a.assignment_status = 'active'
  GROUP BY a.workspace_id
  ORDER BY 2, 1
$$;
COMMENT ON FUNCTION gateway.agent_workspaces IS 'The workspaces in which the agent that asks may act, longest assigned first.';

-- In PL/pgSQL for speed: policies ask these for each statement, and the plans of an SQL function
-- would be made each time.
CREATE OR REPLACE FUNCTION public.is_workspace_member(workspace uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN EXISTS (SELECT FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace);
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' <> '[]', false)
    AND gateway.agent_may_act(gateway.current_agent(), workspace);
END $$;
COMMENT ON FUNCTION public.is_workspace_member IS 'Whether the person of the request is a member of the workspace; of an agent, whether it may act there and has any scope.';

CREATE OR REPLACE FUNCTION public.workspace_role(workspace uuid) RETURNS public.member_role
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN (
    SELECT role FROM public.user_workspaces
    WHERE user_id = auth.uid() AND workspace_id = workspace AND gateway.current_agent() IS NULL);
END $$;
COMMENT ON FUNCTION public.workspace_role IS 'The role in the workspace of the person of the request, null for others and for agents.';

-- SECURITY DEFINER, as has_workspace_role.
CREATE OR REPLACE FUNCTION gateway.may_write(minimum public.member_role, domain text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false);
  END IF;
  RETURN gateway.agent_has_scope(domain, 'write')
    AND gateway.agent_may_act(gateway.current_agent(), public.current_workspace_id());
END $$;
COMMENT ON FUNCTION gateway.may_write IS 'Whether the person has the role in the current workspace or the agent, which may act there, the scope to write in the domain.';

CREATE OR REPLACE FUNCTION gateway.require_writer(workspace uuid, minimum public.member_role, domain text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.current_agent() IS NULL OR gateway.bypasses_policies() THEN
    PERFORM gateway.require_workspace_role(workspace, minimum);
  ELSIF (workspace = public.current_workspace_id() AND gateway.may_write(minimum, domain)) IS NOT TRUE THEN
    RAISE EXCEPTION 'this needs the scope %:write in the current workspace', domain USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_writer IS 'Raises insufficient_privilege unless the person has the role, or the agent the scope, in the current workspace, which must be this one; trusted writers pass.';

-- An agent passes where policies decide about the rows after this: not in a function that runs as
-- its owner, which names the domain instead.
CREATE OR REPLACE FUNCTION gateway.require_workspace_role(workspace uuid, minimum public.member_role) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.bypasses_policies() THEN
    IF NOT EXISTS (SELECT FROM public.workspaces WHERE id = workspace) THEN
      RAISE EXCEPTION 'there is no such workspace' USING ERRCODE = 'no_data_found';
    END IF;
  ELSIF (workspace = public.current_workspace_id() AND (
      public.has_workspace_role(minimum)
      OR (gateway.current_agent() IS NOT NULL AND row_security_active('public.workspaces')
        AND public.is_workspace_member(workspace)))) IS NOT TRUE THEN
    RAISE EXCEPTION 'this needs the role % in the current workspace', minimum USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_workspace_role IS 'Raises insufficient_privilege unless the person has the role in the current workspace, which must be this one; trusted writers pass, and agents to what policies decide.';

CREATE OR REPLACE FUNCTION gateway.domain_writes(writer public.member_role, domain text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.may_write(%L, %L))', writer, domain)
$$;

REVOKE EXECUTE ON FUNCTION gateway.current_agent_id, gateway.agent_may_act, gateway.agent_workspaces,
  gateway.may_write, gateway.domain_writes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.current_agent_id, gateway.agent_may_act, gateway.agent_workspaces,
  gateway.may_write TO authenticated, service_role;

-- Which role of a person, or which scope of an agent, writes a table. Memberships, the workspace
-- itself, billing and what belongs to a person are not here: agents never write those.
DO $$
DECLARE
  writer public.member_role;
  domain text;
  names text;
  target regclass;
  expression text;
  shared text := 'workspace_id IS NULL AND ((SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL)';
BEGIN
  FOR domain, writer, names IN VALUES
    ('strategy', 'Strategist'::public.member_role, 'global_strategies positioning message_architecture strategy_insights'),
    ('campaigns', 'Strategist', 'campaigns campaign_quests campaign_cohorts'),
    ('cohorts', 'Strategist', 'cohorts support_feedback'),
    ('moves', 'Strategist', 'lines_of_operation sprints moves move_anomalies move_logs'),
    ('content', 'Creator', 'assets visual_designs visual_design_templates content_adaptations adaptation_patterns content_patterns'),
    ('experiments', 'Creator', 'experiments experiment_results experiment_metadata'),
    ('gamification', 'Owner', 'achievements'),
    ('agents', 'Owner', 'agent_performance agent_messages agent_debates debate_rounds policy_decisions gateway.agent_execution_buckets'),
    ('learning', 'Analyst', 'agent_recommendations recommendation_patterns recommendation_outcomes agent_trust_scores meta_learner_state'),
    ('intelligence', 'Analyst', 'intelligence_signals market_insights competitors competitor_content competitor_patterns trends trend_mentions'),
    ('alerts', 'Analyst', 'system_alerts')
  LOOP
    expression := gateway.domain_writes(writer, domain);
    FOREACH target IN ARRAY string_to_array(names, ' ')::regclass[] LOOP
      CALL gateway.ensure_policy(target, 'insert', expression);
      CALL gateway.ensure_policy(target, 'update', expression);
      CALL gateway.ensure_policy(target, 'delete', expression);
    END LOOP;
  END LOOP;

  -- Only people let an agent into a workspace, or out of it; its own counters an agent may keep.
  CALL gateway.ensure_policy('agent_assignments', 'update', gateway.domain_writes('Strategist', 'agents')
    || ' AND ((SELECT gateway.current_agent()) IS NULL OR agent_id = (SELECT gateway.current_agent_id()))');

  FOREACH target IN ARRAY '{visual_design_templates,adaptation_patterns}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select', format('(%s) OR (%s)', shared, gateway.member_reads()));
  END LOOP;
  FOREACH target IN ARRAY '{journey_stages,channel_roles,maneuver_types,agent_registry,agent_capabilities}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select', '(SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL');
  END LOOP;
  CALL gateway.ensure_policy('workspaces', 'select', 'id IN (SELECT m.workspace_id FROM public.viewer_memberships() AS m)'
    || ' OR id IN (SELECT a.workspace_id FROM gateway.agent_workspaces() AS a)');
END $$;

CREATE OR REPLACE FUNCTION gateway.stamp_agent() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  own text := CASE WHEN TG_ARGV[1] = 'id' THEN gateway.current_agent_id()::text ELSE gateway.current_agent() END;
  given text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
  IF TG_OP = 'INSERT' AND given IS NULL THEN
    NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], own));
  ELSIF given IS DISTINCT FROM own AND NOT gateway.bypasses_policies() THEN
    RAISE EXCEPTION 'an agent writes in its own name only' USING ERRCODE = 'insufficient_privilege', COLUMN = TG_ARGV[0];
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.stamp_agent IS 'Triggers of tables that say which agent wrote a row: filled from the claims, and no other agent than the one that asks.';

DO $$
DECLARE
  target regclass;
  name text;
  kind text;
BEGIN
  FOR target, name, kind IN VALUES
    ('moves'::regclass, 'created_by_agent', 'name'),
    ('experiments', 'created_by_agent', 'name'),
    ('assets', 'created_by_agent', 'name'),
    ('visual_designs', 'created_by_agent', 'name'),
    ('content_adaptations', 'created_by_agent', 'name'),
    ('agent_messages', 'origin', 'name'),
    ('competitor_content', 'scraped_by_agent', 'name'),
    ('competitor_patterns', 'identified_by_agent', 'name'),
    ('agent_recommendations', 'agent_id', 'name'),
    ('intelligence_signals', 'source_agent_id', 'id'),
    ('market_insights', 'source_agent_id', 'id'),
    ('system_alerts', 'triggered_by_agent_id', 'id'),
    ('agent_performance', 'agent_id', 'id')
  LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER stamp_agent BEFORE INSERT ON %s FOR EACH ROW'
      ' WHEN (gateway.current_agent() IS NOT NULL) EXECUTE FUNCTION gateway.stamp_agent(%L, %L)', target, name, kind);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_agent BEFORE UPDATE OF %2$I ON %1$s FOR EACH ROW'
      ' WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I AND gateway.current_agent() IS NOT NULL)'
      ' EXECUTE FUNCTION gateway.stamp_agent(%2$L, %3$L)', target, name, kind);
  END LOOP;
END $$;

-- State machines: one table of steps, one trigger function.

CREATE TABLE IF NOT EXISTS gateway.status_steps (
  table_name text NOT NULL,
  from_status text NOT NULL,
  to_status text NOT NULL,
  position smallint NOT NULL,
  CONSTRAINT status_steps_pkey PRIMARY KEY (table_name, from_status, to_status)
);
COMMENT ON TABLE gateway.status_steps IS 'The steps that rows of a table may take from one status to the next, whoever writes; a status without any is final.';
CALL gateway.protect_table('gateway.status_steps', 'true', 'false', 'false', 'false');
REVOKE INSERT, UPDATE, DELETE ON gateway.status_steps FROM service_role;

CREATE OR REPLACE FUNCTION gateway.next_statuses(table_name text, status text) RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(to_status ORDER BY position), '{}') FROM gateway.status_steps AS s
  WHERE s.table_name = next_statuses.table_name AND s.from_status = status
$$;
COMMENT ON FUNCTION gateway.next_statuses IS 'The steps that a row of the table may take from a status; empty for a final one.';

CREATE OR REPLACE FUNCTION gateway.require_step(table_name text, noun text, status_column text, from_status text, to_status text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  steps text[] := gateway.next_statuses(table_name, from_status);
  article text := CASE WHEN noun ~ '^[aeiou]' THEN 'an' ELSE 'a' END;
BEGIN
  IF (to_status = ANY (steps)) IS NOT TRUE THEN
    RAISE EXCEPTION '% % cannot go from % to %', article, noun, from_status, to_status
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = status_column,
            DETAIL = coalesce('From ' || from_status || ' it can go to ' || nullif(array_to_string(steps, ', '), '') || '.',
              format('%s %s that is %s stays so.', initcap(article), noun, from_status));
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_step IS 'Raises object_not_in_prerequisite_state, with the allowed steps as detail, for any other one.';

CREATE OR REPLACE FUNCTION gateway.check_status() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  status_column text := TG_ARGV[0];
  noun text := TG_ARGV[1];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM gateway.require_step(TG_TABLE_NAME, noun, status_column, to_jsonb(OLD) ->> status_column, to_jsonb(NEW) ->> status_column);
  ELSIF NOT gateway.bypasses_policies() THEN
    RAISE EXCEPTION 'a new % is %', noun, TG_ARGV[2]
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = status_column;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.check_status IS 'Triggers of tables with a state machine: only the allowed steps, whoever writes; trusted writers may import rows in any status.';

-- New rows are checked after they are inserted: an upsert that updates begins nothing.
CREATE OR REPLACE PROCEDURE gateway.guard_status(target regclass, noun text, first_status text, steps jsonb, status_column text DEFAULT 'status')
LANGUAGE plpgsql AS $$
DECLARE
  name text := (SELECT relname FROM pg_catalog.pg_class WHERE oid = target);
BEGIN
  DELETE FROM gateway.status_steps WHERE table_name = name;
  INSERT INTO gateway.status_steps (table_name, from_status, to_status, position)
  SELECT name, step.key, next.status, next.position
  FROM jsonb_each(steps) AS step
  CROSS JOIN LATERAL jsonb_array_elements_text(step.value) WITH ORDINALITY AS next(status, position);
  EXECUTE format('CREATE OR REPLACE TRIGGER check_new_status AFTER INSERT ON %1$s FOR EACH ROW'
    ' WHEN (NEW.%2$I <> %4$L) EXECUTE FUNCTION gateway.check_status(%2$L, %3$L, %4$L)', target, status_column, noun, first_status);
  EXECUTE format('CREATE OR REPLACE TRIGGER check_status BEFORE UPDATE ON %1$s FOR EACH ROW'
    ' WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I) EXECUTE FUNCTION gateway.check_status(%2$L, %3$L, %4$L)', target, status_column, noun, first_status);
END $$;
REVOKE EXECUTE ON PROCEDURE gateway.guard_status FROM PUBLIC;

CALL gateway.guard_status('campaigns', 'campaign', 'draft', '{
  "draft": ["planning", "archived"],
  "planning": ["active", "archived"],
  "active": ["paused", "completed", "archived"],
  "paused": ["active", "completed", "archived"],
  "completed": ["archived"]}');
CALL gateway.guard_status('campaign_quests', 'quest', 'pending', '{
  "pending": ["in_progress", "blocked", "on_hold"],
  "in_progress": ["completed", "blocked", "on_hold"],
  "blocked": ["pending", "in_progress"],
  "on_hold": ["pending", "in_progress"]}');
CALL gateway.guard_status('moves', 'move', 'Planning', '{
  "Planning": ["OODA_Observe", "Killed"],
  "OODA_Observe": ["OODA_Orient", "Killed"],
  "OODA_Orient": ["OODA_Decide", "Killed"],
  "OODA_Decide": ["OODA_Act", "Killed"],
  "OODA_Act": ["Complete", "OODA_Observe", "Killed"]}');
CALL gateway.guard_status('move_anomalies', 'anomaly', 'Open', '{
  "Open": ["Acknowledged", "Ignored"],
  "Acknowledged": ["Resolved", "Ignored"]}');
CALL gateway.guard_status('experiments', 'experiment', 'running', '{
  "running": ["completed", "stopped", "failed"]}');
CALL gateway.guard_status('assets', 'asset', 'draft', '{
  "draft": ["review", "archived"],
  "review": ["approved", "draft", "archived"],
  "approved": ["published", "archived"],
  "published": ["archived"]}');
-- An insight acts on signals that nobody acknowledged first, too.
CALL gateway.guard_status('intelligence_signals', 'signal', 'new', '{
  "new": ["acknowledged", "actioned", "archived"],
  "acknowledged": ["actioned", "archived"],
  "actioned": ["archived"]}', status_column => 'action_status');
CALL gateway.guard_status('system_alerts', 'alert', 'active', '{
  "active": ["acknowledged", "dismissed"],
  "acknowledged": ["resolved", "dismissed"]}');

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

CREATE OR REPLACE FUNCTION gateway.record_alert_step() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- Whoever dismisses an alert that nobody took on has taken it on.
  IF OLD.status = 'active' THEN
    NEW.acknowledged_at := now();
    NEW.acknowledged_by := coalesce(auth.uid(), NEW.acknowledged_by);
  END IF;
  IF NEW.status IN ('resolved', 'dismissed') THEN
    NEW.resolved_at := now();
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.record_alert_step IS 'Trigger of system_alerts: who took an alert on and when, and when it was closed.';
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.system_alerts
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION gateway.record_alert_step();

CREATE OR REPLACE FUNCTION gateway.record_moment() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.record_moment IS 'Triggers: the column that keeps when a step was taken.';
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.move_anomalies
  FOR EACH ROW WHEN (NEW.status IN ('Resolved', 'Ignored') AND OLD.status <> NEW.status) EXECUTE FUNCTION gateway.record_moment('resolved_at');
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.experiments
  FOR EACH ROW WHEN (OLD.status = 'running' AND NEW.status <> 'running') EXECUTE FUNCTION gateway.record_moment('completed_at');
CREATE OR REPLACE TRIGGER record_step BEFORE UPDATE ON public.assets
  FOR EACH ROW WHEN (NEW.status = 'published' AND OLD.status <> 'published') EXECUTE FUNCTION gateway.record_moment('published_at');

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

DROP FUNCTION IF EXISTS gateway.check_campaign_status();
DROP FUNCTION IF EXISTS gateway.refuse_campaign_step(public.campaign_status, public.campaign_status);
DROP FUNCTION IF EXISTS gateway.next_campaign_statuses(public.campaign_status);
DROP FUNCTION IF EXISTS gateway.check_alert_status();
DROP FUNCTION IF EXISTS gateway.refuse_alert_step(public.alert_status, public.alert_status);
DROP FUNCTION IF EXISTS gateway.next_alert_statuses(public.alert_status);

-- Turns: whoever must count rows and then decide takes the turn of what is counted, and keeps it
-- until the transaction ends. The row is written, not just locked: a transaction with an older
-- snapshot (repeatable read) fails with a serialization error instead of counting what was.

CREATE TABLE IF NOT EXISTS gateway.turns (
  scope uuid NOT NULL,
  workspace_id uuid NOT NULL,
  turn bigint NOT NULL DEFAULT 1,
  CONSTRAINT turns_pkey PRIMARY KEY (scope),
  CONSTRAINT turns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS turns_workspace_id_idx ON gateway.turns (workspace_id);
COMMENT ON TABLE gateway.turns IS 'Of a workspace (its cohorts, its Owners) or of a sprint (its moves): who may count and decide now.';
CALL gateway.revoke_all('gateway.turns');

CREATE OR REPLACE FUNCTION gateway.take_turn(scope uuid, workspace uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO gateway.turns AS t (scope, workspace_id) VALUES ($1, $2)
  ON CONFLICT ON CONSTRAINT turns_pkey DO UPDATE SET turn = t.turn + 1
$$;
COMMENT ON FUNCTION gateway.take_turn IS 'Waits until nobody else has the turn of the scope, and has it until the transaction ends.';

-- Plan limits

CREATE OR REPLACE FUNCTION gateway.require_room(workspace uuid, sprint uuid, added bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  limit_column text := CASE WHEN sprint IS NULL THEN 'cohorts_limit' ELSE 'moves_per_sprint_limit' END;
  allowed integer;
  present bigint;
BEGIN
  PERFORM gateway.take_turn(coalesce(sprint, workspace), workspace);
  SELECT CASE WHEN sprint IS NULL THEN cohorts_limit ELSE moves_per_sprint_limit END INTO allowed
  FROM public.workspaces WHERE id = workspace;
  IF sprint IS NULL THEN
    SELECT count(*) INTO present FROM public.cohorts WHERE workspace_id = workspace;
  ELSE
    SELECT count(*) INTO present FROM public.moves WHERE sprint_id = sprint AND workspace_id = workspace;
  END IF;
  IF present > allowed THEN
    RAISE EXCEPTION 'the plan of the workspace allows at most % %', allowed,
        CASE WHEN sprint IS NULL THEN 'cohorts' ELSE 'moves in a sprint' END
      USING ERRCODE = 'CX001', COLUMN = limit_column,
            DETAIL = json_build_object('limit', allowed, 'current', present - added, 'column', limit_column)::text;
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_room IS 'Raises CX001 if the workspace has more cohorts, or the sprint more moves, than its plan allows; the detail is JSON with the limit and how many there were before.';

-- SECURITY DEFINER: counts what the writer may not see, and takes turns.
CREATE OR REPLACE FUNCTION gateway.check_cohorts_limit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM gateway.require_room(workspace_id, NULL, added)
    FROM (SELECT workspace_id, count(*) AS added FROM new_rows GROUP BY workspace_id ORDER BY workspace_id) AS grown;
  ELSE
    PERFORM gateway.require_room(workspace_id, NULL, added)
    FROM (SELECT n.workspace_id, count(*) AS added FROM new_rows AS n
          LEFT JOIN old_rows AS o ON o.id = n.id AND o.workspace_id = n.workspace_id
          WHERE o.id IS NULL GROUP BY n.workspace_id ORDER BY n.workspace_id) AS grown;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.check_cohorts_limit IS 'Triggers of cohorts: no more of them than the workspace''s plan allows, whoever writes.';

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
COMMENT ON FUNCTION gateway.check_moves_limit IS 'Triggers of moves: no more of them in a sprint than the workspace''s plan allows, whoever writes.';
REVOKE EXECUTE ON FUNCTION gateway.check_cohorts_limit, gateway.check_moves_limit FROM PUBLIC;

CREATE OR REPLACE TRIGGER check_limit_on_insert AFTER INSERT ON public.cohorts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_cohorts_limit();
CREATE OR REPLACE TRIGGER check_limit_on_update AFTER UPDATE ON public.cohorts
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_cohorts_limit();
CREATE OR REPLACE TRIGGER check_limit_on_insert AFTER INSERT ON public.moves
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_moves_limit();
CREATE OR REPLACE TRIGGER check_limit_on_update AFTER UPDATE ON public.moves
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.check_moves_limit();

-- Memberships

-- SECURITY DEFINER: must see every membership, also while a person's own ones are deleted with them.
CREATE OR REPLACE FUNCTION gateway.keep_last_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.workspaces WHERE id = OLD.workspace_id) THEN
    RETURN NULL;
  END IF;
  PERFORM gateway.take_turn(OLD.workspace_id, OLD.workspace_id);
  IF NOT EXISTS (SELECT FROM public.user_workspaces WHERE workspace_id = OLD.workspace_id AND role = 'Owner') THEN
    RAISE EXCEPTION 'the workspace would be left without an Owner'
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'role',
            HINT = 'Make somebody else an Owner first, or delete the workspace.';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.keep_last_owner IS 'Triggers of user_workspaces: the last Owner stays, whoever writes, unless the whole workspace goes.';
REVOKE EXECUTE ON FUNCTION gateway.keep_last_owner FROM PUBLIC;

CREATE OR REPLACE TRIGGER keep_last_owner AFTER DELETE ON public.user_workspaces
  FOR EACH ROW WHEN (OLD.role = 'Owner') EXECUTE FUNCTION gateway.keep_last_owner();
CREATE OR REPLACE TRIGGER keep_last_owner_on_change AFTER UPDATE ON public.user_workspaces
  FOR EACH ROW WHEN (OLD.role = 'Owner' AND (NEW.role <> 'Owner' OR NEW.workspace_id <> OLD.workspace_id))
  EXECUTE FUNCTION gateway.keep_last_owner();

-- SECURITY DEFINER: nobody but the platform reads auth.users. That an address is unknown is told to
-- Owners only, who would see it anyway from the membership that they get for a known one.
CREATE OR REPLACE FUNCTION public.invite_member(workspace uuid, person_email text, role public.member_role DEFAULT 'Viewer') RETURNS public.user_workspaces
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  person uuid;
  membership public.user_workspaces;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  PERFORM gateway.require_text(person_email, 'person_email');
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'role';
  END IF;
  SELECT id INTO person FROM auth.users WHERE lower(email) = lower(btrim(person_email)) ORDER BY created_at, id LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'nobody has signed up with this address' USING ERRCODE = 'no_data_found', COLUMN = 'person_email';
  END IF;
  INSERT INTO public.user_workspaces AS m (user_id, workspace_id, role) VALUES (person, workspace, role)
  RETURNING m.* INTO membership;
  RETURN membership;
END $$;
COMMENT ON FUNCTION public.invite_member IS 'The membership of a person who has signed up with this address (in any case); a unique violation for a member. For an Owner and trusted writers.';

CREATE OR REPLACE FUNCTION public.change_member_role(workspace uuid, person uuid, role public.member_role) RETURNS public.user_workspaces
LANGUAGE plpgsql AS $$
DECLARE
  membership public.user_workspaces;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'role';
  END IF;
  UPDATE public.user_workspaces AS m SET role = change_member_role.role
  WHERE m.user_id = person AND m.workspace_id = workspace
  RETURNING m.* INTO membership;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found', COLUMN = 'person';
  END IF;
  RETURN membership;
END $$;
COMMENT ON FUNCTION public.change_member_role IS 'The membership with its new role; the last Owner stays one. For an Owner and trusted writers.';

-- SECURITY DEFINER: members delete no membership otherwise, not even their own.
CREATE OR REPLACE FUNCTION public.remove_member(workspace uuid, person uuid) RETURNS public.user_workspaces
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  membership public.user_workspaces;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, CASE WHEN person = auth.uid() THEN 'Viewer' ELSE 'Owner' END::public.member_role);
  DELETE FROM public.user_workspaces AS m WHERE m.user_id = person AND m.workspace_id = workspace
  RETURNING m.* INTO membership;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found', COLUMN = 'person';
  END IF;
  RETURN membership;
END $$;
COMMENT ON FUNCTION public.remove_member IS 'The membership that was; the last Owner stays. For an Owner, trusted writers, and members who leave.';
REVOKE EXECUTE ON FUNCTION public.invite_member, public.remove_member FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.invite_member, public.remove_member TO authenticated, service_role;

-- Functions that run as their owner name their domain, so that agents with its scope may call them.

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

-- Campaigns and moves

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
COMMENT ON FUNCTION public.complete_quest IS 'The quest, completed; it must have been in progress. Without an output the one it has stays.';

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
  -- In one order, against deadlocks between two calls that share cohorts.
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
COMMENT ON FUNCTION public.link_cohorts IS 'The links of a campaign to these cohorts, in their order. What is linked already stays so, with the new shares and targets where given.';

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
COMMENT ON FUNCTION public.start_move IS 'The move, begun with observing; it starts today (UTC) unless a date was set.';

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

-- Agents

CREATE OR REPLACE FUNCTION public.assign_agent(
  workspace uuid, agent uuid, campaign uuid DEFAULT NULL,
  priority public.assignment_priority DEFAULT 'normal', config jsonb DEFAULT NULL
) RETURNS public.agent_assignments
LANGUAGE plpgsql AS $$
DECLARE
  active boolean := (SELECT r.is_active FROM public.agent_registry AS r WHERE r.id = agent);
  assigned public.agent_assignments;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Strategist');
  IF priority IS NULL THEN
    RAISE EXCEPTION 'priority must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'priority';
  ELSIF active IS NULL THEN
    RAISE EXCEPTION 'there is no such agent' USING ERRCODE = 'no_data_found', COLUMN = 'agent';
  ELSIF NOT active THEN
    RAISE EXCEPTION 'the agent is not active' USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'agent';
  END IF;
  -- No unique key tells two assignments without a campaign apart.
  PERFORM pg_advisory_xact_lock(hashtextextended(format('assign_agent %s %s %s', workspace, agent, campaign), 0));
  UPDATE public.agent_assignments AS a
  SET assignment_status = 'active', priority_level = priority, assigned_date = now(), assigned_by = auth.uid(),
      assignment_config = coalesce(config, a.assignment_config)
  WHERE a.id = (
    SELECT e.id FROM public.agent_assignments AS e
    WHERE e.workspace_id = workspace AND e.agent_id = agent
      AND e.assigned_to_campaign_id IS NOT DISTINCT FROM campaign AND e.assigned_to_guild_operation_id IS NULL
    ORDER BY e.created_at, e.id LIMIT 1)
  RETURNING a.* INTO assigned;
  IF NOT FOUND THEN
    INSERT INTO public.agent_assignments AS a (workspace_id, agent_id, assigned_to_campaign_id, priority_level, assignment_config, assigned_by)
    VALUES (workspace, agent, campaign, priority, config, auth.uid())
    RETURNING a.* INTO assigned;
  END IF;
  RETURN assigned;
END $$;
COMMENT ON FUNCTION public.assign_agent IS 'The active assignment of an agent to a workspace, or to one of its campaigns; one that there was is taken up again. For people from Strategist on and trusted writers.';

-- Intelligence and experiments

CREATE OR REPLACE FUNCTION public.record_signal(
  workspace uuid, source public.signal_source, category public.signal_category, title text,
  confidence numeric DEFAULT NULL, relevance numeric DEFAULT NULL, description text DEFAULT NULL,
  data_source text DEFAULT NULL, key_findings text[] DEFAULT NULL, data_points jsonb DEFAULT NULL,
  competitors uuid[] DEFAULT NULL, cohorts uuid[] DEFAULT NULL, campaigns uuid[] DEFAULT NULL,
  signal_date timestamptz DEFAULT NULL, expiry_date timestamptz DEFAULT NULL, agent uuid DEFAULT NULL
) RETURNS public.intelligence_signals
LANGUAGE plpgsql AS $$
DECLARE
  missing text := CASE WHEN source IS NULL THEN 'source' WHEN category IS NULL THEN 'category' END;
  beyond text := CASE
    WHEN confidence NOT BETWEEN 0 AND 100 THEN 'confidence'
    WHEN relevance NOT BETWEEN 0 AND 100 THEN 'relevance'
  END;
  recorded public.intelligence_signals;
BEGIN
  PERFORM gateway.require_writer(workspace, 'Analyst', 'intelligence');
  PERFORM gateway.require_text(title, 'title');
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION '% must not be empty', missing USING ERRCODE = 'invalid_parameter_value', COLUMN = missing;
  ELSIF beyond IS NOT NULL THEN
    RAISE EXCEPTION '% must be from 0 to 100', beyond USING ERRCODE = 'invalid_parameter_value', COLUMN = beyond;
  END IF;
  INSERT INTO public.intelligence_signals AS s (
    workspace_id, source_agent_id, source_type, data_source, signal_title, signal_description, signal_category,
    key_findings, data_points, confidence_score, relevance_score,
    related_competitor_ids, related_cohort_ids, related_campaign_ids, signal_date, expiry_date, created_by)
  VALUES (
    workspace, agent, source, data_source, title, description, category,
    key_findings, data_points, confidence, relevance,
    competitors, cohorts, campaigns, coalesce(signal_date, now()), expiry_date, auth.uid())
  RETURNING s.* INTO recorded;
  RETURN recorded;
END $$;
COMMENT ON FUNCTION public.record_signal IS 'A new signal, detected now; confidence and relevance are 0-100. The agent is the one that asks; trusted writers may name one.';

CREATE OR REPLACE FUNCTION public.acknowledge_signal(signal uuid, notes text DEFAULT NULL) RETURNS public.intelligence_signals
LANGUAGE plpgsql AS $$
DECLARE
  current public.intelligence_signals;
BEGIN
  SELECT s.* INTO current FROM public.intelligence_signals AS s WHERE s.id = signal;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such signal' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_writer(current.workspace_id, 'Analyst', 'intelligence');
  SELECT s.* INTO current FROM public.intelligence_signals AS s WHERE s.id = signal FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such signal' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gateway.require_step('intelligence_signals', 'signal', 'action_status', current.action_status::text, 'acknowledged');
  UPDATE public.intelligence_signals AS s
  SET action_status = 'acknowledged',
      assigned_to_user_id = coalesce(s.assigned_to_user_id, auth.uid()),
      action_notes = coalesce(notes, s.action_notes)
  WHERE s.id = signal
  RETURNING s.* INTO current;
  RETURN current;
END $$;
COMMENT ON FUNCTION public.acknowledge_signal IS 'The signal, acknowledged, and assigned to the person of the request unless it is somebody''s.';

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
COMMENT ON FUNCTION gateway.has_variant IS 'Whether an experiment has this variant: an item by its key, id, name or text, or a key of an object; true where it does not say which it has.';

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

-- Audit log

CREATE TABLE IF NOT EXISTS gateway.audit_log (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  occurred_at timestamptz(3) NOT NULL DEFAULT now(),
  workspace_id uuid,
  reader_id uuid,
  table_name text NOT NULL,
  row_id text NOT NULL,
  operation text NOT NULL,
  actor uuid DEFAULT auth.uid(),
  agent text DEFAULT gateway.current_agent(),
  role text NOT NULL DEFAULT coalesce(nullif(current_setting('role'), 'none'), session_user),
  txid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  before jsonb,
  after jsonb,
  CONSTRAINT audit_log_pkey PRIMARY KEY (id),
  CONSTRAINT audit_log_operation_check CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE'))
);
COMMENT ON TABLE gateway.audit_log IS 'Who changed which row of the 59 tables when, through the API or in SQL: the whole row of an insert or delete, the changed columns (but updated_at) of an update. Append-only; an entry is kept for 365 days, also after its row, its workspace or its author are gone, until gateway.trim_audit_log() is called. Whoever may read the row may read its history. Provider references, phone numbers and prompts are hidden: {"$hidden": true}; a value over 1 kB is shortened: {"$shortened": {"bytes", "start"}}.';
COMMENT ON COLUMN gateway.audit_log.reader_id IS 'The only person who may read the entry, where the row is a person''s; null for the members of the workspace.';
COMMENT ON COLUMN gateway.audit_log.role IS 'The database role that sent the statement.';
COMMENT ON COLUMN gateway.audit_log.txid IS 'Changes of one transaction share it.';
CREATE INDEX IF NOT EXISTS audit_log_workspace_id_table_name_row_id_id_idx ON gateway.audit_log (workspace_id, table_name, row_id, id DESC);
-- For trimming: entries are appended in about this order, so that a few blocks tell where to look.
CREATE INDEX IF NOT EXISTS audit_log_occurred_at_idx ON gateway.audit_log USING brin (occurred_at);

CALL gateway.protect_table('gateway.audit_log',
  may_select => '(' || gateway.member_reads() || ' AND (reader_id IS NULL OR reader_id = (SELECT auth.uid())'
    || ' OR (table_name = ''subscriptions'' AND (SELECT public.has_workspace_role(''Owner'')))))'
    || ' OR (workspace_id IS NULL AND reader_id IS NULL'
    || ' AND ((SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL))'
    || ' OR (workspace_id IS NULL AND (reader_id = (SELECT auth.uid())'
    || ' OR (table_name = ''user_profiles'' AND reader_id IN (SELECT m.user_id FROM public.user_workspaces AS m))))',
  may_insert => 'false', may_update => 'false', may_delete => 'false');
REVOKE INSERT, UPDATE, DELETE ON gateway.audit_log FROM service_role;

CREATE OR REPLACE FUNCTION gateway.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' OR current_setting('gateway.trims_audit_log', true) IS DISTINCT FROM 'yes' THEN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege',
      HINT = 'gateway.trim_audit_log() deletes what is past its time.';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.refuse_audit_change IS 'Trigger of audit_log: nobody changes it, its owner included, nor deletes from it but trim_audit_log().';
CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON gateway.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION gateway.refuse_audit_change();

-- SECURITY DEFINER: nobody may delete from the log otherwise.
CREATE OR REPLACE FUNCTION gateway.trim_audit_log(keep interval DEFAULT '365 days') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  trimmed bigint;
BEGIN
  IF (keep >= '0') IS NOT TRUE THEN
    RAISE EXCEPTION 'keep must be 0 or longer' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'keep';
  END IF;
  PERFORM set_config('gateway.trims_audit_log', 'yes', true);
  DELETE FROM gateway.audit_log WHERE occurred_at < now() - keep;
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  PERFORM set_config('gateway.trims_audit_log', '', true);
  RETURN trimmed;
END $$;
COMMENT ON FUNCTION gateway.trim_audit_log IS 'How many entries older than this were deleted. For trusted writers.';

-- In PL/pgSQL for speed: its plans are kept, those of an SQL function with a subquery are made again
-- for each statement.
CREATE OR REPLACE FUNCTION gateway.shorten_row(r jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  secrets CONSTANT text[] := '{mobile_number,stripe_customer_id,stripe_subscription_id,upi_transaction_ref,transaction_id,payment_id,system_prompt}';
BEGIN
  IF pg_column_size(r) <= 1024 AND NOT r ?| secrets THEN
    RETURN r;
  END IF;
  RETURN (
    SELECT jsonb_object_agg(key, CASE
      WHEN value = 'null' THEN value
      WHEN key = ANY (secrets) THEN '{"$hidden": true}'
      WHEN pg_column_size(value) > 1024 THEN jsonb_build_object('$shortened',
        jsonb_build_object('bytes', octet_length(value #>> '{}'), 'start', left(value #>> '{}', 100)))
      ELSE value
    END)
    FROM jsonb_each(r));
END $$;
COMMENT ON FUNCTION gateway.shorten_row IS 'Columns as the audit log keeps them: secrets hidden, large values shortened.';

CREATE OR REPLACE FUNCTION gateway.audit_reader(table_name text, r jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE
    WHEN table_name = 'user_profiles' THEN r ->> 'id'
    WHEN table_name IN ('onboarding_responses', 'subscriptions', 'user_notifications') THEN r ->> 'user_id'
    WHEN table_name = 'user_achievements' AND r ->> 'visibility' <> 'public' THEN r ->> 'user_id'
  END)::uuid
$$;
COMMENT ON FUNCTION gateway.audit_reader IS 'The person that a row is for, null for rows of all members.';

-- SECURITY DEFINER: nobody may write to the log otherwise. One statement a statement, whatever the
-- number of rows.
CREATE OR REPLACE FUNCTION gateway.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  workspace_key text := CASE TG_TABLE_NAME WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END;
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO gateway.audit_log (workspace_id, reader_id, table_name, row_id, operation, after)
    SELECT (r ->> workspace_key)::uuid, gateway.audit_reader(TG_TABLE_NAME, r), TG_TABLE_NAME, r ->> 'id', 'INSERT', gateway.shorten_row(r)
    FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n OFFSET 0) AS rows;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO gateway.audit_log (workspace_id, reader_id, table_name, row_id, operation, before)
    SELECT (r ->> workspace_key)::uuid, gateway.audit_reader(TG_TABLE_NAME, r), TG_TABLE_NAME, r ->> 'id', 'DELETE', gateway.shorten_row(r)
    FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o OFFSET 0) AS rows;
  ELSE
    -- A row that moves to another workspace, or gets another id, leaves there and arrives here.
    WITH o AS MATERIALIZED (SELECT to_jsonb(t) AS r FROM old_rows AS t),
         n AS MATERIALIZED (SELECT to_jsonb(t) AS r FROM new_rows AS t)
    INSERT INTO gateway.audit_log (workspace_id, reader_id, table_name, row_id, operation, before, after)
    SELECT (coalesce(n.r, o.r) ->> workspace_key)::uuid,
           coalesce(gateway.audit_reader(TG_TABLE_NAME, n.r), gateway.audit_reader(TG_TABLE_NAME, o.r)),
           TG_TABLE_NAME, coalesce(n.r, o.r) ->> 'id',
           CASE WHEN n.r IS NULL THEN 'DELETE' WHEN o.r IS NULL THEN 'INSERT' ELSE 'UPDATE' END,
           CASE WHEN n.r IS NULL THEN gateway.shorten_row(o.r) ELSE gateway.shorten_row(changed.before) END,
           CASE WHEN o.r IS NULL THEN gateway.shorten_row(n.r) ELSE gateway.shorten_row(changed.after) END
    FROM o
    FULL JOIN n ON n.r ->> 'id' = o.r ->> 'id' AND coalesce(n.r ->> workspace_key, '') = coalesce(o.r ->> workspace_key, '')
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(key, o.r -> key) AS before, jsonb_object_agg(key, value) AS after
      FROM jsonb_each(n.r)
      WHERE o.r IS NOT NULL AND value <> o.r -> key AND key <> 'updated_at'
    ) AS changed
    WHERE n.r IS NULL OR o.r IS NULL OR changed.after IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.audit IS 'Triggers of the 59 tables: who changed which rows, into the audit log.';

REVOKE EXECUTE ON FUNCTION gateway.audit, gateway.trim_audit_log FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.trim_audit_log TO service_role;

CREATE OR REPLACE PROCEDURE gateway.audit_table(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON %s'
    ' REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON %s'
    ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON %s'
    ' REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
END $$;
REVOKE EXECUTE ON PROCEDURE gateway.audit_table FROM PUBLIC;

DO $$
DECLARE
  target regclass;
BEGIN
  FOR target IN
    SELECT polrelid FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
    WHERE relnamespace = 'public'::regnamespace AND polname = 'authenticated_select'
    ORDER BY relname
  LOOP
    CALL gateway.audit_table(target);
  END LOOP;
END $$;

-- Idempotent requests

CREATE TABLE IF NOT EXISTS gateway.idempotency_key (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  person uuid DEFAULT auth.uid(),
  agent text DEFAULT gateway.current_agent(),
  workspace_id uuid DEFAULT public.current_workspace_id(),
  key text NOT NULL,
  request_hash bytea NOT NULL,
  outcome jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_key_pkey PRIMARY KEY (id),
  CONSTRAINT idempotency_key_caller_key UNIQUE NULLS NOT DISTINCT (person, agent, key),
  CONSTRAINT idempotency_key_caller_check CHECK (num_nonnulls(person, agent) = 1),
  CONSTRAINT idempotency_key_key_check CHECK (length(key) BETWEEN 1 AND 255),
  CONSTRAINT idempotency_key_request_hash_check CHECK (octet_length(request_hash) BETWEEN 16 AND 64)
);
COMMENT ON TABLE gateway.idempotency_key IS 'What was answered to a caller''s request with this key, for 24 hours; the outcome is written in the transaction of the request''s own changes.';
CREATE INDEX IF NOT EXISTS idempotency_key_created_at_idx ON gateway.idempotency_key (created_at);

DO $$
DECLARE
  own text := 'person = (SELECT auth.uid()) AND agent IS NULL OR agent = (SELECT gateway.current_agent()) AND person IS NULL';
BEGIN
  CALL gateway.protect_table('gateway.idempotency_key', own, own, own, 'false');
END $$;
REVOKE UPDATE ON gateway.idempotency_key FROM authenticated;
GRANT UPDATE (workspace_id, request_hash, outcome, created_at) ON gateway.idempotency_key TO authenticated;

CREATE OR REPLACE FUNCTION gateway.claim_idempotency_key(
  key text, request_hash bytea, OUT claimed boolean, OUT same_request boolean, OUT outcome jsonb
)
LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    -- Waits for a first request that is still running: if that one is rolled back, this is the first.
    INSERT INTO gateway.idempotency_key AS k (key, request_hash) VALUES ($1, $2)
    ON CONFLICT ON CONSTRAINT idempotency_key_caller_key DO UPDATE
    SET request_hash = EXCLUDED.request_hash, workspace_id = EXCLUDED.workspace_id, outcome = NULL, created_at = EXCLUDED.created_at
    WHERE k.created_at <= now() - interval '24 hours';
    claimed := FOUND;
    same_request := true;
    IF claimed THEN
      RETURN;
    END IF;
    SELECT k.request_hash = $2, k.outcome INTO same_request, outcome
    FROM gateway.idempotency_key AS k
    WHERE k.key = $1 AND k.person IS NOT DISTINCT FROM auth.uid() AND k.agent IS NOT DISTINCT FROM gateway.current_agent();
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION gateway.claim_idempotency_key IS 'Claimed: the caller has the key and is to write the outcome before it commits. Otherwise the outcome of the first request, and whether this one is the same.';

-- SECURITY DEFINER: nobody deletes keys otherwise. Whoever calls it only tidies up: a key stays for
-- at least its 24 hours.
CREATE OR REPLACE FUNCTION gateway.trim_idempotency_keys(keep interval DEFAULT '24 hours') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  trimmed bigint;
BEGIN
  DELETE FROM gateway.idempotency_key WHERE created_at < now() - greatest(keep, interval '24 hours');
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  RETURN trimmed;
END $$;
COMMENT ON FUNCTION gateway.trim_idempotency_keys IS 'How many keys older than this, and than 24 hours, were deleted.';
REVOKE EXECUTE ON FUNCTION gateway.trim_idempotency_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.trim_idempotency_keys TO authenticated, service_role;
