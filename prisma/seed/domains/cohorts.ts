import { danglingId, type WorkspaceDemo } from '../demo.ts';
import { journeyStages } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

export function cohortRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const { demo, story, id, row, random } = workspace;
  const numbers = random('cohorts');
  return {
    cohorts: story.cohorts.map((cohort, n) => ({
      id: row('cohorts', n),
      workspace_id: id,
      name: cohort.name,
      executive_summary: cohort.summary,
      demographics: { age: cohort.age, cities: numbers.sample(story.cities, 3) },
      buyer_role: cohort.role,
      psychographics: { values: cohort.goals, reads: at(story.channels, n) },
      pain_points: cohort.pains,
      goals: cohort.goals,
      behavioral_triggers: cohort.triggers,
      communication: { channels: numbers.sample(story.channels, 2), language: 'en' },
      budget: cohort.budget,
      timeline: at(['Within a week', 'Within a month', 'Within a quarter'], n),
      decision_structure: cohort.role,
      tags: [at(['core', 'growth', 'explore'], n), story.slug],
      created_at: demo.ago(250 - n * 12),
      updated_at: demo.ago(18 - n * 2),
      drift_detected: n === 3,
      last_drift_check: demo.ago(n + 1),
      buying_triggers: cohort.triggers.map((trigger, rank) => ({ trigger, rank: rank + 1 })),
      decision_criteria: Object.entries(cohort.criteria).map(([criterion, weight]) => ({
        criterion,
        weight,
      })),
      objection_map: [{ objection: cohort.objection, answer: at(story.messages, n).primary }],
      attention_windows: { weekday: ['07:00-09:00', '20:00-22:00'], weekend: ['10:00-12:00'] },
      journey_distribution: Object.fromEntries(
        journeyStages.map(([stage], index) => [stage, cohort.journey[index] ?? 0]),
      ),
      competitive_frame: { alternatives: story.competitors.slice(0, 2).map(({ name }) => name) },
      decision_making_unit: {
        decider: cohort.role,
        influencers: ['family', 'reviews'].slice(n % 2),
      },
      health_score: n === 3 ? 44 : numbers.int(61, 96),
      last_validated: demo.ago(30 + n * 5),
    })),
    support_feedback: supportFeedback(workspace),
  };
}

const everyday = [
  ['Delivery date', 'Could you confirm the date for my order?', 'neutral'],
  ['Quick reply', 'Answered within the hour. Thank you!', 'positive'],
  ['Invoice address', 'Please put the company name on the invoice.', 'neutral'],
  ['Hard to find', 'It took me a while to find the settings.', 'negative'],
  ['Recommended to a friend', 'She has signed up too.', 'positive'],
] as const;

function supportFeedback({ demo, story, id, row, random, count }: WorkspaceDemo): Row[] {
  const numbers = random('support_feedback');
  const written = story.feedback.map(({ title, text, sentiment, source, cohort }) => ({
    title,
    text,
    sentiment,
    source,
    cohort,
  }));
  const filled = Array.from({ length: count(12) }, (_, n) => {
    const [title, text, sentiment] = at(everyday, n);
    return { title, text, sentiment, source: at(['email', 'chat', 'phone'], n), cohort: n };
  });
  return [...written, ...filled].map(({ title, text, sentiment, source, cohort }, n) => {
    const related = row('cohorts', cohort % story.cohorts.length);
    return {
      id: row('support_feedback', n),
      workspace_id: id,
      type: at(['complaint', 'praise', 'question'], n),
      source,
      title,
      content: text,
      sentiment,
      extracted_tags: title.toLowerCase().split(' ').slice(0, 2),
      // The first one has a duplicate and a cohort that does not exist.
      related_cohort_ids: n === 0 ? [related, related, danglingId] : [related],
      triggers_defensive_move: sentiment === 'critical',
      customer_id: `customer-${numbers.int(1000, 9999)}`,
      created_at: demo.ago(2 + n * 2, numbers.int(0, 20)),
    };
  });
}
