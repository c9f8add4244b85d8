-- Gateways delete audit entries that are past the time for which they are kept.

-- SECURITY DEFINER: nobody may delete from the log otherwise.
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
COMMENT ON FUNCTION gateway.expire_audit_log IS 'How many entries older than 365 days were deleted, 10,000 at most. Call it until it returns 0. Anybody may call it: it only deletes what is no longer kept.';

REVOKE EXECUTE ON FUNCTION gateway.trim_audit_log, gateway.expire_audit_log FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.trim_audit_log TO service_role;
GRANT EXECUTE ON FUNCTION gateway.expire_audit_log TO authenticated, service_role;
COMMENT ON TABLE gateway.audit_log IS 'Who changed which row of the 59 tables when, through the API or in SQL: the whole row of an insert or delete, the changed columns (except updated_at) of an update. Append-only. An entry is kept for 365 days, also after its row, its workspace or its author are gone; gateways delete it then. Whoever may read the row may read its history. Provider references, phone numbers and prompts are hidden: {"$hidden": true}; a value over 1 kB is shortened: {"$shortened": {"bytes", "start"}}.';
