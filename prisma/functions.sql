-- Every function and procedure that the migrations make, as Postgres has it in the end, each with its
-- migration and with who may call it. To change one, change its migration, then: npm run db:functions

-- 014_gamification; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.achievement_threshold(condition jsonb)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE
    WHEN jsonb_typeof(condition) = 'number' THEN (condition #>> '{}')::numeric
    WHEN jsonb_typeof(condition -> 'threshold') = 'number' THEN (condition ->> 'threshold')::numeric
  END
$function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.agent_has_scope(domain text, action text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(gateway.current_claims() -> 'scopes' ?| ARRAY[domain || ':' || action, '*:' || action], false)
$function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.agent_is_retired()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  RETURN EXISTS (SELECT FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND NOT is_active);
END $function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.agent_may_act(agent_name text, workspace uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM public.agent_registry AS r
    JOIN public.agent_assignments AS a ON a.agent_id = r.id
    WHERE r.agent_name = agent_may_act.agent_name AND r.is_active
      AND a.workspace_id = workspace AND a.assignment_status = 'active');
END $function$;

-- 015_agent_registry; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.agent_prompts(agents uuid[])
 RETURNS TABLE(id uuid, model_config jsonb, system_prompt text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF gateway.reads_prompts() THEN
    RETURN QUERY SELECT a.id, a.model_config, a.system_prompt FROM public.agent_registry AS a WHERE a.id = ANY (agents);
  END IF;
END $function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.agent_workspaces()
 RETURNS TABLE(workspace_id uuid, assigned_date timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT a.workspace_id, min(a.assigned_date)
  FROM public.agent_assignments AS a
  WHERE a.agent_id = gateway.current_agent_id() AND a.assignment_status = 'active'
  GROUP BY a.workspace_id
  ORDER BY 2, 1
$function$;

-- 004_audit_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.audit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
    -- A row that moves to another workspace, or gets another id, is deleted there and inserted here.
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
END $function$;

-- 004_audit_log; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.audit_reader(table_name text, r jsonb)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT (CASE
    WHEN table_name = 'user_profiles' THEN r ->> 'id'
    WHEN table_name IN ('onboarding_responses', 'subscriptions', 'user_notifications') THEN r ->> 'user_id'
    WHEN table_name = 'user_achievements' AND r ->> 'visibility' <> 'public' THEN r ->> 'user_id'
    -- One of a trusted writer is nobody's: no person has its id.
    WHEN table_name = 'invitation' THEN coalesce(r ->> 'invited_by', r ->> 'id')
  END)::uuid
$function$;

-- 004_audit_log; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.audit_table(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON %s'
    ' REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON %s'
    ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
  EXECUTE format('CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON %s'
    ' REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.audit()', target);
END $procedure$;

-- 015_agent_registry; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.bucket_seconds(bucket smallint)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT round((0.001 * 0.99 * power(1.01 / 0.99::double precision, bucket))::numeric, 6)
$function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.bypasses_policies()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles
  WHERE rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
$function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.change_alert_status(alert uuid, to_status public.alert_status, person uuid, action text)
 RETURNS public.system_alerts
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.change_readers(table_name text, r jsonb)
 RETURNS TABLE(workspace_id uuid, reader_id uuid)
 LANGUAGE plpgsql
 STABLE ROWS 1
AS $function$
BEGIN
  CASE table_name
    WHEN 'workspaces' THEN
      RETURN QUERY SELECT (r ->> 'id')::uuid, NULL::uuid;
    WHEN 'user_profiles' THEN
      -- Colleagues see the profile in each workspace that they share with the person.
      RETURN QUERY SELECT m.workspace_id, NULL::uuid FROM public.user_workspaces AS m WHERE m.user_id = (r ->> 'id')::uuid;
      IF NOT FOUND THEN
        RETURN QUERY SELECT NULL::uuid, (r ->> 'id')::uuid;
      END IF;
    ELSE
      RETURN QUERY SELECT (r ->> 'workspace_id')::uuid, gateway.audit_reader(table_name, r);
  END CASE;
END $function$;

-- 005_change_log; may be called by authenticated, codex_gateway
CREATE OR REPLACE FUNCTION gateway.change_snapshot()
 RETURNS pg_snapshot
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
DECLARE
  now_ pg_snapshot := pg_current_snapshot();
  xmax_ bigint := pg_snapshot_xmax(now_)::text::bigint;
  newest xid8;
  part record;
BEGIN
  FOR part IN SELECT t.* FROM gateway.transactions_between('1:1:', now_) AS t ORDER BY t.first DESC LOOP
    SELECT c.xid INTO newest FROM gateway.change AS c WHERE c.xid >= part.first AND c.xid < part.beyond ORDER BY c.xid DESC LIMIT 1;
    EXIT WHEN FOUND;
  END LOOP;
  xmax_ := least(xmax_, greatest(newest, (SELECT trimmed_xid FROM gateway.change_log))::text::bigint + 1);
  RETURN format('%s:%s:%s', least(pg_snapshot_xmin(now_)::text::bigint, xmax_), xmax_,
    (SELECT string_agg(x::text, ',' ORDER BY x) FROM pg_snapshot_xip(now_) AS x WHERE x::text::bigint < xmax_))::pg_snapshot;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.changed_columns(before jsonb, after jsonb)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
BEGIN
  RETURN ARRAY(SELECT key FROM jsonb_each(after) WHERE value <> before -> key AND key <> 'updated_at');
END $function$;

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.changes_after(seen pg_snapshot, page_size integer)
 RETURNS TABLE(snapshot text, awake boolean, more boolean, changes jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  until pg_snapshot := gateway.change_snapshot();
BEGIN
  snapshot := until::text;
  awake := (SELECT last_value FROM gateway.readers_awake_until) > date_part('epoch', clock_timestamp()) * 1000;
  more := false;
  changes := '[]';
  IF snapshot <> seen::text THEN
    SELECT b.more, b.changes INTO more, changes FROM gateway.changes_between(seen, until, 0, page_size) AS b;
  END IF;
  PERFORM gateway.expect_readers();
  RETURN NEXT;
END $function$;

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.changes_between(seen pg_snapshot, until pg_snapshot, after_seq bigint, page_size integer, tables text[] DEFAULT NULL::text[], workspace uuid DEFAULT NULL::uuid, person uuid DEFAULT NULL::uuid)
 RETURNS TABLE(more boolean, changes jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
DECLARE
  page jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_array(c.seq, c.table_name, c.row_id, c.operation, c.workspace_id, c.reader_id,
      c.changed_columns, (extract(epoch FROM c.occurred_at) * 1000)::bigint) ORDER BY c.seq), '[]')
  INTO page
  FROM (
    SELECT c.*
    FROM gateway.transactions_between(seen, until) AS t
    CROSS JOIN LATERAL (
      SELECT c.* FROM gateway.change AS c
      WHERE c.xid >= t.first AND c.xid < t.beyond AND c.seq > after_seq
      -- Keeps the range a condition of the index: as a join it may be a filter on the whole log.
      OFFSET 0
    ) AS c
    WHERE tables IS NULL OR c.table_name = ANY (tables)
      AND (c.workspace_id IS NULL OR c.workspace_id = workspace)
      AND (c.reader_id IS NULL OR c.reader_id = person)
    ORDER BY c.seq LIMIT page_size + 1
  ) AS c;
  RETURN QUERY SELECT jsonb_array_length(page) > page_size,
    CASE WHEN jsonb_array_length(page) > page_size THEN page - page_size ELSE page END;
END $function$;

-- 013_positioning_and_campaigns; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.check_activation()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 008_strategy_and_cohorts; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.check_cohorts_limit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 010_moves; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.check_moves_limit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.check_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.check_violations(target regclass, checks jsonb)
 RETURNS TABLE(name text, violations bigint, row_ids text[])
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT c.name, count(*), (array_agg(coalesce(to_jsonb(t) ->> ''id'', t.ctid::text)))[1:10]'
    ' FROM %s AS t CROSS JOIN LATERAL (VALUES %s) AS c(name, holds) WHERE c.holds IS FALSE GROUP BY c.name ORDER BY c.name',
    target, (SELECT string_agg(format('(%L, (%s))', key, value), ', ') FROM jsonb_each_text(checks)));
END $function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.claim_idempotent_request(key text, request_hash bytea, names_workspace boolean DEFAULT true, OUT claimed boolean, OUT same_request boolean, OUT too_many boolean, OUT outcome jsonb)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
BEGIN
  LOOP
    -- Waits for a first request that is still running: if that one is rolled back, this is the first.
    INSERT INTO gateway.idempotency_key AS k (key, request_hash) VALUES ($1, $2)
    ON CONFLICT ON CONSTRAINT idempotency_key_caller_key DO UPDATE
    SET request_hash = EXCLUDED.request_hash, workspace_id = EXCLUDED.workspace_id, outcome = NULL, created_at = EXCLUDED.created_at
    WHERE k.created_at <= now() - interval '24 hours';
    claimed := FOUND;
    same_request := true;
    too_many := false;
    IF claimed THEN
      too_many := NOT gateway.make_room_for_idempotency_key();
      RETURN;
    END IF;
    -- A request that names no workspace is in another one after it has created one, or been added
    -- to one. It is the same as before unless it is in a workspace that it was not in then.
    SELECT k.request_hash = $2 AND (
        k.workspace_id IS NOT DISTINCT FROM public.current_workspace_id()
        OR NOT names_workspace AND (
          k.workspace_id IS NULL
          OR public.current_workspace_id() IS NULL AND public.is_workspace_member(k.workspace_id))
      ), k.outcome
    INTO same_request, outcome
    FROM gateway.idempotency_key AS k
    WHERE k.key = $1 AND k.person IS NOT DISTINCT FROM auth.uid() AND k.agent IS NOT DISTINCT FROM gateway.current_agent();
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
END $function$;

-- 018_invitations; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.confirmed_address(person auth.users)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  SELECT CASE WHEN to_jsonb(person) -> 'email_confirmed_at' = 'null' THEN NULL ELSE lower(person.email) END
$function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.current_agent()
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$ SELECT nullif(gateway.current_claims() ->> 'agent', '') $function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.current_agent_id()
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT id FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND is_active
$function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.current_claims()
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.domain_writes(writer public.member_role, domain text)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.may_write(%L, %L))', writer, domain)
$function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.ensure_checks(IN target regclass, IN checks jsonb)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  missing text := (
    SELECT string_agg(format('ADD CONSTRAINT %I CHECK (%s) NOT VALID', key, value), ', ')
    FROM jsonb_each_text(checks)
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND conname = key));
  is_forced boolean := (SELECT relforcerowsecurity FROM pg_class WHERE oid = target);
  unproven jsonb;
  found record;
BEGIN
  IF missing IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', target, missing);
  END IF;
  SELECT jsonb_object_agg(conname, checks -> conname::text) INTO unproven
  FROM pg_constraint WHERE conrelid = target AND checks ? conname AND NOT convalidated;
  IF unproven IS NULL THEN
    RETURN;
  END IF;
  -- The owner must see all rows, also where it does not bypass policies.
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', target);
  END IF;
  FOR found IN SELECT * FROM gateway.check_violations(target, unproven) LOOP
    RAISE WARNING '%: % row(s) violate %: % (%)', target, found.violations, found.name, unproven ->> found.name,
      array_to_string(found.row_ids, ', ') || CASE WHEN found.violations > 10 THEN ', ...' ELSE '' END
      USING HINT = format('Correct them, then: ALTER TABLE %s VALIDATE CONSTRAINT %I', target, found.name);
    unproven := unproven - found.name;
  END LOOP;
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  END IF;
  IF unproven <> '{}' THEN
    EXECUTE format('ALTER TABLE %s %s', target,
      (SELECT string_agg(format('VALIDATE CONSTRAINT %I', key), ', ') FROM jsonb_object_keys(unproven) AS key));
  END IF;
END $procedure$;

-- 000_roles_and_identity; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.ensure_enum(IN name text, IN labels text[])
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  IF to_regtype('public.' || quote_ident(name)) IS NULL THEN
    EXECUTE format('CREATE TYPE public.%I AS ENUM (%s)', name,
      (SELECT string_agg(quote_literal(label), ', ' ORDER BY n) FROM unnest(labels) WITH ORDINALITY AS l(label, n)));
  END IF;
END $procedure$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.ensure_policy(IN target regclass, IN operation text, IN expression text)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  policy_name text := 'authenticated_' || operation;
  clauses text := CASE operation
    WHEN 'insert' THEN format('WITH CHECK (%s)', expression)
    WHEN 'update' THEN format('USING (%1$s) WITH CHECK (%1$s)', expression)
    ELSE format('USING (%s)', expression)
  END;
BEGIN
  IF EXISTS (SELECT FROM pg_policy WHERE polrelid = target AND polname = policy_name) THEN
    EXECUTE format('ALTER POLICY %I ON %s TO authenticated %s', policy_name, target, clauses);
  ELSE
    EXECUTE format('CREATE POLICY %I ON %s FOR %s TO authenticated %s', policy_name, target, operation, clauses);
  END IF;
END $procedure$;

-- 015_agent_registry; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.execution_bucket(seconds numeric)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE
    WHEN seconds <= 0.001 THEN 0
    ELSE least(ceil(ln(seconds::double precision / 0.001) / ln(1.01 / 0.99::double precision)), 914)
  END::smallint
$function$;

-- 015_agent_registry; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.execution_percentiles(performance_ids uuid[])
 RETURNS TABLE(executions bigint, p50 numeric, p95 numeric, p99 numeric)
 LANGUAGE sql
 STABLE
AS $function$
  WITH cumulative AS (
    SELECT bucket, sum(sum(b.executions)) OVER (ORDER BY bucket) AS up_to, sum(sum(b.executions)) OVER () AS total
    FROM gateway.agent_execution_buckets AS b
    WHERE performance_id = ANY (performance_ids)
    GROUP BY bucket
  )
  SELECT coalesce(max(total), 0)::bigint,
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.50 * total)),
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.95 * total)),
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.99 * total))
  FROM cumulative
$function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.expect_readers()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
BEGIN
  -- Rarely, since setting a sequence writes to disk.
  IF (SELECT last_value FROM gateway.readers_listen_until) < now_ + 5000 THEN
    PERFORM setval('gateway.readers_listen_until', now_ + 10000);
  END IF;
END $function$;

-- 004_audit_log; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.expire_audit_log()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT gateway.trim_audit_log()
$function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.expire_invitations(page_size integer DEFAULT 1000)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  expired bigint;
  deleted bigint;
BEGIN
  -- Replicas do this at about the same time: each takes rows that no other has.
  UPDATE gateway.invitation SET status = 'expired' WHERE id IN (
    SELECT i.id FROM gateway.invitation AS i WHERE i.status = 'pending' AND i.expires_at <= now()
    ORDER BY i.expires_at LIMIT page_size FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS expired = ROW_COUNT;
  DELETE FROM gateway.invitation WHERE id IN (
    SELECT i.id FROM gateway.invitation AS i WHERE i.status <> 'pending' AND i.updated_at < now() - interval '30 days'
    ORDER BY i.updated_at LIMIT page_size FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN expired + deleted;
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.finite_checks(target regclass)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(jsonb_object_agg(left(relname || '_' || attname, 56) || '_finite',
    CASE WHEN typcategory = 'A'
      THEN format('%2$L::%1$s %3$s ALL (%6$I) AND %4$L::%1$s %5$s ALL (%6$I)',
        type, low, translate(above, '<>', '><'), high, translate(below, '<>', '><'), attname)
      ELSE format('%1$I %2$s %3$L AND %1$I %4$s %5$L', attname, above, low, below, high)
    END), '{}')
  FROM pg_attribute
  JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_type ON pg_type.oid = atttypid
  JOIN (VALUES
    ('date'::regtype, '>=', '0001-01-01', '<=', '9999-12-31'),
    ('timestamp', '>=', '0001-01-01 00:00:00', '<', '10000-01-01 00:00:00'),
    ('timestamptz', '>=', '0001-01-01 00:00:00+00', '<', '10000-01-01 00:00:00+00'),
    ('real', '>', '-Infinity', '<', 'Infinity'),
    ('double precision', '>', '-Infinity', '<', 'Infinity'),
    ('numeric', '>', '-Infinity', '<', 'Infinity')
  ) AS bounds(type, above, low, below, high) ON type = CASE typcategory WHEN 'A' THEN typelem ELSE atttypid END
  WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
$function$;

-- 006_writes; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.guard_status(IN target regclass, IN noun text, IN first_status text, IN steps jsonb, IN status_column text DEFAULT 'status'::text)
 LANGUAGE plpgsql
AS $procedure$
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
END $procedure$;

-- 012_experiments_and_content; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.has_variant(variants jsonb, variant text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE jsonb_typeof(variants)
    WHEN 'array' THEN EXISTS (
      SELECT FROM jsonb_array_elements(variants) AS v
      WHERE variant IN (v ->> 'key', v ->> 'id', v ->> 'name') OR (jsonb_typeof(v) = 'string' AND variant = v #>> '{}'))
    WHEN 'object' THEN variants ? variant
    ELSE true
  END
$function$;

-- 018_invitations; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.invitation_readers(invitation gateway.invitation)
 RETURNS TABLE(workspace_id uuid, reader_id uuid)
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN QUERY
    SELECT NULL::uuid, u.id FROM auth.users AS u
    WHERE lower(u.email) = invitation.email AND gateway.confirmed_address(u) IS NOT NULL
    UNION
    SELECT m.workspace_id, m.user_id FROM public.user_workspaces AS m
    WHERE m.workspace_id = invitation.workspace_id AND m.role = 'Owner';
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.is_audience()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ SELECT coalesce(gateway.current_claims() ->> 'audience' <> '' AND NOT gateway.current_claims() ?| '{sub,agent}', false) $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.is_current_member()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(current_setting('gateway.member_statement', true) = gateway.statement_key(), false)
    OR gateway.look_up_membership()
$function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.is_owner()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN public.has_workspace_role('Owner')
    OR (gateway.is_audience() AND gateway.current_claims() ->> 'audience' = 'Owner' AND public.current_workspace_id() IS NOT NULL);
END $function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.jsonb_patch(target jsonb, operations jsonb, column_name text DEFAULT NULL::text)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
DECLARE
  operation jsonb;
  path text[];
  removes boolean;
  parent jsonb;
  problem text;
BEGIN
  <<each_operation>>
  FOR operation IN SELECT o.value FROM jsonb_array_elements(operations) WITH ORDINALITY AS o ORDER BY o.ordinality LOOP
    path := ARRAY(SELECT p.value FROM jsonb_array_elements_text(operation -> 'path') WITH ORDINALITY AS p ORDER BY p.ordinality);
    removes := coalesce((operation ->> 'remove')::boolean, false);
    FOR i IN 1 .. cardinality(path) LOOP
      parent := target #> path[1 : i - 1];
      CASE coalesce(jsonb_typeof(parent), 'null')
        WHEN 'object' THEN
          CONTINUE;
        WHEN 'null' THEN
          CONTINUE each_operation WHEN removes;
          target := CASE i WHEN 1 THEN '{}' ELSE jsonb_set(target, path[1 : i - 1], '{}') END;
        WHEN 'array' THEN
          -- The length itself is the position of a new item.
          CONTINUE WHEN path[i] ~ '^(0|[1-9][0-9]{0,8})$' AND path[i]::integer <= jsonb_array_length(parent);
          CONTINUE each_operation WHEN removes;
          problem := format('there is no position "%s" in the array', path[i]);
        ELSE
          CONTINUE each_operation WHEN removes;
          problem := format('there is nothing to hold "%s"', path[i]);
      END CASE;
      IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%, at the path %', problem, array_to_string(path, '.')
          USING ERRCODE = 'invalid_parameter_value', COLUMN = coalesce(column_name, '');
      END IF;
    END LOOP;
    target := CASE WHEN removes THEN target #- path ELSE jsonb_set(target, path, operation -> 'set') END;
  END LOOP;
  RETURN target;
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.keep_first_reading()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.read_at := CASE
    WHEN NOT NEW.is_read THEN NULL
    WHEN TG_OP = 'UPDATE' THEN coalesce(OLD.read_at, NEW.read_at, now())
    ELSE coalesce(NEW.read_at, now())
  END;
  RETURN NEW;
END $function$;

-- 003_workspaces; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.keep_last_owner()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.keep_readers_awake(milliseconds integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
BEGIN
  -- Readers that sleep would wait for a writer that no longer wakes them.
  IF (SELECT last_value FROM gateway.readers_awake_until) <= now_ THEN
    NOTIFY gateway_change;
  END IF;
  PERFORM setval('gateway.readers_awake_until', now_ + least(greatest(milliseconds, 0), 1000));
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.likeness(one text, other text)
 RETURNS real
 LANGUAGE sql
 IMMUTABLE
RETURN gateway.similarity(one, other);

-- 014_gamification; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.lock_user_stats(person uuid, workspace uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO public.user_stats (workspace_id, user_id) VALUES (workspace, person) ON CONFLICT DO NOTHING;
  PERFORM FROM public.user_stats WHERE workspace_id = workspace AND user_id = person FOR UPDATE;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.log_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT n.workspace_id, TG_TABLE_NAME, n.id, TG_OP FROM new_rows AS n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT o.workspace_id, TG_TABLE_NAME, o.id, TG_OP FROM old_rows AS o;
  ELSE
    -- A row that moves to another workspace, or gets another id, is deleted there and inserted here.
    -- Not compared as JSON, in which SQL's null and JSON's null are the same.
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation, changed_columns)
    SELECT CASE WHEN n.id IS NULL THEN o.workspace_id ELSE n.workspace_id END,
           TG_TABLE_NAME, coalesce(n.id, o.id),
           CASE WHEN n.id IS NULL THEN 'DELETE' WHEN o.id IS NULL THEN 'INSERT' ELSE 'UPDATE' END,
           CASE WHEN n.id IS NULL OR o.id IS NULL THEN '{}' ELSE gateway.changed_columns(to_jsonb(o), to_jsonb(n)) END
    FROM old_rows AS o
    FULL JOIN new_rows AS n ON n.id = o.id AND n.workspace_id IS NOT DISTINCT FROM o.workspace_id
    WHERE n IS DISTINCT FROM o;
  END IF;
  IF FOUND THEN
    PERFORM gateway.wake_readers();
  END IF;
  RETURN NULL;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.log_colleagues()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT n.workspace_id, 'user_profiles', n.user_id, TG_OP FROM new_rows AS n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT o.workspace_id, 'user_profiles', o.user_id, TG_OP FROM old_rows AS o;
  ELSE
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT workspace_id, 'user_profiles', user_id, 'DELETE'
    FROM (SELECT workspace_id, user_id FROM old_rows EXCEPT SELECT workspace_id, user_id FROM new_rows) AS gone
    UNION ALL
    SELECT workspace_id, 'user_profiles', user_id, 'INSERT'
    FROM (SELECT workspace_id, user_id FROM new_rows EXCEPT SELECT workspace_id, user_id FROM old_rows) AS come;
  END IF;
  RETURN NULL;
END $function$;

-- 018_invitations; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.log_invitation()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation, changed_columns)
  SELECT recipient.workspace_id, recipient.reader_id, TG_TABLE_NAME, coalesce(NEW.id, OLD.id), TG_OP,
         CASE TG_OP WHEN 'UPDATE' THEN gateway.changed_columns(to_jsonb(OLD), to_jsonb(NEW)) ELSE '{}' END
  FROM (
    SELECT r.* FROM gateway.invitation_readers(OLD) AS r WHERE TG_OP <> 'INSERT'
    UNION
    SELECT r.* FROM gateway.invitation_readers(NEW) AS r WHERE TG_OP <> 'DELETE'
  ) AS recipient;
  PERFORM gateway.wake_readers();
  RETURN NULL;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.log_partial_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)
    SELECT recipient.workspace_id, recipient.reader_id, TG_TABLE_NAME, n.id, TG_OP
    FROM new_rows AS n, gateway.change_readers(TG_TABLE_NAME, to_jsonb(n)) AS recipient;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)
    SELECT recipient.workspace_id, recipient.reader_id, TG_TABLE_NAME, o.id, TG_OP
    FROM old_rows AS o, gateway.change_readers(TG_TABLE_NAME, to_jsonb(o)) AS recipient;
  ELSE
    -- As in log_change, and from person to person. A row that all members see before or after is
    -- delivered to all of them: those who no longer see it find that out when they read it.
    WITH o AS MATERIALIZED (
      SELECT t AS state, t.id, recipient.workspace_id, recipient.reader_id
      FROM old_rows AS t, gateway.change_readers(TG_TABLE_NAME, to_jsonb(t)) AS recipient
    ), n AS MATERIALIZED (
      SELECT t AS state, t.id, recipient.workspace_id, recipient.reader_id
      FROM new_rows AS t, gateway.change_readers(TG_TABLE_NAME, to_jsonb(t)) AS recipient
    )
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation, changed_columns)
    SELECT CASE WHEN n.id IS NULL THEN o.workspace_id ELSE n.workspace_id END,
           CASE WHEN n.id IS NULL THEN o.reader_id WHEN o.id IS NULL OR o.reader_id IS NOT NULL THEN n.reader_id END,
           TG_TABLE_NAME, coalesce(n.id, o.id),
           CASE WHEN n.id IS NULL THEN 'DELETE' WHEN o.id IS NULL THEN 'INSERT' ELSE 'UPDATE' END,
           CASE WHEN n.id IS NULL OR o.id IS NULL THEN '{}' ELSE gateway.changed_columns(to_jsonb(o.state), to_jsonb(n.state)) END
    FROM o
    FULL JOIN n ON n.id = o.id AND n.workspace_id IS NOT DISTINCT FROM o.workspace_id AND coalesce(n.reader_id = o.reader_id, true)
    WHERE n.state IS DISTINCT FROM o.state;
  END IF;
  IF FOUND THEN
    PERFORM gateway.wake_readers();
  END IF;
  RETURN NULL;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.log_table(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  name text := (SELECT relname FROM pg_catalog.pg_class WHERE oid = target);
  is_partial boolean := name IN ('onboarding_responses', 'subscriptions', 'user_notifications', 'user_achievements')
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = 'workspace_id' AND NOT attisdropped);
  log_function text := CASE WHEN is_partial THEN 'log_partial_change' ELSE 'log_change' END;
  operation text;
  event text;
  called text;
BEGIN
  FOR operation, event, called IN VALUES
    ('insert', 'AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows', log_function),
    ('update', 'AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', log_function),
    ('delete', 'AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows', log_function),
    ('truncate', 'BEFORE TRUNCATE ON %s', 'log_truncation')
  LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER log_%s ' || event || ' FOR EACH STATEMENT EXECUTE FUNCTION gateway.%I()', operation, target, called);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_%s', target, operation);
  END LOOP;
END $procedure$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.log_truncation()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  EXECUTE format('INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)'
    ' SELECT recipient.workspace_id, recipient.reader_id, %1$L, t.id, ''DELETE'''
    ' FROM %2$s AS t, gateway.change_readers(%1$L, to_jsonb(t)) AS recipient', TG_TABLE_NAME, TG_RELID::regclass);
  PERFORM gateway.wake_readers();
  RETURN NULL;
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.look_up_membership()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  IF public.is_workspace_member(public.current_workspace_id()) IS NOT TRUE THEN
    RETURN false;
  END IF;
  PERFORM set_config('gateway.member_statement', gateway.statement_key(), true);
  RETURN true;
END $function$;

-- 006_writes; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.make_room_for_idempotency_key(max_keys integer DEFAULT 10000, max_bytes bigint DEFAULT 100000000)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  -- Once, and not for every key: they are read from the claims.
  own_person uuid := auth.uid();
  own_agent text := gateway.current_agent();
  keys bigint;
  bytes bigint;
BEGIN
  LOOP
    SELECT count(*), coalesce(sum(k.size), 0) INTO keys, bytes
    FROM gateway.idempotency_key AS k
    WHERE k.person = own_person AND k.agent IS NULL OR k.agent = own_agent AND k.person IS NULL;
    IF keys <= max_keys AND bytes <= max_bytes THEN
      RETURN true;
    END IF;
    -- Many at a time, so that this is rarely needed. Another request may be deleting the same ones.
    DELETE FROM gateway.idempotency_key WHERE id IN (
      SELECT k.id FROM gateway.idempotency_key AS k
      WHERE (k.person = own_person AND k.agent IS NULL OR k.agent = own_agent AND k.person IS NULL)
        AND k.created_at < now() - interval '1 hour'
      ORDER BY k.created_at LIMIT 1000
      FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END LOOP;
END $function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.may_write(minimum public.member_role, domain text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false);
  END IF;
  RETURN gateway.agent_has_scope(domain, 'write')
    AND gateway.agent_may_act(gateway.current_agent(), public.current_workspace_id());
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.may_write_shared()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT gateway.current_agent() IS NOT NULL
    AND coalesce(gateway.current_claims() -> 'scopes' ? 'global:write', false)
    AND NOT gateway.agent_is_retired()
$function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.member_reads()
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT 'workspace_id = (SELECT public.current_workspace_id())'
      || ' AND (SELECT gateway.is_current_member())'
$function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.member_writes(writer public.member_role)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(%L))', writer)
$function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.next_statuses(table_name text, status text)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce(array_agg(to_status ORDER BY position), '{}') FROM gateway.status_steps AS s
  WHERE s.table_name = next_statuses.table_name AND s.from_status = status
$function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.notify_unlocked_achievement()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO public.user_notifications (workspace_id, user_id, notification_type, title, message, related_achievement_id)
  SELECT NEW.workspace_id, NEW.user_id, 'achievement', 'Achievement unlocked: ' || name,
         coalesce(description, 'You have earned it.') || CASE WHEN points_reward > 0 THEN format(' (+%s points)', points_reward) ELSE '' END,
         id
  FROM public.achievements
  WHERE id = NEW.achievement_id;
  RETURN NULL;
END $function$;

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.open_change_log()
 RETURNS TABLE(identity uuid, key bytea, trimmed_xid text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  server text := '';
  here text;
BEGIN
  PERFORM gateway.expect_readers();
  BEGIN
    server := (SELECT system_identifier FROM pg_control_system());
  EXCEPTION WHEN insufficient_privilege THEN
    -- Some hosts do not show it. Then a dump counts as its original if all oids agree.
  END;
  here := format('%s/%s/%s/%s', server, left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()), 'gateway.change'::regclass::oid);
  IF EXISTS (SELECT FROM gateway.change_log AS l WHERE l.cluster IS DISTINCT FROM here) THEN
    PERFORM FROM gateway.change_log FOR UPDATE;
    IF EXISTS (SELECT FROM gateway.change_log AS l WHERE l.cluster IS DISTINCT FROM here) THEN
      DELETE FROM gateway.change;
      UPDATE gateway.change_log SET cluster = here, identity = gen_random_uuid(), trimmed_xid = '0';
    END IF;
  END IF;
  RETURN QUERY SELECT l.identity, l.key, l.trimmed_xid::text FROM gateway.change_log AS l;
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.protect_table(IN target regclass, IN may_select text, IN may_insert text, IN may_update text, IN may_delete text)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  operation text;
  expression text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO service_role', target);
  FOR operation, expression IN
    VALUES ('select', may_select), ('insert', may_insert), ('update', may_update), ('delete', may_delete)
  LOOP
    CALL gateway.ensure_policy(target, operation, expression);
    IF expression <> 'false' THEN
      EXECUTE format('GRANT %s ON %s TO authenticated', operation, target);
    END IF;
  END LOOP;
  -- The gateway's own tables are not shown.
  IF (SELECT relnamespace FROM pg_class WHERE oid = target) = 'public'::regnamespace THEN
    CALL gateway.require_finite(target);
  END IF;
END $procedure$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.publish_view(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT ON %s TO service_role', target);
  EXECUTE format('GRANT SELECT ON %s TO authenticated', target);
END $procedure$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.reads_billing()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN gateway.is_owner();
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' ? 'billing:read', false)
    AND public.is_workspace_member(public.current_workspace_id());
END $function$;

-- 015_agent_registry; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.reads_prompts()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  RETURN gateway.is_owner() OR gateway.may_write_shared();
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.record_alert_step()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.record_moment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
  RETURN NEW;
END $function$;

-- 004_audit_log; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF TG_OP <> 'DELETE' OR current_setting('gateway.trims_audit_log', true) IS DISTINCT FROM 'yes' THEN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege',
      HINT = 'gateway.trim_audit_log() deletes old entries.';
  END IF;
  RETURN NULL;
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.require_finite(IN target regclass)
 LANGUAGE sql
AS $procedure$
  CALL gateway.ensure_checks(target, gateway.finite_checks(target))
$procedure$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_member(person uuid, workspace uuid)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM public.user_workspaces WHERE user_id = person AND workspace_id = workspace) THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found';
  END IF;
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.require_not_negative(IN target regclass, VARIADIC names text[])
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  checks jsonb := (
    SELECT jsonb_object_agg(relname || '_' || name || '_check', format('%I >= 0', name))
    FROM unnest(names) AS name, pg_class WHERE oid = target);
BEGIN
  CALL gateway.ensure_checks(target, checks);
END $procedure$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_room(workspace uuid, sprint uuid, added bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_step(table_name text, noun text, status_column text, from_status text, to_status text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
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
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_text(value text, field text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
BEGIN
  IF value IS NULL OR btrim(value) = '' THEN
    RAISE EXCEPTION '% must not be empty', field USING ERRCODE = 'invalid_parameter_value', COLUMN = field;
  END IF;
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_workspace_role(workspace uuid, minimum public.member_role)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
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
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.require_writer(workspace uuid, minimum public.member_role, domain text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  IF gateway.current_agent() IS NULL OR gateway.bypasses_policies() THEN
    PERFORM gateway.require_workspace_role(workspace, minimum);
  ELSIF (workspace = public.current_workspace_id() AND gateway.may_write(minimum, domain)) IS NOT TRUE THEN
    RAISE EXCEPTION 'this needs the scope %:write in the current workspace', domain USING ERRCODE = 'insufficient_privilege';
  END IF;
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.resembles(word text, title text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
RETURN (word OPERATOR(gateway.<%) title);

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.revoke_all(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, authenticated', target);
  IF to_regrole('anon') IS NOT NULL THEN
    EXECUTE format('REVOKE ALL ON %s FROM anon', target);
  END IF;
END $procedure$;

-- 019_search; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.search(words text, kinds text[], take integer, after_score integer, after_moment bigint, after_kind text, after_id uuid)
 RETURNS TABLE(kind text, total integer, approximate boolean, id uuid, score integer, moment bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET "pg_trgm.word_similarity_threshold" TO '0.28'
AS $function$
DECLARE
  workspace CONSTANT uuid := public.current_workspace_id();
  wanted CONSTANT text[] := tsvector_to_array(gateway.search_vector(words, NULL));
  -- One letter is the beginning of too much.
  beginnings CONSTANT text[] := ARRAY(
    SELECT quote_literal(word) || CASE WHEN length(word) > 1 THEN ':*' ELSE '' END FROM unnest(wanted) AS word);
  -- A slip changes a larger part of a short word.
  least_likeness CONSTANT numeric[] := ARRAY(
    SELECT greatest(0.19, (length(word) - 3.5) / (length(word) + 5)) FROM unnest(wanted) AS word);
  misspelt boolean[] := array_fill(false, ARRAY[cardinality(wanted)]);
  known text;
  condition text;
BEGIN
  IF wanted = '{}' OR NOT coalesce(public.is_workspace_member(workspace), false) THEN
    RETURN;
  END IF;
  LOOP
    SELECT string_agg(beginning, ' & ') FILTER (WHERE NOT misspelt[n]),
           coalesce(string_agg(format('gateway.resembles($3[%1$s], gateway.search_title(s.title))'
             ' AND gateway.word_likeness($3[%1$s], gateway.search_title(s.title)) >= $4[%1$s]', n), ' AND ')
             FILTER (WHERE misspelt[n]), 'true')
    INTO known, condition FROM unnest(beginnings) WITH ORDINALITY AS b(beginning, n);
    IF known IS NOT NULL THEN
      condition := condition || ' AND gateway.search_vector(s.title, s.body) @@ $6';
    END IF;
    RETURN QUERY EXECUTE format($query$
      WITH found AS MATERIALIZED (
        SELECT k.kind COLLATE "C" AS kind, m.total::integer, m.id, (extract(epoch FROM m.created_at) * 1000)::bigint AS moment,
               round(1000000 * (
                 ts_rank('{0,0.1,0.1,1}', w.vector, $5) + coalesce(ts_rank('{0,0.1,0.1,1}', w.vector, $6), 0)
                 + gateway.likeness(w.title, $7)
                 + coalesce((
                   SELECT avg(gateway.word_likeness($3[n], w.title))
                   FROM unnest($8) WITH ORDINALITY AS each(is_misspelt, n) WHERE is_misspelt), 0)))::integer AS score
        FROM unnest($2) AS k(kind)
        CROSS JOIN LATERAL (
          SELECT s.id, s.created_at, count(*) OVER () AS total
          FROM gateway.searchable AS s WHERE s.kind = k.kind AND s.workspace_id = $1 AND %s
          ORDER BY s.created_at DESC, s.id DESC LIMIT 300
        ) AS m
        CROSS JOIN LATERAL (
          SELECT gateway.search_vector(s.title, s.body) AS vector, gateway.search_title(s.title) AS title
          FROM gateway.searchable AS s WHERE s.kind = k.kind AND s.id = m.id OFFSET 0
        ) AS w
      ), page AS (
        SELECT * FROM found
        WHERE $9 IS NULL OR (-score, -moment, kind, id) > (-$9, -$10, $11, $12)
        ORDER BY score DESC, moment DESC, kind, id LIMIT $13
      )
      SELECT t.kind, t.total, true = ANY ($8), p.id, p.score, p.moment
      FROM (SELECT DISTINCT kind, total FROM found) AS t LEFT JOIN page AS p USING (kind)
      ORDER BY p.score DESC NULLS LAST, p.moment DESC, kind, p.id
    $query$, condition)
    USING workspace, kinds, ARRAY(SELECT gateway.search_title(word) FROM unnest(wanted) AS word), least_likeness,
      plainto_tsquery('pg_catalog.simple', gateway.search_words(words)), known::tsquery,
      gateway.search_title(words), misspelt, after_score, after_moment, after_kind, after_id, take;
    EXIT WHEN FOUND OR true = ANY (misspelt);
    -- Where nothing has all words, those are taken for misspelt with which no word of the workspace begins.
    misspelt := ARRAY(
      SELECT length(word) > 3 AND NOT EXISTS (
        SELECT FROM gateway.searchable AS s
        WHERE s.kind = ANY (kinds) AND s.workspace_id = workspace
          AND gateway.search_vector(s.title, s.body) @@ beginnings[n]::tsquery)
      FROM unnest(wanted) WITH ORDINALITY AS w(word, n) ORDER BY n);
    EXIT WHEN NOT true = ANY (misspelt);
  END LOOP;
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.search_list(items text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  RETURN ' ' || array_to_string(items, ' ');
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.search_title(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE COST 1000
AS $function$
DECLARE
  words text := gateway.search_words(left(value, 300));
BEGIN
  IF octet_length(words) = length(words) THEN
    RETURN words;
  END IF;
  RETURN (
    SELECT string_agg(CASE WHEN ascii(letter) < 128 THEN letter ELSE chr(97 + ascii(letter) % 26) END, '' ORDER BY n)
    FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS letters(letter, n));
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.search_vector(title text, body text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE COST 3000
AS $function$
BEGIN
  RETURN setweight(to_tsvector('pg_catalog.simple', coalesce(gateway.search_words(title), '')), 'A')
    || setweight(to_tsvector('pg_catalog.simple', coalesce(gateway.search_words(body), '')), 'C');
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.search_words(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  start text := left(value, 20000);
BEGIN
  IF octet_length(start) = length(start) THEN
    RETURN lower(regexp_replace(start, '[!-/:-@\[-`{-~]+', ' ', 'g'));
  END IF;
  start := normalize(start, NFKC);
  start := lower(coalesce((ts_lexize('gateway.without_accents', start))[1], start));
  start := regexp_replace(start, '[!-/:-@\[-`{-~\u00a1-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g');
  -- Chinese and Japanese are written without spaces: each character is a word.
  RETURN regexp_replace(start, '([\u3041-\u30ff\u3400-\u9fff])', ' \1 ', 'g');
END $function$;

-- 004_audit_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.secret_columns()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT '{mobile_number,model_config,payment_id,stripe_customer_id,stripe_subscription_id,system_prompt,transaction_id,upi_transaction_ref}'::text[]
$function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.set_up_global_table(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  may_write CONSTANT text := '(SELECT gateway.may_write_shared())';
BEGIN
  CALL gateway.protect_table(target, gateway.signed_in() || ' OR ' || may_write, may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $procedure$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.set_up_shared_table(IN target regclass, IN writer public.member_role, IN domain text)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  may_write CONSTANT text := gateway.domain_writes(writer, domain);
BEGIN
  CALL gateway.protect_table(target,
    format('(workspace_id IS NULL AND (%s)) OR (%s)', gateway.signed_in(), gateway.member_reads()),
    may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $procedure$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.set_up_workspace_table(IN target regclass, IN writer public.member_role, IN domain text)
 LANGUAGE plpgsql
AS $procedure$
DECLARE
  may_write CONSTANT text := gateway.domain_writes(writer, domain);
BEGIN
  CALL gateway.protect_table(target, gateway.member_reads(), may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $procedure$;

-- 018_invitations; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.settle_own_invitation(invitation uuid, outcome public.invitation_status)
 RETURNS gateway.invitation
 LANGUAGE plpgsql
AS $function$
DECLARE
  settled gateway.invitation;
BEGIN
  UPDATE gateway.invitation AS i SET status = outcome
  WHERE i.id = invitation AND i.email = gateway.viewer_address() AND i.workspace_id IS NOT NULL
    AND i.status = 'pending' AND i.expires_at > now()
  RETURNING i.* INTO settled;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such open invitation for you' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN settled;
END $function$;

-- 004_audit_log; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.shorten_row(r jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
  secrets CONSTANT text[] := gateway.secret_columns();
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
END $function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.signed_in()
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT '(SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL OR (SELECT gateway.is_audience())'
$function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.stamp_agent()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
  own text := CASE WHEN TG_ARGV[1] = 'id' THEN gateway.current_agent_id()::text ELSE gateway.current_agent() END;
  given text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
  IF TG_OP = 'INSERT' AND given IS NULL THEN
    NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], own));
  ELSIF given IS DISTINCT FROM own AND NOT gateway.bypasses_policies()
    AND NOT (TG_OP = 'UPDATE' AND given IS NULL AND pg_trigger_depth() > 1)
  THEN
    RAISE EXCEPTION 'an agent writes in its own name only' USING ERRCODE = 'insufficient_privilege', COLUMN = TG_ARGV[0];
  END IF;
  RETURN NEW;
END $function$;

-- 006_writes; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.stamp_table(IN target regclass, IN column_name text, IN kind text)
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER stamp_agent BEFORE INSERT ON %s FOR EACH ROW'
    ' WHEN (gateway.current_agent() IS NOT NULL) EXECUTE FUNCTION gateway.stamp_agent(%L, %L)', target, column_name, kind);
  EXECUTE format('CREATE OR REPLACE TRIGGER keep_agent BEFORE UPDATE OF %2$I ON %1$s FOR EACH ROW'
    ' WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I AND gateway.current_agent() IS NOT NULL)'
    ' EXECUTE FUNCTION gateway.stamp_agent(%2$L, %3$L)', target, column_name, kind);
END $procedure$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.statement_key()
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  SELECT statement_timestamp()::text || current_setting('app.current_workspace_id', true)
    || current_setting('request.jwt.claims', true)
$function$;

-- 006_writes; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.take_turn(scope uuid, workspace uuid)
 RETURNS void
 LANGUAGE sql
AS $function$
  INSERT INTO gateway.turns AS t (scope, workspace_id) VALUES ($1, $2)
  ON CONFLICT ON CONSTRAINT turns_pkey DO UPDATE SET turn = t.turn + 1
$function$;

-- 002_setting_tables_up; may be called by nobody but its owner
CREATE OR REPLACE PROCEDURE gateway.track_table(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = 'updated_at' AND NOT attisdropped) THEN
    EXECUTE format('CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON %s FOR EACH ROW'
      ' WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at()', target);
  END IF;
  CALL gateway.audit_table(target);
  CALL gateway.log_table(target);
END $procedure$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.transactions_between(seen pg_snapshot, until pg_snapshot)
 RETURNS TABLE(first xid8, beyond xid8)
 LANGUAGE sql
 STABLE ROWS 4
AS $function$
  SELECT r.first::text::xid8, r.beyond::text::xid8
  FROM (
    SELECT x::text::bigint, x::text::bigint + 1 FROM pg_snapshot_xip(seen) AS x WHERE pg_visible_in_snapshot(x, until)
    UNION ALL
    SELECT x + 1, lead(x, 1, pg_snapshot_xmax(until)::text::bigint) OVER (ORDER BY x)
    FROM (
      SELECT pg_snapshot_xmax(seen)::text::bigint - 1
      UNION ALL
      SELECT x::text::bigint FROM pg_snapshot_xip(until) AS x WHERE x >= pg_snapshot_xmax(seen)
    ) AS edges (x)
  ) AS r (first, beyond)
  WHERE r.first < r.beyond
$function$;

-- 004_audit_log; may be called by service_role
CREATE OR REPLACE FUNCTION gateway.trim_audit_log(keep interval DEFAULT '365 days'::interval)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  trimmed bigint;
BEGIN
  IF (keep >= '0') IS NOT TRUE THEN
    RAISE EXCEPTION 'keep must be 0 or longer' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'keep';
  END IF;
  -- Replicas trim at about the same time. One is enough, and two would wait for each other's rows.
  IF NOT pg_try_advisory_xact_lock(hashtext('gateway.trim_audit_log')) THEN
    RETURN 0;
  END IF;
  PERFORM set_config('gateway.trims_audit_log', 'yes', true);
  DELETE FROM gateway.audit_log WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM gateway.audit_log WHERE occurred_at < now() - keep LIMIT 10000));
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  PERFORM set_config('gateway.trims_audit_log', '', true);
  RETURN trimmed;
END $function$;

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.trim_change_log(keep interval DEFAULT '7 days'::interval, page_size integer DEFAULT 10000)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  trimmed bigint;
  newest xid8;
BEGIN
  IF (keep >= '0') IS NOT TRUE THEN
    RAISE EXCEPTION 'keep must be 0 or longer' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'keep';
  END IF;
  -- One at a time: the next one must see what is left.
  PERFORM FROM gateway.change_log FOR UPDATE;
  WITH old AS (
    DELETE FROM gateway.change
    WHERE ctid = ANY (ARRAY(
      SELECT first.ctid FROM (SELECT ctid, occurred_at FROM gateway.change ORDER BY xid, seq LIMIT page_size) AS first
      WHERE first.occurred_at < clock_timestamp() - keep))
    RETURNING xid
  )
  SELECT count(*), max(old.xid) INTO trimmed, newest FROM old;
  IF trimmed > 0 THEN
    UPDATE gateway.change_log SET trimmed_xid = greatest(trimmed_xid, newest);
  END IF;
  RETURN trimmed;
END $function$;

-- 006_writes; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.trim_idempotency_keys(keep interval DEFAULT '24:00:00'::interval)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  trimmed bigint;
BEGIN
  DELETE FROM gateway.idempotency_key WHERE created_at < now() - greatest(keep, interval '24 hours');
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  RETURN trimmed;
END $function$;

-- 018_invitations; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.viewer_address()
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  RETURN (SELECT gateway.confirmed_address(u) FROM auth.users AS u WHERE u.id = auth.uid());
END $function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION gateway.visible_invitations()
 RETURNS TABLE(id uuid, workspace_id uuid, workspace_name character varying, email character varying, role public.member_role, inviter_name character varying, status public.invitation_status, is_received boolean, created_at timestamp with time zone, expires_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  address CONSTANT text := gateway.viewer_address();
  owned CONSTANT uuid := CASE WHEN public.has_workspace_role('Owner') THEN public.current_workspace_id() END;
BEGIN
  RETURN QUERY
    WITH received AS (
      -- However many strangers send, only the newest open ones are read.
      SELECT i.* FROM gateway.invitation AS i WHERE i.email = address AND i.workspace_id IS NOT NULL
      ORDER BY i.status = 'pending' AND i.expires_at > now() DESC, i.created_at DESC, i.id LIMIT 100
    ), visible AS (
      SELECT r.*, true AS is_received FROM received AS r
      UNION ALL
      SELECT i.*, false FROM gateway.invitation AS i WHERE i.workspace_id = owned AND i.email IS DISTINCT FROM address
    )
    SELECT v.id, v.workspace_id, w.name, v.email, v.role, p.full_name,
           CASE WHEN v.status = 'pending' AND v.expires_at <= now() THEN 'expired' ELSE v.status END,
           v.is_received, v.created_at, v.expires_at
    FROM visible AS v
    JOIN public.workspaces AS w ON w.id = v.workspace_id
    LEFT JOIN public.user_profiles AS p ON p.id = v.invited_by;
END $function$;

-- 005_change_log; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION gateway.wake_readers()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
  awake_until bigint := (SELECT last_value FROM gateway.readers_awake_until);
BEGIN
  IF awake_until <= now_
    AND (SELECT last_value FROM gateway.readers_listen_until) >= now_
    -- A long transaction that wakes readers when it ends keeps others from waking them only once.
    AND current_setting('gateway.wakes_readers', true) IS DISTINCT FROM 'no'
  THEN
    PERFORM setval('gateway.readers_awake_until', CASE WHEN awake_until > now_ - 5 THEN now_ + 25 ELSE now_ END),
      set_config('gateway.wakes_readers', 'no', true);
    NOTIFY gateway_change;
  END IF;
END $function$;

-- 019_search; may be called by everybody
CREATE OR REPLACE FUNCTION gateway.word_likeness(word text, title text)
 RETURNS real
 LANGUAGE sql
 IMMUTABLE
RETURN gateway.strict_word_similarity(word, title);

-- 005_change_log; may be called by codex_gateway
CREATE OR REPLACE FUNCTION gateway.workspace_roles(workspaces uuid[])
 RETURNS TABLE(workspace_id uuid, user_id uuid, role public.member_role)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT m.workspace_id, m.user_id, m.role FROM public.user_workspaces AS m WHERE m.workspace_id = ANY (workspaces)
$function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.accept_invitation(invitation uuid)
 RETURNS gateway.invitation
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  accepted CONSTANT gateway.invitation := gateway.settle_own_invitation(invitation, 'accepted');
BEGIN
  -- A trusted writer may have made the person a member meanwhile: that role stays.
  INSERT INTO public.user_workspaces (user_id, workspace_id, role)
  VALUES (auth.uid(), accepted.workspace_id, accepted.role)
  ON CONFLICT ON CONSTRAINT user_workspaces_user_id_workspace_id_key DO NOTHING;
  RETURN accepted;
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.acknowledge_alert(alert uuid, person uuid DEFAULT NULL::uuid)
 RETURNS public.system_alerts
 LANGUAGE sql
AS $function$ SELECT gateway.change_alert_status(alert, 'acknowledged', person, NULL) $function$;

-- 016_intelligence; may be called by everybody
CREATE OR REPLACE FUNCTION public.acknowledge_signal(signal uuid, notes text DEFAULT NULL::text)
 RETURNS public.intelligence_signals
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 015_agent_registry; may be called by everybody
CREATE OR REPLACE FUNCTION public.assign_agent(workspace uuid, agent uuid, campaign uuid DEFAULT NULL::uuid, priority public.assignment_priority DEFAULT 'normal'::public.assignment_priority, config jsonb DEFAULT NULL::jsonb)
 RETURNS public.agent_assignments
 LANGUAGE plpgsql
AS $function$
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
  -- No unique key distinguishes two assignments without a campaign.
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
END $function$;

-- 013_positioning_and_campaigns; may be called by everybody
CREATE OR REPLACE FUNCTION public.change_campaign_status(campaign uuid, status public.campaign_status)
 RETURNS public.campaigns
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 003_workspaces; may be called by everybody
CREATE OR REPLACE FUNCTION public.change_member_role(workspace uuid, person uuid, role public.member_role)
 RETURNS public.user_workspaces
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 013_positioning_and_campaigns; may be called by everybody
CREATE OR REPLACE FUNCTION public.complete_quest(quest uuid, actual_output text DEFAULT NULL::text)
 RETURNS public.campaign_quests
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 016_intelligence; may be called by everybody
CREATE OR REPLACE FUNCTION public.create_insight_from_signals(workspace uuid, signals uuid[], title text, type public.insight_type, conclusions text[] DEFAULT NULL::text[])
 RETURNS public.market_insights
 LANGUAGE plpgsql
AS $function$
DECLARE
  distinct_signals uuid[] := ARRAY(
    SELECT id FROM unnest(signals) WITH ORDINALITY AS s(id, position) WHERE id IS NOT NULL GROUP BY id ORDER BY min(position));
  signal_count integer := cardinality(distinct_signals);
  missing integer;
  score integer := least(50 + 10 * signal_count, 100);
  created public.market_insights;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Analyst');
  PERFORM gateway.require_text(title, 'title');
  IF type IS NULL THEN
    RAISE EXCEPTION 'type must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'type';
  ELSIF signal_count = 0 THEN
    RAISE EXCEPTION 'an insight needs at least one signal' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'signals';
  END IF;
  -- In a fixed order, against deadlocks between two insights that share signals.
  PERFORM FROM public.intelligence_signals AS s
  WHERE s.id = ANY (distinct_signals) AND s.workspace_id = workspace ORDER BY s.id FOR NO KEY UPDATE;
  GET DIAGNOSTICS missing = ROW_COUNT;
  missing := signal_count - missing;
  IF missing > 0 THEN
    RAISE EXCEPTION '% of the % signals do not exist in the workspace', missing, signal_count
      USING ERRCODE = 'no_data_found', COLUMN = 'signals';
  END IF;
  UPDATE public.intelligence_signals AS s SET action_status = 'actioned'
  WHERE s.id = ANY (distinct_signals) AND s.action_status <> 'actioned';
  INSERT INTO public.market_insights AS i (
    workspace_id, insight_title, insight_type, source_signal_ids, number_of_signals_analyzed,
    key_conclusions, confidence_level, confidence_score, created_by)
  VALUES (
    workspace, title, type, distinct_signals, signal_count, conclusions,
    CASE WHEN score >= 80 THEN 'high'::public.confidence_level ELSE 'medium' END, score, auth.uid())
  RETURNING i.* INTO created;
  RETURN created;
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.create_system_alert(workspace uuid, type public.alert_type, severity public.alert_severity, title text, message text DEFAULT NULL::text, description text DEFAULT NULL::text, action_url text DEFAULT NULL::text, agent uuid DEFAULT NULL::uuid, signal uuid DEFAULT NULL::uuid, event text DEFAULT NULL::text, campaign uuid DEFAULT NULL::uuid, cohort uuid DEFAULT NULL::uuid, move uuid DEFAULT NULL::uuid, data_points jsonb DEFAULT NULL::jsonb, recommended_actions text[] DEFAULT NULL::text[], expiry_date timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS public.system_alerts
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 003_workspaces; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.create_workspace(name text, slug text DEFAULT NULL::text)
 RETURNS public.workspaces
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  most_owned CONSTANT integer := 100;
  owned bigint;
  created public.workspaces;
BEGIN
  IF auth.uid() IS NULL THEN
    RAISE EXCEPTION 'a workspace needs a signed-in person as its Owner' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- Waits for other transactions that count the same workspaces.
  PERFORM pg_advisory_xact_lock(hashtextextended('create_workspace ' || auth.uid(), 0));
  SELECT count(*) INTO owned FROM public.user_workspaces AS m WHERE m.user_id = auth.uid() AND m.role = 'Owner';
  IF owned >= most_owned THEN
    RAISE EXCEPTION 'an Owner of % workspaces cannot create another one', most_owned
      USING ERRCODE = 'CX001', COLUMN = 'name', DETAIL = json_build_object('limit', most_owned, 'current', owned)::text;
  END IF;
  INSERT INTO public.workspaces (name, slug) VALUES (create_workspace.name, create_workspace.slug) RETURNING * INTO created;
  INSERT INTO public.user_workspaces (user_id, workspace_id, role) VALUES (auth.uid(), created.id, 'Owner');
  RETURN created;
END $function$;

-- 001_who_asks; may be called by everybody
CREATE OR REPLACE FUNCTION public.current_workspace_id()
 RETURNS uuid
 LANGUAGE sql
 STABLE
AS $function$ SELECT nullif(current_setting('app.current_workspace_id', true), '')::uuid $function$;

-- 012_experiments_and_content; may be called by everybody
CREATE OR REPLACE FUNCTION public.decide_experiment(experiment uuid, winner text, confidence double precision DEFAULT NULL::double precision)
 RETURNS public.experiments
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.decline_invitation(invitation uuid)
 RETURNS gateway.invitation
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  RETURN gateway.settle_own_invitation(invitation, 'declined');
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.dismiss_alert(alert uuid, reason text DEFAULT NULL::text, person uuid DEFAULT NULL::uuid)
 RETURNS public.system_alerts
 LANGUAGE sql
AS $function$ SELECT gateway.change_alert_status(alert, 'dismissed', person, reason) $function$;

-- 016_intelligence; may be called by everybody
CREATE OR REPLACE FUNCTION public.get_active_insights(workspace uuid)
 RETURNS SETOF public.market_insights
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM public.market_insights
  WHERE workspace_id = workspace AND insight_status = 'active'
    AND (time_relevance_start IS NULL OR time_relevance_start <= (now() AT TIME ZONE 'UTC')::date)
    AND (time_relevance_end IS NULL OR time_relevance_end >= (now() AT TIME ZONE 'UTC')::date)
  ORDER BY confidence_score DESC NULLS LAST, discovery_date DESC, id DESC
$function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.get_critical_alerts(workspace uuid)
 RETURNS SETOF public.system_alerts
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM public.system_alerts
  WHERE workspace_id = workspace AND status = 'active' AND severity_level IN ('critical', 'high')
    AND (expiry_date IS NULL OR expiry_date > now())
  ORDER BY severity_level, created_at DESC, id DESC
$function$;

-- 016_intelligence; may be called by everybody
CREATE OR REPLACE FUNCTION public.get_priority_signals(workspace uuid, threshold numeric DEFAULT 50)
 RETURNS SETOF public.intelligence_signals
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM public.intelligence_signals
  WHERE workspace_id = workspace AND action_status = 'new'
    AND (expiry_date IS NULL OR expiry_date > now())
    AND confidence_score * relevance_score / 100 >= threshold
  ORDER BY confidence_score * relevance_score DESC, detection_date DESC, id DESC
$function$;

-- 007_people_and_billing; may be called by everybody
CREATE OR REPLACE FUNCTION public.get_user_subscription(person uuid)
 RETURNS SETOF public.subscriptions
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM public.subscriptions
  WHERE user_id = person AND status IN ('active', 'trialing')
  ORDER BY created_at DESC, id DESC
  LIMIT 1
$function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.get_user_unread_notifications(person uuid)
 RETURNS SETOF public.user_notifications
 LANGUAGE sql
 STABLE
AS $function$
  SELECT * FROM public.user_notifications
  WHERE user_id = person AND NOT is_read AND (expires_at IS NULL OR expires_at > now())
  ORDER BY priority_level DESC, created_at DESC, id DESC
$function$;

-- 007_people_and_billing; may be called by nobody but its owner
CREATE OR REPLACE FUNCTION public.handle_new_user()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  INSERT INTO public.user_profiles (id, full_name, avatar_url)
  VALUES (NEW.id,
          left(coalesce(NEW.raw_user_meta_data ->> 'full_name', NEW.raw_user_meta_data ->> 'name'), 255),
          NEW.raw_user_meta_data ->> 'avatar_url')
  ON CONFLICT (id) DO NOTHING;
  INSERT INTO public.subscriptions (user_id) VALUES (NEW.id);
  RETURN NEW;
END $function$;

-- 007_people_and_billing; may be called by everybody
CREATE OR REPLACE FUNCTION public.has_completed_onboarding(person uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  SELECT coalesce((SELECT onboarding_completed FROM public.user_profiles WHERE id = person), false)
$function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.has_workspace_role(minimum public.member_role)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false)
$function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.invite_workspace_member(workspace uuid, email text, role public.member_role DEFAULT 'Viewer'::public.member_role)
 RETURNS gateway.invitation
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  most_open CONSTANT integer := 100;
  most_a_day CONSTANT integer := 100;
  address CONSTANT text := lower(btrim(invite_workspace_member.email));
  present bigint;
  sent gateway.invitation;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  PERFORM gateway.require_text(invite_workspace_member.email, 'email');
  IF address !~ '^[^\s@]+@[^\s@]+$' OR length(address) > 255 THEN
    RAISE EXCEPTION 'email must be an address, such as asha@example.com' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'email';
  ELSIF role IS NULL THEN
    RAISE EXCEPTION 'role must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'role';
  END IF;
  -- Waits for other transactions that count the same invitations.
  IF auth.uid() IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('gateway.invitation ' || auth.uid(), 0));
  END IF;
  PERFORM gateway.take_turn(workspace, workspace);

  SELECT count(*) INTO present FROM gateway.invitation AS i WHERE i.invited_by = auth.uid() AND i.created_at > now() - interval '24 hours';
  IF present >= most_a_day THEN
    RAISE EXCEPTION 'one person sends at most % invitations in 24 hours', most_a_day
      USING ERRCODE = 'CX001', COLUMN = 'email', DETAIL = json_build_object('limit', most_a_day, 'current', present)::text;
  END IF;
  SELECT count(*) INTO present FROM gateway.invitation AS i WHERE i.workspace_id = workspace AND i.status = 'pending' AND i.expires_at > now();
  IF present >= most_open THEN
    RAISE EXCEPTION 'a workspace has at most % open invitations', most_open
      USING ERRCODE = 'CX001', COLUMN = 'email', DETAIL = json_build_object('limit', most_open, 'current', present)::text;
  END IF;

  IF EXISTS (
    SELECT FROM public.user_workspaces AS m JOIN auth.users AS u ON u.id = m.user_id
    WHERE m.workspace_id = workspace AND lower(u.email) = address
  ) THEN
    RAISE EXCEPTION 'the person with this address is a member of the workspace' USING ERRCODE = 'CX002', COLUMN = 'email';
  END IF;
  UPDATE gateway.invitation AS i SET status = 'expired'
  WHERE i.workspace_id = workspace AND i.email = address AND i.status = 'pending' AND i.expires_at <= now();
  IF EXISTS (SELECT FROM gateway.invitation AS i WHERE i.workspace_id = workspace AND i.email = address AND i.status = 'pending') THEN
    RAISE EXCEPTION 'this address has an open invitation to the workspace: revoke that one to send another'
      USING ERRCODE = 'CX002', COLUMN = 'email';
  END IF;
  INSERT INTO gateway.invitation AS i (workspace_id, email, role) VALUES (workspace, address, role) RETURNING i.* INTO sent;
  RETURN sent;
END $function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.is_workspace_member(workspace uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN EXISTS (SELECT FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace)
      OR (gateway.is_audience() AND workspace IS NOT NULL AND workspace = public.current_workspace_id());
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' <> '[]', false)
    AND gateway.agent_may_act(gateway.current_agent(), workspace);
END $function$;

-- 013_positioning_and_campaigns; may be called by everybody
CREATE OR REPLACE FUNCTION public.link_cohorts(campaign uuid, cohorts uuid[], allocation_percentages numeric[] DEFAULT NULL::numeric[], target_counts integer[] DEFAULT NULL::integer[])
 RETURNS SETOF public.campaign_cohorts
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 010_moves; may be called by everybody
CREATE OR REPLACE FUNCTION public.log_move(move uuid, date date DEFAULT NULL::date, actions_completed integer DEFAULT 0, notes text DEFAULT NULL::text, metrics jsonb DEFAULT '{}'::jsonb)
 RETURNS public.move_logs
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.mark_all_notifications_as_read(person uuid, workspace uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
DECLARE
  marked integer;
BEGIN
  UPDATE public.user_notifications SET is_read = true
  WHERE user_id = person AND NOT is_read AND (workspace IS NULL OR workspace_id = workspace);
  GET DIAGNOSTICS marked = ROW_COUNT;
  RETURN marked;
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.mark_notification_as_read(notification uuid)
 RETURNS public.user_notifications
 LANGUAGE plpgsql
AS $function$
DECLARE
  marked public.user_notifications;
BEGIN
  UPDATE public.user_notifications AS n SET is_read = true WHERE n.id = notification RETURNING n.* INTO marked;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such notification' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN marked;
END $function$;

-- 010_moves; may be called by everybody
CREATE OR REPLACE FUNCTION public.raise_anomaly(move uuid, type public.move_anomaly_type, severity integer, description text DEFAULT NULL::text)
 RETURNS public.move_anomalies
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 014_gamification; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.record_achievement_progress(person uuid, achievement uuid, value integer)
 RETURNS public.user_achievements
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 015_agent_registry; may be called by everybody
CREATE OR REPLACE FUNCTION public.record_agent_execution(workspace uuid, agent uuid, seconds numeric, input_tokens integer, output_tokens integer, cost numeric, success boolean)
 RETURNS public.agent_performance
 LANGUAGE plpgsql
AS $function$
DECLARE
  recorded public.agent_performance;
  percentiles record;
  problem text;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  problem := CASE
    WHEN (seconds >= 0 AND seconds < 'Infinity') IS NOT TRUE THEN 'seconds'
    WHEN (input_tokens >= 0) IS NOT TRUE THEN 'input_tokens'
    WHEN (output_tokens >= 0) IS NOT TRUE THEN 'output_tokens'
    WHEN (cost >= 0 AND cost < 'Infinity') IS NOT TRUE THEN 'cost'
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '% must be 0 or more', problem USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  ELSIF success IS NULL THEN
    RAISE EXCEPTION 'success must be true or false' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'success';
  ELSIF NOT EXISTS (SELECT FROM public.agent_registry WHERE id = agent) THEN
    RAISE EXCEPTION 'there is no such agent' USING ERRCODE = 'no_data_found';
  END IF;

  -- From here on the row is locked, and this agent's executions of the hour are counted one by one.
  INSERT INTO public.agent_performance AS p (
    workspace_id, agent_id, measurement_date, measurement_hour,
    execution_count, success_count, failure_count, error_count,
    avg_execution_time_seconds, min_execution_time_seconds, max_execution_time_seconds,
    total_input_tokens, total_output_tokens, total_cost_incurred)
  VALUES (
    workspace, agent, (now() AT TIME ZONE 'UTC')::date, extract(hour FROM now() AT TIME ZONE 'UTC'),
    1, success::integer, (NOT success)::integer, (NOT success)::integer,
    seconds, seconds, seconds, input_tokens, output_tokens, cost)
  ON CONFLICT (workspace_id, agent_id, measurement_date, measurement_hour) DO UPDATE SET
    execution_count = p.execution_count + 1,
    success_count = p.success_count + EXCLUDED.success_count,
    failure_count = p.failure_count + EXCLUDED.failure_count,
    error_count = p.error_count + EXCLUDED.error_count,
    avg_execution_time_seconds = trim_scale(coalesce(
      (p.avg_execution_time_seconds * p.execution_count + seconds) / (p.execution_count + 1), seconds)),
    min_execution_time_seconds = least(p.min_execution_time_seconds, seconds),
    max_execution_time_seconds = greatest(p.max_execution_time_seconds, seconds),
    total_input_tokens = p.total_input_tokens + input_tokens,
    total_output_tokens = p.total_output_tokens + output_tokens,
    total_cost_incurred = p.total_cost_incurred + cost
  RETURNING p.* INTO recorded;

  INSERT INTO gateway.agent_execution_buckets AS b (workspace_id, performance_id, bucket, executions)
  VALUES (workspace, recorded.id, gateway.execution_bucket(seconds), 1)
  ON CONFLICT (performance_id, bucket) DO UPDATE SET executions = b.executions + 1;
  SELECT * INTO percentiles FROM gateway.execution_percentiles(ARRAY[recorded.id]);

  UPDATE public.agent_performance AS p
  SET p50_execution_time_seconds = least(greatest(percentiles.p50, p.min_execution_time_seconds), p.max_execution_time_seconds),
      p95_execution_time_seconds = least(greatest(percentiles.p95, p.min_execution_time_seconds), p.max_execution_time_seconds),
      p99_execution_time_seconds = least(greatest(percentiles.p99, p.min_execution_time_seconds), p.max_execution_time_seconds),
      avg_input_tokens_per_execution = round(p.total_input_tokens::numeric / p.execution_count, 2),
      avg_output_tokens_per_execution = round(p.total_output_tokens::numeric / p.execution_count, 2),
      avg_cost_per_execution = round(p.total_cost_incurred / p.execution_count, 6),
      success_rate_percentage = round(p.success_count * 100.0 / p.execution_count, 2),
      error_rate_percentage = round(p.error_count * 100.0 / p.execution_count, 2)
  WHERE p.id = recorded.id
  RETURNING p.* INTO recorded;

  -- Locked in a fixed order, against deadlocks between two hours. An integer of tokens overflows within
  -- the life of an assignment: a full counter keeps its maximum, so that recording does not fail.
  UPDATE public.agent_assignments AS a
  SET tasks_completed = a.tasks_completed + success::integer,
      tasks_failed = a.tasks_failed + (NOT success)::integer,
      total_tokens_used = least(a.total_tokens_used::bigint + input_tokens + output_tokens, 2147483647),
      total_cost_incurred = a.total_cost_incurred + cost
  FROM (
    SELECT id FROM public.agent_assignments
    WHERE workspace_id = workspace AND agent_id = agent AND assignment_status = 'active'
    ORDER BY id FOR NO KEY UPDATE
  ) AS active
  WHERE a.id = active.id;
  RETURN recorded;
END $function$;

-- 016_intelligence; may be called by everybody
CREATE OR REPLACE FUNCTION public.record_signal(workspace uuid, source public.signal_source, category public.signal_category, title text, confidence numeric DEFAULT NULL::numeric, relevance numeric DEFAULT NULL::numeric, description text DEFAULT NULL::text, data_source text DEFAULT NULL::text, key_findings text[] DEFAULT NULL::text[], data_points jsonb DEFAULT NULL::jsonb, competitors uuid[] DEFAULT NULL::uuid[], cohorts uuid[] DEFAULT NULL::uuid[], campaigns uuid[] DEFAULT NULL::uuid[], signal_date timestamp with time zone DEFAULT NULL::timestamp with time zone, expiry_date timestamp with time zone DEFAULT NULL::timestamp with time zone, agent uuid DEFAULT NULL::uuid)
 RETURNS public.intelligence_signals
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 003_workspaces; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.remove_member(workspace uuid, person uuid)
 RETURNS public.user_workspaces
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 017_alerts; may be called by everybody
CREATE OR REPLACE FUNCTION public.resolve_alert(alert uuid, action_taken text DEFAULT NULL::text)
 RETURNS public.system_alerts
 LANGUAGE sql
AS $function$ SELECT gateway.change_alert_status(alert, 'resolved', NULL, action_taken) $function$;

-- 018_invitations; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.revoke_invitation(invitation uuid)
 RETURNS gateway.invitation
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  revoked gateway.invitation;
BEGIN
  IF NOT gateway.bypasses_policies() THEN
    PERFORM gateway.require_workspace_role(public.current_workspace_id(), 'Owner');
  END IF;
  UPDATE gateway.invitation AS i SET status = 'revoked'
  WHERE i.id = revoke_invitation.invitation AND i.status = 'pending' AND i.expires_at > now()
    AND (gateway.bypasses_policies() OR i.workspace_id = public.current_workspace_id())
  RETURNING i.* INTO revoked;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such open invitation' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN revoked;
END $function$;

-- 017_alerts; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.send_user_notification(workspace uuid, person uuid, type public.notification_type, title text, message text, priority public.notification_priority DEFAULT 'normal'::public.notification_priority, channel public.notification_channel DEFAULT 'in_app'::public.notification_channel, description text DEFAULT NULL::text, alert uuid DEFAULT NULL::uuid, achievement uuid DEFAULT NULL::uuid, campaign uuid DEFAULT NULL::uuid, action_url text DEFAULT NULL::text, action_label text DEFAULT NULL::text, call_to_action text DEFAULT NULL::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS public.user_notifications
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 014_gamification; may be called by everybody
CREATE OR REPLACE FUNCTION public.set_experience_level()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.experience_level := greatest(NEW.total_points, 0) / 1000 + 1;
  NEW.experience_percentage := round(greatest(NEW.total_points, 0) % 1000 / 10.0, 1);
  RETURN NEW;
END $function$;

-- 014_gamification; may be called by everybody
CREATE OR REPLACE FUNCTION public.set_move_success_rate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.success_rate_percentage := round(NEW.moves_successful * 100.0 / nullif(NEW.moves_executed, 0), 2);
  RETURN NEW;
END $function$;

-- 002_setting_tables_up; may be called by everybody
CREATE OR REPLACE FUNCTION public.set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.updated_at := greatest(now()::timestamptz(3), OLD.updated_at + interval '1 millisecond');
  RETURN NEW;
END $function$;

-- 010_moves; may be called by everybody
CREATE OR REPLACE FUNCTION public.start_move(move uuid)
 RETURNS public.moves
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 013_positioning_and_campaigns; may be called by everybody
CREATE OR REPLACE FUNCTION public.touch_campaign()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
END $function$;

-- 014_gamification; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.unlock_achievement(person uuid, achievement uuid, workspace uuid, event text DEFAULT NULL::text, OUT success boolean, OUT message text, OUT points integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
END $function$;

-- 008_strategy_and_cohorts; may be called by everybody
CREATE OR REPLACE FUNCTION public.validate_decision_criteria_weights(criteria jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE jsonb_typeof(criteria)
    WHEN 'array' THEN jsonb_array_length(criteria) = 0 OR coalesce((
      SELECT bool_and(jsonb_typeof(c -> 'weight') = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(c -> 'weight') = 'number' THEN (c ->> 'weight')::numeric END) - 1) <= 0.01
      FROM jsonb_array_elements(criteria) AS c), false)
    WHEN 'object' THEN criteria = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(criteria)), false)
    ELSE criteria IS NULL
  END
$function$;

-- 008_strategy_and_cohorts; may be called by everybody
CREATE OR REPLACE FUNCTION public.validate_journey_distribution(distribution jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE jsonb_typeof(distribution)
    WHEN 'object' THEN distribution = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(distribution)), false)
    ELSE distribution IS NULL
  END
$function$;

-- 003_workspaces; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.viewer_memberships()
 RETURNS SETOF public.user_workspaces
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  SELECT * FROM public.user_workspaces WHERE user_id = auth.uid() ORDER BY joined_at, id
$function$;

-- 001_who_asks; may be called by authenticated, service_role
CREATE OR REPLACE FUNCTION public.workspace_role(workspace uuid)
 RETURNS public.member_role
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
  RETURN (
    SELECT role FROM public.user_workspaces
    WHERE user_id = auth.uid() AND workspace_id = workspace AND gateway.current_agent() IS NULL);
END $function$;
