-- Invitations to workspaces, by which people become members.

CALL gateway.ensure_enum('invitation_status', ARRAY['pending', 'accepted', 'declined', 'revoked', 'expired']);

CREATE TABLE IF NOT EXISTS gateway.invitation (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid,
  email varchar(255) NOT NULL,
  role public.member_role NOT NULL DEFAULT 'Viewer',
  invited_by uuid DEFAULT auth.uid(),
  status public.invitation_status NOT NULL DEFAULT 'pending',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL DEFAULT now() + interval '14 days',
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT invitation_pkey PRIMARY KEY (id),
  -- They outlive their workspace: the limit for a sender includes invitations of deleted workspaces.
  CONSTRAINT invitation_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE SET NULL,
  CONSTRAINT invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT invitation_email_check CHECK (email = lower(btrim(email)) AND email ~ '^[^\s@]+@[^\s@]+$')
);
COMMENT ON TABLE gateway.invitation IS 'Invitations to workspaces, open for 14 days. One that is closed or expired is deleted 30 days later, by gateway.expire_invitations().';
COMMENT ON COLUMN gateway.invitation.workspace_id IS 'Null once the workspace is deleted: then nobody sees or accepts the invitation.';
COMMENT ON COLUMN gateway.invitation.email IS 'The person who signs in with this address may accept; in lower case.';
CREATE UNIQUE INDEX IF NOT EXISTS invitation_workspace_id_email_pending_key ON gateway.invitation (workspace_id, email) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS invitation_workspace_id_created_at_idx ON gateway.invitation (workspace_id, created_at DESC);
CREATE INDEX IF NOT EXISTS invitation_email_idx ON gateway.invitation (email);
CREATE INDEX IF NOT EXISTS invitation_invited_by_created_at_idx ON gateway.invitation (invited_by, created_at);
CREATE INDEX IF NOT EXISTS invitation_expires_at_idx ON gateway.invitation (expires_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS invitation_updated_at_idx ON gateway.invitation (updated_at) WHERE status <> 'pending';
-- People read it by the view below and write it by the functions.
CALL gateway.protect_table('gateway.invitation', 'false', 'false', 'false', 'false');
CALL gateway.require_finite('gateway.invitation');
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON gateway.invitation
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.audit_table('gateway.invitation');

-- 1. The owner of an address: from the identity provider, not from a claim of a token.

-- As JSON, since only some providers have the column.
CREATE OR REPLACE FUNCTION gateway.confirmed_address(person auth.users) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN to_jsonb(person) -> 'email_confirmed_at' = 'null' THEN NULL ELSE lower(person.email) END
$$;
COMMENT ON FUNCTION gateway.confirmed_address IS 'The address of a person in lower case; null where the identity provider says that it is not confirmed.';

-- SECURITY DEFINER: only the platform reads auth.users.
CREATE OR REPLACE FUNCTION gateway.viewer_address() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN (SELECT gateway.confirmed_address(u) FROM auth.users AS u WHERE u.id = auth.uid());
END $$;
COMMENT ON FUNCTION gateway.viewer_address IS 'The confirmed address of the person of the request, null for others.';

-- 2. Who sees an invitation: the person with its address, in any workspace, and Owners in their
-- workspace. Of the workspace and the sender it only shows the names.

CREATE OR REPLACE FUNCTION gateway.visible_invitations() RETURNS TABLE (
  id uuid, workspace_id uuid, workspace_name varchar(200), email varchar(255), role public.member_role,
  inviter_name varchar(255), status public.invitation_status, is_received boolean,
  created_at timestamptz(3), expires_at timestamptz(3)
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  address CONSTANT text := gateway.viewer_address();
  owned CONSTANT uuid := CASE WHEN public.has_workspace_role('Owner') THEN public.current_workspace_id() END;
BEGIN
  RETURN QUERY
    WITH received AS (
      -- However many strangers send, only the newest open ones are read.
      SELECT i.* FROM gateway.invitation AS i WHERE i.email = address AND i.workspace_id IS NOT NULL
      ORDER BY i.status = 'pending' AND i.expires_at > now() DESC, i.created_at DESC, i.id LIMIT 100
    ), visible AS (
      SELECT r.*, true AS is_received FROM received AS r
      UNION ALL
      SELECT i.*, false FROM gateway.invitation AS i WHERE i.workspace_id = owned AND i.email IS DISTINCT FROM address
    )
    SELECT v.id, v.workspace_id, w.name, v.email, v.role, p.full_name,
           CASE WHEN v.status = 'pending' AND v.expires_at <= now() THEN 'expired' ELSE v.status END,
           v.is_received, v.created_at, v.expires_at
    FROM visible AS v
    JOIN public.workspaces AS w ON w.id = v.workspace_id
    LEFT JOIN public.user_profiles AS p ON p.id = v.invited_by;
END $$;
COMMENT ON FUNCTION gateway.visible_invitations IS 'Invitations to the address of the person of the request, 100 at most, and for an Owner those of the current workspace.';

REVOKE EXECUTE ON FUNCTION gateway.confirmed_address, gateway.viewer_address, gateway.visible_invitations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.visible_invitations TO authenticated, service_role;

CREATE OR REPLACE VIEW public.invitation WITH (security_invoker = true) AS SELECT * FROM gateway.visible_invitations();
COMMENT ON VIEW public.invitation IS 'What people see of gateway.invitation: those for them, and for an Owner those of the current workspace. Key: id.';
CALL gateway.publish_view('public.invitation');

-- 3. The change log

CREATE OR REPLACE FUNCTION gateway.invitation_readers(invitation gateway.invitation) RETURNS TABLE (workspace_id uuid, reader_id uuid)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT NULL::uuid, u.id FROM auth.users AS u
    WHERE lower(u.email) = invitation.email AND gateway.confirmed_address(u) IS NOT NULL
    UNION
    SELECT m.workspace_id, m.user_id FROM public.user_workspaces AS m
    WHERE m.workspace_id = invitation.workspace_id AND m.role = 'Owner';
END $$;
COMMENT ON FUNCTION gateway.invitation_readers IS 'Who may receive the change of an invitation: the person with its address, in any workspace, and Owners in the workspace.';

-- SECURITY DEFINER: nobody may write to the log in another way.
CREATE OR REPLACE FUNCTION gateway.log_invitation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO gateway.change (workspace_id, reader_id, table_name, row_id, operation, changed_columns)
  SELECT recipient.workspace_id, recipient.reader_id, TG_TABLE_NAME, coalesce(NEW.id, OLD.id), TG_OP,
         CASE TG_OP WHEN 'UPDATE' THEN gateway.changed_columns(to_jsonb(OLD), to_jsonb(NEW)) ELSE '{}' END
  FROM (
    SELECT r.* FROM gateway.invitation_readers(OLD) AS r WHERE TG_OP <> 'INSERT'
    UNION
    SELECT r.* FROM gateway.invitation_readers(NEW) AS r WHERE TG_OP <> 'DELETE'
  ) AS recipient;
  PERFORM gateway.wake_readers();
  RETURN NULL;
END $$;
COMMENT ON FUNCTION gateway.log_invitation IS 'Triggers of invitation: who may receive the change, into the change log.';

REVOKE EXECUTE ON FUNCTION gateway.invitation_readers, gateway.log_invitation FROM PUBLIC;

CREATE OR REPLACE TRIGGER log_change AFTER INSERT OR DELETE ON gateway.invitation
  FOR EACH ROW EXECUTE FUNCTION gateway.log_invitation();
CREATE OR REPLACE TRIGGER log_update AFTER UPDATE ON gateway.invitation
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION gateway.log_invitation();
ALTER TABLE gateway.invitation ENABLE ALWAYS TRIGGER log_change, ENABLE ALWAYS TRIGGER log_update;

-- 4. Mutations. Errors are the same for known and unknown addresses, and for all invitations
-- that the caller may not close.

-- SECURITY DEFINER: nobody writes invitations in another way.
CREATE OR REPLACE FUNCTION public.invite_workspace_member(workspace uuid, email text, role public.member_role DEFAULT 'Viewer') RETURNS gateway.invitation
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  most_open CONSTANT integer := 100;
  most_a_day CONSTANT integer := 100;
  address CONSTANT text := lower(btrim(invite_workspace_member.email));
  present bigint;
  sent gateway.invitation;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  PERFORM gateway.require_text(invite_workspace_member.email, 'email');
  IF address !~ '^[^\s@]+@[^\s@]+$' OR length(address) > 255 THEN
    RAISE EXCEPTION 'email must be an address, such as asha@example.com' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'email';
  ELSIF role IS NULL THEN
    RAISE EXCEPTION 'role must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'role';
  END IF;
  -- Waits for other transactions that count the same invitations.
  IF auth.uid() IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('gateway.invitation ' || auth.uid(), 0));
  END IF;
  PERFORM gateway.take_turn(workspace, workspace);

  SELECT count(*) INTO present FROM gateway.invitation AS i WHERE i.invited_by = auth.uid() AND i.created_at > now() - interval '24 hours';
  IF present >= most_a_day THEN
    RAISE EXCEPTION 'one person sends at most % invitations in 24 hours', most_a_day
      USING ERRCODE = 'CX001', COLUMN = 'email', DETAIL = json_build_object('limit', most_a_day, 'current', present)::text;
  END IF;
  SELECT count(*) INTO present FROM gateway.invitation AS i WHERE i.workspace_id = workspace AND i.status = 'pending' AND i.expires_at > now();
  IF present >= most_open THEN
    RAISE EXCEPTION 'a workspace has at most % open invitations', most_open
      USING ERRCODE = 'CX001', COLUMN = 'email', DETAIL = json_build_object('limit', most_open, 'current', present)::text;
  END IF;

  IF EXISTS (
    SELECT FROM public.user_workspaces AS m JOIN auth.users AS u ON u.id = m.user_id
    WHERE m.workspace_id = workspace AND lower(u.email) = address
  ) THEN
    RAISE EXCEPTION 'the person with this address is a member of the workspace' USING ERRCODE = 'CX002', COLUMN = 'email';
  END IF;
  UPDATE gateway.invitation AS i SET status = 'expired'
  WHERE i.workspace_id = workspace AND i.email = address AND i.status = 'pending' AND i.expires_at <= now();
  IF EXISTS (SELECT FROM gateway.invitation AS i WHERE i.workspace_id = workspace AND i.email = address AND i.status = 'pending') THEN
    RAISE EXCEPTION 'this address has an open invitation to the workspace: revoke that one to send another'
      USING ERRCODE = 'CX002', COLUMN = 'email';
  END IF;
  INSERT INTO gateway.invitation AS i (workspace_id, email, role) VALUES (workspace, address, role) RETURNING i.* INTO sent;
  RETURN sent;
END $$;
COMMENT ON FUNCTION public.invite_workspace_member IS 'The invitation of an address, open for 14 days; the same whether anybody has signed up with it or not. CX002 for the address of a member, or of an open invitation; CX001 beyond 100 open ones of the workspace, or 100 of the sender in 24 hours. For an Owner and trusted writers.';

-- Not SECURITY DEFINER: those who may call it are.
CREATE OR REPLACE FUNCTION gateway.settle_own_invitation(invitation uuid, outcome public.invitation_status) RETURNS gateway.invitation
LANGUAGE plpgsql AS $$
DECLARE
  settled gateway.invitation;
BEGIN
  UPDATE gateway.invitation AS i SET status = outcome
  WHERE i.id = invitation AND i.email = gateway.viewer_address() AND i.workspace_id IS NOT NULL
    AND i.status = 'pending' AND i.expires_at > now()
  RETURNING i.* INTO settled;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such open invitation for you' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN settled;
END $$;
COMMENT ON FUNCTION gateway.settle_own_invitation IS 'The invitation, closed by the person with its address; no_data_found for one that is not theirs, not open, or missing.';

CREATE OR REPLACE FUNCTION public.accept_invitation(invitation uuid) RETURNS gateway.invitation
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  accepted CONSTANT gateway.invitation := gateway.settle_own_invitation(invitation, 'accepted');
BEGIN
  -- A trusted writer may have made the person a member meanwhile: that role stays.
  INSERT INTO public.user_workspaces (user_id, workspace_id, role)
  VALUES (auth.uid(), accepted.workspace_id, accepted.role)
  ON CONFLICT ON CONSTRAINT user_workspaces_user_id_workspace_id_key DO NOTHING;
  RETURN accepted;
END $$;
COMMENT ON FUNCTION public.accept_invitation IS 'The invitation, accepted: the person of the request, who must have its address, becomes a member.';

CREATE OR REPLACE FUNCTION public.decline_invitation(invitation uuid) RETURNS gateway.invitation
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN gateway.settle_own_invitation(invitation, 'declined');
END $$;
COMMENT ON FUNCTION public.decline_invitation IS 'The invitation, declined by the person of the request, who must have its address.';

CREATE OR REPLACE FUNCTION public.revoke_invitation(invitation uuid) RETURNS gateway.invitation
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  revoked gateway.invitation;
BEGIN
  IF NOT gateway.bypasses_policies() THEN
    PERFORM gateway.require_workspace_role(public.current_workspace_id(), 'Owner');
  END IF;
  UPDATE gateway.invitation AS i SET status = 'revoked'
  WHERE i.id = revoke_invitation.invitation AND i.status = 'pending' AND i.expires_at > now()
    AND (gateway.bypasses_policies() OR i.workspace_id = public.current_workspace_id())
  RETURNING i.* INTO revoked;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the workspace has no such open invitation' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN revoked;
END $$;
COMMENT ON FUNCTION public.revoke_invitation IS 'The invitation, revoked. For an Owner of its workspace and trusted writers.';

-- SECURITY DEFINER: nobody writes invitations in another way. Everybody may call it: it only changes expired and old rows.
CREATE OR REPLACE FUNCTION gateway.expire_invitations(page_size integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  expired bigint;
  deleted bigint;
BEGIN
  -- Replicas do this at about the same time: each takes rows that no other has.
  UPDATE gateway.invitation SET status = 'expired' WHERE id IN (
    SELECT i.id FROM gateway.invitation AS i WHERE i.status = 'pending' AND i.expires_at <= now()
    ORDER BY i.expires_at LIMIT page_size FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS expired = ROW_COUNT;
  DELETE FROM gateway.invitation WHERE id IN (
    SELECT i.id FROM gateway.invitation AS i WHERE i.status <> 'pending' AND i.updated_at < now() - interval '30 days'
    ORDER BY i.updated_at LIMIT page_size FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN expired + deleted;
END $$;
COMMENT ON FUNCTION gateway.expire_invitations IS 'How many invitations were marked as expired, or deleted 30 days after they were closed: a page of each at most. Call it until it returns 0. Anybody may call it.';

REVOKE EXECUTE ON FUNCTION gateway.settle_own_invitation, gateway.expire_invitations, public.invite_workspace_member,
  public.accept_invitation, public.decline_invitation, public.revoke_invitation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.expire_invitations, public.invite_workspace_member,
  public.accept_invitation, public.decline_invitation, public.revoke_invitation TO authenticated, service_role;
