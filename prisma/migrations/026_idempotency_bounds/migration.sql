-- What a caller's idempotency keys may take up, and to which workspace a key belongs.

ALTER TABLE gateway.idempotency_key
  ADD COLUMN IF NOT EXISTS size integer GENERATED ALWAYS AS (octet_length(outcome::text)) STORED;

-- SECURITY DEFINER: nobody deletes keys otherwise. A caller gives up only its own, and only when it
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
    -- Many at a time, so that this is seldom needed. Another request may be deleting the same ones.
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
COMMENT ON FUNCTION gateway.make_room_for_idempotency_key IS 'Whether the caller has no more keys than it may have, after its oldest ones are deleted where needed. Those of the last hour stay.';
REVOKE EXECUTE ON FUNCTION gateway.make_room_for_idempotency_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.make_room_for_idempotency_key TO authenticated, service_role;

DROP FUNCTION IF EXISTS gateway.claim_idempotency_key(text, bytea);
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
    -- A request that names no workspace is in another one after it has created one, or been admitted
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
COMMENT ON FUNCTION gateway.claim_idempotent_request IS 'Claimed: the caller has the key and is to write the outcome before it commits, unless it has too many keys. Otherwise the outcome of the first request, and whether this one is the same.';
