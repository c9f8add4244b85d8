-- Whom the database trusts with what: billing is for Owners, a person's plan for that person.
-- Safe to run again: everything is made only where it is missing, or replaced by the same.

-- 1. Billing

-- Not SECURITY DEFINER: it asks nothing but functions that are.
CREATE OR REPLACE FUNCTION gateway.is_owner() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN public.has_workspace_role('Owner')
    OR (gateway.is_audience() AND gateway.current_claims() ->> 'audience' = 'Owner' AND public.current_workspace_id() IS NOT NULL);
END $$;
COMMENT ON FUNCTION gateway.is_owner IS 'Whether an Owner of the current workspace asks, or all of its Owners together.';

-- The scope by its own name: "*:read" is not enough, since it does not say that the agent may see money.
CREATE OR REPLACE FUNCTION gateway.reads_billing() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN gateway.is_owner();
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' ? 'billing:read', false)
    AND public.is_workspace_member(public.current_workspace_id());
END $$;
COMMENT ON FUNCTION gateway.reads_billing IS 'Whether an Owner of the current workspace asks, or an agent that may act there and has the scope billing:read.';

REVOKE EXECUTE ON FUNCTION gateway.is_owner, gateway.reads_billing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.is_owner, gateway.reads_billing TO authenticated, service_role;

DO $$
DECLARE
  target regclass;
  signed_in text := '(SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL OR (SELECT gateway.is_audience())';
BEGIN
  FOREACH target IN ARRAY '{billing_history,autopay_subscriptions,autopay_payments}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select',
      'workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.reads_billing())');
  END LOOP;
  CALL gateway.ensure_policy('subscriptions', 'select',
    'user_id = (SELECT auth.uid()) AND (workspace_id IS NULL OR (' || gateway.member_reads() || '))');
  CALL gateway.ensure_policy('gateway.audit_log', 'select',
    '(' || gateway.member_reads() || ' AND (reader_id IS NULL OR reader_id = (SELECT auth.uid()))'
    || ' AND (table_name <> ALL (''{billing_history,autopay_subscriptions,autopay_payments}'') OR (SELECT gateway.reads_billing())))'
    || format(' OR (workspace_id IS NULL AND reader_id IS NULL AND (%s))', signed_in)
    || ' OR (workspace_id IS NULL AND (reader_id = (SELECT auth.uid())'
    || ' OR (table_name = ''user_profiles'' AND reader_id IN (SELECT m.user_id FROM public.user_workspaces AS m))))');
END $$;

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

-- 2. Agents

-- Where an agent is deleted, the database clears what refers to it: nobody writes in another name.
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
