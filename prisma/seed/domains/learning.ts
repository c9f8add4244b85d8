import { danglingAgent, type WorkspaceDemo } from '../demo.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

const advisers = [
  'lord-seer',
  'res-search-miner',
  'intel-forecast-desk',
  'muse-headline-smith',
  'guard-budget-keeper',
  'res-churn-examiner',
  'intel-insight-editor',
  'muse-landing-builder',
];

const outcomes = ['approved', 'implemented', 'rejected', 'partial', 'pending'] as const;

export function learningRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const recommendations = recommendationRows(workspace);
  return {
    agent_recommendations: recommendations,
    recommendation_patterns: patternRows(workspace),
    recommendation_outcomes: outcomeRows(workspace),
    agent_trust_scores: trustRows(workspace, recommendations),
    meta_learner_state: [learnerRow(workspace)],
  };
}

/** Returns who gave recommendation number `n`; one adviser was never registered. */
function adviserOf(n: number): string {
  return n === 7 ? danglingAgent : at(advisers, n);
}

/** Returns the name that is shown for an agent: `res-search-miner` is the Search miner. */
function displayName(agent: string): string {
  const words = agent.split('-').slice(1).join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function recommendationRows({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('agent_recommendations');
  return Array.from({ length: count(30) }, (_, n) => {
    const template = at(story.recommendations, n);
    const agent = adviserOf(n);
    const outcome = at(outcomes, n);
    return {
      id: row('agent_recommendations', n),
      workspace_id: id,
      agent_id: agent,
      agent_name: displayName(agent),
      correlation_id: `${story.slug}-thread-${(n % 8) + 1}`,
      workflow_id: `${story.slug}-workflow-${(n % 3) + 1}`,
      recommendation_type: template.type,
      recommendation_content: { text: template.text, campaign: at(story.campaigns, n).name },
      confidence_score: numbers.decimal(0.5, 0.97),
      reasoning: template.why,
      evidence: { samples: numbers.int(40, 900), source: at(story.channels, n) },
      outcome_status: outcome,
      outcome_quality_score: outcome === 'pending' ? null : numbers.decimal(0.3, 0.98),
      outcome_notes: outcome === 'rejected' ? 'Against a rule of the constitution.' : null,
      created_at: demo.ago(2 + n * 2),
      evaluated_at: outcome === 'pending' ? null : demo.ago(1 + n * 2),
      updated_at: demo.ago(1 + n * 2),
    };
  });
}

function patternRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('recommendation_patterns');
  const names = [
    'Early mornings',
    'Proof before promise',
    'Small tests first',
    'Stop before fatigue',
    'Ask leavers',
  ];
  return names.map((name, n) => ({
    id: row('recommendation_patterns', n),
    workspace_id: id,
    pattern_name: name,
    pattern_category: at(['timing', 'content', 'budget', 'audience'], n),
    agent_ids: [at(advisers, n), at(advisers, n + 1), ...(n === 0 ? [at(advisers, 0)] : [])],
    pattern_definition: { when: at(story.channels, n), prefer: name, atLeast: 5 },
    success_rate: numbers.decimal(0.4, 0.9),
    frequency_count: numbers.int(5, 60),
    confidence_level: numbers.decimal(0.5, 0.95),
    recommendation_strength: at(['weak', 'moderate', 'strong', 'very_strong'], n),
    discovered_at: demo.ago(80 - n * 9),
    last_confirmed_at: demo.ago(6 - n),
    next_review_at: demo.ago(-8 - n),
  }));
}

function outcomeRows({ demo, id, row, random, count, person }: WorkspaceDemo): Row[] {
  const numbers = random('recommendation_outcomes');
  return Array.from({ length: count(30) }, (_, n) => n)
    .filter((n) => at(outcomes, n) !== 'pending' && n % 2 === 0)
    .map((n) => {
      const relevance = numbers.decimal(0.4, 1);
      const effect = numbers.decimal(0.3, 1);
      return {
        id: row('recommendation_outcomes', n),
        workspace_id: id,
        recommendation_id: row('agent_recommendations', n),
        agent_id: adviserOf(n),
        quality_dimensions: ['relevance', 'effect'],
        quality_scores: { relevance, effect },
        overall_quality_score: Number(((relevance + effect) / 2).toFixed(3)),
        compared_against: 4,
        ranked_position: (n % 4) + 1,
        outperformed_count: 3 - (n % 4),
        evaluator_feedback: at(['Worth repeating', 'Right idea, wrong week', 'No effect seen'], n),
        evaluator_id: n % 4 === 0 ? person('Analyst') : person('Strategist'),
        evaluation_date: demo.ago(1 + n * 2),
        impact_observed_date: demo.ago(0.5 + n * 2),
        impact_duration_days: numbers.int(3, 40),
      };
    });
}

function trustRows({ demo, id, row, random }: WorkspaceDemo, recommendations: Row[]): Row[] {
  const numbers = random('agent_trust_scores');
  return advisers.map((agent, n) => {
    const given = recommendations.filter(({ agent_id }) => agent_id === agent);
    const decided = (...outcomes: string[]) =>
      given.filter(({ outcome_status }) => outcomes.includes(String(outcome_status))).length;
    const approved = decided('approved', 'implemented');
    const scores = given
      .filter(({ outcome_quality_score }) => outcome_quality_score !== null)
      .map(({ outcome_quality_score }) => Number(outcome_quality_score));
    return {
      id: row('agent_trust_scores', agent),
      workspace_id: id,
      agent_id: agent,
      agent_name: displayName(agent),
      overall_trust_score: numbers.decimal(0.45, 0.95),
      accuracy_score: numbers.decimal(0.4, 0.98),
      consistency_score: numbers.decimal(0.4, 0.98),
      timeliness_score: numbers.decimal(0.4, 0.98),
      reliability_score: numbers.decimal(0.4, 0.98),
      total_recommendations: given.length,
      approved_recommendations: approved,
      rejected_recommendations: decided('rejected'),
      partial_recommendations: decided('partial'),
      approval_rate: Number((approved / Math.max(1, given.length)).toFixed(3)),
      avg_quality_score: Number(
        (scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length)).toFixed(3),
      ),
      trust_trend: at(['improving', 'stable', 'declining'], n),
      improvement_rate: at([0.04, 0, -0.03], n),
      created_at: demo.ago(150 - n),
      updated_at: demo.ago(1, n),
      last_evaluated_at: demo.ago(1, n),
      last_updated_at: demo.ago(1, n),
    };
  });
}

function learnerRow({ demo, story, id, row, random }: WorkspaceDemo): Row {
  const numbers = random('meta_learner_state');
  return {
    id: row('meta_learner_state', 0),
    workspace_id: id,
    learner_version: '2.4',
    learning_rate: 0.1,
    pattern_confidence_threshold: 0.7,
    learned_patterns: [{ name: 'Early mornings', weight: 0.8 }],
    agent_profiles: Object.fromEntries(advisers.map((agent) => [agent, { weight: 1 }])),
    decision_rules: story.strategy.rules.map((rule) => ({ rule, source: 'constitution' })),
    samples_processed: numbers.int(900, 9000),
    last_learning_iteration_at: demo.ago(0, 7),
    next_learning_iteration_at: demo.ago(0, -17),
    learning_cycles_completed: numbers.int(40, 160),
    model_accuracy: numbers.decimal(0.7, 0.9),
    model_coverage: numbers.decimal(0.5, 0.8),
    created_at: demo.ago(180),
    updated_at: demo.ago(0, 7),
  };
}
