-- All that a new table of a workspace needs, in one call: policies for people and for agents with the
-- domain's scope, finite values, the time of the last update, the audit log and the change log.
CREATE OR REPLACE PROCEDURE gateway.set_up_workspace_table(target regclass, writer public.member_role, domain text)
LANGUAGE plpgsql AS $$
DECLARE
  may_write text := gateway.domain_writes(writer, domain);
BEGIN
  CALL gateway.protect_table(target, gateway.member_reads(), may_write, may_write, may_write);
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = 'updated_at' AND NOT attisdropped) THEN
    EXECUTE format('CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON %s FOR EACH ROW'
      ' WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at()', target);
  END IF;
  CALL gateway.audit_table(target);
  CALL gateway.log_table(target);
END $$;
REVOKE EXECUTE ON PROCEDURE gateway.set_up_workspace_table(regclass, public.member_role, text) FROM PUBLIC;
