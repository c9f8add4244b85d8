-- Whom the database trusts with what: billing is for Owners, a person's plan for that person; retired
-- agents may do nothing; prompts and model settings of agents are for Owners and trusted writers.
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

-- SECURITY DEFINER: the policies of agent_registry ask this, and must not ask themselves.
CREATE OR REPLACE FUNCTION gateway.agent_is_retired() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND NOT is_active);
END $$;
COMMENT ON FUNCTION gateway.agent_is_retired IS 'Whether the agent that asks is registered as inactive. Such an agent may do nothing.';
REVOKE EXECUTE ON FUNCTION gateway.agent_is_retired FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.agent_is_retired TO authenticated, service_role;

CREATE OR REPLACE FUNCTION gateway.may_write_shared() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT gateway.current_agent() IS NOT NULL
    AND coalesce(gateway.current_claims() -> 'scopes' ? 'global:write', false)
    AND NOT gateway.agent_is_retired()
$$;
COMMENT ON FUNCTION gateway.may_write_shared IS 'Whether an agent with the scope global:write asks that is not retired. It need not be in the registry: somebody has to register the first one.';

-- 3. Secret columns

CREATE OR REPLACE FUNCTION gateway.secret_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{mobile_number,model_config,payment_id,stripe_customer_id,stripe_subscription_id,system_prompt,transaction_id,upi_transaction_ref}'::text[]
$$;
COMMENT ON FUNCTION gateway.secret_columns IS 'Columns that no history shows. Prompts and model settings of agents are for Owners and trusted writers besides: see gateway.agent_prompts(). npm run db:verify compares this with the list that the gateway goes by.';
REVOKE EXECUTE ON FUNCTION gateway.secret_columns FROM PUBLIC;

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

-- Entries from before model settings were secret.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM gateway.audit_log
    WHERE table_name = 'agent_registry' AND (coalesce(before -> 'model_config', 'null') NOT IN ('null', '{"$hidden": true}')
      OR coalesce(after -> 'model_config', 'null') NOT IN ('null', '{"$hidden": true}'))
  ) THEN
    ALTER TABLE gateway.audit_log NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE gateway.audit_log DISABLE TRIGGER refuse_change;
    UPDATE gateway.audit_log SET before = gateway.shorten_row(before), after = gateway.shorten_row(after)
    WHERE table_name = 'agent_registry' AND (before ? 'model_config' OR after ? 'model_config');
    ALTER TABLE gateway.audit_log ENABLE TRIGGER refuse_change;
    ALTER TABLE gateway.audit_log FORCE ROW LEVEL SECURITY;
  END IF;
END $$;

-- A privilege on a column cannot depend on a role in a workspace. So clients have none on these, for
-- whatever purpose, and whoever may read them asks a function.
DO $$
DECLARE
  shown text := (
    SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
    WHERE attrelid = 'public.agent_registry'::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('model_config', 'system_prompt'));
BEGIN
  REVOKE SELECT ON public.agent_registry FROM authenticated;
  EXECUTE format('GRANT SELECT (%s) ON public.agent_registry TO authenticated', shown);
END $$;

CREATE OR REPLACE FUNCTION gateway.reads_prompts() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN gateway.is_owner() OR gateway.may_write_shared();
END $$;
COMMENT ON FUNCTION gateway.reads_prompts IS 'Whether an Owner of the current workspace asks, or a trusted writer of what all share.';

-- SECURITY DEFINER: clients have no privilege on these columns.
CREATE OR REPLACE FUNCTION gateway.agent_prompts(agents uuid[]) RETURNS TABLE (id uuid, model_config jsonb, system_prompt text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.reads_prompts() THEN
    RETURN QUERY SELECT a.id, a.model_config, a.system_prompt FROM public.agent_registry AS a WHERE a.id = ANY (agents);
  END IF;
END $$;
COMMENT ON FUNCTION gateway.agent_prompts IS 'Prompts and model settings of these agents, for Owners of the current workspace and trusted writers; nothing for others.';
REVOKE EXECUTE ON FUNCTION gateway.reads_prompts, gateway.agent_prompts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.reads_prompts, gateway.agent_prompts TO authenticated, service_role;
