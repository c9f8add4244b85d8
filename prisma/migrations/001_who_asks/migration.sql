-- The caller of a statement, their workspace, and what they may do: a person with a role in the workspace, an agent
-- with scopes, or all members with one role together.

CALL gateway.ensure_enum('member_role', ARRAY['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer']);

-- The request

-- Transaction-local settings, so that a pooled connection never carries one request's tenant to the next.
CREATE OR REPLACE FUNCTION public.current_workspace_id() RETURNS uuid
LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('app.current_workspace_id', true), '')::uuid $$;
COMMENT ON FUNCTION public.current_workspace_id IS 'The workspace of the request, null when unset.';

CREATE OR REPLACE FUNCTION gateway.current_claims() RETURNS jsonb
LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
COMMENT ON FUNCTION gateway.current_claims IS 'The claims of the request, null when unset.';

-- The setting and session_user have the role that sent the statement; current_user would be
-- the function's owner within a SECURITY DEFINER function.
CREATE OR REPLACE FUNCTION gateway.bypasses_policies() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles
  WHERE rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
$$;
COMMENT ON FUNCTION gateway.bypasses_policies IS 'Whether the caller is a trusted writer, for which row-level policies do not apply.';

-- Agents. A request of an agent runs as `authenticated` with its claims: no `sub`, its name in the
-- registry as `agent`, and `scopes` such as "intelligence:write" or "*:read".

CREATE OR REPLACE FUNCTION gateway.current_agent() RETURNS text
LANGUAGE sql STABLE AS
$$ SELECT nullif(gateway.current_claims() ->> 'agent', '') $$;
COMMENT ON FUNCTION gateway.current_agent IS 'The name of the calling agent, null for people.';

CREATE OR REPLACE FUNCTION gateway.agent_has_scope(domain text, action text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(gateway.current_claims() -> 'scopes' ?| ARRAY[domain || ':' || action, '*:' || action], false)
$$;
COMMENT ON FUNCTION gateway.agent_has_scope IS 'Whether the claims grant an action (read, write) in a domain or in all.';

-- The registry and the assignments come with 015_agent_registry.
SET check_function_bodies = off;

-- SECURITY DEFINER: the policies of agent_registry call this, and must not call themselves.
CREATE OR REPLACE FUNCTION gateway.current_agent_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT id FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND is_active
$$;
COMMENT ON FUNCTION gateway.current_agent_id IS 'The calling agent, null for people and for agents that are not active in the registry.';

-- SECURITY DEFINER: this is called before a workspace is chosen.
CREATE OR REPLACE FUNCTION gateway.agent_workspaces() RETURNS TABLE (workspace_id uuid, assigned_date timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT a.workspace_id, min(a.assigned_date)
  FROM public.agent_assignments AS a
  WHERE a.agent_id = gateway.current_agent_id() AND a.assignment_status = 'active'
  GROUP BY a.workspace_id
  ORDER BY 2, 1
$$;
COMMENT ON FUNCTION gateway.agent_workspaces IS 'The workspaces in which the calling agent may act, longest assigned first.';

RESET check_function_bodies;

-- SECURITY DEFINER: the policies of agent_registry call this, and must not call themselves.
CREATE OR REPLACE FUNCTION gateway.agent_is_retired() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.agent_registry WHERE agent_name = gateway.current_agent() AND NOT is_active);
END $$;
COMMENT ON FUNCTION gateway.agent_is_retired IS 'Whether the calling agent is registered as inactive. Such an agent may do nothing.';

-- SECURITY DEFINER: the policies of agent_assignments call this, and must not call themselves.
CREATE OR REPLACE FUNCTION gateway.agent_may_act(agent_name text, workspace uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM public.agent_registry AS r
    JOIN public.agent_assignments AS a ON a.agent_id = r.id
    WHERE r.agent_name = agent_may_act.agent_name AND r.is_active
      AND a.workspace_id = workspace AND a.assignment_status = 'active');
END $$;
COMMENT ON FUNCTION gateway.agent_may_act IS 'Whether the agent is active and has an active assignment in the workspace.';

-- Audiences: a statement that runs once for many members runs for no person. It has
-- the claim "audience", which is the members' role: it reads what every member with this role
-- reads in the current workspace, and writes nothing.

CREATE OR REPLACE FUNCTION gateway.is_audience() RETURNS boolean
LANGUAGE sql STABLE AS
$$ SELECT coalesce(gateway.current_claims() ->> 'audience' <> '' AND NOT gateway.current_claims() ?| '{sub,agent}', false) $$;
COMMENT ON FUNCTION gateway.is_audience IS 'Whether the caller is an audience: members of the current workspace together, not a person or an agent.';

-- Membership and roles

-- SECURITY DEFINER: the policies of user_workspaces call these, and must not call themselves. In PL/pgSQL
-- for speed: policies call these for each statement, and the plans of an SQL function would be made
-- each time.
CREATE OR REPLACE FUNCTION public.is_workspace_member(workspace uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN EXISTS (SELECT FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace)
      OR (gateway.is_audience() AND workspace IS NOT NULL AND workspace = public.current_workspace_id());
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' <> '[]', false)
    AND gateway.agent_may_act(gateway.current_agent(), workspace);
END $$;
COMMENT ON FUNCTION public.is_workspace_member IS 'Whether the person or the audience of the request belongs to the workspace; for an agent, whether it may act there and has any scope.';

-- Every table of a statement has a policy that needs the answer, and looking it up takes longer than
-- reading a few rows. So the answer is kept in a setting for the rest of the statement. It says no more
-- than the settings that it was found with, and anyone who could set it could set those.
CREATE OR REPLACE FUNCTION gateway.statement_key() RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT statement_timestamp()::text || current_setting('app.current_workspace_id', true)
    || current_setting('request.jwt.claims', true)
$$;
COMMENT ON FUNCTION gateway.statement_key IS 'Text that is the same throughout a statement and under the same settings only; null without a workspace or claims.';

CREATE OR REPLACE FUNCTION gateway.look_up_membership() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF public.is_workspace_member(public.current_workspace_id()) IS NOT TRUE THEN
    RETURN false;
  END IF;
  PERFORM set_config('gateway.member_statement', gateway.statement_key(), true);
  RETURN true;
END $$;
COMMENT ON FUNCTION gateway.look_up_membership IS 'Looks up whether the request is of a member of the current workspace, and keeps a yes for the statement.';

CREATE OR REPLACE FUNCTION gateway.is_current_member() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('gateway.member_statement', true) = gateway.statement_key(), false)
    OR gateway.look_up_membership()
$$;
COMMENT ON FUNCTION gateway.is_current_member IS 'Whether is_workspace_member holds for the current workspace, looked up once a statement.';

CREATE OR REPLACE FUNCTION public.workspace_role(workspace uuid) RETURNS public.member_role
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN (
    SELECT role FROM public.user_workspaces
    WHERE user_id = auth.uid() AND workspace_id = workspace AND gateway.current_agent() IS NULL);
END $$;
COMMENT ON FUNCTION public.workspace_role IS 'The role in the workspace of the person of the request, null for others and for agents.';

CREATE OR REPLACE FUNCTION public.has_workspace_role(minimum public.member_role) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false)
$$;
COMMENT ON FUNCTION public.has_workspace_role IS 'Whether the person has this role, or one that includes it, in the current workspace.';

CREATE OR REPLACE FUNCTION gateway.require_member(person uuid, workspace uuid) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.user_workspaces WHERE user_id = person AND workspace_id = workspace) THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found';
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_member IS 'Raises no_data_found unless the person is a member of the workspace.';

-- What they may do

-- SECURITY DEFINER, as has_workspace_role.
CREATE OR REPLACE FUNCTION gateway.may_write(minimum public.member_role, domain text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false);
  END IF;
  RETURN gateway.agent_has_scope(domain, 'write')
    AND gateway.agent_may_act(gateway.current_agent(), public.current_workspace_id());
END $$;
COMMENT ON FUNCTION gateway.may_write IS 'Whether the person has the role in the current workspace or the agent, which may act there, the scope to write in the domain.';

-- What all workspaces share (the agents, what they can do, and the dictionaries) is written through the
-- API by trusted writers, which are agents with a scope of its own. "*:write" is not enough, since that
-- is about the rows of one workspace.
CREATE OR REPLACE FUNCTION gateway.may_write_shared() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT gateway.current_agent() IS NOT NULL
    AND coalesce(gateway.current_claims() -> 'scopes' ? 'global:write', false)
    AND NOT gateway.agent_is_retired()
$$;
COMMENT ON FUNCTION gateway.may_write_shared IS 'Whether the caller is an agent with the scope global:write that is not retired. It need not be in the registry: somebody has to register the first one.';

-- Not SECURITY DEFINER: it only calls functions that are.
CREATE OR REPLACE FUNCTION gateway.is_owner() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN public.has_workspace_role('Owner')
    OR (gateway.is_audience() AND gateway.current_claims() ->> 'audience' = 'Owner' AND public.current_workspace_id() IS NOT NULL);
END $$;
COMMENT ON FUNCTION gateway.is_owner IS 'Whether the caller is an Owner of the current workspace, or all of its Owners together.';

-- The scope by its own name: "*:read" is not enough, since it does not mention billing.
CREATE OR REPLACE FUNCTION gateway.reads_billing() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.current_agent() IS NULL THEN
    RETURN gateway.is_owner();
  END IF;
  RETURN coalesce(gateway.current_claims() -> 'scopes' ? 'billing:read', false)
    AND public.is_workspace_member(public.current_workspace_id());
END $$;
COMMENT ON FUNCTION gateway.reads_billing IS 'Whether the caller is an Owner of the current workspace, or an agent that may act there and has the scope billing:read.';

-- For a person, the error for a workspace that does not exist is the same as for another tenant's. An agent
-- passes where policies decide about the rows after this: not in a function that runs as its owner,
-- which names the domain instead.
CREATE OR REPLACE FUNCTION gateway.require_workspace_role(workspace uuid, minimum public.member_role) RETURNS void
LANGUAGE plpgsql STABLE AS $$
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
END $$;
COMMENT ON FUNCTION gateway.require_workspace_role IS 'Raises insufficient_privilege unless the person has the role in the current workspace, which must be this one; trusted writers pass, and agents to what policies decide.';

CREATE OR REPLACE FUNCTION gateway.require_writer(workspace uuid, minimum public.member_role, domain text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.current_agent() IS NULL OR gateway.bypasses_policies() THEN
    PERFORM gateway.require_workspace_role(workspace, minimum);
  ELSIF (workspace = public.current_workspace_id() AND gateway.may_write(minimum, domain)) IS NOT TRUE THEN
    RAISE EXCEPTION 'this needs the scope %:write in the current workspace', domain USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_writer IS 'Raises insufficient_privilege unless the person has the role, or the agent the scope, in the current workspace, which must be this one; trusted writers pass.';

CREATE OR REPLACE FUNCTION gateway.require_text(value text, field text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF value IS NULL OR btrim(value) = '' THEN
    RAISE EXCEPTION '% must not be empty', field USING ERRCODE = 'invalid_parameter_value', COLUMN = field;
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_text IS 'Raises invalid_parameter_value, naming the field, for a missing or blank text.';

REVOKE EXECUTE ON FUNCTION gateway.current_agent_id, gateway.agent_workspaces, gateway.agent_is_retired,
  gateway.agent_may_act, public.is_workspace_member, public.workspace_role, public.has_workspace_role,
  gateway.may_write, gateway.is_owner, gateway.reads_billing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.current_agent_id, gateway.agent_workspaces, gateway.agent_is_retired,
  gateway.agent_may_act, public.is_workspace_member, public.workspace_role, public.has_workspace_role,
  gateway.may_write, gateway.is_owner, gateway.reads_billing TO authenticated, service_role;
