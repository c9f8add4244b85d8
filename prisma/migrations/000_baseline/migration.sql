-- The platform's 43 original tables, the roles and settings that tenancy rests on, and the few
-- helpers of schema `gateway` with which later migrations protect a table in one line.
-- Safe to run again: everything is made only where it is missing, or replaced by the same.

DO $$
BEGIN
  IF NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'role "%" cannot migrate this database', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Row-level security is forced on every table, so migrations need a superuser or a role with BYPASSRLS.';
  END IF;
END $$;

-- A hosted Supabase project has these roles; they belong to the server, not to one database, so
-- two databases may be migrated at the same moment.
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

CALL gateway.ensure_enum('member_role', ARRAY['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer']);

-- Who asks, and in which workspace: transaction-local settings, so that a pooled connection never
-- carries one request's tenant to the next.
CREATE OR REPLACE FUNCTION public.current_workspace_id() RETURNS uuid
LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('app.current_workspace_id', true), '')::uuid $$;
COMMENT ON FUNCTION public.current_workspace_id IS 'The workspace of the request, null when unset.';

CREATE OR REPLACE FUNCTION public.set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END $$;

-- CHECKs of cohorts: [{"weight": 0.4, ...}, ...] or {"price": 0.4, ...}.
CREATE OR REPLACE FUNCTION public.validate_decision_criteria_weights(criteria jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(criteria)
    WHEN 'array' THEN jsonb_array_length(criteria) = 0 OR coalesce((
      SELECT bool_and(jsonb_typeof(c -> 'weight') = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(c -> 'weight') = 'number' THEN (c ->> 'weight')::numeric END) - 1) <= 0.01
      FROM jsonb_array_elements(criteria) AS c), false)
    WHEN 'object' THEN criteria = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(criteria)), false)
    ELSE criteria IS NULL
  END
$$;
COMMENT ON FUNCTION public.validate_decision_criteria_weights IS 'Whether the weights add up to 1 within 0.01; an empty value is valid.';

CREATE OR REPLACE FUNCTION public.validate_journey_distribution(distribution jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(distribution)
    WHEN 'object' THEN distribution = '{}' OR coalesce((
      SELECT bool_and(jsonb_typeof(value) = 'number')
         AND abs(sum(CASE WHEN jsonb_typeof(value) = 'number' THEN (value #>> '{}')::numeric END) - 1) <= 0.01
      FROM jsonb_each(distribution)), false)
    ELSE distribution IS NULL
  END
$$;
COMMENT ON FUNCTION public.validate_journey_distribution IS 'Whether the shares of the journey stages add up to 1 within 0.01; an empty value is valid.';

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

-- A hosted Supabase project gives whatever is new in public to its web roles.
CREATE OR REPLACE PROCEDURE gateway.revoke_all(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, authenticated', target);
  IF to_regrole('anon') IS NOT NULL THEN
    EXECUTE format('REVOKE ALL ON %s FROM anon', target);
  END IF;
END $$;

-- Row-level security, a policy per operation and the matching grants. An operation whose expression
-- is `false` is not granted either.
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
END $$;

-- Sub-selects, so that Postgres asks once a statement and not once a row.
CREATE OR REPLACE FUNCTION gateway.member_reads() RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'workspace_id = (SELECT public.current_workspace_id())'
      || ' AND (SELECT public.is_workspace_member(public.current_workspace_id()))'
$$;
CREATE OR REPLACE FUNCTION gateway.member_writes(writer public.member_role) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('workspace_id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(%L))', writer)
$$;

CREATE OR REPLACE PROCEDURE gateway.protect_workspace_table(target regclass, writer public.member_role)
LANGUAGE sql AS $$
  CALL gateway.protect_table(target, gateway.member_reads(),
    gateway.member_writes(writer), gateway.member_writes(writer), gateway.member_writes(writer))
$$;
CREATE OR REPLACE PROCEDURE gateway.protect_shared_table(target regclass, writer public.member_role)
LANGUAGE sql AS $$
  CALL gateway.protect_table(target,
    format('(workspace_id IS NULL AND (SELECT auth.uid()) IS NOT NULL) OR (%s)', gateway.member_reads()),
    gateway.member_writes(writer), gateway.member_writes(writer), gateway.member_writes(writer))
$$;
CREATE OR REPLACE PROCEDURE gateway.protect_global_table(target regclass)
LANGUAGE sql AS $$
  CALL gateway.protect_table(target, '(SELECT auth.uid()) IS NOT NULL', 'false', 'false', 'false')
$$;

-- With security_invoker a view shows what the policies of its tables show to the reader.
CREATE OR REPLACE PROCEDURE gateway.publish_view(target regclass)
LANGUAGE plpgsql AS $$
BEGIN
  CALL gateway.revoke_all(target);
  EXECUTE format('GRANT SELECT ON %s TO service_role', target);
  EXECUTE format('GRANT SELECT ON %s TO authenticated', target);
END $$;

REVOKE EXECUTE ON PROCEDURE gateway.ensure_enum, gateway.ensure_policy, gateway.revoke_all, gateway.protect_table,
  gateway.protect_workspace_table, gateway.protect_shared_table, gateway.protect_global_table,
  gateway.publish_view FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION gateway.member_reads, gateway.member_writes FROM PUBLIC;

DO $$
BEGIN
  IF to_regclass('public._prisma_migrations') IS NOT NULL THEN
    CALL gateway.revoke_all('public._prisma_migrations');
  END IF;
END $$;

-- Enumerations

CALL gateway.ensure_enum('workspace_plan', ARRAY['Ascent', 'Glide', 'Soar']);
CALL gateway.ensure_enum('plan_subscription_status', ARRAY['active', 'past_due', 'canceled', 'trialing']);
CALL gateway.ensure_enum('billing_period', ARRAY['monthly', 'yearly']);
CALL gateway.ensure_enum('billing_status', ARRAY['pending', 'success', 'failed', 'cancelled', 'refunded']);
CALL gateway.ensure_enum('autopay_plan', ARRAY['ascent', 'glide', 'soar']);
CALL gateway.ensure_enum('autopay_subscription_status', ARRAY['pending', 'active', 'paused', 'cancelled', 'expired', 'failed']);
CALL gateway.ensure_enum('autopay_payment_status', ARRAY['pending', 'success', 'failed', 'processing', 'refunded']);
CALL gateway.ensure_enum('strategy_state', ARRAY['Draft', 'Active', 'Archived']);
CALL gateway.ensure_enum('strategy_insight_source', ARRAY['campaign', 'move', 'cohort', 'asset', 'positioning']);
CALL gateway.ensure_enum('strategy_insight_status', ARRAY['new', 'reviewed', 'actioned', 'dismissed']);
CALL gateway.ensure_enum('feedback_sentiment', ARRAY['positive', 'neutral', 'negative', 'critical']);
CALL gateway.ensure_enum('maneuver_category', ARRAY['Offensive', 'Defensive', 'Logistical', 'Recon']);
CALL gateway.ensure_enum('fogg_role', ARRAY['Spark', 'Facilitator', 'Signal']);
CALL gateway.ensure_enum('risk_profile', ARRAY['Low', 'Medium', 'Brand_Risk', 'Budget_Risk']);
CALL gateway.ensure_enum('seasonality', ARRAY['Harvest', 'Planting', 'Agnostic']);
CALL gateway.ensure_enum('line_of_operation_status', ARRAY['Active', 'Paused', 'Complete']);
CALL gateway.ensure_enum('season_type', ARRAY['High_Season', 'Low_Season', 'Shoulder']);
CALL gateway.ensure_enum('sprint_status', ARRAY['Planning', 'Active', 'Review', 'Complete']);
CALL gateway.ensure_enum('move_status', ARRAY['Planning', 'OODA_Observe', 'OODA_Orient', 'OODA_Decide', 'OODA_Act', 'Complete', 'Killed']);
CALL gateway.ensure_enum('move_health', ARRAY['green', 'amber', 'red']);
CALL gateway.ensure_enum('move_intensity', ARRAY['light', 'standard', 'aggressive']);
CALL gateway.ensure_enum('move_anomaly_type', ARRAY['Tone_Clash', 'Fatigue', 'Drift', 'Rule_Violation', 'Capacity_Overload']);
CALL gateway.ensure_enum('move_anomaly_status', ARRAY['Open', 'Acknowledged', 'Resolved', 'Ignored']);
CALL gateway.ensure_enum('asset_type', ARRAY['case_study', 'whitepaper', 'video', 'blog_post', 'social_post', 'email', 'landing_page', 'creative', 'template', 'other']);
CALL gateway.ensure_enum('asset_status', ARRAY['draft', 'review', 'approved', 'published', 'archived']);
CALL gateway.ensure_enum('experiment_status', ARRAY['running', 'completed', 'stopped', 'failed']);
CALL gateway.ensure_enum('message_priority', ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']);
CALL gateway.ensure_enum('recommendation_outcome_status', ARRAY['pending', 'approved', 'rejected', 'partial', 'implemented']);
CALL gateway.ensure_enum('recommendation_strength', ARRAY['weak', 'moderate', 'strong', 'very_strong']);
CALL gateway.ensure_enum('trust_trend', ARRAY['improving', 'stable', 'declining']);
CALL gateway.ensure_enum('trend_lifecycle_stage', ARRAY['emerging', 'peak', 'declining']);

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

-- SECURITY DEFINER: the policies of user_workspaces ask these, and must not ask themselves.
CREATE OR REPLACE FUNCTION public.is_workspace_member(workspace uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT EXISTS (SELECT FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace)
$$;
COMMENT ON FUNCTION public.is_workspace_member IS 'Whether the person of the request is a member of the workspace.';

CREATE OR REPLACE FUNCTION public.workspace_role(workspace uuid) RETURNS public.member_role
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT role FROM public.user_workspaces WHERE user_id = auth.uid() AND workspace_id = workspace
$$;
COMMENT ON FUNCTION public.workspace_role IS 'The role in the workspace of the person of the request, null for others.';

CREATE OR REPLACE FUNCTION public.has_workspace_role(minimum public.member_role) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT coalesce(public.workspace_role(public.current_workspace_id()) <= minimum, false)
$$;
COMMENT ON FUNCTION public.has_workspace_role IS 'Whether the person has this role, or one that includes it, in the current workspace.';

CREATE OR REPLACE FUNCTION public.viewer_memberships() RETURNS SETOF public.user_workspaces
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT * FROM public.user_workspaces WHERE user_id = auth.uid() ORDER BY joined_at, id
$$;
COMMENT ON FUNCTION public.viewer_memberships IS 'All memberships of the person of the request, whatever the current workspace.';

-- The role that sent the statement is told by the setting and by session_user; current_user would be
-- the function's owner wherever a SECURITY DEFINER function asks.
CREATE OR REPLACE FUNCTION gateway.bypasses_policies() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles
  WHERE rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
$$;
COMMENT ON FUNCTION gateway.bypasses_policies IS 'Whether the caller is a trusted writer, to whom row-level policies do not apply.';

-- A workspace that does not exist is refused to a person in the same words as somebody else's.
CREATE OR REPLACE FUNCTION gateway.require_workspace_role(workspace uuid, minimum public.member_role) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF gateway.bypasses_policies() THEN
    IF NOT EXISTS (SELECT FROM public.workspaces WHERE id = workspace) THEN
      RAISE EXCEPTION 'there is no such workspace' USING ERRCODE = 'no_data_found';
    END IF;
  ELSIF (workspace = public.current_workspace_id() AND public.has_workspace_role(minimum)) IS NOT TRUE THEN
    RAISE EXCEPTION 'this needs the role % in the current workspace', minimum USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_workspace_role IS 'Raises insufficient_privilege unless the person has the role in the current workspace, which must be this one; trusted writers pass.';

CREATE OR REPLACE FUNCTION gateway.require_text(value text, field text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF value IS NULL OR btrim(value) = '' THEN
    RAISE EXCEPTION '% must not be empty', field USING ERRCODE = 'invalid_parameter_value', COLUMN = field;
  END IF;
END $$;
COMMENT ON FUNCTION gateway.require_text IS 'Raises invalid_parameter_value, naming the field, for a missing or blank text.';

CALL gateway.protect_workspace_table('user_workspaces', writer => 'Owner');

-- user_profiles
CREATE TABLE IF NOT EXISTS public.user_profiles (
  id uuid NOT NULL,
  full_name varchar(255),
  avatar_url text,
  bio text,
  preferences jsonb NOT NULL DEFAULT '{}',
  onboarding_completed boolean NOT NULL DEFAULT false,
  onboarding_skipped boolean NOT NULL DEFAULT false,
  features jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT user_profiles_pkey PRIMARY KEY (id),
  CONSTRAINT user_profiles_id_fkey FOREIGN KEY (id) REFERENCES auth.users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_profiles_created_at_id_idx ON public.user_profiles (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS user_profiles_onboarding_completed_idx ON public.user_profiles (onboarding_completed);
CREATE INDEX IF NOT EXISTS user_profiles_preferences_features_idx ON public.user_profiles USING gin (preferences jsonb_path_ops, features jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.user_profiles
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();

-- onboarding_responses
CREATE TABLE IF NOT EXISTS public.onboarding_responses (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  workspace_id uuid,
  answers jsonb NOT NULL DEFAULT '{}',
  generated_icps jsonb NOT NULL DEFAULT '[]',
  positioning_insights jsonb NOT NULL DEFAULT '{}',
  completed_at timestamptz(3),
  progress_percentage integer NOT NULL DEFAULT 0,
  current_step varchar(100),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT onboarding_responses_pkey PRIMARY KEY (id),
  CONSTRAINT onboarding_responses_progress_percentage_check CHECK (progress_percentage BETWEEN 0 AND 100),
  CONSTRAINT onboarding_responses_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT onboarding_responses_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS onboarding_responses_created_at_id_idx ON public.onboarding_responses (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS onboarding_responses_user_id_idx ON public.onboarding_responses (user_id);
CREATE INDEX IF NOT EXISTS onboarding_responses_workspace_id_idx ON public.onboarding_responses (workspace_id);
CREATE INDEX IF NOT EXISTS onboarding_responses_completed_at_idx ON public.onboarding_responses (completed_at);
CREATE INDEX IF NOT EXISTS onboarding_responses_answers_generated_icps_positioning_ins_idx ON public.onboarding_responses USING gin (answers jsonb_path_ops, generated_icps jsonb_path_ops, positioning_insights jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.onboarding_responses
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();

-- subscriptions
CREATE TABLE IF NOT EXISTS public.subscriptions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  workspace_id uuid,
  plan varchar(50) NOT NULL DEFAULT 'free',
  status public.plan_subscription_status NOT NULL DEFAULT 'active',
  stripe_customer_id varchar(255),
  stripe_subscription_id varchar(255),
  stripe_price_id varchar(255),
  billing_period public.billing_period NOT NULL DEFAULT 'monthly',
  current_period_start timestamptz(3),
  current_period_end timestamptz(3),
  trial_start timestamptz(3),
  trial_end timestamptz(3),
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  canceled_at timestamptz(3),
  CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
  CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT subscriptions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS subscriptions_created_at_id_idx ON public.subscriptions (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS subscriptions_user_id_idx ON public.subscriptions (user_id);
CREATE INDEX IF NOT EXISTS subscriptions_workspace_id_idx ON public.subscriptions (workspace_id);
CREATE INDEX IF NOT EXISTS subscriptions_status_idx ON public.subscriptions (status);
CREATE INDEX IF NOT EXISTS subscriptions_stripe_customer_id_idx ON public.subscriptions (stripe_customer_id);
CREATE INDEX IF NOT EXISTS subscriptions_metadata_idx ON public.subscriptions USING gin (metadata jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.subscriptions
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();

-- billing_history
CREATE TABLE IF NOT EXISTS public.billing_history (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  workspace_id uuid NOT NULL,
  transaction_id varchar(100),
  merchant_transaction_id varchar(100) NOT NULL,
  amount integer NOT NULL,
  currency varchar(3) NOT NULL DEFAULT 'INR',
  payment_method varchar(50) NOT NULL DEFAULT 'upi',
  plan varchar(50),
  billing_period varchar(20),
  status public.billing_status NOT NULL DEFAULT 'pending',
  failure_reason text,
  receipt_url text,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT billing_history_pkey PRIMARY KEY (id),
  CONSTRAINT billing_history_workspace_id_merchant_transaction_id_key UNIQUE (workspace_id, merchant_transaction_id),
  CONSTRAINT billing_history_amount_check CHECK (amount > 0),
  CONSTRAINT billing_history_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT billing_history_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS billing_history_workspace_id_created_at_id_idx ON public.billing_history (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS billing_history_user_id_idx ON public.billing_history (user_id);
CREATE INDEX IF NOT EXISTS billing_history_workspace_id_status_idx ON public.billing_history (workspace_id, status);
CREATE INDEX IF NOT EXISTS billing_history_workspace_id_plan_idx ON public.billing_history (workspace_id, plan);
CREATE INDEX IF NOT EXISTS billing_history_metadata_idx ON public.billing_history USING gin (metadata jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.billing_history
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('billing_history', writer => 'Owner');

-- autopay_subscriptions
CREATE TABLE IF NOT EXISTS public.autopay_subscriptions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  workspace_id uuid NOT NULL,
  subscription_id varchar(100),
  merchant_subscription_id varchar(100) NOT NULL,
  plan public.autopay_plan NOT NULL,
  billing_period public.billing_period NOT NULL,
  billing_frequency varchar(20),
  amount integer NOT NULL,
  currency varchar(3) NOT NULL DEFAULT 'INR',
  mobile_number varchar(20),
  status public.autopay_subscription_status NOT NULL DEFAULT 'pending',
  start_date date,
  end_date date,
  next_billing_date date,
  activated_at timestamptz(3),
  paused_at timestamptz(3),
  pause_reason text,
  resumed_at timestamptz(3),
  cancelled_at timestamptz(3),
  cancellation_reason text,
  total_payments integer NOT NULL DEFAULT 0,
  successful_payments integer NOT NULL DEFAULT 0,
  failed_payments integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT autopay_subscriptions_pkey PRIMARY KEY (id),
  CONSTRAINT autopay_subscriptions_workspace_id_merchant_subscription_id_key UNIQUE (workspace_id, merchant_subscription_id),
  CONSTRAINT autopay_subscriptions_amount_check CHECK (amount > 0),
  CONSTRAINT autopay_subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT autopay_subscriptions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS autopay_subscriptions_workspace_id_created_at_id_idx ON public.autopay_subscriptions (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS autopay_subscriptions_user_id_idx ON public.autopay_subscriptions (user_id);
CREATE INDEX IF NOT EXISTS autopay_subscriptions_workspace_id_status_idx ON public.autopay_subscriptions (workspace_id, status);
CREATE INDEX IF NOT EXISTS autopay_subscriptions_workspace_id_plan_idx ON public.autopay_subscriptions (workspace_id, plan);
CREATE INDEX IF NOT EXISTS autopay_subscriptions_workspace_id_next_billing_date_idx ON public.autopay_subscriptions (workspace_id, next_billing_date);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.autopay_subscriptions
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('autopay_subscriptions', writer => 'Owner');

-- autopay_payments
CREATE TABLE IF NOT EXISTS public.autopay_payments (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  merchant_subscription_id varchar(100) NOT NULL,
  user_id uuid NOT NULL,
  payment_id varchar(100) NOT NULL,
  amount integer NOT NULL,
  currency varchar(3) NOT NULL DEFAULT 'INR',
  status public.autopay_payment_status NOT NULL DEFAULT 'pending',
  failure_reason text,
  failure_code varchar(50),
  payment_method varchar(50) NOT NULL DEFAULT 'upi',
  upi_transaction_ref varchar(100),
  payment_date timestamptz(3),
  retry_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT autopay_payments_pkey PRIMARY KEY (id),
  CONSTRAINT autopay_payments_workspace_id_payment_id_key UNIQUE (workspace_id, payment_id),
  CONSTRAINT autopay_payments_amount_check CHECK (amount > 0),
  CONSTRAINT autopay_payments_workspace_id_merchant_subscription_id_fkey FOREIGN KEY (workspace_id, merchant_subscription_id) REFERENCES public.autopay_subscriptions (workspace_id, merchant_subscription_id) ON DELETE CASCADE,
  CONSTRAINT autopay_payments_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
  CONSTRAINT autopay_payments_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS autopay_payments_workspace_id_created_at_id_idx ON public.autopay_payments (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS autopay_payments_merchant_subscription_id_workspace_id_idx ON public.autopay_payments (merchant_subscription_id, workspace_id);
CREATE INDEX IF NOT EXISTS autopay_payments_user_id_idx ON public.autopay_payments (user_id);
CREATE INDEX IF NOT EXISTS autopay_payments_workspace_id_status_idx ON public.autopay_payments (workspace_id, status);
CREATE INDEX IF NOT EXISTS autopay_payments_workspace_id_payment_date_idx ON public.autopay_payments (workspace_id, payment_date);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.autopay_payments
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('autopay_payments', writer => 'Owner');

-- global_strategies
CREATE TABLE IF NOT EXISTS public.global_strategies (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  business_context jsonb NOT NULL DEFAULT '{}',
  offers jsonb NOT NULL DEFAULT '[]',
  markets jsonb NOT NULL DEFAULT '[]',
  center_of_gravity varchar(200),
  success_metrics jsonb NOT NULL DEFAULT '{}',
  ninety_day_goal text,
  constitution jsonb NOT NULL DEFAULT '{}',
  strategy_state public.strategy_state NOT NULL DEFAULT 'Draft',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT global_strategies_pkey PRIMARY KEY (id),
  CONSTRAINT global_strategies_workspace_id_key UNIQUE (workspace_id),
  CONSTRAINT global_strategies_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS global_strategies_workspace_id_created_at_id_idx ON public.global_strategies (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS global_strategies_business_context_offers_markets_success_m_idx ON public.global_strategies USING gin (business_context jsonb_path_ops, offers jsonb_path_ops, markets jsonb_path_ops, success_metrics jsonb_path_ops, constitution jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.global_strategies
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('global_strategies', writer => 'Strategist');

-- strategy_insights
CREATE TABLE IF NOT EXISTS public.strategy_insights (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  source_type public.strategy_insight_source NOT NULL,
  source_id uuid,
  insight_type varchar(50) NOT NULL,
  title varchar(255) NOT NULL,
  description text NOT NULL,
  evidence jsonb NOT NULL DEFAULT '{}',
  recommended_action text,
  confidence_score numeric,
  impact_score integer,
  status public.strategy_insight_status NOT NULL DEFAULT 'new',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  reviewed_at timestamptz(3),
  actioned_at timestamptz(3),
  CONSTRAINT strategy_insights_pkey PRIMARY KEY (id),
  CONSTRAINT strategy_insights_confidence_score_check CHECK (confidence_score BETWEEN 0 AND 1),
  CONSTRAINT strategy_insights_impact_score_check CHECK (impact_score BETWEEN 1 AND 10),
  CONSTRAINT strategy_insights_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_created_at_id_idx ON public.strategy_insights (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_source_type_source_id_idx ON public.strategy_insights (workspace_id, source_type, source_id);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_insight_type_idx ON public.strategy_insights (workspace_id, insight_type);
CREATE INDEX IF NOT EXISTS strategy_insights_workspace_id_status_idx ON public.strategy_insights (workspace_id, status);
CREATE INDEX IF NOT EXISTS strategy_insights_evidence_idx ON public.strategy_insights USING gin (evidence jsonb_path_ops);
CALL gateway.protect_workspace_table('strategy_insights', writer => 'Strategist');

-- journey_stages
CREATE TABLE IF NOT EXISTS public.journey_stages (
  id varchar(50) NOT NULL,
  name varchar(100) NOT NULL,
  description text,
  sort_order integer NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT journey_stages_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS journey_stages_created_at_id_idx ON public.journey_stages (created_at DESC, id DESC);
CALL gateway.protect_global_table('journey_stages');

-- channel_roles
CREATE TABLE IF NOT EXISTS public.channel_roles (
  id varchar(50) NOT NULL,
  name varchar(100) NOT NULL,
  description text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT channel_roles_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS channel_roles_created_at_id_idx ON public.channel_roles (created_at DESC, id DESC);
CALL gateway.protect_global_table('channel_roles');

-- cohorts
CREATE TABLE IF NOT EXISTS public.cohorts (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(200) NOT NULL,
  executive_summary text,
  demographics jsonb NOT NULL DEFAULT '{}',
  buyer_role varchar(100),
  psychographics jsonb NOT NULL DEFAULT '{}',
  pain_points text[],
  goals text[],
  behavioral_triggers text[],
  communication jsonb NOT NULL DEFAULT '{}',
  budget varchar(100),
  timeline varchar(100),
  decision_structure varchar(100),
  tags text[] NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  drift_detected boolean NOT NULL DEFAULT false,
  last_drift_check timestamptz(3),
  buying_triggers jsonb NOT NULL DEFAULT '[]',
  decision_criteria jsonb NOT NULL DEFAULT '[]',
  objection_map jsonb NOT NULL DEFAULT '[]',
  attention_windows jsonb NOT NULL DEFAULT '{}',
  journey_distribution jsonb NOT NULL DEFAULT '{}',
  competitive_frame jsonb NOT NULL DEFAULT '{}',
  decision_making_unit jsonb NOT NULL DEFAULT '{}',
  health_score integer,
  last_validated timestamptz(3),
  CONSTRAINT cohorts_pkey PRIMARY KEY (id),
  CONSTRAINT cohorts_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT cohorts_health_score_check CHECK (health_score BETWEEN 0 AND 100),
  CONSTRAINT cohorts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS cohorts_workspace_id_created_at_id_idx ON public.cohorts (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS cohorts_workspace_id_health_score_idx ON public.cohorts (workspace_id, health_score);
CREATE INDEX IF NOT EXISTS cohorts_demographics_psychographics_pain_points_goals_behav_idx ON public.cohorts USING gin (demographics jsonb_path_ops, psychographics jsonb_path_ops, pain_points, goals, behavioral_triggers, communication jsonb_path_ops, tags, buying_triggers jsonb_path_ops, decision_criteria jsonb_path_ops, objection_map jsonb_path_ops, attention_windows jsonb_path_ops, journey_distribution jsonb_path_ops, competitive_frame jsonb_path_ops, decision_making_unit jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.cohorts
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('cohorts', writer => 'Strategist');

-- support_feedback
CREATE TABLE IF NOT EXISTS public.support_feedback (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  type varchar(50),
  source varchar(100),
  title varchar(250),
  content text,
  sentiment public.feedback_sentiment,
  extracted_tags text[],
  related_cohort_ids uuid[],
  triggers_defensive_move boolean NOT NULL DEFAULT false,
  customer_id varchar(100),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT support_feedback_pkey PRIMARY KEY (id),
  CONSTRAINT support_feedback_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS support_feedback_workspace_id_created_at_id_idx ON public.support_feedback (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS support_feedback_extracted_tags_related_cohort_ids_idx ON public.support_feedback USING gin (extracted_tags, related_cohort_ids);
CALL gateway.protect_workspace_table('support_feedback', writer => 'Strategist');

-- maneuver_types
CREATE TABLE IF NOT EXISTS public.maneuver_types (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(100) NOT NULL,
  category public.maneuver_category NOT NULL,
  base_duration_days integer NOT NULL DEFAULT 14,
  fogg_role public.fogg_role,
  intensity_score integer,
  risk_profile public.risk_profile,
  description text,
  default_config jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT maneuver_types_pkey PRIMARY KEY (id),
  CONSTRAINT maneuver_types_intensity_score_check CHECK (intensity_score BETWEEN 1 AND 10)
);
CREATE INDEX IF NOT EXISTS maneuver_types_created_at_id_idx ON public.maneuver_types (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS maneuver_types_default_config_idx ON public.maneuver_types USING gin (default_config jsonb_path_ops);
CALL gateway.protect_global_table('maneuver_types');

-- lines_of_operation
CREATE TABLE IF NOT EXISTS public.lines_of_operation (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(150) NOT NULL,
  strategic_objective text,
  seasonality_tag public.seasonality,
  center_of_gravity varchar(100),
  status public.line_of_operation_status NOT NULL DEFAULT 'Active',
  start_date date,
  target_date date,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT lines_of_operation_pkey PRIMARY KEY (id),
  CONSTRAINT lines_of_operation_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT lines_of_operation_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS lines_of_operation_workspace_id_created_at_id_idx ON public.lines_of_operation (workspace_id, created_at DESC, id DESC);
CALL gateway.protect_workspace_table('lines_of_operation', writer => 'Strategist');

-- sprints
CREATE TABLE IF NOT EXISTS public.sprints (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name varchar(100),
  start_date date NOT NULL,
  end_date date NOT NULL,
  theme varchar(200),
  capacity_budget integer NOT NULL DEFAULT 100,
  current_load integer NOT NULL DEFAULT 0,
  season_type public.season_type,
  status public.sprint_status NOT NULL DEFAULT 'Planning',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT sprints_pkey PRIMARY KEY (id),
  CONSTRAINT sprints_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT sprints_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS sprints_workspace_id_created_at_id_idx ON public.sprints (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS sprints_workspace_id_status_idx ON public.sprints (workspace_id, status);
CALL gateway.protect_workspace_table('sprints', writer => 'Strategist');

-- trends
CREATE TABLE IF NOT EXISTS public.trends (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  topic text NOT NULL,
  platforms text[],
  velocity double precision,
  lifecycle_stage public.trend_lifecycle_stage,
  relevant_cohorts uuid[],
  opportunity_score double precision,
  first_seen timestamptz(3),
  expiry_date timestamptz(3),
  source text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT trends_pkey PRIMARY KEY (id),
  CONSTRAINT trends_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT trends_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS trends_workspace_id_created_at_id_idx ON public.trends (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS trends_workspace_id_topic_idx ON public.trends (workspace_id, topic);
CREATE INDEX IF NOT EXISTS trends_workspace_id_opportunity_score_idx ON public.trends (workspace_id, opportunity_score DESC);
CREATE INDEX IF NOT EXISTS trends_workspace_id_lifecycle_stage_idx ON public.trends (workspace_id, lifecycle_stage);
CREATE INDEX IF NOT EXISTS trends_platforms_relevant_cohorts_idx ON public.trends USING gin (platforms, relevant_cohorts);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.trends
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('trends', writer => 'Analyst');

-- moves
CREATE TABLE IF NOT EXISTS public.moves (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  maneuver_type_id uuid,
  sprint_id uuid,
  line_of_operation_id uuid,
  name varchar(200) NOT NULL,
  primary_icp_id uuid NOT NULL,
  secondary_icp_ids uuid[] NOT NULL DEFAULT '{}',
  status public.move_status NOT NULL DEFAULT 'Planning',
  ooda_config jsonb NOT NULL DEFAULT '{}',
  fogg_config jsonb NOT NULL DEFAULT '{}',
  goal text,
  channels varchar(50)[] NOT NULL DEFAULT '{}',
  content_frequency varchar(100),
  action_types varchar(50)[] NOT NULL DEFAULT '{}',
  key_metrics jsonb NOT NULL DEFAULT '{}',
  decision_checkpoints jsonb NOT NULL DEFAULT '[]',
  start_date date,
  end_date date,
  progress_percentage integer NOT NULL DEFAULT 0,
  owner_id uuid,
  health_status public.move_health NOT NULL DEFAULT 'green',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  triggered_by_trend_id uuid,
  competitor_analysis jsonb,
  created_by_agent text,
  agent_recommendations jsonb,
  journey_stage_from varchar(50),
  journey_stage_to varchar(50),
  message_variant jsonb NOT NULL DEFAULT '{}',
  asset_requirements jsonb NOT NULL DEFAULT '[]',
  intensity public.move_intensity,
  CONSTRAINT moves_pkey PRIMARY KEY (id),
  CONSTRAINT moves_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT moves_progress_percentage_check CHECK (progress_percentage BETWEEN 0 AND 100),
  CONSTRAINT moves_maneuver_type_id_fkey FOREIGN KEY (maneuver_type_id) REFERENCES public.maneuver_types (id) ON DELETE SET NULL,
  CONSTRAINT moves_workspace_id_sprint_id_fkey FOREIGN KEY (workspace_id, sprint_id) REFERENCES public.sprints (workspace_id, id) ON DELETE SET NULL (sprint_id),
  CONSTRAINT moves_workspace_id_line_of_operation_id_fkey FOREIGN KEY (workspace_id, line_of_operation_id) REFERENCES public.lines_of_operation (workspace_id, id) ON DELETE SET NULL (line_of_operation_id),
  CONSTRAINT moves_workspace_id_triggered_by_trend_id_fkey FOREIGN KEY (workspace_id, triggered_by_trend_id) REFERENCES public.trends (workspace_id, id) ON DELETE SET NULL (triggered_by_trend_id),
  CONSTRAINT moves_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT moves_workspace_id_primary_icp_id_fkey FOREIGN KEY (workspace_id, primary_icp_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE NO ACTION,
  CONSTRAINT moves_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT moves_journey_stage_from_fkey FOREIGN KEY (journey_stage_from) REFERENCES public.journey_stages (id) ON DELETE NO ACTION,
  CONSTRAINT moves_journey_stage_to_fkey FOREIGN KEY (journey_stage_to) REFERENCES public.journey_stages (id) ON DELETE NO ACTION
);
CREATE INDEX IF NOT EXISTS moves_workspace_id_created_at_id_idx ON public.moves (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS moves_maneuver_type_id_idx ON public.moves (maneuver_type_id);
CREATE INDEX IF NOT EXISTS moves_sprint_id_workspace_id_idx ON public.moves (sprint_id, workspace_id);
CREATE INDEX IF NOT EXISTS moves_line_of_operation_id_workspace_id_idx ON public.moves (line_of_operation_id, workspace_id);
CREATE INDEX IF NOT EXISTS moves_triggered_by_trend_id_workspace_id_idx ON public.moves (triggered_by_trend_id, workspace_id);
CREATE INDEX IF NOT EXISTS moves_primary_icp_id_workspace_id_idx ON public.moves (primary_icp_id, workspace_id);
CREATE INDEX IF NOT EXISTS moves_owner_id_idx ON public.moves (owner_id);
CREATE INDEX IF NOT EXISTS moves_journey_stage_to_idx ON public.moves (journey_stage_to);
CREATE INDEX IF NOT EXISTS moves_workspace_id_status_idx ON public.moves (workspace_id, status);
CREATE INDEX IF NOT EXISTS moves_journey_stage_from_journey_stage_to_idx ON public.moves (journey_stage_from, journey_stage_to);
CREATE INDEX IF NOT EXISTS moves_workspace_id_intensity_idx ON public.moves (workspace_id, intensity);
CREATE INDEX IF NOT EXISTS moves_secondary_icp_ids_ooda_config_fogg_config_channels_ac_idx ON public.moves USING gin (secondary_icp_ids, ooda_config jsonb_path_ops, fogg_config jsonb_path_ops, channels, action_types, key_metrics jsonb_path_ops, decision_checkpoints jsonb_path_ops, competitor_analysis jsonb_path_ops, agent_recommendations jsonb_path_ops, message_variant jsonb_path_ops, asset_requirements jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.moves
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('moves', writer => 'Strategist');

-- move_anomalies
CREATE TABLE IF NOT EXISTS public.move_anomalies (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid NOT NULL,
  type public.move_anomaly_type,
  severity integer,
  description text,
  detected_at timestamptz(3) NOT NULL DEFAULT now(),
  resolution text,
  resolved_at timestamptz(3),
  status public.move_anomaly_status NOT NULL DEFAULT 'Open',
  CONSTRAINT move_anomalies_pkey PRIMARY KEY (id),
  CONSTRAINT move_anomalies_severity_check CHECK (severity BETWEEN 1 AND 5),
  CONSTRAINT move_anomalies_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT move_anomalies_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS move_anomalies_workspace_id_detected_at_id_idx ON public.move_anomalies (workspace_id, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_anomalies_move_id_workspace_id_idx ON public.move_anomalies (move_id, workspace_id);
CREATE INDEX IF NOT EXISTS move_anomalies_workspace_id_status_idx ON public.move_anomalies (workspace_id, status);
CALL gateway.protect_workspace_table('move_anomalies', writer => 'Strategist');

-- move_logs
CREATE TABLE IF NOT EXISTS public.move_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid NOT NULL,
  date date NOT NULL,
  actions_completed integer NOT NULL DEFAULT 0,
  notes text,
  metrics_snapshot jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT move_logs_pkey PRIMARY KEY (id),
  CONSTRAINT move_logs_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT move_logs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS move_logs_workspace_id_created_at_id_idx ON public.move_logs (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS move_logs_move_id_workspace_id_idx ON public.move_logs (move_id, workspace_id);
CREATE INDEX IF NOT EXISTS move_logs_workspace_id_date_idx ON public.move_logs (workspace_id, date);
CREATE INDEX IF NOT EXISTS move_logs_metrics_snapshot_idx ON public.move_logs USING gin (metrics_snapshot jsonb_path_ops);
CALL gateway.protect_workspace_table('move_logs', writer => 'Strategist');

-- experiments
CREATE TABLE IF NOT EXISTS public.experiments (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid,
  hypothesis text NOT NULL,
  variants jsonb,
  sample_size_per_variant integer,
  duration_days integer,
  success_metric text,
  stop_conditions jsonb,
  status public.experiment_status NOT NULL DEFAULT 'running',
  winner_variant text,
  confidence double precision,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  completed_at timestamptz(3),
  created_by_agent text,
  CONSTRAINT experiments_pkey PRIMARY KEY (id),
  CONSTRAINT experiments_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT experiments_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE SET NULL (move_id),
  CONSTRAINT experiments_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiments_workspace_id_created_at_id_idx ON public.experiments (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiments_move_id_workspace_id_idx ON public.experiments (move_id, workspace_id);
CREATE INDEX IF NOT EXISTS experiments_workspace_id_status_idx ON public.experiments (workspace_id, status);
CREATE INDEX IF NOT EXISTS experiments_variants_stop_conditions_idx ON public.experiments USING gin (variants jsonb_path_ops, stop_conditions jsonb_path_ops);
CALL gateway.protect_workspace_table('experiments', writer => 'Creator');

-- content_patterns
CREATE TABLE IF NOT EXISTS public.content_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  pattern_type text,
  pattern_name text,
  pattern_description text,
  performing_assets uuid[],
  success_rate double precision,
  recommended_for_cohorts uuid[],
  recommended_for_channels text[],
  usage_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT content_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT content_patterns_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT content_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_created_at_id_idx ON public.content_patterns (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_pattern_type_idx ON public.content_patterns (workspace_id, pattern_type);
CREATE INDEX IF NOT EXISTS content_patterns_workspace_id_success_rate_idx ON public.content_patterns (workspace_id, success_rate DESC);
CREATE INDEX IF NOT EXISTS content_patterns_performing_assets_recommended_for_cohorts__idx ON public.content_patterns USING gin (performing_assets, recommended_for_cohorts, recommended_for_channels);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.content_patterns
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('content_patterns', writer => 'Creator');

-- agent_debates
CREATE TABLE IF NOT EXISTS public.agent_debates (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  debate_id text NOT NULL,
  topic text,
  question text,
  correlation_id text,
  participants text[],
  context jsonb,
  rounds integer,
  voting_threshold double precision,
  final_decision text,
  confidence double precision,
  consensus_reached boolean,
  votes jsonb,
  reasoning jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_debates_pkey PRIMARY KEY (id),
  CONSTRAINT agent_debates_workspace_id_debate_id_key UNIQUE (workspace_id, debate_id),
  CONSTRAINT agent_debates_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT agent_debates_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_debates_workspace_id_created_at_id_idx ON public.agent_debates (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_debates_workspace_id_correlation_id_idx ON public.agent_debates (workspace_id, correlation_id);
CREATE INDEX IF NOT EXISTS agent_debates_participants_context_votes_reasoning_idx ON public.agent_debates USING gin (participants, context jsonb_path_ops, votes jsonb_path_ops, reasoning jsonb_path_ops);
CALL gateway.protect_workspace_table('agent_debates', writer => 'Owner');

-- assets
CREATE TABLE IF NOT EXISTS public.assets (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  move_id uuid,
  icp_id uuid,
  name varchar(250) NOT NULL,
  type public.asset_type NOT NULL,
  status public.asset_status NOT NULL DEFAULT 'draft',
  url text,
  file_path text,
  thumbnail_url text,
  description text,
  tags varchar(50)[] NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}',
  created_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  published_at timestamptz(3),
  created_by_agent text,
  reviewed_by_agents text[],
  agent_debate_id uuid,
  experiment_id uuid,
  experiment_variant text,
  pattern_id uuid,
  CONSTRAINT assets_pkey PRIMARY KEY (id),
  CONSTRAINT assets_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT assets_workspace_id_move_id_fkey FOREIGN KEY (workspace_id, move_id) REFERENCES public.moves (workspace_id, id) ON DELETE SET NULL (move_id),
  CONSTRAINT assets_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE SET NULL (experiment_id),
  CONSTRAINT assets_workspace_id_pattern_id_fkey FOREIGN KEY (workspace_id, pattern_id) REFERENCES public.content_patterns (workspace_id, id) ON DELETE SET NULL (pattern_id),
  CONSTRAINT assets_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT assets_workspace_id_icp_id_fkey FOREIGN KEY (workspace_id, icp_id) REFERENCES public.cohorts (workspace_id, id) ON DELETE SET NULL (icp_id),
  CONSTRAINT assets_created_by_fkey FOREIGN KEY (created_by) REFERENCES auth.users (id) ON DELETE SET NULL,
  CONSTRAINT assets_workspace_id_agent_debate_id_fkey FOREIGN KEY (workspace_id, agent_debate_id) REFERENCES public.agent_debates (workspace_id, id) ON DELETE SET NULL (agent_debate_id)
);
CREATE INDEX IF NOT EXISTS assets_workspace_id_created_at_id_idx ON public.assets (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS assets_move_id_workspace_id_idx ON public.assets (move_id, workspace_id);
CREATE INDEX IF NOT EXISTS assets_experiment_id_workspace_id_idx ON public.assets (experiment_id, workspace_id);
CREATE INDEX IF NOT EXISTS assets_pattern_id_workspace_id_idx ON public.assets (pattern_id, workspace_id);
CREATE INDEX IF NOT EXISTS assets_icp_id_workspace_id_idx ON public.assets (icp_id, workspace_id);
CREATE INDEX IF NOT EXISTS assets_created_by_idx ON public.assets (created_by);
CREATE INDEX IF NOT EXISTS assets_agent_debate_id_workspace_id_idx ON public.assets (agent_debate_id, workspace_id);
CREATE INDEX IF NOT EXISTS assets_workspace_id_type_idx ON public.assets (workspace_id, type);
CREATE INDEX IF NOT EXISTS assets_workspace_id_status_idx ON public.assets (workspace_id, status);
CREATE INDEX IF NOT EXISTS assets_tags_metadata_reviewed_by_agents_idx ON public.assets USING gin (tags, metadata jsonb_path_ops, reviewed_by_agents);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.assets
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('assets', writer => 'Creator');

-- visual_designs
CREATE TABLE IF NOT EXISTS public.visual_designs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  brief_id uuid,
  channel text,
  format text,
  mood text,
  color_palette text[],
  composition text,
  elements text[],
  canva_template_id text,
  canva_template_name text,
  image_gen_prompt text,
  image_gen_model text,
  aspect_ratio text,
  design_notes jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  created_by_agent text,
  CONSTRAINT visual_designs_pkey PRIMARY KEY (id),
  CONSTRAINT visual_designs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_created_at_id_idx ON public.visual_designs (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_brief_id_idx ON public.visual_designs (workspace_id, brief_id);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_channel_idx ON public.visual_designs (workspace_id, channel);
CREATE INDEX IF NOT EXISTS visual_designs_workspace_id_mood_idx ON public.visual_designs (workspace_id, mood);
CREATE INDEX IF NOT EXISTS visual_designs_color_palette_elements_design_notes_idx ON public.visual_designs USING gin (color_palette, elements, design_notes jsonb_path_ops);
CALL gateway.protect_workspace_table('visual_designs', writer => 'Creator');

-- visual_design_templates
CREATE TABLE IF NOT EXISTS public.visual_design_templates (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid,
  name text NOT NULL,
  channel text,
  format text,
  mood text,
  template_config jsonb,
  success_rate double precision,
  usage_count integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT visual_design_templates_pkey PRIMARY KEY (id),
  CONSTRAINT visual_design_templates_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_created_at_id_idx ON public.visual_design_templates (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_mood_idx ON public.visual_design_templates (workspace_id, mood);
CREATE INDEX IF NOT EXISTS visual_design_templates_workspace_id_channel_idx ON public.visual_design_templates (workspace_id, channel);
CREATE INDEX IF NOT EXISTS visual_design_templates_template_config_idx ON public.visual_design_templates USING gin (template_config jsonb_path_ops);
CALL gateway.protect_shared_table('visual_design_templates', writer => 'Creator');

-- content_adaptations
CREATE TABLE IF NOT EXISTS public.content_adaptations (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  source_asset_id uuid,
  target_channel text,
  target_format text,
  source_format text,
  adapted_body text,
  adaptation_rules jsonb,
  quality_score double precision,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  created_by_agent text,
  CONSTRAINT content_adaptations_pkey PRIMARY KEY (id),
  CONSTRAINT content_adaptations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT content_adaptations_workspace_id_source_asset_id_fkey FOREIGN KEY (workspace_id, source_asset_id) REFERENCES public.assets (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS content_adaptations_workspace_id_created_at_id_idx ON public.content_adaptations (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS content_adaptations_source_asset_id_workspace_id_idx ON public.content_adaptations (source_asset_id, workspace_id);
CREATE INDEX IF NOT EXISTS content_adaptations_workspace_id_target_channel_idx ON public.content_adaptations (workspace_id, target_channel);
CREATE INDEX IF NOT EXISTS content_adaptations_adaptation_rules_idx ON public.content_adaptations USING gin (adaptation_rules jsonb_path_ops);
CALL gateway.protect_workspace_table('content_adaptations', writer => 'Creator');

-- adaptation_patterns
CREATE TABLE IF NOT EXISTS public.adaptation_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid,
  source_format text,
  target_format text,
  pattern_data jsonb,
  success_rate double precision,
  usage_count integer,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT adaptation_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT adaptation_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS adaptation_patterns_workspace_id_created_at_id_idx ON public.adaptation_patterns (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS adaptation_patterns_workspace_id_source_format_target_forma_idx ON public.adaptation_patterns (workspace_id, source_format, target_format);
CREATE INDEX IF NOT EXISTS adaptation_patterns_pattern_data_idx ON public.adaptation_patterns USING gin (pattern_data jsonb_path_ops);
CALL gateway.protect_shared_table('adaptation_patterns', writer => 'Creator');

-- experiment_results
CREATE TABLE IF NOT EXISTS public.experiment_results (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  experiment_id uuid NOT NULL,
  variant text NOT NULL,
  metric_name text NOT NULL,
  metric_value double precision,
  sample_size integer,
  "timestamp" timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT experiment_results_pkey PRIMARY KEY (id),
  CONSTRAINT experiment_results_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT experiment_results_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiment_results_workspace_id_timestamp_id_idx ON public.experiment_results (workspace_id, "timestamp" DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_results_experiment_id_workspace_id_idx ON public.experiment_results (experiment_id, workspace_id);
CREATE INDEX IF NOT EXISTS experiment_results_workspace_id_variant_idx ON public.experiment_results (workspace_id, variant);
CALL gateway.protect_workspace_table('experiment_results', writer => 'Creator');

-- experiment_metadata
CREATE TABLE IF NOT EXISTS public.experiment_metadata (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  experiment_id uuid NOT NULL,
  key text,
  value jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT experiment_metadata_pkey PRIMARY KEY (id),
  CONSTRAINT experiment_metadata_workspace_id_experiment_id_fkey FOREIGN KEY (workspace_id, experiment_id) REFERENCES public.experiments (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT experiment_metadata_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS experiment_metadata_workspace_id_created_at_id_idx ON public.experiment_metadata (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS experiment_metadata_experiment_id_workspace_id_idx ON public.experiment_metadata (experiment_id, workspace_id);
CREATE INDEX IF NOT EXISTS experiment_metadata_value_idx ON public.experiment_metadata USING gin (value jsonb_path_ops);
CALL gateway.protect_workspace_table('experiment_metadata', writer => 'Creator');

-- agent_messages
CREATE TABLE IF NOT EXISTS public.agent_messages (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  type text NOT NULL,
  origin text NOT NULL,
  targets text[] NOT NULL DEFAULT '{}',
  payload jsonb,
  priority public.message_priority NOT NULL DEFAULT 'MEDIUM',
  correlation_id text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  ttl integer NOT NULL DEFAULT 3600,
  CONSTRAINT agent_messages_pkey PRIMARY KEY (id),
  CONSTRAINT agent_messages_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_messages_workspace_id_created_at_id_idx ON public.agent_messages (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_messages_workspace_id_correlation_id_idx ON public.agent_messages (workspace_id, correlation_id);
CREATE INDEX IF NOT EXISTS agent_messages_workspace_id_type_idx ON public.agent_messages (workspace_id, type);
CREATE INDEX IF NOT EXISTS agent_messages_workspace_id_origin_idx ON public.agent_messages (workspace_id, origin);
CREATE INDEX IF NOT EXISTS agent_messages_targets_payload_idx ON public.agent_messages USING gin (targets, payload jsonb_path_ops);
CALL gateway.protect_workspace_table('agent_messages', writer => 'Owner');

-- debate_rounds
CREATE TABLE IF NOT EXISTS public.debate_rounds (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  debate_id text NOT NULL,
  round_number integer,
  positions jsonb,
  "timestamp" timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT debate_rounds_pkey PRIMARY KEY (id),
  CONSTRAINT debate_rounds_workspace_id_debate_id_fkey FOREIGN KEY (workspace_id, debate_id) REFERENCES public.agent_debates (workspace_id, debate_id) ON DELETE CASCADE,
  CONSTRAINT debate_rounds_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS debate_rounds_workspace_id_timestamp_id_idx ON public.debate_rounds (workspace_id, "timestamp" DESC, id DESC);
CREATE INDEX IF NOT EXISTS debate_rounds_debate_id_workspace_id_idx ON public.debate_rounds (debate_id, workspace_id);
CREATE INDEX IF NOT EXISTS debate_rounds_positions_idx ON public.debate_rounds USING gin (positions jsonb_path_ops);
CALL gateway.protect_workspace_table('debate_rounds', writer => 'Owner');

-- policy_decisions
CREATE TABLE IF NOT EXISTS public.policy_decisions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  conflict_id text,
  agents_involved text[],
  issue_description text,
  decision text,
  reasoning text,
  overrides jsonb,
  binding boolean NOT NULL DEFAULT true,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT policy_decisions_pkey PRIMARY KEY (id),
  CONSTRAINT policy_decisions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS policy_decisions_workspace_id_created_at_id_idx ON public.policy_decisions (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS policy_decisions_workspace_id_conflict_id_idx ON public.policy_decisions (workspace_id, conflict_id);
CREATE INDEX IF NOT EXISTS policy_decisions_agents_involved_overrides_idx ON public.policy_decisions USING gin (agents_involved, overrides jsonb_path_ops);
CALL gateway.protect_workspace_table('policy_decisions', writer => 'Owner');

-- agent_recommendations
CREATE TABLE IF NOT EXISTS public.agent_recommendations (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  agent_id varchar(50) NOT NULL,
  agent_name varchar(255) NOT NULL,
  correlation_id varchar(255) NOT NULL,
  workflow_id varchar(255) NOT NULL,
  recommendation_type varchar(100) NOT NULL,
  recommendation_content jsonb NOT NULL,
  confidence_score double precision NOT NULL DEFAULT 0.5,
  reasoning text,
  evidence jsonb,
  outcome_status public.recommendation_outcome_status,
  outcome_quality_score double precision,
  outcome_notes text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  evaluated_at timestamptz(3),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_recommendations_pkey PRIMARY KEY (id),
  CONSTRAINT agent_recommendations_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT agent_recommendations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_recommendations_workspace_id_created_at_id_idx ON public.agent_recommendations (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_recommendations_workspace_id_agent_id_idx ON public.agent_recommendations (workspace_id, agent_id);
CREATE INDEX IF NOT EXISTS agent_recommendations_workspace_id_workflow_id_idx ON public.agent_recommendations (workspace_id, workflow_id);
CREATE INDEX IF NOT EXISTS agent_recommendations_workspace_id_outcome_status_idx ON public.agent_recommendations (workspace_id, outcome_status);
CREATE INDEX IF NOT EXISTS agent_recommendations_recommendation_content_evidence_idx ON public.agent_recommendations USING gin (recommendation_content jsonb_path_ops, evidence jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_recommendations
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('agent_recommendations', writer => 'Analyst');

-- recommendation_patterns
CREATE TABLE IF NOT EXISTS public.recommendation_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  pattern_name varchar(255) NOT NULL,
  pattern_category varchar(100) NOT NULL,
  agent_ids varchar[] NOT NULL,
  pattern_definition jsonb NOT NULL,
  success_rate double precision NOT NULL DEFAULT 0.0,
  frequency_count integer NOT NULL DEFAULT 0,
  confidence_level double precision NOT NULL DEFAULT 0.0,
  recommendation_strength public.recommendation_strength,
  discovered_at timestamptz(3) NOT NULL DEFAULT now(),
  last_confirmed_at timestamptz(3),
  next_review_at timestamptz(3),
  CONSTRAINT recommendation_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT recommendation_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS recommendation_patterns_workspace_id_discovered_at_id_idx ON public.recommendation_patterns (workspace_id, discovered_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS recommendation_patterns_workspace_id_pattern_category_idx ON public.recommendation_patterns (workspace_id, pattern_category);
CREATE INDEX IF NOT EXISTS recommendation_patterns_workspace_id_success_rate_idx ON public.recommendation_patterns (workspace_id, success_rate DESC);
CREATE INDEX IF NOT EXISTS recommendation_patterns_agent_ids_pattern_definition_idx ON public.recommendation_patterns USING gin (agent_ids, pattern_definition jsonb_path_ops);
CALL gateway.protect_workspace_table('recommendation_patterns', writer => 'Analyst');

-- recommendation_outcomes
CREATE TABLE IF NOT EXISTS public.recommendation_outcomes (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  recommendation_id uuid NOT NULL,
  agent_id varchar(50) NOT NULL,
  quality_dimensions jsonb NOT NULL,
  quality_scores jsonb NOT NULL,
  overall_quality_score double precision NOT NULL,
  compared_against integer,
  ranked_position integer,
  outperformed_count integer NOT NULL DEFAULT 0,
  evaluator_feedback text,
  evaluator_id uuid,
  evaluation_date timestamptz(3) NOT NULL DEFAULT now(),
  impact_observed_date timestamptz(3),
  impact_duration_days integer,
  CONSTRAINT recommendation_outcomes_pkey PRIMARY KEY (id),
  CONSTRAINT recommendation_outcomes_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT recommendation_outcomes_workspace_id_recommendation_id_fkey FOREIGN KEY (workspace_id, recommendation_id) REFERENCES public.agent_recommendations (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT recommendation_outcomes_evaluator_id_fkey FOREIGN KEY (evaluator_id) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_workspace_id_evaluation_date_id_idx ON public.recommendation_outcomes (workspace_id, evaluation_date DESC, id DESC);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_recommendation_id_workspace_id_idx ON public.recommendation_outcomes (recommendation_id, workspace_id);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_evaluator_id_idx ON public.recommendation_outcomes (evaluator_id);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_workspace_id_agent_id_idx ON public.recommendation_outcomes (workspace_id, agent_id);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_workspace_id_overall_quality_score_idx ON public.recommendation_outcomes (workspace_id, overall_quality_score DESC);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_quality_dimensions_quality_scores_idx ON public.recommendation_outcomes USING gin (quality_dimensions jsonb_path_ops, quality_scores jsonb_path_ops);
CALL gateway.protect_workspace_table('recommendation_outcomes', writer => 'Analyst');

-- agent_trust_scores
CREATE TABLE IF NOT EXISTS public.agent_trust_scores (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  agent_id varchar(50) NOT NULL,
  agent_name varchar(255) NOT NULL,
  overall_trust_score double precision NOT NULL DEFAULT 0.5,
  accuracy_score double precision NOT NULL DEFAULT 0.5,
  consistency_score double precision NOT NULL DEFAULT 0.5,
  timeliness_score double precision NOT NULL DEFAULT 0.5,
  reliability_score double precision NOT NULL DEFAULT 0.5,
  total_recommendations integer NOT NULL DEFAULT 0,
  approved_recommendations integer NOT NULL DEFAULT 0,
  rejected_recommendations integer NOT NULL DEFAULT 0,
  partial_recommendations integer NOT NULL DEFAULT 0,
  approval_rate double precision NOT NULL DEFAULT 0.0,
  avg_quality_score double precision NOT NULL DEFAULT 0.0,
  trust_trend public.trust_trend,
  improvement_rate double precision NOT NULL DEFAULT 0.0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  last_evaluated_at timestamptz(3),
  last_updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_trust_scores_pkey PRIMARY KEY (id),
  CONSTRAINT agent_trust_scores_workspace_id_agent_id_key UNIQUE (workspace_id, agent_id),
  CONSTRAINT agent_trust_scores_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_trust_scores_workspace_id_created_at_id_idx ON public.agent_trust_scores (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_trust_scores_workspace_id_overall_trust_score_idx ON public.agent_trust_scores (workspace_id, overall_trust_score DESC);
CREATE INDEX IF NOT EXISTS agent_trust_scores_workspace_id_updated_at_idx ON public.agent_trust_scores (workspace_id, updated_at DESC);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_trust_scores
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('agent_trust_scores', writer => 'Analyst');

-- meta_learner_state
CREATE TABLE IF NOT EXISTS public.meta_learner_state (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  learner_version varchar(50) NOT NULL,
  learning_rate double precision NOT NULL DEFAULT 0.1,
  pattern_confidence_threshold double precision NOT NULL DEFAULT 0.7,
  learned_patterns jsonb NOT NULL,
  agent_profiles jsonb NOT NULL,
  decision_rules jsonb NOT NULL,
  samples_processed integer NOT NULL DEFAULT 0,
  last_learning_iteration_at timestamptz(3),
  next_learning_iteration_at timestamptz(3),
  learning_cycles_completed integer NOT NULL DEFAULT 0,
  model_accuracy double precision NOT NULL DEFAULT 0.0,
  model_coverage double precision NOT NULL DEFAULT 0.0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT meta_learner_state_pkey PRIMARY KEY (id),
  CONSTRAINT meta_learner_state_workspace_id_key UNIQUE (workspace_id),
  CONSTRAINT meta_learner_state_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS meta_learner_state_workspace_id_created_at_id_idx ON public.meta_learner_state (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS meta_learner_state_learned_patterns_agent_profiles_decision_idx ON public.meta_learner_state USING gin (learned_patterns jsonb_path_ops, agent_profiles jsonb_path_ops, decision_rules jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.meta_learner_state
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('meta_learner_state', writer => 'Analyst');

-- competitors
CREATE TABLE IF NOT EXISTS public.competitors (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  name text NOT NULL,
  website_url text,
  industry text,
  platforms jsonb,
  last_analyzed timestamptz(3),
  notes jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT competitors_pkey PRIMARY KEY (id),
  CONSTRAINT competitors_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT competitors_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_created_at_id_idx ON public.competitors (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_name_idx ON public.competitors (workspace_id, name);
CREATE INDEX IF NOT EXISTS competitors_workspace_id_last_analyzed_idx ON public.competitors (workspace_id, last_analyzed DESC);
CREATE INDEX IF NOT EXISTS competitors_platforms_notes_idx ON public.competitors USING gin (platforms jsonb_path_ops, notes jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.competitors
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('competitors', writer => 'Analyst');

-- competitor_content
CREATE TABLE IF NOT EXISTS public.competitor_content (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  competitor_id uuid NOT NULL,
  platform text,
  content_type text,
  title text,
  body text,
  url text,
  metadata jsonb,
  performance_metrics jsonb,
  patterns jsonb,
  scraped_at timestamptz(3) NOT NULL DEFAULT now(),
  scraped_by_agent text,
  CONSTRAINT competitor_content_pkey PRIMARY KEY (id),
  CONSTRAINT competitor_content_workspace_id_competitor_id_fkey FOREIGN KEY (workspace_id, competitor_id) REFERENCES public.competitors (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT competitor_content_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_scraped_at_id_idx ON public.competitor_content (workspace_id, scraped_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_content_competitor_id_workspace_id_idx ON public.competitor_content (competitor_id, workspace_id);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_platform_idx ON public.competitor_content (workspace_id, platform);
CREATE INDEX IF NOT EXISTS competitor_content_workspace_id_content_type_idx ON public.competitor_content (workspace_id, content_type);
CREATE INDEX IF NOT EXISTS competitor_content_metadata_performance_metrics_patterns_idx ON public.competitor_content USING gin (metadata jsonb_path_ops, performance_metrics jsonb_path_ops, patterns jsonb_path_ops);
CALL gateway.protect_workspace_table('competitor_content', writer => 'Analyst');

-- competitor_patterns
CREATE TABLE IF NOT EXISTS public.competitor_patterns (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  competitor_id uuid NOT NULL,
  pattern_type text,
  pattern_name text,
  pattern_data jsonb,
  frequency integer,
  success_rate double precision,
  identified_at timestamptz(3) NOT NULL DEFAULT now(),
  identified_by_agent text,
  CONSTRAINT competitor_patterns_pkey PRIMARY KEY (id),
  CONSTRAINT competitor_patterns_workspace_id_competitor_id_fkey FOREIGN KEY (workspace_id, competitor_id) REFERENCES public.competitors (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT competitor_patterns_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS competitor_patterns_workspace_id_identified_at_id_idx ON public.competitor_patterns (workspace_id, identified_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS competitor_patterns_competitor_id_workspace_id_idx ON public.competitor_patterns (competitor_id, workspace_id);
CREATE INDEX IF NOT EXISTS competitor_patterns_pattern_data_idx ON public.competitor_patterns USING gin (pattern_data jsonb_path_ops);
CALL gateway.protect_workspace_table('competitor_patterns', writer => 'Analyst');

-- trend_mentions
CREATE TABLE IF NOT EXISTS public.trend_mentions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  trend_id uuid NOT NULL,
  source_platform text,
  source_url text,
  mention_count integer,
  engagement integer,
  "timestamp" timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT trend_mentions_pkey PRIMARY KEY (id),
  CONSTRAINT trend_mentions_workspace_id_trend_id_fkey FOREIGN KEY (workspace_id, trend_id) REFERENCES public.trends (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT trend_mentions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS trend_mentions_workspace_id_timestamp_id_idx ON public.trend_mentions (workspace_id, "timestamp" DESC, id DESC);
CREATE INDEX IF NOT EXISTS trend_mentions_trend_id_workspace_id_idx ON public.trend_mentions (trend_id, workspace_id);
CALL gateway.protect_workspace_table('trend_mentions', writer => 'Analyst');

-- Tables with rules of their own

-- A workspace is made by create_workspace(), together with its Owner's membership.
CALL gateway.protect_table('workspaces',
  may_select => 'id IN (SELECT m.workspace_id FROM public.viewer_memberships() AS m)',
  may_insert => 'false',
  may_update => 'id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(''Owner''))',
  may_delete => 'id = (SELECT public.current_workspace_id()) AND (SELECT public.has_workspace_role(''Owner''))');

-- user_workspaces shows the members of the current workspace only, hence so does this.
CALL gateway.protect_table('user_profiles',
  may_select => 'id = (SELECT auth.uid()) OR id IN (SELECT user_id FROM public.user_workspaces)',
  may_insert => 'id = (SELECT auth.uid())',
  may_update => 'id = (SELECT auth.uid())',
  may_delete => 'false');

DO $$
DECLARE
  own text := 'user_id = (SELECT auth.uid()) AND (workspace_id IS NULL OR (' || gateway.member_reads() || '))';
BEGIN
  CALL gateway.protect_table('onboarding_responses', own, own, own, own);
END $$;

CALL gateway.protect_table('subscriptions',
  may_select => '(workspace_id IS NULL AND user_id = (SELECT auth.uid()))'
    || ' OR (user_id = (SELECT auth.uid()) AND ' || gateway.member_reads() || ')'
    || ' OR (' || gateway.member_writes('Owner') || ')',
  may_insert => 'false', may_update => 'false', may_delete => 'false');

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.cohorts'::regclass AND conname = 'cohorts_decision_criteria_check') THEN
    ALTER TABLE public.cohorts ADD CONSTRAINT cohorts_decision_criteria_check
      CHECK (public.validate_decision_criteria_weights(decision_criteria));
  END IF;
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.cohorts'::regclass AND conname = 'cohorts_journey_distribution_check') THEN
    ALTER TABLE public.cohorts ADD CONSTRAINT cohorts_journey_distribution_check
      CHECK (public.validate_journey_distribution(journey_distribution));
  END IF;
END $$;

-- Functions

-- SECURITY DEFINER: nobody may insert a workspace or a first membership otherwise.
CREATE OR REPLACE FUNCTION public.create_workspace(name text, slug text DEFAULT NULL) RETURNS public.workspaces
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  created public.workspaces;
BEGIN
  IF auth.uid() IS NULL THEN
    RAISE EXCEPTION 'a workspace needs a signed-in person as its Owner' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.workspaces (name, slug) VALUES (create_workspace.name, create_workspace.slug) RETURNING * INTO created;
  INSERT INTO public.user_workspaces (user_id, workspace_id, role) VALUES (auth.uid(), created.id, 'Owner');
  RETURN created;
END $$;
COMMENT ON FUNCTION public.create_workspace IS 'The new workspace; the person of the request becomes its Owner.';

-- SECURITY DEFINER: runs as whoever signs a person up, who need not have rights in public.
CREATE OR REPLACE FUNCTION public.handle_new_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.user_profiles (id, full_name, avatar_url)
  VALUES (NEW.id,
          left(coalesce(NEW.raw_user_meta_data ->> 'full_name', NEW.raw_user_meta_data ->> 'name'), 255),
          NEW.raw_user_meta_data ->> 'avatar_url')
  ON CONFLICT (id) DO NOTHING;
  INSERT INTO public.subscriptions (user_id) VALUES (NEW.id);
  RETURN NEW;
END $$;
COMMENT ON FUNCTION public.handle_new_user IS 'Trigger of auth.users: gives a new person a profile and a free subscription.';

CREATE OR REPLACE TRIGGER on_auth_user_created AFTER INSERT ON auth.users
  FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();

CREATE OR REPLACE FUNCTION public.get_user_subscription(person uuid) RETURNS SETOF public.subscriptions
LANGUAGE sql STABLE AS $$
  SELECT * FROM public.subscriptions
  WHERE user_id = person AND status IN ('active', 'trialing')
  ORDER BY created_at DESC, id DESC
  LIMIT 1
$$;
COMMENT ON FUNCTION public.get_user_subscription IS 'The newest active or trialing subscription of a person, none otherwise.';

CREATE OR REPLACE FUNCTION public.has_completed_onboarding(person uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT onboarding_completed FROM public.user_profiles WHERE id = person), false)
$$;
COMMENT ON FUNCTION public.has_completed_onboarding IS 'False for an unknown person, and for one that the reader may not see.';

REVOKE EXECUTE ON FUNCTION public.is_workspace_member, public.workspace_role, public.has_workspace_role,
  public.viewer_memberships, public.create_workspace, public.handle_new_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.is_workspace_member, public.workspace_role, public.has_workspace_role,
  public.viewer_memberships, public.create_workspace TO authenticated, service_role;

-- Read models: joined laterally or grouped by their key, so that a filter on the key reaches the
-- indexes and nothing else is aggregated.

CREATE OR REPLACE VIEW public.cohort_journey_shares WITH (security_invoker = true) AS
SELECT c.workspace_id, c.id AS cohort_id, d.key AS journey_stage_id, d.value::double precision AS share
FROM public.cohorts AS c
CROSS JOIN LATERAL jsonb_each_text(c.journey_distribution) AS d;
COMMENT ON VIEW public.cohort_journey_shares IS 'Which share (0-1) of a cohort is at which stage of the journey. Key: cohort_id, journey_stage_id.';
CALL gateway.publish_view('public.cohort_journey_shares');

CREATE OR REPLACE VIEW public.experiment_summaries WITH (security_invoker = true) AS
SELECT m.workspace_id, m.id AS move_id, e.*
FROM public.moves AS m
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS experiment_count,
         count(*) FILTER (WHERE status = 'running')::integer AS running_count,
         count(*) FILTER (WHERE status = 'completed')::integer AS completed_count,
         count(*) FILTER (WHERE status = 'stopped')::integer AS stopped_count,
         count(*) FILTER (WHERE status = 'failed')::integer AS failed_count
  FROM public.experiments
  WHERE move_id = m.id AND workspace_id = m.workspace_id
) AS e;
COMMENT ON VIEW public.experiment_summaries IS 'The experiments of a move by status, zeros for a move without any. Key: move_id.';
CALL gateway.publish_view('public.experiment_summaries');

CREATE OR REPLACE VIEW public.trend_opportunities WITH (security_invoker = true) AS
SELECT t.workspace_id, t.id AS trend_id, t.topic, t.lifecycle_stage, t.velocity, t.opportunity_score, t.expiry_date,
       mentions.*, moves.*
FROM public.trends AS t
CROSS JOIN LATERAL (
  SELECT coalesce(sum(mention_count), 0) AS mention_count, coalesce(sum(engagement), 0) AS engagement_count
  FROM public.trend_mentions
  WHERE trend_id = t.id AND workspace_id = t.workspace_id
) AS mentions
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS triggered_move_count
  FROM public.moves
  WHERE triggered_by_trend_id = t.id AND workspace_id = t.workspace_id
) AS moves
WHERE t.expiry_date IS NULL OR t.expiry_date > now();
COMMENT ON VIEW public.trend_opportunities IS 'Trends that have not expired, with their mentions and the moves they triggered. Key: trend_id.';
CALL gateway.publish_view('public.trend_opportunities');

CREATE OR REPLACE VIEW public.agent_recommendation_summaries WITH (security_invoker = true) AS
SELECT workspace_id, agent_id AS agent_name,
       count(*)::integer AS recommendation_count,
       count(*) FILTER (WHERE outcome_status IS NULL)::integer AS undecided_count,
       count(*) FILTER (WHERE outcome_status = 'pending')::integer AS pending_count,
       count(*) FILTER (WHERE outcome_status = 'approved')::integer AS approved_count,
       count(*) FILTER (WHERE outcome_status = 'rejected')::integer AS rejected_count,
       count(*) FILTER (WHERE outcome_status = 'partial')::integer AS partial_count,
       count(*) FILTER (WHERE outcome_status = 'implemented')::integer AS implemented_count,
       avg(confidence_score) AS average_confidence,
       avg(outcome_quality_score) AS average_quality
FROM public.agent_recommendations
GROUP BY workspace_id, agent_id;
COMMENT ON VIEW public.agent_recommendation_summaries IS 'What became of an agent''s recommendations in a workspace. Key: workspace_id, agent_name.';
CALL gateway.publish_view('public.agent_recommendation_summaries');

CREATE OR REPLACE VIEW public.pattern_effectiveness WITH (security_invoker = true) AS
SELECT workspace_id, pattern_category,
       count(*)::integer AS pattern_count,
       count(*) FILTER (WHERE recommendation_strength IN ('strong', 'very_strong'))::integer AS strong_pattern_count,
       sum(frequency_count) AS case_count,
       sum(success_rate * frequency_count) / nullif(sum(frequency_count), 0) AS success_rate,
       avg(confidence_level) AS average_confidence,
       max(last_confirmed_at) AS last_confirmed_at
FROM public.recommendation_patterns
GROUP BY workspace_id, pattern_category;
COMMENT ON VIEW public.pattern_effectiveness IS 'How well learned recommendation patterns of a category hold, the success rate weighted by cases. Key: workspace_id, pattern_category.';
CALL gateway.publish_view('public.pattern_effectiveness');
