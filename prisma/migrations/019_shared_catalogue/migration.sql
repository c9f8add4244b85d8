-- What all workspaces share (the agents, what they can do, and the dictionaries) is written through
-- the API too: by trusted writers, which are agents with a scope of its own. "*:write" is not
-- enough, since that is about the rows of one workspace.

CREATE OR REPLACE FUNCTION gateway.may_write_shared() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT gateway.current_agent() IS NOT NULL
    AND coalesce(gateway.current_claims() -> 'scopes' ? 'global:write', false)
$$;
COMMENT ON FUNCTION gateway.may_write_shared IS 'Whether an agent with the scope global:write asks. It need not be in the registry: somebody has to register the first one.';

DO $$
DECLARE
  target regclass;
BEGIN
  FOREACH target IN ARRAY '{journey_stages,channel_roles,maneuver_types,agent_registry,agent_capabilities}'::regclass[] LOOP
    CALL gateway.ensure_policy(target, 'select', '(SELECT auth.uid()) IS NOT NULL'
      || ' OR (SELECT gateway.current_agent_id()) IS NOT NULL OR (SELECT gateway.may_write_shared())');
    CALL gateway.ensure_policy(target, 'insert', '(SELECT gateway.may_write_shared())');
    CALL gateway.ensure_policy(target, 'update', '(SELECT gateway.may_write_shared())');
    CALL gateway.ensure_policy(target, 'delete', '(SELECT gateway.may_write_shared())');
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO authenticated', target);
  END LOOP;
END $$;
