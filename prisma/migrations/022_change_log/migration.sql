-- What was committed, for subscriptions: which row of the 59 tables changed when, whoever wrote it.
-- The log holds no data of the rows: those are read under the policies by whoever is told.
-- Safe to run again: everything is made only where it is missing, or replaced by the same.

-- 1. The log

CREATE TABLE IF NOT EXISTS gateway.change (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  workspace_id uuid,
  reader_id uuid,
  table_name text NOT NULL,
  row_id text NOT NULL,
  operation text NOT NULL,
  changed_columns text[] NOT NULL DEFAULT '{}',
  occurred_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- By transaction first: a reader asks for the transactions that it has not seen. No other index,
  -- since every write of the platform pays for it.
  CONSTRAINT change_pkey PRIMARY KEY (xid, seq),
  CONSTRAINT change_operation_check CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE'))
);
COMMENT ON TABLE gateway.change IS 'Which rows of the 59 tables changed, for the gateway''s subscriptions; kept for 7 days, until gateway.trim_change_log() is called.';
COMMENT ON COLUMN gateway.change.seq IS 'Orders changes that a reader sees for the first time together; says nothing about when they were committed.';
COMMENT ON COLUMN gateway.change.workspace_id IS 'The workspace whose members may be told; null for rows that all share, and for a person''s own.';
COMMENT ON COLUMN gateway.change.reader_id IS 'The only person who may be told, where the row is a person''s.';
COMMENT ON COLUMN gateway.change.changed_columns IS 'The columns that an update changed, but updated_at.';
CALL gateway.protect_table('gateway.change', 'false', 'false', 'false', 'false');
REVOKE ALL ON gateway.change FROM service_role;

-- One row: which log this is, and the key that seals cursors, the same for all replicas.
CREATE TABLE IF NOT EXISTS gateway.change_log (
  id boolean NOT NULL DEFAULT true,
  identity uuid NOT NULL DEFAULT gen_random_uuid(),
  cluster text,
  key bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
  trimmed_xid xid8 NOT NULL DEFAULT '0',
  CONSTRAINT change_log_pkey PRIMARY KEY (id),
  CONSTRAINT change_log_id_check CHECK (id)
);
COMMENT ON TABLE gateway.change_log IS 'The state of the change log, in one row.';
COMMENT ON COLUMN gateway.change_log.identity IS 'Part of every cursor: another one after a restore or a failover, whose transaction ids tell nothing about those before.';
COMMENT ON COLUMN gateway.change_log.cluster IS 'The server, its timeline and the database that the log was written in.';
COMMENT ON COLUMN gateway.change_log.trimmed_xid IS 'The newest transaction of which changes were deleted.';
CALL gateway.protect_table('gateway.change_log', 'false', 'false', 'false', 'false');
REVOKE ALL ON gateway.change_log FROM service_role;
INSERT INTO gateway.change_log (id) VALUES (true) ON CONFLICT DO NOTHING;

-- Its value is a moment, in milliseconds since 1970. A sequence, since writers must see it at once
-- and must not wait for it.
CREATE SEQUENCE IF NOT EXISTS gateway.readers_awake_until MINVALUE 0 START 0;
COMMENT ON SEQUENCE gateway.readers_awake_until IS 'Until when all readers of the log poll it, so that writers need not wake them: NOTIFY takes a lock that writers would queue for.';
CALL gateway.revoke_all('gateway.readers_awake_until');

-- SECURITY DEFINER: nobody may write to the log otherwise.
CREATE OR REPLACE FUNCTION gateway.log_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  workspace_key text := CASE TG_TABLE_NAME WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- A row that moves to another workspace or person, or gets another id, leaves there and arrives
    -- here. One that some members may see before or after is told to all of them.
    WITH o AS MATERIALIZED (SELECT to_jsonb(t) AS r FROM old_rows AS t),
         n AS MATERIALIZED (SELECT to_jsonb(t) AS r FROM new_rows AS t)
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation, changed_columns)
    SELECT (coalesce(n.r, o.r) ->> workspace_key)::uuid,
           CASE
             WHEN n.r IS NULL THEN gateway.audit_reader(TG_TABLE_NAME, o.r)
             WHEN o.r IS NULL OR gateway.audit_reader(TG_TABLE_NAME, o.r) IS NOT NULL THEN gateway.audit_reader(TG_TABLE_NAME, n.r)
           END,
           TG_TABLE_NAME, coalesce(n.r, o.r) ->> 'id',
           CASE WHEN n.r IS NULL THEN 'DELETE' WHEN o.r IS NULL THEN 'INSERT' ELSE 'UPDATE' END,
           coalesce(changed.columns, '{}')
    FROM o
    FULL JOIN n ON n.r ->> 'id' = o.r ->> 'id' AND coalesce(n.r ->> workspace_key, '') = coalesce(o.r ->> workspace_key, '')
      AND coalesce(gateway.audit_reader(TG_TABLE_NAME, n.r) = gateway.audit_reader(TG_TABLE_NAME, o.r), true)
    CROSS JOIN LATERAL (
      SELECT array_agg(key) AS columns
      FROM jsonb_each(n.r)
      WHERE o.r IS NOT NULL AND value <> o.r -> key AND key <> 'updated_at'
    ) AS changed
    WHERE n.r IS NULL OR o.r IS NULL OR changed.columns IS NOT NULL;
  ELSIF TG_ARGV[0] = 'members' AND TG_OP = 'INSERT' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT n.workspace_id, TG_TABLE_NAME, n.id, TG_OP FROM new_rows AS n;
  ELSIF TG_ARGV[0] = 'members' AND TG_OP = 'DELETE' THEN
    INSERT INTO gateway.change (workspace_id, table_name, row_id, operation)
    SELECT o.workspace_id, TG_TABLE_NAME, o.id, TG_OP FROM old_rows AS o;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)
    SELECT (r ->> workspace_key)::uuid, gateway.audit_reader(TG_TABLE_NAME, r), TG_TABLE_NAME, r ->> 'id', TG_OP
    FROM (SELECT to_jsonb(n) AS r FROM new_rows AS n OFFSET 0) AS rows;
  ELSE
    INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)
    SELECT (r ->> workspace_key)::uuid, gateway.audit_reader(TG_TABLE_NAME, r), TG_TABLE_NAME, r ->> 'id', TG_OP
    FROM (SELECT to_jsonb(o) AS r FROM old_rows AS o OFFSET 0) AS rows;
  END IF;
  IF (SELECT last_value FROM gateway.readers_awake_until) < extract(epoch FROM clock_timestamp()) * 1000 THEN
    NOTIFY gateway_change;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.log_change IS 'Triggers of the 59 tables: which rows changed, into the change log. "members" says that whoever is a member of the row''s workspace may see it.';

CREATE OR REPLACE FUNCTION gateway.log_truncation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  EXECUTE format('INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)'
    ' SELECT (r ->> %L)::uuid, gateway.audit_reader(%L, r), %2$L, r ->> ''id'', ''DELETE'' FROM (SELECT to_jsonb(t) AS r FROM %I.%I AS t) AS rows',
    CASE TG_TABLE_NAME WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END, TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_TABLE_NAME);
  NOTIFY gateway_change;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.log_truncation IS 'Triggers of the 59 tables: all rows are gone.';

REVOKE EXECUTE ON FUNCTION gateway.log_change, gateway.log_truncation FROM PUBLIC;

-- Always: what a replication role or an import writes is told too.
CREATE OR REPLACE PROCEDURE gateway.log_table(target regclass)
LANGUAGE plpgsql AS $$
DECLARE
  name text := (SELECT relname FROM pg_catalog.pg_class WHERE oid = target);
  visibility text := CASE
    WHEN name IN ('onboarding_responses', 'subscriptions', 'user_notifications', 'user_achievements') THEN 'some'
    WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = 'workspace_id' AND NOT attisdropped) THEN 'members'
    ELSE 'some'
  END;
  operation text;
  trigger_name text;
  transition text;
BEGIN
  FOR operation, transition IN VALUES
    ('INSERT', 'NEW TABLE AS new_rows'), ('UPDATE', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'), ('DELETE', 'OLD TABLE AS old_rows')
  LOOP
    trigger_name := 'log_' || lower(operation);
    EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION gateway.log_change(%L)',
      trigger_name, operation, target, transition, visibility);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, trigger_name);
  END LOOP;
  EXECUTE format('CREATE OR REPLACE TRIGGER log_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION gateway.log_truncation()', target);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER log_truncate', target);
END $$;
REVOKE EXECUTE ON PROCEDURE gateway.log_table FROM PUBLIC;

DO $$
DECLARE
  target regclass;
BEGIN
  FOR target IN
    SELECT polrelid FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
    WHERE relnamespace = 'public'::regnamespace AND polname = 'authenticated_select'
    ORDER BY relname
  LOOP
    CALL gateway.log_table(target);
  END LOOP;
END $$;

-- 2. Reading it. For the gateway's own login only; STABLE, so that everything in them is of one
-- snapshot, that of the statement which calls them.

-- What the log's readers have seen when they see this. Beyond the newest transaction of the log
-- nothing counts as seen: after a crash Postgres gives the ids of lost transactions to new ones.
CREATE OR REPLACE FUNCTION gateway.change_snapshot() RETURNS pg_snapshot
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  now_ pg_snapshot := pg_current_snapshot();
  newest bigint := greatest((SELECT xid FROM gateway.change ORDER BY xid DESC LIMIT 1), (SELECT trimmed_xid FROM gateway.change_log))::text::bigint;
  upper_ bigint := least(pg_snapshot_xmax(now_)::text::bigint, newest + 1);
  running text := (SELECT string_agg(x::text, ',' ORDER BY x) FROM pg_snapshot_xip(now_) AS x WHERE x::text::bigint < upper_);
BEGIN
  RETURN format('%s:%s:%s', least(pg_snapshot_xmin(now_)::text::bigint, upper_), upper_, running)::pg_snapshot;
END $$;
COMMENT ON FUNCTION gateway.change_snapshot IS 'Up to where the log can be read now: the statement''s snapshot, cut off behind the newest transaction of the log.';

CREATE OR REPLACE FUNCTION gateway.changes_after(seen pg_snapshot, page_size integer)
RETURNS TABLE (snapshot text, awake boolean, more boolean, changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  page jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_array(c.seq, c.table_name, c.row_id, c.operation, c.workspace_id, c.reader_id,
      c.changed_columns, extract(epoch FROM c.occurred_at) * 1000) ORDER BY c.seq), '[]')
  INTO page
  FROM (
    SELECT u.* FROM (
      SELECT * FROM gateway.change WHERE xid >= pg_snapshot_xmax(seen)
      UNION ALL
      SELECT * FROM gateway.change WHERE xid IN (SELECT pg_snapshot_xip(seen))
    ) AS u
    ORDER BY u.seq LIMIT page_size + 1
  ) AS c;
  RETURN QUERY SELECT gateway.change_snapshot()::text,
    (SELECT last_value FROM gateway.readers_awake_until) >= extract(epoch FROM clock_timestamp()) * 1000,
    jsonb_array_length(page) > page_size,
    CASE WHEN jsonb_array_length(page) > page_size THEN page - page_size ELSE page END;
END $$;
COMMENT ON FUNCTION gateway.changes_after IS 'The first page of the changes that a snapshot does not see, each as [seq, table, row, operation, workspace, reader, changed columns, epoch milliseconds], and the snapshot that sees all of them.';

CREATE OR REPLACE FUNCTION gateway.changes_between(
  seen pg_snapshot, until pg_snapshot, after_seq bigint, page_size integer,
  tables text[] DEFAULT NULL, workspace uuid DEFAULT NULL, person uuid DEFAULT NULL
) RETURNS TABLE (more boolean, changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  page jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_array(c.seq, c.table_name, c.row_id, c.operation, c.workspace_id, c.reader_id,
      c.changed_columns, extract(epoch FROM c.occurred_at) * 1000) ORDER BY c.seq), '[]')
  INTO page
  FROM (
    SELECT u.* FROM (
      SELECT * FROM gateway.change WHERE xid >= pg_snapshot_xmax(seen) AND xid < pg_snapshot_xmax(until)
      UNION ALL
      SELECT * FROM gateway.change WHERE xid IN (SELECT pg_snapshot_xip(seen))
    ) AS u
    WHERE pg_visible_in_snapshot(u.xid, until) AND u.seq > after_seq
      AND (tables IS NULL OR u.table_name = ANY (tables)
        AND (u.workspace_id IS NULL OR u.workspace_id = workspace)
        AND (u.reader_id IS NULL OR u.reader_id = person))
    ORDER BY u.seq LIMIT page_size + 1
  ) AS c;
  RETURN QUERY SELECT jsonb_array_length(page) > page_size,
    CASE WHEN jsonb_array_length(page) > page_size THEN page - page_size ELSE page END;
END $$;
COMMENT ON FUNCTION gateway.changes_between IS 'A page of the changes that the second snapshot sees and the first one does not, behind a seq: all of them, or those of some tables that a person in a workspace may be told.';

CREATE OR REPLACE FUNCTION gateway.keep_readers_awake(milliseconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  now_ bigint := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  -- Replicas that fell asleep in between would wait for a writer that no longer wakes them.
  IF (SELECT last_value FROM gateway.readers_awake_until) < now_ THEN
    NOTIFY gateway_change;
  END IF;
  PERFORM setval('gateway.readers_awake_until', now_ + milliseconds);
END $$;
COMMENT ON FUNCTION gateway.keep_readers_awake IS 'Makes every reader poll for this long, in milliseconds, and writers wake none of them meanwhile.';

-- SECURITY DEFINER, also for pg_control_system().
CREATE OR REPLACE FUNCTION gateway.open_change_log() RETURNS TABLE (identity uuid, key bytea, trimmed_xid text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  here text := format('%s/%s/%s', (SELECT system_identifier FROM pg_control_system()),
    (SELECT timeline_id FROM pg_control_checkpoint()), (SELECT oid FROM pg_database WHERE datname = current_database()));
BEGIN
  -- What was written elsewhere has transaction ids of there.
  IF EXISTS (SELECT FROM gateway.change_log AS l WHERE l.cluster IS DISTINCT FROM here) THEN
    PERFORM FROM gateway.change_log FOR UPDATE;
    IF EXISTS (SELECT FROM gateway.change_log AS l WHERE l.cluster IS DISTINCT FROM here) THEN
      DELETE FROM gateway.change;
      UPDATE gateway.change_log SET cluster = here, identity = gen_random_uuid(), trimmed_xid = '0';
    END IF;
  END IF;
  RETURN QUERY SELECT l.identity, l.key, l.trimmed_xid::text FROM gateway.change_log AS l;
END $$;
COMMENT ON FUNCTION gateway.open_change_log IS 'Which log this is, the key that seals cursors, and the newest transaction of which changes were deleted. A log that came here by a restore or a failover is begun anew.';

CREATE OR REPLACE FUNCTION gateway.trim_change_log(keep interval DEFAULT '7 days', page_size integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  trimmed bigint;
  newest xid8;
BEGIN
  IF (keep >= '0') IS NOT TRUE THEN
    RAISE EXCEPTION 'keep must be 0 or longer' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'keep';
  END IF;
  -- Replicas trim in turn.
  PERFORM FROM gateway.change_log FOR UPDATE;
  WITH old AS (
    DELETE FROM gateway.change AS c
    USING (SELECT xid, seq FROM gateway.change ORDER BY xid, seq LIMIT page_size) AS first
    WHERE c.xid = first.xid AND c.seq = first.seq AND c.occurred_at < clock_timestamp() - keep
    RETURNING c.xid
  )
  SELECT count(*), max(old.xid) INTO trimmed, newest FROM old;
  IF trimmed > 0 THEN
    UPDATE gateway.change_log SET trimmed_xid = greatest(trimmed_xid, newest);
  END IF;
  RETURN trimmed;
END $$;
COMMENT ON FUNCTION gateway.trim_change_log IS 'How many of the oldest changes were deleted, a page at most: those older than this. Call it until it is 0.';

CREATE OR REPLACE FUNCTION gateway.workspace_roles(workspaces uuid[]) RETURNS TABLE (workspace_id uuid, user_id uuid, role public.member_role)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT m.workspace_id, m.user_id, m.role FROM public.user_workspaces AS m WHERE m.workspace_id = ANY (workspaces)
$$;
COMMENT ON FUNCTION gateway.workspace_roles IS 'Who is what in these workspaces: for subscriptions that stay open while that changes.';

DO $$
DECLARE
  f regprocedure;
BEGIN
  FOREACH f IN ARRAY '{gateway.change_snapshot(), "gateway.changes_after(pg_snapshot,integer)",
    "gateway.changes_between(pg_snapshot,pg_snapshot,bigint,integer,text[],uuid,uuid)", gateway.keep_readers_awake(integer),
    gateway.open_change_log(), "gateway.trim_change_log(interval,integer)", gateway.workspace_roles(uuid[])}'::regprocedure[] LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO codex_gateway', f);
  END LOOP;
END $$;
-- Lists tell the cursor to go on from, in the transaction that reads their rows.
GRANT EXECUTE ON FUNCTION gateway.change_snapshot TO authenticated;
GRANT USAGE ON SCHEMA gateway TO codex_gateway;

-- 3. Audiences: what is executed once for many members is executed for none of them. Such a
-- statement has the claim "audience", the members' role, and no person: it reads what every member
-- with this role reads in the current workspace, and writes nothing.

CREATE OR REPLACE FUNCTION gateway.is_audience() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  claims jsonb := gateway.current_claims();
BEGIN
  RETURN coalesce(claims ? 'audience' AND NOT claims ?| '{sub,agent}', false);
END $$;
COMMENT ON FUNCTION gateway.is_audience IS 'Whether the members of the current workspace ask together, rather than a person or an agent.';
REVOKE EXECUTE ON FUNCTION gateway.is_audience FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.is_audience TO authenticated, service_role;

CREATE OR REPLACE FUNCTION public.is_workspace_member(workspace uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.is_audience() THEN
    RETURN coalesce(workspace = public.current_workspace_id(), false);
  ELSIF gateway.current_agent() IS NULL THEN
    RETURN EXISTS (SELECT FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace);
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' <> '[]', false)
    AND gateway.agent_may_act(gateway.current_agent(), workspace);
END $$;
COMMENT ON FUNCTION public.is_workspace_member IS 'Whether the person or the audience of the request is of the workspace; of an agent, whether it may act there and has any scope.';

DO $$
DECLARE
  target regclass;
  shared text;
  signed_in text := '(SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL OR (SELECT gateway.is_audience())';
BEGIN
  FOREACH target IN ARRAY '{journey_stages,channel_roles,maneuver_types,agent_registry,agent_capabilities}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select', signed_in || ' OR (SELECT gateway.may_write_shared())');
  END LOOP;
  shared := format('(workspace_id IS NULL AND (%s)) OR (%s)', signed_in, gateway.member_reads());
  FOREACH target IN ARRAY '{visual_design_templates,adaptation_patterns}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select', shared);
  END LOOP;
  CALL gateway.ensure_policy('workspaces', 'select', 'id IN (SELECT m.workspace_id FROM public.viewer_memberships() AS m)'
    || ' OR id IN (SELECT a.workspace_id FROM gateway.agent_workspaces() AS a)'
    || ' OR (id = (SELECT public.current_workspace_id()) AND (SELECT gateway.is_audience()))');
END $$;
