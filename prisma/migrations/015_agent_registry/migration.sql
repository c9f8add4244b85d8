-- The agents, what they can do, where they work and how well.

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
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_registry
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_global_table('agent_registry');

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
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_capabilities
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_global_table('agent_capabilities');

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
CREATE INDEX IF NOT EXISTS agent_assignments_assigned_to_campaign_id_workspace_id_idx ON public.agent_assignments (assigned_to_campaign_id, workspace_id);
CREATE INDEX IF NOT EXISTS agent_assignments_assigned_by_idx ON public.agent_assignments (assigned_by);
CREATE INDEX IF NOT EXISTS agent_assignments_workspace_id_assignment_status_idx ON public.agent_assignments (workspace_id, assignment_status);
CREATE INDEX IF NOT EXISTS agent_assignments_assignment_config_task_queue_execution_co_idx ON public.agent_assignments USING gin (assignment_config jsonb_path_ops, task_queue jsonb_path_ops, execution_constraints jsonb_path_ops);
CREATE OR REPLACE TRIGGER set_updated_at BEFORE UPDATE ON public.agent_assignments
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();
CALL gateway.protect_workspace_table('agent_assignments', writer => 'Strategist');

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
  CONSTRAINT agent_performance_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces (id) ON DELETE CASCADE,
  CONSTRAINT agent_performance_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_registry (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS agent_performance_workspace_id_created_at_id_idx ON public.agent_performance (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agent_performance_workspace_id_measurement_date_idx ON public.agent_performance (workspace_id, measurement_date);
CREATE INDEX IF NOT EXISTS agent_performance_agent_id_measurement_date_idx ON public.agent_performance (agent_id, measurement_date);
CALL gateway.protect_workspace_table('agent_performance', writer => 'Owner');
