import { danglingAgent, type WorkspaceDemo } from '../demo.ts';
import { activeAgents, agentsOf } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

export function agentRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  return {
    agent_assignments: assignmentRows(workspace),
    agent_performance: performanceRows(workspace),
    agent_messages: messageRows(workspace),
    agent_debates: debateRows(workspace),
    debate_rounds: roundRows(workspace),
    policy_decisions: decisionRows(workspace),
  };
}

function assignmentRows(workspace: WorkspaceDemo): Row[] {
  const { demo, story, id, row, random, count, person } = workspace;
  const numbers = random('agent_assignments');
  return Array.from({ length: count(24) }, (_, n) => {
    const campaign = n % story.campaigns.length;
    const status = at(['active', 'active', 'paused', 'completed', 'failed', 'archived'], n);
    const assigned = numbers.int(6, 60);
    const failed = status === 'failed' ? numbers.int(3, 6) : numbers.int(0, 1);
    const done = status === 'completed' ? assigned - failed : numbers.int(0, assigned - failed);
    return {
      id: row('agent_assignments', n),
      workspace_id: id,
      agent_id: demo.id('agent_registry', at(activeAgents, n * 5)),
      assigned_to_campaign_id: n % 8 === 7 ? null : row('campaigns', campaign),
      assigned_to_guild_operation_id:
        n % 8 === 7 ? demo.id('guild_operations', story.slug, n) : null,
      assignment_status: status,
      priority_level: at(['normal', 'high', 'low', 'critical', 'normal'], n),
      assigned_date: demo.ago(40 - n),
      assignment_config: { autonomy: at(['suggest', 'act'], n), language: 'en' },
      task_queue: status === 'active' ? [{ task: 'review', due: demo.day(2) }] : [],
      execution_constraints: { maxCostPerDay: 50 * (1 + (n % 4)), currency: 'INR' },
      tasks_assigned: assigned,
      tasks_completed: done,
      tasks_failed: failed,
      total_tokens_used: done * numbers.int(900, 5000),
      total_cost_incurred: Number((done * numbers.decimal(0.4, 4)).toFixed(2)),
      assigned_by: person('Strategist'),
      created_at: demo.ago(40 - n),
      updated_at: demo.ago(n % 3, numbers.int(1, 20)),
    };
  });
}

/** Readings of the last days: busy hours of the agents that the workspace uses most. */
function performanceRows({ demo, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('agent_performance');
  const names = Array.from({ length: count(14) }, (_, n) => at(activeAgents, n * 5));
  return names.flatMap((name) =>
    Array.from({ length: 14 }, (_, n) => {
      const day = 1 + Math.floor(n / 2);
      return {
        id: row('agent_performance', `${name}/${n}`),
        workspace_id: id,
        agent_id: demo.id('agent_registry', name),
        measurement_date: demo.day(-day),
        measurement_hour: n % 2 === 0 ? 5 : 14,
        ...measurements(numbers.int(3, 40), numbers.decimal(2, 30), numbers.int(0, 2)),
        quality_score: numbers.decimal(62, 98),
        created_at: demo.ago(day),
      };
    }),
  );
}

/** Returns the counters of so many executions of so many seconds each. */
export function measurements(executions: number, seconds: number, failures: number) {
  const share = (part: number) => Number(((part / executions) * 100).toFixed(2));
  const cost = Number((executions * seconds * 0.05).toFixed(2));
  const rounded = (factor: number) => Number((seconds * factor).toFixed(2));
  return {
    execution_count: executions,
    success_count: executions - failures,
    failure_count: failures,
    error_count: failures,
    avg_execution_time_seconds: seconds,
    min_execution_time_seconds: rounded(0.4),
    max_execution_time_seconds: rounded(3.1),
    p50_execution_time_seconds: rounded(0.9),
    p95_execution_time_seconds: rounded(2.2),
    p99_execution_time_seconds: rounded(2.9),
    total_input_tokens: executions * 1800,
    total_output_tokens: executions * 450,
    avg_input_tokens_per_execution: 1800,
    avg_output_tokens_per_execution: 450,
    total_cost_incurred: cost,
    avg_cost_per_execution: Number((cost / executions).toFixed(4)),
    success_rate_percentage: share(executions - failures),
    error_rate_percentage: share(failures),
  };
}

const conversations = [
  ['signal.detected', 'intel-competitor-watch', ['intel-signal-sorter'], 'MEDIUM'],
  ['review.requested', 'muse-letter-writer', ['guard-fact-checker', 'guard-tone-warden'], 'MEDIUM'],
  ['review.passed', 'guard-fact-checker', ['muse-letter-writer'], 'LOW'],
  ['alert.raised', 'intel-anomaly-hunter', ['guard-crisis-desk', 'lord-herald'], 'CRITICAL'],
  ['debate.called', 'lord-arbiter', ['lord-strategos', 'lord-seer', 'lord-aesthete'], 'HIGH'],
  ['forecast.updated', 'intel-forecast-desk', [], 'LOW'],
] as const;

function messageRows({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('agent_messages');
  return Array.from({ length: count(48) }, (_, n) => {
    const [type, origin, targets, priority] = at(conversations, n);
    // The first debate names one agent twice, and one that was never registered.
    const odd = n === 4 ? ['lord-seer', danglingAgent] : [];
    return {
      id: row('agent_messages', n),
      workspace_id: id,
      type,
      origin,
      targets: [...targets, ...odd],
      payload: { about: at(story.products, n), summary: `${type} for ${at(story.products, n)}` },
      priority,
      correlation_id: `${story.slug}-thread-${Math.floor(n / conversations.length) + 1}`,
      created_at: demo.ago(Math.floor(n / 4), numbers.int(1, 20)),
      ttl: priority === 'CRITICAL' ? 86_400 : 3600,
    };
  });
}

const speakers = ['lord-strategos', 'guard-frequency-capper', 'lord-seer'];

function debateRows({ demo, story, id, row }: WorkspaceDemo): Row[] {
  return story.debates.map((debate, n) => ({
    id: row('agent_debates', n),
    workspace_id: id,
    debate_id: `${story.slug}-debate-${n + 1}`,
    topic: debate.topic,
    question: debate.question,
    correlation_id: `${story.slug}-thread-${n + 1}`,
    participants: speakers,
    context: { campaign: at(story.campaigns, n).name, days: 14 },
    rounds: 3,
    voting_threshold: 0.66,
    final_decision: debate.decision,
    confidence: 0.72 + n * 0.06,
    consensus_reached: n !== 1,
    votes: {
      [at(speakers, 0)]: n === 1 ? 'against' : 'for',
      [at(speakers, 1)]: 'for',
      [at(speakers, 2)]: 'for',
    },
    reasoning: debate.positions.map((position, speaker) => ({
      agent: at(speakers, speaker),
      position,
    })),
    created_at: demo.ago(3 + n * 16),
  }));
}

function roundRows({ demo, story, id, row }: WorkspaceDemo): Row[] {
  return story.debates.flatMap((debate, n) =>
    debate.positions.map((_, round) => ({
      id: row('debate_rounds', `${n}/${round}`),
      workspace_id: id,
      debate_id: `${story.slug}-debate-${n + 1}`,
      round_number: round + 1,
      positions: Object.fromEntries(
        speakers.map((agent, speaker) => [agent, at(debate.positions, speaker + round)]),
      ),
      timestamp: demo.ago(3 + n * 16, 3 - round),
    })),
  );
}

function decisionRows({ demo, story, id, row }: WorkspaceDemo): Row[] {
  const conflicts = [
    ['Two moves address the same people on one day', 'Move the second by two days'],
    ['A claim has no source', 'Withhold the asset until the source is filed'],
    ['The budget keeper stopped a paid post', 'Uphold; the plan had no paid posts'],
    ['A headline is sharper than the brand voice allows', 'Allow once, measure complaints'],
  ] as const;
  return conflicts.map(([issue, decision], n) => ({
    id: row('policy_decisions', n),
    workspace_id: id,
    conflict_id: `${story.slug}-conflict-${n + 1}`,
    agents_involved: ['lord-arbiter', at(agentsOf('creative'), n), at(agentsOf('guardian'), n)],
    issue_description: issue,
    decision,
    reasoning: `Rule: ${at(story.strategy.rules, n)}`,
    overrides: n === 3 ? { rule: 'tone', until: demo.day(7) } : {},
    binding: n !== 3,
    created_at: demo.ago(5 + n * 11),
  }));
}
