-- Committed changes, for subscriptions: which row of the 59 tables changed when, for every writer.
-- The log holds no data of the rows: subscribers read the rows under their own policies.

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
  -- By transaction first: a reader reads the transactions that it has not seen. No other index,
  -- since it would slow every write of the platform; nor a CHECK, which Postgres parses again for each
  -- statement: that alone would double the cost.
  CONSTRAINT change_pkey PRIMARY KEY (xid, seq)
);
COMMENT ON TABLE gateway.change IS 'Which rows of the 59 tables changed, for the gateway''s subscriptions; kept for 7 days, until gateway.trim_change_log() is called.';
COMMENT ON COLUMN gateway.change.seq IS 'Orders changes that a reader sees for the first time together. It is not the order of commits.';
COMMENT ON COLUMN gateway.change.workspace_id IS 'The workspace whose members may receive the change; null for rows that all share, and for a person''s own.';
COMMENT ON COLUMN gateway.change.reader_id IS 'The only person who may receive the change, if the row is a person''s.';
COMMENT ON COLUMN gateway.change.changed_columns IS 'The columns that an update changed, without updated_at.';
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
COMMENT ON COLUMN gateway.change_log.identity IS 'Part of every cursor. It changes after a restore or a failover, since transaction ids then have another meaning.';
COMMENT ON COLUMN gateway.change_log.cluster IS 'The server, its timeline and the database that the log was written in.';
COMMENT ON COLUMN gateway.change_log.trimmed_xid IS 'The newest transaction of which changes were deleted.';
CALL gateway.protect_table('gateway.change_log', 'false', 'false', 'false', 'false');
REVOKE ALL ON gateway.change_log FROM service_role;
INSERT INTO gateway.change_log (id) VALUES (true) ON CONFLICT DO NOTHING;

-- Their values are times in milliseconds since 1970. Sequences, since writers must see them at once
-- and must not wait for them.
CREATE SEQUENCE IF NOT EXISTS gateway.readers_listen_until MINVALUE 0 START 0;
COMMENT ON SEQUENCE gateway.readers_listen_until IS 'Until when the log has readers; they renew it.';
CALL gateway.revoke_all('gateway.readers_listen_until');
CREATE SEQUENCE IF NOT EXISTS gateway.readers_awake_until MINVALUE 0 START 0;
COMMENT ON SEQUENCE gateway.readers_awake_until IS 'Until when all readers of the log poll, so that writers need not wake them; or when they were last woken.';
CALL gateway.revoke_all('gateway.readers_awake_until');

-- 2. Writing it

-- NOTIFY takes a lock until the commit is on disk, and commits that queue for it cannot share a write.
-- So when one commit closely follows another, readers poll for a while, and the commits that come
-- next need not wake them. Close means within the time that a disk takes to flush: commits
-- that queue for the lock are at least that far apart. Commits that are farther apart can wake
-- readers at no cost, which by polling would see them later.
CREATE OR REPLACE FUNCTION gateway.wake_readers() RETURNS void
LANGUAGE plpgsql AS $$
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
END $$;
COMMENT ON FUNCTION gateway.wake_readers IS 'Notifies readers of the log once the transaction commits, if there are any that do not poll. A prepared transaction must not do this: SET LOCAL gateway.wakes_readers = ''no'' prevents it.';

CREATE OR REPLACE FUNCTION gateway.change_readers(table_name text, r jsonb) RETURNS TABLE (workspace_id uuid, reader_id uuid)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
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
END $$;
COMMENT ON FUNCTION gateway.change_readers IS 'Who may receive the change of a row: the members of a workspace, or a person in it; without a workspace a person anywhere, or everybody.';

CREATE OR REPLACE FUNCTION gateway.changed_columns(before jsonb, after jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT key FROM jsonb_each(after) WHERE value <> before -> key AND key <> 'updated_at');
END $$;
COMMENT ON FUNCTION gateway.changed_columns IS 'The columns in which two states of a row differ, without updated_at.';

-- SECURITY DEFINER: nobody may write to the log in another way.
CREATE OR REPLACE FUNCTION gateway.log_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.log_change IS 'Triggers of tables whose rows all members of their workspace see: which rows changed, into the change log.';

-- SECURITY DEFINER, as log_change.
CREATE OR REPLACE FUNCTION gateway.log_partial_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.log_partial_change IS 'Triggers of tables whose rows are not seen by exactly the members of a workspace: which rows changed and who may receive that, into the change log.';

-- SECURITY DEFINER, as log_change, which logs the memberships themselves.
CREATE OR REPLACE FUNCTION gateway.log_colleagues() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.log_colleagues IS 'Triggers of user_workspaces: a workspace sees the profile of a new member, and no longer that of one who left.';

CREATE OR REPLACE FUNCTION gateway.log_truncation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  EXECUTE format('INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation)'
    ' SELECT recipient.workspace_id, recipient.reader_id, %1$L, t.id, ''DELETE'''
    ' FROM %2$s AS t, gateway.change_readers(%1$L, to_jsonb(t)) AS recipient', TG_TABLE_NAME, TG_RELID::regclass);
  PERFORM gateway.wake_readers();
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.log_truncation IS 'Triggers of the 59 tables: all rows are deleted.';

REVOKE EXECUTE ON FUNCTION gateway.wake_readers, gateway.change_readers, gateway.changed_columns,
  gateway.log_change, gateway.log_partial_change, gateway.log_colleagues, gateway.log_truncation FROM PUBLIC;

-- Always: changes with session_replication_role = replica, as by imports, are logged too.
CREATE OR REPLACE PROCEDURE gateway.log_table(target regclass)
LANGUAGE plpgsql AS $$
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
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.log_table FROM PUBLIC;

-- The tables that were made before this log.
CALL gateway.log_table('workspaces');
CALL gateway.log_table('user_workspaces');
CREATE OR REPLACE TRIGGER log_colleagues_insert AFTER INSERT ON public.user_workspaces
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.log_colleagues();
CREATE OR REPLACE TRIGGER log_colleagues_update AFTER UPDATE ON public.user_workspaces
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.log_colleagues();
CREATE OR REPLACE TRIGGER log_colleagues_delete AFTER DELETE ON public.user_workspaces
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gateway.log_colleagues();
ALTER TABLE public.user_workspaces ENABLE ALWAYS TRIGGER log_colleagues_insert,
  ENABLE ALWAYS TRIGGER log_colleagues_update, ENABLE ALWAYS TRIGGER log_colleagues_delete;

-- 3. Reading it, for the gateway's own login. STABLE: everything in these functions is of the snapshot
-- of the statement that calls them. Without sequential scans, since plans are kept while the log grows.

CREATE OR REPLACE FUNCTION gateway.transactions_between(seen pg_snapshot, until pg_snapshot) RETURNS TABLE (first xid8, beyond xid8)
LANGUAGE sql STABLE ROWS 4 AS $$
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
$$;
COMMENT ON FUNCTION gateway.transactions_between IS 'The transactions that the second snapshot sees and the first one does not, as ranges. Running transactions are left out: each read would scan their rows, which may be many.';

-- Nothing after the newest transaction of the log counts as seen: after a crash Postgres gives the
-- ids of lost transactions to new ones.
CREATE OR REPLACE FUNCTION gateway.change_snapshot() RETURNS pg_snapshot
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET jit = off AS $$
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
END $$;
COMMENT ON FUNCTION gateway.change_snapshot IS 'Up to where the log can be read now: the statement''s snapshot, cut off after the newest transaction of the log.';

-- A page of the log is read by an index on its transactions, for any length of the log: a plan that
-- Postgres keeps for any parameters would scan all of it.
CREATE OR REPLACE FUNCTION gateway.changes_between(
  seen pg_snapshot, until pg_snapshot, after_seq bigint, page_size integer,
  tables text[] DEFAULT NULL, workspace uuid DEFAULT NULL, person uuid DEFAULT NULL
) RETURNS TABLE (more boolean, changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET jit = off AS $$
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
END $$;
COMMENT ON FUNCTION gateway.changes_between IS 'A page of the changes that the second snapshot sees and the first one does not, after a seq, each as [seq, table, row, operation, workspace, reader, changed columns, epoch milliseconds]: all of them, or those of some tables that a person in a workspace may receive.';

CREATE OR REPLACE FUNCTION gateway.changes_after(seen pg_snapshot, page_size integer)
RETURNS TABLE (snapshot text, awake boolean, more boolean, changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.changes_after IS 'The first page of the changes that a snapshot does not see, the snapshot that sees all of them, and whether readers are kept awake.';

CREATE OR REPLACE FUNCTION gateway.expect_readers() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
BEGIN
  -- Rarely, since setting a sequence writes to disk.
  IF (SELECT last_value FROM gateway.readers_listen_until) < now_ + 5000 THEN
    PERFORM setval('gateway.readers_listen_until', now_ + 10000);
  END IF;
END $$;
COMMENT ON FUNCTION gateway.expect_readers IS 'Lets writers wake readers for the next 5 to 10 seconds.';

CREATE OR REPLACE FUNCTION gateway.keep_readers_awake(milliseconds integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  now_ bigint := date_part('epoch', clock_timestamp()) * 1000;
BEGIN
  -- Readers that sleep would wait for a writer that no longer wakes them.
  IF (SELECT last_value FROM gateway.readers_awake_until) <= now_ THEN
    NOTIFY gateway_change;
  END IF;
  PERFORM setval('gateway.readers_awake_until', now_ + least(greatest(milliseconds, 0), 1000));
END $$;
COMMENT ON FUNCTION gateway.keep_readers_awake IS 'Lets every reader poll for this long, in milliseconds up to 1000; meanwhile writers wake none of them.';

-- The transaction ids of a log are those of the server that wrote it. A server is recognised by its identifier, a
-- failover and a point-in-time recovery by the timeline, a dump by the oids.
CREATE OR REPLACE FUNCTION gateway.open_change_log() RETURNS TABLE (identity uuid, key bytea, trimmed_xid text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.open_change_log IS 'The identity of the log, the key that seals cursors, and the newest transaction of which changes were deleted. After a restore or a failover the log starts again.';

CREATE OR REPLACE FUNCTION gateway.trim_change_log(keep interval DEFAULT '7 days', page_size integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.trim_change_log IS 'How many of the oldest changes were deleted, a page at most: those older than this. Call it until it returns 0.';

CREATE OR REPLACE FUNCTION gateway.workspace_roles(workspaces uuid[]) RETURNS TABLE (workspace_id uuid, user_id uuid, role public.member_role)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT m.workspace_id, m.user_id, m.role FROM public.user_workspaces AS m WHERE m.workspace_id = ANY (workspaces)
$$;
COMMENT ON FUNCTION gateway.workspace_roles IS 'The members of these workspaces and their roles, for subscriptions that stay open while these change.';

GRANT USAGE ON SCHEMA gateway TO codex_gateway;
REVOKE EXECUTE ON FUNCTION gateway.change_snapshot, gateway.changes_after, gateway.changes_between,
  gateway.keep_readers_awake, gateway.open_change_log, gateway.trim_change_log, gateway.workspace_roles,
  gateway.transactions_between, gateway.expect_readers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.change_snapshot, gateway.changes_after, gateway.changes_between,
  gateway.keep_readers_awake, gateway.open_change_log, gateway.trim_change_log, gateway.workspace_roles TO codex_gateway;
-- Lists return the cursor to resume from, in the transaction that reads their rows.
GRANT EXECUTE ON FUNCTION gateway.change_snapshot TO authenticated;
