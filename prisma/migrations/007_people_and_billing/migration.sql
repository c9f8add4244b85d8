-- People, their subscriptions, and the payments of workspaces.

CALL gateway.ensure_enum('plan_subscription_status', ARRAY['active', 'past_due', 'canceled', 'trialing']);
CALL gateway.ensure_enum('billing_period', ARRAY['monthly', 'yearly']);
CALL gateway.ensure_enum('billing_status', ARRAY['pending', 'success', 'failed', 'cancelled', 'refunded']);
CALL gateway.ensure_enum('autopay_plan', ARRAY['ascent', 'glide', 'soar']);
CALL gateway.ensure_enum('autopay_subscription_status', ARRAY['pending', 'active', 'paused', 'cancelled', 'expired', 'failed']);
CALL gateway.ensure_enum('autopay_payment_status', ARRAY['pending', 'success', 'failed', 'processing', 'refunded']);

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
-- user_workspaces shows the members of the current workspace only, hence so does this.
CALL gateway.protect_table('user_profiles',
  may_select => 'id = (SELECT auth.uid()) OR id IN (SELECT user_id FROM public.user_workspaces)',
  may_insert => 'id = (SELECT auth.uid())',
  may_update => 'id = (SELECT auth.uid())',
  may_delete => 'false');
CALL gateway.track_table('user_profiles');

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
DO $$
DECLARE
  own text := 'user_id = (SELECT auth.uid()) AND (workspace_id IS NULL OR (' || gateway.member_reads() || '))';
BEGIN
  CALL gateway.protect_table('onboarding_responses', own, own, own, own);
END $$;
CALL gateway.track_table('onboarding_responses');

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
CALL gateway.protect_table('subscriptions',
  may_select => 'user_id = (SELECT auth.uid()) AND (workspace_id IS NULL OR (' || gateway.member_reads() || '))',
  may_insert => 'false', may_update => 'false', may_delete => 'false');
CALL gateway.track_table('subscriptions');

-- Billing is for Owners, and for agents with a scope of its own.

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
CALL gateway.protect_table('billing_history',
  may_select => 'workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.reads_billing())',
  may_insert => gateway.member_writes('Owner'), may_update => gateway.member_writes('Owner'), may_delete => gateway.member_writes('Owner'));
CALL gateway.track_table('billing_history');

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
CALL gateway.protect_table('autopay_subscriptions',
  may_select => 'workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.reads_billing())',
  may_insert => gateway.member_writes('Owner'), may_update => gateway.member_writes('Owner'), may_delete => gateway.member_writes('Owner'));
CALL gateway.track_table('autopay_subscriptions');
CALL gateway.require_not_negative('autopay_subscriptions', 'total_payments', 'successful_payments', 'failed_payments');

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
CREATE INDEX IF NOT EXISTS autopay_payments_merchant_subscription_id_workspace_id_crea_idx ON public.autopay_payments (merchant_subscription_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS autopay_payments_user_id_idx ON public.autopay_payments (user_id);
CREATE INDEX IF NOT EXISTS autopay_payments_workspace_id_status_idx ON public.autopay_payments (workspace_id, status);
CREATE INDEX IF NOT EXISTS autopay_payments_workspace_id_payment_date_idx ON public.autopay_payments (workspace_id, payment_date);
CALL gateway.protect_table('autopay_payments',
  may_select => 'workspace_id = (SELECT public.current_workspace_id()) AND (SELECT gateway.reads_billing())',
  may_insert => gateway.member_writes('Owner'), may_update => gateway.member_writes('Owner'), may_delete => gateway.member_writes('Owner'));
CALL gateway.track_table('autopay_payments');
CALL gateway.require_not_negative('autopay_payments', 'retry_count');

-- Functions

-- SECURITY DEFINER: the role that signs a person up need not have rights in public.
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
REVOKE EXECUTE ON FUNCTION public.handle_new_user FROM PUBLIC;

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
COMMENT ON FUNCTION public.has_completed_onboarding IS 'False for an unknown person, and for one that the caller may not see.';
