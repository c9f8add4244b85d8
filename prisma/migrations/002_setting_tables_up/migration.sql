-- Procedures that set a table up: policies and grants, bounds of values, and the triggers of every table.

-- Rights and policies

-- A hosted Supabase project gives whatever is new in public to its web roles.
CREATE OR REPLACE PROCEDURE gateway.revoke_all(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, authenticated', target);
  IF to_regrole('anon') IS NOT NULL THEN
    EXECUTE format('REVOKE ALL ON %s FROM anon', target);
  END IF;
END $$;

DO $$
BEGIN
  IF to_regclass('public._prisma_migrations') IS NOT NULL THEN
    CALL gateway.revoke_all('public._prisma_migrations');
  END IF;
END $$;

-- Makes or aligns one policy for `authenticated`.
CREATE OR REPLACE PROCEDURE gateway.ensure_policy(target regclass, operation text, expression text)
LANGUAGE plpgsql AS $$
DECLARE
  policy_name text := 'authenticated_' || operation;
  clauses text := CASE operation
    WHEN 'insert' THEN format('WITH CHECK (%s)', expression)
    WHEN 'update' THEN format('USING (%1$s) WITH CHECK (%1$s)', expression)
    ELSE format('USING (%s)', expression)
  END;
BEGIN
  IF EXISTS (SELECT FROM pg_policy WHERE polrelid = target AND polname = policy_name) THEN
    EXECUTE format('ALTER POLICY %I ON %s TO authenticated %s', policy_name, target, clauses);
  ELSE
    EXECUTE format('CREATE POLICY %I ON %s FOR %s TO authenticated %s', policy_name, target, operation, clauses);
  END IF;
END $$;

-- Expressions of policies. Sub-selects, so that Postgres evaluates them once a statement and not once a row.
CREATE OR REPLACE FUNCTION gateway.member_reads() RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'workspace_id = (SELECT public.current_workspace_id())'
      || ' AND (SELECT gateway.is_current_member())'
$$;

CREATE OR REPLACE FUNCTION gateway.member_writes(writer public.member_role) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(%L))', writer)
$$;

CREATE OR REPLACE FUNCTION gateway.domain_writes(writer public.member_role, domain text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.may_write(%L, %L))', writer, domain)
$$;

CREATE OR REPLACE FUNCTION gateway.signed_in() RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '(SELECT auth.uid()) IS NOT NULL OR (SELECT gateway.current_agent_id()) IS NOT NULL OR (SELECT gateway.is_audience())'
$$;

-- Values. For every writer, a table holds only what the API can show: timestamps and dates of the years 1 to
-- 9999, and numbers that are finite; and nothing negative where that has no meaning. Older rows
-- with other values stay, and are reported: only people can know how to correct them.

-- Rows that violate CHECKs ({name: expression}); of each at most ten, by id.
CREATE OR REPLACE FUNCTION gateway.check_violations(target regclass, checks jsonb)
RETURNS TABLE (name text, violations bigint, row_ids text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT c.name, count(*), (array_agg(coalesce(to_jsonb(t) ->> ''id'', t.ctid::text)))[1:10]'
    ' FROM %s AS t CROSS JOIN LATERAL (VALUES %s) AS c(name, holds) WHERE c.holds IS FALSE GROUP BY c.name ORDER BY c.name',
    target, (SELECT string_agg(format('(%L, (%s))', key, value), ', ') FROM jsonb_each_text(checks)));
END $$;
COMMENT ON FUNCTION gateway.check_violations IS 'How many rows of the table violate each of these CHECKs ({name: expression}), and the ids of the first ten; nothing for a CHECK that all rows satisfy.';

-- A CHECK that rows violate is left NOT VALID: it holds for later writes. Called again
-- once the rows are corrected, this validates it.
CREATE OR REPLACE PROCEDURE gateway.ensure_checks(target regclass, checks jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  missing text := (
    SELECT string_agg(format('ADD CONSTRAINT %I CHECK (%s) NOT VALID', key, value), ', ')
    FROM jsonb_each_text(checks)
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target AND conname = key));
  is_forced boolean := (SELECT relforcerowsecurity FROM pg_class WHERE oid = target);
  unproven jsonb;
  found record;
BEGIN
  IF missing IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', target, missing);
  END IF;
  SELECT jsonb_object_agg(conname, checks -> conname::text) INTO unproven
  FROM pg_constraint WHERE conrelid = target AND checks ? conname AND NOT convalidated;
  IF unproven IS NULL THEN
    RETURN;
  END IF;
  -- The owner must see all rows, also where it does not bypass policies.
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', target);
  END IF;
  FOR found IN SELECT * FROM gateway.check_violations(target, unproven) LOOP
    RAISE WARNING '%: % row(s) violate %: % (%)', target, found.violations, found.name, unproven ->> found.name,
      array_to_string(found.row_ids, ', ') || CASE WHEN found.violations > 10 THEN ', ...' ELSE '' END
      USING HINT = format('Correct them, then: ALTER TABLE %s VALIDATE CONSTRAINT %I', target, found.name);
    unproven := unproven - found.name;
  END LOOP;
  IF is_forced THEN
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  END IF;
  IF unproven <> '{}' THEN
    EXECUTE format('ALTER TABLE %s %s', target,
      (SELECT string_agg(format('VALIDATE CONSTRAINT %I', key), ', ') FROM jsonb_object_keys(unproven) AS key));
  END IF;
END $$;

-- Postgres orders NaN above infinity, so this refuses it, too. Lists are checked item by item.
CREATE OR REPLACE FUNCTION gateway.finite_checks(target regclass) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_object_agg(left(relname || '_' || attname, 56) || '_finite',
    CASE WHEN typcategory = 'A'
      THEN format('%2$L::%1$s %3$s ALL (%6$I) AND %4$L::%1$s %5$s ALL (%6$I)',
        type, low, translate(above, '<>', '><'), high, translate(below, '<>', '><'), attname)
      ELSE format('%1$I %2$s %3$L AND %1$I %4$s %5$L', attname, above, low, below, high)
    END), '{}')
  FROM pg_attribute
  JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_type ON pg_type.oid = atttypid
  JOIN (VALUES
    ('date'::regtype, '>=', '0001-01-01', '<=', '9999-12-31'),
    ('timestamp', '>=', '0001-01-01 00:00:00', '<', '10000-01-01 00:00:00'),
    ('timestamptz', '>=', '0001-01-01 00:00:00+00', '<', '10000-01-01 00:00:00+00'),
    ('real', '>', '-Infinity', '<', 'Infinity'),
    ('double precision', '>', '-Infinity', '<', 'Infinity'),
    ('numeric', '>', '-Infinity', '<', 'Infinity')
  ) AS bounds(type, above, low, below, high) ON type = CASE typcategory WHEN 'A' THEN typelem ELSE atttypid END
  WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION gateway.finite_checks IS 'The CHECKs ({name: expression}) that keep a table''s timestamps and dates in the years 1 to 9999, and its numbers finite.';

CREATE OR REPLACE PROCEDURE gateway.require_finite(target regclass)
LANGUAGE sql AS $$
  CALL gateway.ensure_checks(target, gateway.finite_checks(target))
$$;

-- For rewards, budgets, costs, durations, counts and shares. Changes may be negative: returns
-- in percent, the velocity of a trend, the improvement of a score, a measured value.
CREATE OR REPLACE PROCEDURE gateway.require_not_negative(target regclass, VARIADIC names text[])
LANGUAGE plpgsql AS $$
DECLARE
  checks jsonb := (
    SELECT jsonb_object_agg(relname || '_' || name || '_check', format('%I >= 0', name))
    FROM unnest(names) AS name, pg_class WHERE oid = target);
BEGIN
  CALL gateway.ensure_checks(target, checks);
END $$;

-- Tables and views

-- Row-level security, a policy for each operation and the grants that it needs. An operation whose
-- expression is `false` is not granted. Tables of the API hold only what the API can show.
CREATE OR REPLACE PROCEDURE gateway.protect_table(
  target regclass, may_select text, may_insert text, may_update text, may_delete text
)
LANGUAGE plpgsql AS $$
DECLARE
  operation text;
  expression text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO service_role', target);
  FOR operation, expression IN
    VALUES ('select', may_select), ('insert', may_insert), ('update', may_update), ('delete', may_delete)
  LOOP
    CALL gateway.ensure_policy(target, operation, expression);
    IF expression <> 'false' THEN
      EXECUTE format('GRANT %s ON %s TO authenticated', operation, target);
    END IF;
  END LOOP;
  -- The gateway's own tables are not shown.
  IF (SELECT relnamespace FROM pg_class WHERE oid = target) = 'public'::regnamespace THEN
    CALL gateway.require_finite(target);
  END IF;
END $$;

-- updated_at distinguishes each state of a row from the next, also within a millisecond and where an earlier
-- transaction commits later.
CREATE OR REPLACE FUNCTION public.set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := greatest(now()::timestamptz(3), OLD.updated_at + interval '1 millisecond');
  RETURN NEW;
END $$;
COMMENT ON FUNCTION public.set_updated_at IS 'Trigger: updated_at is now, and later than it was; it serves as the version of a row.';

-- The time of the last update, the audit log and the change log.
CREATE OR REPLACE PROCEDURE gateway.track_table(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = target AND attname = 'updated_at' AND NOT attisdropped) THEN
    EXECUTE format('CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON %s FOR EACH ROW'
      ' WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at()', target);
  END IF;
  CALL gateway.audit_table(target);
  CALL gateway.log_table(target);
END $$;

-- Everything that a table of a workspace needs: members read it; people with the role, and agents with the
-- domain's scope, write it.
CREATE OR REPLACE PROCEDURE gateway.set_up_workspace_table(target regclass, writer public.member_role, domain text)
LANGUAGE plpgsql AS $$
DECLARE
  may_write CONSTANT text := gateway.domain_writes(writer, domain);
BEGIN
  CALL gateway.protect_table(target, gateway.member_reads(), may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $$;

-- The same for a table that also has rows of no workspace, which everybody reads.
CREATE OR REPLACE PROCEDURE gateway.set_up_shared_table(target regclass, writer public.member_role, domain text)
LANGUAGE plpgsql AS $$
DECLARE
  may_write CONSTANT text := gateway.domain_writes(writer, domain);
BEGIN
  CALL gateway.protect_table(target,
    format('(workspace_id IS NULL AND (%s)) OR (%s)', gateway.signed_in(), gateway.member_reads()),
    may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $$;

-- The same for what all workspaces share: everybody reads it, and trusted writers write it.
CREATE OR REPLACE PROCEDURE gateway.set_up_global_table(target regclass)
LANGUAGE plpgsql AS $$
DECLARE
  may_write CONSTANT text := '(SELECT gateway.may_write_shared())';
BEGIN
  CALL gateway.protect_table(target, gateway.signed_in() || ' OR ' || may_write, may_write, may_write, may_write);
  CALL gateway.track_table(target);
END $$;

-- With security_invoker a view shows what the policies of its tables show to the reader.
CREATE OR REPLACE PROCEDURE gateway.publish_view(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT ON %s TO service_role', target);
  EXECUTE format('GRANT SELECT ON %s TO authenticated', target);
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.revoke_all, gateway.ensure_policy, gateway.ensure_checks,
  gateway.require_finite, gateway.require_not_negative, gateway.protect_table, gateway.track_table,
  gateway.set_up_workspace_table, gateway.set_up_shared_table, gateway.set_up_global_table,
  gateway.publish_view FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION gateway.member_reads, gateway.member_writes, gateway.domain_writes,
  gateway.signed_in, gateway.check_violations, gateway.finite_checks FROM PUBLIC;
