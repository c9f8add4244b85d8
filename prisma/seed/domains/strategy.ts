import { danglingId, type WorkspaceDemo } from '../demo.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

export function strategyRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const { demo, story, id, row, person } = workspace;
  const { strategy } = story;
  return {
    global_strategies: [
      {
        id: row('global_strategies', 0),
        workspace_id: id,
        business_context: { industry: story.industry, ...strategy.context },
        offers: story.products.map((name) => ({ name, lead: name === story.products[0] })),
        markets: story.cities,
        center_of_gravity: strategy.centerOfGravity,
        success_metrics: strategy.metrics,
        ninety_day_goal: strategy.goal,
        constitution: { rules: strategy.rules },
        strategy_state: strategy.state,
        created_at: demo.ago(200),
        updated_at: demo.ago(21),
      },
    ],
    positioning: story.positionings.map((positioning, n) => ({
      id: row('positioning', n),
      workspace_id: id,
      name: positioning.name,
      description: `How we want to be seen by ${positioning.segment.toLowerCase()}.`,
      market_segment: positioning.segment,
      target_persona: positioning.persona,
      key_message: positioning.message,
      value_proposition: positioning.value,
      differentiation: positioning.difference,
      target_pain_points: positioning.pains,
      solution_benefits: positioning.benefits,
      created_by: person('Strategist'),
      created_at: demo.ago(240 - n * 30),
      updated_at: demo.ago(60 - n * 8),
    })),
    message_architecture: story.messages.map((message, n) => ({
      id: row('message_architecture', n),
      workspace_id: id,
      name: message.name,
      description: `Messages for "${at(story.positionings, message.positioning).name}".`,
      positioning_id: row('positioning', message.positioning),
      primary_message: message.primary,
      secondary_messages: message.secondary,
      content_pillars: message.pillars,
      brand_voice: message.voice,
      tone_guidelines: message.tone,
      target_audience: at(story.positionings, message.positioning).segment,
      key_topics: message.topics,
      content_themes: message.pillars.map((pillar) => `${pillar} week`),
      created_by: n === 1 ? person('Creator') : person('Strategist'),
      created_at: demo.ago(230 - n * 30),
      updated_at: demo.ago(50 - n * 7),
    })),
    strategy_insights: strategyInsights(workspace),
  };
}

const findings = [
  ['timing', 'Weekday mornings beat weekends', 'Move publication to weekdays before nine.'],
  ['message', 'Proof beats promise', 'Open with the number and its source.'],
  ['audience', 'Two cohorts behave as one', 'Merge them for a quarter and compare.'],
  [
    'format',
    'Short films are watched, long ones are saved',
    'Publish both, link one to the other.',
  ],
  ['focus', 'The second benefit is the one that is repeated', 'Swap the first two benefits.'],
] as const;

function strategyInsights({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('strategy_insights');
  const sources = ['campaign', 'move', 'cohort', 'asset', 'positioning'] as const;
  const tables = ['campaigns', 'moves', 'cohorts', 'assets', 'positioning'] as const;
  return Array.from({ length: count(15) }, (_, n) => {
    const source = n % sources.length;
    const round = Math.floor(n / sources.length);
    const status = at(['new', 'reviewed', 'actioned', 'dismissed'], n);
    const [type, title, action] = at(findings, n + round);
    // One points to an asset that was deleted since.
    const lost = source === 3 && round === 0 && story.slug === 'kaveri-coffee';
    return {
      id: row('strategy_insights', n),
      workspace_id: id,
      source_type: at(sources, source),
      source_id: lost ? danglingId : row(at(tables, source), round % story.positionings.length),
      insight_type: type,
      title,
      description: `${title}: seen in ${numbers.int(3, 14)} of 16 comparisons for ${at(story.products, n)}.`,
      evidence: { comparisons: 16, lift: numbers.decimal(0.04, 0.38) },
      recommended_action: action,
      confidence_score: numbers.decimal(0.45, 0.95),
      impact_score: numbers.int(2, 10),
      status,
      created_at: demo.ago(58 - n * 3),
      reviewed_at: status === 'new' ? null : demo.ago(56 - n * 3),
      actioned_at: status === 'actioned' ? demo.ago(54 - n * 3) : null,
    };
  });
}
