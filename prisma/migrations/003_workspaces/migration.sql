-- Workspaces and their members. Nobody becomes a member without consent: a person creates a
-- workspace, or accepts an invitation. Trusted writers may insert memberships.

CALL gateway.ensure_enum('workspace_plan', ARRAY['Ascent', 'Glide', 'Soar']);

-- workspaces
CREATE TABLE IF NOT EXISTS public.workspaces (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(200) NOT NULL,
  slug varchar(100),
  plan public.workspace_plan NOT NULL DEFAULT 'Ascent',
  cohorts_limit integer NOT NULL DEFAULT 3,
  moves_per_sprint_limit integer NOT NULL DEFAULT 5,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT workspaces_pkey PRIMARY KEY (id),
  CONSTRAINT workspaces_slug_key UNIQUE (slug)
);
CREATE INDEX IF NOT EXISTS workspaces_created_at_id_idx ON public.workspaces (created_at DESC, id DESC);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.workspaces
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.require_not_negative('workspaces', 'cohorts_limit', 'moves_per_sprint_limit');

-- user_workspaces
CREATE TABLE IF NOT EXISTS public.user_workspaces (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  workspace_id uuid NOT NULL,
  role public.member_role NOT NULL DEFAULT 'Viewer',
  joined_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT user_workspaces_pkey PRIMARY KEY (id),
  CONSTRAINT user_workspaces_user_id_workspace_id_key UNIQUE (user_id, workspace_id),
  CONSTRAINT user_workspaces_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT user_workspaces_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_workspaces_workspace_id_joined_at_id_idx ON public.user_workspaces (workspace_id, joined_at DESC, id DESC);

-- SECURITY DEFINER: shows memberships in all workspaces, not just in the current one.
CREATE OR REPLACE FUNCTION public.viewer_memberships() RETURNS SETOF public.user_workspaces
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT * FROM public.user_workspaces WHERE user_id = auth.uid() ORDER BY joined_at, id
$$;
COMMENT ON FUNCTION public.viewer_memberships IS 'All memberships of the person of the request, in any workspace.';
REVOKE EXECUTE ON FUNCTION public.viewer_memberships FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.viewer_memberships TO authenticated, service_role;

-- A workspace is made by create_workspace(), together with its Owner's membership.
CALL gateway.protect_table('workspaces',
  may_select => 'id IN (SELECT m.workspace_id FROM public.viewer_memberships() AS m)'
    || ' OR id IN (SELECT a.workspace_id FROM gateway.agent_workspaces() AS a)'
    || ' OR (id = (SELECT public.current_workspace_id()) AND (SELECT gateway.is_audience()))',
  may_insert => 'false',
  may_update => 'id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(''Owner''))',
  may_delete => 'id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(''Owner''))');

-- Memberships are made by create_workspace() and accept_invitation(), and by trusted writers. Owners
-- can change only the role: the person and the date decide where requests run that name
-- no workspace.
CALL gateway.protect_table('user_workspaces', gateway.member_reads(),
  may_insert => 'false', may_update => gateway.member_writes('Owner'), may_delete => gateway.member_writes('Owner'));
REVOKE UPDATE ON public.user_workspaces FROM authenticated;
GRANT UPDATE (role) ON public.user_workspaces TO authenticated;

-- Functions

-- SECURITY DEFINER: nobody may insert a workspace or a first membership in another way.
CREATE OR REPLACE FUNCTION public.create_workspace(name text, slug text DEFAULT NULL) RETURNS public.workspaces
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  most_owned CONSTANT integer := 100;
  owned bigint;
  created public.workspaces;
BEGIN
  IF auth.uid() IS NULL THEN
    RAISE EXCEPTION 'a workspace needs a signed-in person as its Owner' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- Waits for other transactions that count the same workspaces.
  PERFORM pg_advisory_xact_lock(hashtextextended('create_workspace ' || auth.uid(), 0));
  SELECT count(*) INTO owned FROM public.user_workspaces AS m WHERE m.user_id = auth.uid() AND m.role = 'Owner';
  IF owned >= most_owned THEN
    RAISE EXCEPTION 'an Owner of % workspaces cannot create another one', most_owned
      USING ERRCODE = 'CX001', COLUMN = 'name', DETAIL = json_build_object('limit', most_owned, 'current', owned)::text;
  END IF;
  INSERT INTO public.workspaces (name, slug) VALUES (create_workspace.name, create_workspace.slug) RETURNING * INTO created;
  INSERT INTO public.user_workspaces (user_id, workspace_id, role) VALUES (auth.uid(), created.id, 'Owner');
  RETURN created;
END $$;
COMMENT ON FUNCTION public.create_workspace IS 'The new workspace; the person of the request becomes its Owner. CX001 for an Owner of 100 workspaces.';

CREATE OR REPLACE FUNCTION public.change_member_role(workspace uuid, person uuid, role public.member_role) RETURNS public.user_workspaces
LANGUAGE plpgsql AS $$
DECLARE
  membership public.user_workspaces;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  IF role IS NULL THEN
    RAISE EXCEPTION 'role must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'role';
  END IF;
  UPDATE public.user_workspaces AS m SET role = change_member_role.role
  WHERE m.user_id = person AND m.workspace_id = workspace
  RETURNING m.* INTO membership;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found', COLUMN = 'person';
  END IF;
  RETURN membership;
END $$;
COMMENT ON FUNCTION public.change_member_role IS 'The membership with its new role; the last Owner stays one. For an Owner and trusted writers.';

-- SECURITY DEFINER: members cannot delete memberships in another way, not even their own.
CREATE OR REPLACE FUNCTION public.remove_member(workspace uuid, person uuid) RETURNS public.user_workspaces
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  membership public.user_workspaces;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, CASE WHEN person = auth.uid() THEN 'Viewer' ELSE 'Owner' END::public.member_role);
  DELETE FROM public.user_workspaces AS m WHERE m.user_id = person AND m.workspace_id = workspace
  RETURNING m.* INTO membership;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such member' USING ERRCODE = 'no_data_found', COLUMN = 'person';
  END IF;
  RETURN membership;
END $$;
COMMENT ON FUNCTION public.remove_member IS 'The deleted membership; the last Owner stays. For an Owner, trusted writers, and members who leave.';

-- SECURITY DEFINER: must see every membership, also while a person is deleted with their memberships.
CREATE OR REPLACE FUNCTION gateway.keep_last_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.workspaces WHERE id = OLD.workspace_id) THEN
    RETURN NULL;
  END IF;
  PERFORM gateway.take_turn(OLD.workspace_id, OLD.workspace_id);
  IF NOT EXISTS (SELECT FROM public.user_workspaces WHERE workspace_id = OLD.workspace_id AND role = 'Owner') THEN
    RAISE EXCEPTION 'the workspace would be left without an Owner'
      USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'role',
            HINT = 'Make somebody else an Owner first, or delete the workspace.';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.keep_last_owner IS 'Triggers of user_workspaces: the last Owner stays, for every writer, unless the whole workspace is deleted.';

CREATE OR REPLACE TRIGGER keep_last_owner AFTER DELETE ON public.user_workspaces
  FOR EACH ROW WHEN (OLD.role = 'Owner') EXECUTE FUNCTION gateway.keep_last_owner();
CREATE OR REPLACE TRIGGER keep_last_owner_on_change AFTER UPDATE ON public.user_workspaces
  FOR EACH ROW WHEN (OLD.role = 'Owner' AND (NEW.role <> 'Owner' OR NEW.workspace_id <> OLD.workspace_id))
  EXECUTE FUNCTION gateway.keep_last_owner();

REVOKE EXECUTE ON FUNCTION public.create_workspace, public.remove_member, gateway.keep_last_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.create_workspace, public.remove_member TO authenticated, service_role;
