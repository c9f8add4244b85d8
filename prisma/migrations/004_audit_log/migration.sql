-- Who changed which row when, for every writer.

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
COMMENT ON TABLE gateway.audit_log IS 'Who changed which row of the 59 tables when, through the API or in SQL: the whole row of an insert or delete, the changed columns (except updated_at) of an update. Append-only. An entry is kept for 365 days, also after its row, its workspace or its author are deleted; then gateways delete it. Everybody who may read the row may read its history. Provider references, phone numbers and prompts are hidden: {"$hidden": true}; a value over 1 kB is shortened: {"$shortened": {"bytes", "start"}}.';
COMMENT ON COLUMN gateway.audit_log.reader_id IS 'The only person who may read the entry, where the row is a person''s; null for the members of the workspace.';
COMMENT ON COLUMN gateway.audit_log.role IS 'The database role that sent the statement.';
COMMENT ON COLUMN gateway.audit_log.txid IS 'Changes of one transaction share it.';
CREATE INDEX IF NOT EXISTS audit_log_workspace_id_table_name_row_id_id_idx ON gateway.audit_log (workspace_id, table_name, row_id, id DESC);
-- For trimming: entries are appended in about this order, so that an index of blocks is enough.
CREATE INDEX IF NOT EXISTS audit_log_occurred_at_idx ON gateway.audit_log USING brin (occurred_at);

CALL gateway.protect_table('gateway.audit_log',
  may_select => '(' || gateway.member_reads() || ' AND (reader_id IS NULL OR reader_id = (SELECT auth.uid()))'
    || ' AND (table_name <> ALL (''{billing_history,autopay_subscriptions,autopay_payments}'') OR (SELECT gateway.reads_billing())))'
    || format(' OR (workspace_id IS NULL AND reader_id IS NULL AND (%s))', gateway.signed_in())
    || ' OR (workspace_id IS NULL AND (reader_id = (SELECT auth.uid())'
    || ' OR (table_name = ''user_profiles'' AND reader_id IN (SELECT m.user_id FROM public.user_workspaces AS m))))',
  may_insert => 'false', may_update => 'false', may_delete => 'false');
REVOKE INSERT, UPDATE, DELETE ON gateway.audit_log FROM service_role;

-- Nobody changes it

CREATE OR REPLACE FUNCTION gateway.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' OR current_setting('gateway.trims_audit_log', true) IS DISTINCT FROM 'yes' THEN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege',
      HINT = 'gateway.trim_audit_log() deletes old entries.';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.refuse_audit_change IS 'Trigger of audit_log: nobody changes it, not even its owner, and only trim_audit_log() deletes from it.';

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON gateway.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION gateway.refuse_audit_change();

-- SECURITY DEFINER: nobody may delete from the log in another way.
CREATE OR REPLACE FUNCTION gateway.trim_audit_log(keep interval DEFAULT '365 days') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.trim_audit_log IS 'How many entries older than this were deleted, 10,000 at most. Call it until it returns 0. It also returns 0 while another session trims. For trusted writers.';

CREATE OR REPLACE FUNCTION gateway.expire_audit_log() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  SELECT gateway.trim_audit_log()
$$;
COMMENT ON FUNCTION gateway.expire_audit_log IS 'How many entries older than 365 days were deleted, 10,000 at most. Call it until it returns 0. Anybody may call it: it only deletes old entries.';

REVOKE EXECUTE ON FUNCTION gateway.trim_audit_log, gateway.expire_audit_log FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.trim_audit_log TO service_role;
GRANT EXECUTE ON FUNCTION gateway.expire_audit_log TO authenticated, service_role;

-- What is written, and who may read it

CREATE OR REPLACE FUNCTION gateway.secret_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{mobile_number,model_config,payment_id,stripe_customer_id,stripe_subscription_id,system_prompt,transaction_id,upi_transaction_ref}'::text[]
$$;
COMMENT ON FUNCTION gateway.secret_columns IS 'Columns that no history shows. Prompts and model settings of agents are also hidden from all but Owners and trusted writers: see gateway.agent_prompts(). npm run db:verify compares this with the list that the gateway uses.';
REVOKE EXECUTE ON FUNCTION gateway.secret_columns FROM PUBLIC;

-- In PL/pgSQL for speed: its plans are kept, those of an SQL function with a subquery are made again
-- for each statement.
CREATE OR REPLACE FUNCTION gateway.shorten_row(r jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
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
END $$;
COMMENT ON FUNCTION gateway.shorten_row IS 'Columns as the audit log keeps them: secrets hidden, large values shortened.';

CREATE OR REPLACE FUNCTION gateway.audit_reader(table_name text, r jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (CASE
    WHEN table_name = 'user_profiles' THEN r ->> 'id'
    WHEN table_name IN ('onboarding_responses', 'subscriptions', 'user_notifications') THEN r ->> 'user_id'
    WHEN table_name = 'user_achievements' AND r ->> 'visibility' <> 'public' THEN r ->> 'user_id'
    -- One of a trusted writer is nobody's: no person has its id.
    WHEN table_name = 'invitation' THEN coalesce(r ->> 'invited_by', r ->> 'id')
  END)::uuid
$$;
COMMENT ON FUNCTION gateway.audit_reader IS 'The person that a row is for, or who sent an invitation; null for rows of all members.';

-- Writing it

-- SECURITY DEFINER: nobody may write to the log in another way. One statement for each statement, for any
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
END $$;
COMMENT ON FUNCTION gateway.audit IS 'Triggers of the 59 tables: who changed which rows, into the audit log.';

REVOKE EXECUTE ON FUNCTION gateway.audit FROM PUBLIC;

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

-- The tables that were made before this log.
CALL gateway.audit_table('workspaces');
CALL gateway.audit_table('user_workspaces');
