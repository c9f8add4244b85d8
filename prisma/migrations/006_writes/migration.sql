-- Rules for every writer: state machines, turns and plan limits, agents that write in their
-- own name, patches of JSON, and stored answers of idempotent requests.

-- State machines: one table of steps, one trigger function.

CREATE TABLE IF NOT EXISTS gateway.status_steps (
  table_name text NOT NULL,
  from_status text NOT NULL,
  to_status text NOT NULL,
  position smallint NOT NULL,
  CONSTRAINT status_steps_pkey PRIMARY KEY (table_name, from_status, to_status)
);
COMMENT ON TABLE gateway.status_steps IS 'The steps that rows of a table may take from one status to the next, for every writer; a status without steps is final.';
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
COMMENT ON FUNCTION gateway.require_step IS 'Raises object_not_in_prerequisite_state, with the allowed steps as detail, unless the step is allowed.';

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
COMMENT ON FUNCTION gateway.check_status IS 'Triggers of tables with a state machine: only the allowed steps, for every writer; trusted writers may import rows in any status.';

-- New rows are checked after they are inserted: an upsert that updates a row inserts none.
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

CREATE OR REPLACE FUNCTION gateway.record_moment() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
  RETURN NEW;
END $$;
COMMENT ON FUNCTION gateway.record_moment IS 'Triggers: set the column that keeps the time of a step.';

-- Turns: a transaction that counts rows and then decides takes the turn of what it counts, and keeps it
-- until the transaction ends. The row is written, not just locked: a transaction with an older
-- snapshot (repeatable read) fails with a serialization error instead of counting old rows.

CREATE TABLE IF NOT EXISTS gateway.turns (
  scope uuid NOT NULL,
  workspace_id uuid NOT NULL,
  turn bigint NOT NULL DEFAULT 1,
  CONSTRAINT turns_pkey PRIMARY KEY (scope),
  CONSTRAINT turns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
COMMENT ON TABLE gateway.turns IS 'Locks for counting the cohorts or Owners of a workspace, or the moves of a sprint: one transaction at a time counts and decides.';
CREATE INDEX IF NOT EXISTS turns_workspace_id_idx ON gateway.turns (workspace_id);
CALL gateway.revoke_all('gateway.turns');

CREATE OR REPLACE FUNCTION gateway.take_turn(scope uuid, workspace uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO gateway.turns AS t (scope, workspace_id) VALUES ($1, $2)
  ON CONFLICT ON CONSTRAINT turns_pkey DO UPDATE SET turn = t.turn + 1
$$;
COMMENT ON FUNCTION gateway.take_turn IS 'Waits until no other transaction has the turn of the scope, and keeps it until the transaction ends.';

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

-- Agents

-- When an agent is deleted, the database clears references to it: that is no write in another name.
CREATE OR REPLACE FUNCTION gateway.stamp_agent() RETURNS trigger
LANGUAGE plpgsql AS $$
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
END $$;
COMMENT ON FUNCTION gateway.stamp_agent IS 'Triggers of tables that say which agent wrote a row: filled from the claims; only the calling agent itself is accepted.';

-- A column of a table says which agent wrote a row, by its `name` or by its `id`.
CREATE OR REPLACE PROCEDURE gateway.stamp_table(target regclass, column_name text, kind text)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER stamp_agent BEFORE INSERT ON %s FOR EACH ROW'
    ' WHEN (gateway.current_agent() IS NOT NULL) EXECUTE FUNCTION gateway.stamp_agent(%L, %L)', target, column_name, kind);
  EXECUTE format('CREATE OR REPLACE TRIGGER keep_agent BEFORE UPDATE OF %2$I ON %1$s FOR EACH ROW'
    ' WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I AND gateway.current_agent() IS NOT NULL)'
    ' EXECUTE FUNCTION gateway.stamp_agent(%2$L, %3$L)', target, column_name, kind);
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.stamp_table FROM PUBLIC;

-- Patches of a JSON value, applied to the stored value: two writers of
-- different parts do not overwrite each other.

CREATE OR REPLACE FUNCTION gateway.jsonb_patch(target jsonb, operations jsonb, column_name text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
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
END $$;
COMMENT ON FUNCTION gateway.jsonb_patch IS 'The target after these operations, in order: [{"path": ["a", "0"], "set": value} or {"path": [...], "remove": true}]. Missing objects on the path of a set value are made; removing a missing value does nothing. Raises invalid_parameter_value, with the name of the column, for a path through other values than objects and arrays, or beyond the end of an array.';

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
  size integer GENERATED ALWAYS AS (octet_length(outcome::text)) STORED,
  CONSTRAINT idempotency_key_pkey PRIMARY KEY (id),
  CONSTRAINT idempotency_key_caller_key UNIQUE NULLS NOT DISTINCT (person, agent, key),
  CONSTRAINT idempotency_key_caller_check CHECK (num_nonnulls(person, agent) = 1),
  CONSTRAINT idempotency_key_key_check CHECK (length(key) BETWEEN 1 AND 255),
  CONSTRAINT idempotency_key_request_hash_check CHECK (octet_length(request_hash) BETWEEN 16 AND 64)
);
COMMENT ON TABLE gateway.idempotency_key IS 'The answer to a caller''s request with this key, for 24 hours; the outcome is written in the transaction of the request''s own changes.';
CREATE INDEX IF NOT EXISTS idempotency_key_created_at_idx ON gateway.idempotency_key (created_at);

DO $$
DECLARE
  own text := 'person = (SELECT auth.uid()) AND agent IS NULL OR agent = (SELECT gateway.current_agent()) AND person IS NULL';
BEGIN
  CALL gateway.protect_table('gateway.idempotency_key', own, own, own, 'false');
END $$;
REVOKE UPDATE ON gateway.idempotency_key FROM authenticated;
GRANT UPDATE (workspace_id, request_hash, outcome, created_at) ON gateway.idempotency_key TO authenticated;

-- SECURITY DEFINER: nobody deletes keys in another way. A caller deletes only its own, and only when it
-- has so many that there is no room for another one.
CREATE OR REPLACE FUNCTION gateway.make_room_for_idempotency_key(
  max_keys integer DEFAULT 10000, max_bytes bigint DEFAULT 100000000
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
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
END $$;
COMMENT ON FUNCTION gateway.make_room_for_idempotency_key IS 'Whether the caller may have another key. Deletes its oldest keys for this if needed, except those of the last hour.';

CREATE OR REPLACE FUNCTION gateway.claim_idempotent_request(
  key text, request_hash bytea, names_workspace boolean DEFAULT true,
  OUT claimed boolean, OUT same_request boolean, OUT too_many boolean, OUT outcome jsonb
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
END $$;
COMMENT ON FUNCTION gateway.claim_idempotent_request IS 'Claimed: the caller has the key and must write the outcome before it commits, unless it has too many keys. Otherwise the outcome of the first request, and whether this one is the same.';

-- SECURITY DEFINER: nobody deletes keys in another way. Everybody may call it: a key stays for
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

REVOKE EXECUTE ON FUNCTION gateway.make_room_for_idempotency_key, gateway.trim_idempotency_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.make_room_for_idempotency_key, gateway.trim_idempotency_keys TO authenticated, service_role;
