-- The agents, their capabilities, assignments and performance.

-- Enumerations

CALL gateway.ensure_enum('agent_type', ARRAY['lord', 'researcher', 'creative', 'intelligence', 'guardian']);
CALL gateway.ensure_enum('capability_category', ARRAY['research', 'analysis', 'creation', 'optimization', 'monitoring']);
CALL gateway.ensure_enum('assignment_status', ARRAY['active', 'paused', 'completed', 'failed', 'archived']);
CALL gateway.ensure_enum('assignment_priority', ARRAY['low', 'normal', 'high', 'critical']);

-- agent_registry
CREATE TABLE IF NOT EXISTS public.agent_registry (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_name text NOT NULL,
  agent_type public.agent_type NOT NULL,
  guild_name text,
  description text,
  purpose text,
  domain_expertise text[],
  model_config jsonb,
  system_prompt text,
  personality_traits text[],
  supported_inputs text[],
  supported_outputs text[],
  tool_access text[],
  avg_execution_time_seconds integer,
  success_rate_percentage numeric,
  error_rate_percentage numeric,
  cost_per_execution numeric,
  is_active boolean NOT NULL DEFAULT true,
  version text NOT NULL DEFAULT '1.0',
  release_date date,
  deprecated_date date,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_registry_pkey PRIMARY KEY (id),
  CONSTRAINT agent_registry_agent_name_key UNIQUE (agent_name)
);
CREATE INDEX IF NOT EXISTS agent_registry_created_at_id_idx ON public.agent_registry (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_registry_agent_type_idx ON public.agent_registry (agent_type);
CREATE INDEX IF NOT EXISTS agent_registry_guild_name_idx ON public.agent_registry (guild_name);
CREATE INDEX IF NOT EXISTS agent_registry_is_active_idx ON public.agent_registry (is_active);
CREATE INDEX IF NOT EXISTS agent_registry_domain_expertise_model_config_personality_tr_idx ON public.agent_registry USING gin (domain_expertise, model_config jsonb_path_ops, personality_traits, supported_inputs, supported_outputs, tool_access);
CALL gateway.set_up_global_table('agent_registry');
-- Prompts and model settings are for Owners and trusted writers. A privilege on a column cannot depend on
-- a role in a workspace: clients have none on these, and those who may read them call agent_prompts().
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
CALL gateway.require_not_negative('agent_registry', 'avg_execution_time_seconds', 'success_rate_percentage',
  'error_rate_percentage', 'cost_per_execution');

-- agent_capabilities
CREATE TABLE IF NOT EXISTS public.agent_capabilities (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id uuid NOT NULL,
  capability_name text NOT NULL,
  description text,
  category public.capability_category NOT NULL,
  subcategory text,
  input_types text[],
  output_types text[],
  external_apis text[],
  required_permissions text[],
  typical_execution_time_seconds integer,
  typical_token_usage integer,
  typical_cost numeric,
  success_rate_percentage numeric,
  is_enabled boolean NOT NULL DEFAULT true,
  configuration jsonb,
  parameter_schema jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_capabilities_pkey PRIMARY KEY (id),
  CONSTRAINT agent_capabilities_agent_id_capability_name_key UNIQUE (agent_id, capability_name),
  CONSTRAINT agent_capabilities_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_registry (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_capabilities_created_at_id_idx ON public.agent_capabilities (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_capabilities_category_idx ON public.agent_capabilities (category);
CREATE INDEX IF NOT EXISTS agent_capabilities_agent_id_is_enabled_idx ON public.agent_capabilities (agent_id, is_enabled);
CREATE INDEX IF NOT EXISTS agent_capabilities_input_types_output_types_external_apis_r_idx ON public.agent_capabilities USING gin (input_types, output_types, external_apis, required_permissions, configuration jsonb_path_ops, parameter_schema jsonb_path_ops);
CALL gateway.set_up_global_table('agent_capabilities');
CALL gateway.require_not_negative('agent_capabilities', 'typical_execution_time_seconds', 'typical_token_usage',
  'typical_cost', 'success_rate_percentage');

-- agent_assignments
CREATE TABLE IF NOT EXISTS public.agent_assignments (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  assigned_to_campaign_id uuid,
  assigned_to_guild_operation_id uuid,
  assignment_status public.assignment_status NOT NULL DEFAULT 'active',
  priority_level public.assignment_priority NOT NULL DEFAULT 'normal',
  assigned_date timestamptz(3) NOT NULL DEFAULT now(),
  assignment_config jsonb,
  task_queue jsonb,
  execution_constraints jsonb,
  tasks_assigned integer NOT NULL DEFAULT 0,
  tasks_completed integer NOT NULL DEFAULT 0,
  tasks_failed integer NOT NULL DEFAULT 0,
  total_tokens_used integer NOT NULL DEFAULT 0,
  total_cost_incurred numeric NOT NULL DEFAULT 0,
  assigned_by uuid,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_assignments_pkey PRIMARY KEY (id),
  CONSTRAINT agent_assignments_workspace_id_agent_id_assigned_to_campaig_key UNIQUE (workspace_id, agent_id, assigned_to_campaign_id),
  CONSTRAINT agent_assignments_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT agent_assignments_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_registry (id) ON DELETE CASCADE,
  CONSTRAINT agent_assignments_workspace_id_assigned_to_campaign_id_fkey FOREIGN KEY (workspace_id, assigned_to_campaign_id) REFERENCES public.campaigns (workspace_id, id) ON DELETE CASCADE,
  CONSTRAINT agent_assignments_assigned_by_fkey FOREIGN KEY (assigned_by) REFERENCES auth.users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS agent_assignments_workspace_id_created_at_id_idx ON public.agent_assignments (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_assignments_agent_id_idx ON public.agent_assignments (agent_id);
CREATE INDEX IF NOT EXISTS agent_assignments_assigned_to_campaign_id_workspace_id_crea_idx ON public.agent_assignments (assigned_to_campaign_id, workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_assignments_assigned_by_idx ON public.agent_assignments (assigned_by);
CREATE INDEX IF NOT EXISTS agent_assignments_workspace_id_assignment_status_idx ON public.agent_assignments (workspace_id, assignment_status);
CREATE INDEX IF NOT EXISTS agent_assignments_assignment_config_task_queue_execution_co_idx ON public.agent_assignments USING gin (assignment_config jsonb_path_ops, task_queue jsonb_path_ops, execution_constraints jsonb_path_ops);
-- Only people assign an agent to a workspace or end that; an agent may write its own counters.
CALL gateway.protect_table('agent_assignments', gateway.member_reads(),
  may_insert => gateway.member_writes('Strategist'),
  may_update => gateway.domain_writes('Strategist', 'agents')
    || ' AND ((SELECT gateway.current_agent()) IS NULL OR agent_id = (SELECT gateway.current_agent_id()))',
  may_delete => gateway.member_writes('Strategist'));
CALL gateway.track_table('agent_assignments');
CALL gateway.require_not_negative('agent_assignments', 'tasks_assigned', 'tasks_completed', 'tasks_failed',
  'total_tokens_used', 'total_cost_incurred');

-- agent_performance
CREATE TABLE IF NOT EXISTS public.agent_performance (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  measurement_date date NOT NULL,
  measurement_hour integer,
  execution_count integer NOT NULL DEFAULT 0,
  success_count integer NOT NULL DEFAULT 0,
  failure_count integer NOT NULL DEFAULT 0,
  error_count integer NOT NULL DEFAULT 0,
  avg_execution_time_seconds numeric,
  min_execution_time_seconds numeric,
  max_execution_time_seconds numeric,
  p50_execution_time_seconds numeric,
  p95_execution_time_seconds numeric,
  p99_execution_time_seconds numeric,
  total_input_tokens integer NOT NULL DEFAULT 0,
  total_output_tokens integer NOT NULL DEFAULT 0,
  avg_input_tokens_per_execution numeric,
  avg_output_tokens_per_execution numeric,
  total_cost_incurred numeric NOT NULL DEFAULT 0,
  avg_cost_per_execution numeric,
  success_rate_percentage numeric,
  error_rate_percentage numeric,
  quality_score numeric,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT agent_performance_pkey PRIMARY KEY (id),
  CONSTRAINT agent_performance_workspace_id_agent_id_measurement_date_me_key UNIQUE (workspace_id, agent_id, measurement_date, measurement_hour),
  CONSTRAINT agent_performance_workspace_id_id_key UNIQUE (workspace_id, id),
  CONSTRAINT agent_performance_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT agent_performance_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_registry (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_performance_workspace_id_created_at_id_idx ON public.agent_performance (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_performance_workspace_id_measurement_date_idx ON public.agent_performance (workspace_id, measurement_date);
CREATE INDEX IF NOT EXISTS agent_performance_agent_id_measurement_date_idx ON public.agent_performance (agent_id, measurement_date);
CALL gateway.set_up_workspace_table('agent_performance', writer => 'Owner', domain => 'agents');
CALL gateway.stamp_table('agent_performance', 'agent_id', 'id');
CALL gateway.require_not_negative('agent_performance', 'measurement_hour', 'execution_count', 'success_count', 'failure_count',
  'error_count', 'avg_execution_time_seconds', 'min_execution_time_seconds', 'max_execution_time_seconds',
  'p50_execution_time_seconds', 'p95_execution_time_seconds', 'p99_execution_time_seconds', 'total_input_tokens',
  'total_output_tokens', 'avg_input_tokens_per_execution', 'avg_output_tokens_per_execution', 'total_cost_incurred',
  'avg_cost_per_execution', 'success_rate_percentage', 'error_rate_percentage', 'quality_score');

-- Durations of executions as a histogram, from which percentiles of any set of hours can be read.
-- Each bucket is 1.01 / 0.99 times as wide as the one before, so its value is within 1 % of all durations
-- in it; 915 of them cover a millisecond to a day.
CREATE TABLE IF NOT EXISTS gateway.agent_execution_buckets (
  workspace_id uuid NOT NULL,
  performance_id uuid NOT NULL,
  bucket smallint NOT NULL,
  executions integer NOT NULL,
  CONSTRAINT agent_execution_buckets_pkey PRIMARY KEY (performance_id, bucket),
  CONSTRAINT agent_execution_buckets_bucket_check CHECK (bucket BETWEEN 0 AND 914),
  CONSTRAINT agent_execution_buckets_workspace_id_performance_id_fkey FOREIGN KEY (workspace_id, performance_id) REFERENCES public.agent_performance (workspace_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE gateway.agent_execution_buckets IS 'Executions of a row of agent_performance by duration. Percentiles read from it are within 1 % of the exact ones (nearest rank) between 1 ms and 24 h, and never outside the shortest and the longest execution.';
DO $$
DECLARE
  may_write text := gateway.domain_writes('Owner', 'agents');
BEGIN
  CALL gateway.protect_table('gateway.agent_execution_buckets', gateway.member_reads(), may_write, may_write, may_write);
END $$;

-- Functions

CREATE OR REPLACE FUNCTION public.assign_agent(
  workspace uuid, agent uuid, campaign uuid DEFAULT NULL,
  priority public.assignment_priority DEFAULT 'normal', config jsonb DEFAULT NULL
) RETURNS public.agent_assignments
LANGUAGE plpgsql AS $$
DECLARE
  active boolean := (SELECT r.is_active FROM public.agent_registry AS r WHERE r.id = agent);
  assigned public.agent_assignments;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Strategist');
  IF priority IS NULL THEN
    RAISE EXCEPTION 'priority must not be empty' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'priority';
  ELSIF active IS NULL THEN
    RAISE EXCEPTION 'there is no such agent' USING ERRCODE = 'no_data_found', COLUMN = 'agent';
  ELSIF NOT active THEN
    RAISE EXCEPTION 'the agent is not active' USING ERRCODE = 'object_not_in_prerequisite_state', COLUMN = 'agent';
  END IF;
  -- No unique key distinguishes two assignments without a campaign.
  PERFORM pg_advisory_xact_lock(hashtextextended(format('assign_agent %s %s %s', workspace, agent, campaign), 0));
  UPDATE public.agent_assignments AS a
  SET assignment_status = 'active', priority_level = priority, assigned_date = now(), assigned_by = auth.uid(),
      assignment_config = coalesce(config, a.assignment_config)
  WHERE a.id = (
    SELECT e.id FROM public.agent_assignments AS e
    WHERE e.workspace_id = workspace AND e.agent_id = agent
      AND e.assigned_to_campaign_id IS NOT DISTINCT FROM campaign AND e.assigned_to_guild_operation_id IS NULL
    ORDER BY e.created_at, e.id LIMIT 1)
  RETURNING a.* INTO assigned;
  IF NOT FOUND THEN
    INSERT INTO public.agent_assignments AS a (workspace_id, agent_id, assigned_to_campaign_id, priority_level, assignment_config, assigned_by)
    VALUES (workspace, agent, campaign, priority, config, auth.uid())
    RETURNING a.* INTO assigned;
  END IF;
  RETURN assigned;
END $$;
COMMENT ON FUNCTION public.assign_agent IS 'The active assignment of an agent to a workspace, or to one of its campaigns; an earlier one becomes active again. For Strategists and trusted writers.';

CREATE OR REPLACE FUNCTION gateway.reads_prompts() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN gateway.is_owner() OR gateway.may_write_shared();
END $$;
COMMENT ON FUNCTION gateway.reads_prompts IS 'Whether the caller is an Owner of the current workspace, or a trusted writer of what all share.';

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

CREATE OR REPLACE FUNCTION gateway.execution_bucket(seconds numeric) RETURNS smallint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN seconds <= 0.001 THEN 0
    ELSE least(ceil(ln(seconds::double precision / 0.001) / ln(1.01 / 0.99::double precision)), 914)
  END::smallint
$$;
COMMENT ON FUNCTION gateway.execution_bucket IS 'The bucket of a duration: 0 up to a millisecond, 914 from a day on.';

CREATE OR REPLACE FUNCTION gateway.bucket_seconds(bucket smallint) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  SELECT round((0.001 * 0.99 * power(1.01 / 0.99::double precision, bucket))::numeric, 6)
$$;
COMMENT ON FUNCTION gateway.bucket_seconds IS 'The duration that stands for a bucket: within 1 % of both its ends.';

CREATE OR REPLACE FUNCTION gateway.execution_percentiles(performance_ids uuid[])
RETURNS TABLE (executions bigint, p50 numeric, p95 numeric, p99 numeric)
LANGUAGE sql STABLE AS $$
  WITH cumulative AS (
    SELECT bucket, sum(sum(b.executions)) OVER (ORDER BY bucket) AS up_to, sum(sum(b.executions)) OVER () AS total
    FROM gateway.agent_execution_buckets AS b
    WHERE performance_id = ANY (performance_ids)
    GROUP BY bucket
  )
  SELECT coalesce(max(total), 0)::bigint,
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.50 * total)),
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.95 * total)),
         gateway.bucket_seconds(min(bucket) FILTER (WHERE up_to >= 0.99 * total))
  FROM cumulative
$$;
COMMENT ON FUNCTION gateway.execution_percentiles IS 'Percentiles in seconds over the executions recorded for these rows of agent_performance, within 1 %; null without any.';

CREATE OR REPLACE FUNCTION public.record_agent_execution(
  workspace uuid, agent uuid, seconds numeric, input_tokens integer, output_tokens integer, cost numeric, success boolean
) RETURNS public.agent_performance
LANGUAGE plpgsql AS $$
DECLARE
  recorded public.agent_performance;
  percentiles record;
  problem text;
BEGIN
  PERFORM gateway.require_workspace_role(workspace, 'Owner');
  problem := CASE
    WHEN (seconds >= 0 AND seconds < 'Infinity') IS NOT TRUE THEN 'seconds'
    WHEN (input_tokens >= 0) IS NOT TRUE THEN 'input_tokens'
    WHEN (output_tokens >= 0) IS NOT TRUE THEN 'output_tokens'
    WHEN (cost >= 0 AND cost < 'Infinity') IS NOT TRUE THEN 'cost'
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '% must be 0 or more', problem USING ERRCODE = 'invalid_parameter_value', COLUMN = problem;
  ELSIF success IS NULL THEN
    RAISE EXCEPTION 'success must be true or false' USING ERRCODE = 'invalid_parameter_value', COLUMN = 'success';
  ELSIF NOT EXISTS (SELECT FROM public.agent_registry WHERE id = agent) THEN
    RAISE EXCEPTION 'there is no such agent' USING ERRCODE = 'no_data_found';
  END IF;

  -- From here on the row is locked, and this agent's executions of the hour are counted one by one.
  INSERT INTO public.agent_performance AS p (
    workspace_id, agent_id, measurement_date, measurement_hour,
    execution_count, success_count, failure_count, error_count,
    avg_execution_time_seconds, min_execution_time_seconds, max_execution_time_seconds,
    total_input_tokens, total_output_tokens, total_cost_incurred)
  VALUES (
    workspace, agent, (now() AT TIME ZONE 'UTC')::date, extract(hour FROM now() AT TIME ZONE 'UTC'),
    1, success::integer, (NOT success)::integer, (NOT success)::integer,
    seconds, seconds, seconds, input_tokens, output_tokens, cost)
  ON CONFLICT (workspace_id, agent_id, measurement_date, measurement_hour) DO UPDATE SET
    execution_count = p.execution_count + 1,
    success_count = p.success_count + EXCLUDED.success_count,
    failure_count = p.failure_count + EXCLUDED.failure_count,
    error_count = p.error_count + EXCLUDED.error_count,
    avg_execution_time_seconds = trim_scale(coalesce(
      (p.avg_execution_time_seconds * p.execution_count + seconds) / (p.execution_count + 1), seconds)),
    min_execution_time_seconds = least(p.min_execution_time_seconds, seconds),
    max_execution_time_seconds = greatest(p.max_execution_time_seconds, seconds),
    total_input_tokens = p.total_input_tokens + input_tokens,
    total_output_tokens = p.total_output_tokens + output_tokens,
    total_cost_incurred = p.total_cost_incurred + cost
  RETURNING p.* INTO recorded;

  INSERT INTO gateway.agent_execution_buckets AS b (workspace_id, performance_id, bucket, executions)
  VALUES (workspace, recorded.id, gateway.execution_bucket(seconds), 1)
  ON CONFLICT (performance_id, bucket) DO UPDATE SET executions = b.executions + 1;
  SELECT * INTO percentiles FROM gateway.execution_percentiles(ARRAY[recorded.id]);

  UPDATE public.agent_performance AS p
  SET p50_execution_time_seconds = least(greatest(percentiles.p50, p.min_execution_time_seconds), p.max_execution_time_seconds),
      p95_execution_time_seconds = least(greatest(percentiles.p95, p.min_execution_time_seconds), p.max_execution_time_seconds),
      p99_execution_time_seconds = least(greatest(percentiles.p99, p.min_execution_time_seconds), p.max_execution_time_seconds),
      avg_input_tokens_per_execution = round(p.total_input_tokens::numeric / p.execution_count, 2),
      avg_output_tokens_per_execution = round(p.total_output_tokens::numeric / p.execution_count, 2),
      avg_cost_per_execution = round(p.total_cost_incurred / p.execution_count, 6),
      success_rate_percentage = round(p.success_count * 100.0 / p.execution_count, 2),
      error_rate_percentage = round(p.error_count * 100.0 / p.execution_count, 2)
  WHERE p.id = recorded.id
  RETURNING p.* INTO recorded;

  -- Locked in a fixed order, against deadlocks between two hours. An integer of tokens overflows within
  -- the life of an assignment: a full counter keeps its maximum, so that recording does not fail.
  UPDATE public.agent_assignments AS a
  SET tasks_completed = a.tasks_completed + success::integer,
      tasks_failed = a.tasks_failed + (NOT success)::integer,
      total_tokens_used = least(a.total_tokens_used::bigint + input_tokens + output_tokens, 2147483647),
      total_cost_incurred = a.total_cost_incurred + cost
  FROM (
    SELECT id FROM public.agent_assignments
    WHERE workspace_id = workspace AND agent_id = agent AND assignment_status = 'active'
    ORDER BY id FOR NO KEY UPDATE
  ) AS active
  WHERE a.id = active.id;
  RETURN recorded;
END $$;
COMMENT ON FUNCTION public.record_agent_execution IS 'Counts an execution in the row of the workspace, agent, UTC day and hour, and in the agent''s active assignments there. Percentiles are within 1 % (see gateway.agent_execution_buckets). For trusted writers and an Owner.';

-- Read models

CREATE OR REPLACE VIEW public.agent_performance_daily WITH (security_invoker = true) AS
SELECT day.workspace_id, day.agent_id, day.measurement_date,
       day.execution_count, day.success_count, day.failure_count, day.error_count,
       day.avg_execution_time_seconds, day.min_execution_time_seconds, day.max_execution_time_seconds,
       CASE WHEN measured.executions = day.execution_count
         THEN least(greatest(measured.p50, day.min_execution_time_seconds), day.max_execution_time_seconds)
         ELSE day.only_p50 END AS p50_execution_time_seconds,
       CASE WHEN measured.executions = day.execution_count
         THEN least(greatest(measured.p95, day.min_execution_time_seconds), day.max_execution_time_seconds)
         ELSE day.only_p95 END AS p95_execution_time_seconds,
       CASE WHEN measured.executions = day.execution_count
         THEN least(greatest(measured.p99, day.min_execution_time_seconds), day.max_execution_time_seconds)
         ELSE day.only_p99 END AS p99_execution_time_seconds,
       day.total_input_tokens, day.total_output_tokens, day.total_cost_incurred,
       round(day.total_cost_incurred / nullif(day.execution_count, 0), 6) AS avg_cost_per_execution,
       round(day.success_count * 100.0 / nullif(day.execution_count, 0), 2) AS success_rate_percentage,
       round(day.error_count * 100.0 / nullif(day.execution_count, 0), 2) AS error_rate_percentage
FROM (
  SELECT p.workspace_id, p.agent_id, p.measurement_date,
         array_agg(p.id) AS performance_ids,
         sum(p.execution_count)::integer AS execution_count,
         sum(p.success_count)::integer AS success_count,
         sum(p.failure_count)::integer AS failure_count,
         sum(p.error_count)::integer AS error_count,
         round(sum(p.avg_execution_time_seconds * p.execution_count)
           / nullif(sum(p.execution_count) FILTER (WHERE p.avg_execution_time_seconds IS NOT NULL), 0), 6) AS avg_execution_time_seconds,
         min(p.min_execution_time_seconds) AS min_execution_time_seconds,
         max(p.max_execution_time_seconds) AS max_execution_time_seconds,
         CASE WHEN count(*) = 1 THEN max(p.p50_execution_time_seconds) END AS only_p50,
         CASE WHEN count(*) = 1 THEN max(p.p95_execution_time_seconds) END AS only_p95,
         CASE WHEN count(*) = 1 THEN max(p.p99_execution_time_seconds) END AS only_p99,
         sum(p.total_input_tokens) AS total_input_tokens,
         sum(p.total_output_tokens) AS total_output_tokens,
         sum(p.total_cost_incurred) AS total_cost_incurred
  FROM public.agent_performance AS p
  -- A row without an hour sums up its day: it counts where the hours are not kept.
  WHERE p.measurement_hour IS NOT NULL OR NOT EXISTS (
    SELECT FROM public.agent_performance AS h
    WHERE h.workspace_id = p.workspace_id AND h.agent_id = p.agent_id
      AND h.measurement_date = p.measurement_date AND h.measurement_hour IS NOT NULL)
  GROUP BY p.workspace_id, p.agent_id, p.measurement_date
) AS day
CROSS JOIN LATERAL gateway.execution_percentiles(day.performance_ids) AS measured;
COMMENT ON VIEW public.agent_performance_daily IS 'An agent''s executions of a UTC day. Percentiles are those of all its executions, within 1 %; null when they were not all recorded by record_agent_execution. Key: workspace_id, agent_id, measurement_date.';
CALL gateway.publish_view('public.agent_performance_daily');
