-- What agents say to each other, what they recommend, and what is learned from it.

CALL gateway.ensure_enum('message_priority', ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']);
CALL gateway.ensure_enum('recommendation_outcome_status', ARRAY['pending', 'approved', 'rejected', 'partial', 'implemented']);
CALL gateway.ensure_enum('recommendation_strength', ARRAY['weak', 'moderate', 'strong', 'very_strong']);
CALL gateway.ensure_enum('trust_trend', ARRAY['improving', 'stable', 'declining']);

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
CALL gateway.set_up_workspace_table('agent_messages', writer => 'Owner', domain => 'agents');
CALL gateway.stamp_table('agent_messages', 'origin', 'name');
CALL gateway.require_not_negative('agent_messages', 'ttl');

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
CALL gateway.set_up_workspace_table('agent_debates', writer => 'Owner', domain => 'agents');
CALL gateway.require_not_negative('agent_debates', 'rounds', 'voting_threshold', 'confidence');

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
CREATE INDEX IF NOT EXISTS debate_rounds_debate_id_workspace_id_timestamp_id_idx ON public.debate_rounds (debate_id, workspace_id, timestamp DESC, id DESC);
CREATE INDEX IF NOT EXISTS debate_rounds_positions_idx ON public.debate_rounds USING gin (positions jsonb_path_ops);
CALL gateway.set_up_workspace_table('debate_rounds', writer => 'Owner', domain => 'agents');
CALL gateway.require_not_negative('debate_rounds', 'round_number');

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
CALL gateway.set_up_workspace_table('policy_decisions', writer => 'Owner', domain => 'agents');

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
CALL gateway.set_up_workspace_table('agent_recommendations', writer => 'Analyst', domain => 'learning');
CALL gateway.stamp_table('agent_recommendations', 'agent_id', 'name');
CALL gateway.require_not_negative('agent_recommendations', 'confidence_score', 'outcome_quality_score');

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
CALL gateway.set_up_workspace_table('recommendation_patterns', writer => 'Analyst', domain => 'learning');
CALL gateway.require_not_negative('recommendation_patterns', 'success_rate', 'frequency_count', 'confidence_level');

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
CREATE INDEX IF NOT EXISTS recommendation_outcomes_recommendation_id_workspace_id_eval_idx ON public.recommendation_outcomes (recommendation_id, workspace_id, evaluation_date DESC, id DESC);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_evaluator_id_idx ON public.recommendation_outcomes (evaluator_id);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_workspace_id_agent_id_idx ON public.recommendation_outcomes (workspace_id, agent_id);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_workspace_id_overall_quality_score_idx ON public.recommendation_outcomes (workspace_id, overall_quality_score DESC);
CREATE INDEX IF NOT EXISTS recommendation_outcomes_quality_dimensions_quality_scores_idx ON public.recommendation_outcomes USING gin (quality_dimensions jsonb_path_ops, quality_scores jsonb_path_ops);
CALL gateway.set_up_workspace_table('recommendation_outcomes', writer => 'Analyst', domain => 'learning');
CALL gateway.require_not_negative('recommendation_outcomes', 'overall_quality_score', 'compared_against', 'ranked_position',
  'outperformed_count', 'impact_duration_days');

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
CALL gateway.set_up_workspace_table('agent_trust_scores', writer => 'Analyst', domain => 'learning');
CALL gateway.require_not_negative('agent_trust_scores', 'overall_trust_score', 'accuracy_score', 'consistency_score',
  'timeliness_score', 'reliability_score', 'total_recommendations', 'approved_recommendations', 'rejected_recommendations',
  'partial_recommendations', 'approval_rate', 'avg_quality_score');

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
CALL gateway.set_up_workspace_table('meta_learner_state', writer => 'Analyst', domain => 'learning');
CALL gateway.require_not_negative('meta_learner_state', 'learning_rate', 'pattern_confidence_threshold', 'samples_processed',
  'learning_cycles_completed', 'model_accuracy', 'model_coverage');

-- Read models

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
COMMENT ON VIEW public.agent_recommendation_summaries IS 'Outcomes of an agent''s recommendations in a workspace. Key: workspace_id, agent_name.';
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
COMMENT ON VIEW public.pattern_effectiveness IS 'Success of the learned recommendation patterns of a category; the success rate is weighted by cases. Key: workspace_id, pattern_category.';
CALL gateway.publish_view('public.pattern_effectiveness');
