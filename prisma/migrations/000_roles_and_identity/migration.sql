-- The roles, the identity of people, and the schema `gateway`, which has the helpers of the migrations.
-- All migrations are safe to run again, and on a database that has the platform's tables: everything
-- is made only where it is missing, or replaced by an equal one.

DO $$
BEGIN
  IF NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'role "%" cannot migrate this database', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Row-level security is forced on every table, so migrations need a superuser or a role with BYPASSRLS.';
  END IF;
END $$;

-- A hosted Supabase project has these roles; they belong to the server, not to one database, so
-- two databases may be migrated at the same time.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') THEN
    CREATE ROLE authenticated NOLOGIN NOINHERIT;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'service_role') THEN
    CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- The gateway logs in as this one: no privilege of its own, it may only become `authenticated`.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'codex_gateway') THEN
    CREATE ROLE codex_gateway NOLOGIN NOINHERIT;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
  IF NOT pg_has_role('codex_gateway', 'authenticated', 'MEMBER') THEN
    GRANT authenticated TO codex_gateway;
  END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END $$;

-- Identity: left alone where it exists.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'auth') THEN
    CREATE SCHEMA auth;
  END IF;
  IF to_regclass('auth.users') IS NULL THEN
    CREATE TABLE auth.users (
      id uuid NOT NULL DEFAULT gen_random_uuid(),
      email varchar(255),
      raw_user_meta_data jsonb,
      created_at timestamptz,
      CONSTRAINT users_pkey PRIMARY KEY (id)
    );
    ALTER TABLE auth.users ALTER COLUMN created_at SET DEFAULT now();
    CREATE UNIQUE INDEX users_email_key ON auth.users (lower(email));
    GRANT USAGE ON SCHEMA auth TO authenticated, service_role;
    GRANT ALL ON auth.users TO service_role;
  END IF;
  IF to_regprocedure('auth.uid()') IS NULL THEN
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
      $uid$ SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid $uid$;
  END IF;
END $$;

GRANT USAGE ON SCHEMA public TO authenticated, service_role;

CREATE SCHEMA IF NOT EXISTS gateway;
COMMENT ON SCHEMA gateway IS 'Helpers of the migrations and of functions in public, and state of the gateway itself; not part of the API.';
-- Functions in public that run as their caller use helpers from here.
GRANT USAGE ON SCHEMA gateway TO authenticated, service_role;

CREATE OR REPLACE PROCEDURE gateway.ensure_enum(name text, labels text[])
LANGUAGE plpgsql AS $$
BEGIN
  IF to_regtype('public.' || quote_ident(name)) IS NULL THEN
    EXECUTE format('CREATE TYPE public.%I AS ENUM (%s)', name,
      (SELECT string_agg(quote_literal(label), ', ' ORDER BY n) FROM unnest(labels) WITH ORDINALITY AS l(label, n)));
  END IF;
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.ensure_enum FROM PUBLIC;
