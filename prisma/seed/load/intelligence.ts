import type { WorkspaceDemo } from '../demo.ts';
import { activeAgents, agentNames, agentsOf } from '../dictionaries/index.ts';
import { measurements } from '../domains/agents.ts';
import { categories } from '../domains/intelligence.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';
import type { LoadCounts } from './index.ts';
import { ageOf, loadId } from './times.ts';

/** How many signals lead to one insight. */
const SIGNALS_PER_INSIGHT = 3;

export function* mentionLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random } = workspace;
  const numbers = random('load/trend_mentions');
  for (let n = 0; n < counts.trend_mentions; n++) {
    yield {
      id: loadId(workspace, 'trend_mentions', n),
      workspace_id: id,
      trend_id: row('trends', n % story.trends.length),
      source_platform: numbers.pick(['search', 'social', 'news', 'forum']),
      mention_count: numbers.int(1, 400),
      engagement: numbers.int(1, 4000),
      timestamp: demo.ago(ageOf(n, counts.trend_mentions)),
    };
  }
}

/** One row for every agent and hour, going back in time until there are enough. */
export function* performanceLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, id, random } = workspace;
  const numbers = random('load/agent_performance');
  for (let n = 0; n < counts.agent_performance; n++) {
    const hours = Math.floor(n / activeAgents.length);
    const age = ageOf(0, 1) + Math.floor(hours / 24);
    yield {
      id: loadId(workspace, 'agent_performance', n),
      workspace_id: id,
      agent_id: demo.id('agent_registry', at(activeAgents, n)),
      measurement_date: demo.day(-age),
      measurement_hour: 23 - (hours % 24),
      ...measurements(numbers.int(1, 40), numbers.decimal(2, 30), numbers.int(0, 1)),
      created_at: demo.ago(age),
    };
  }
}

export function* signalLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random('load/intelligence_signals');
  const sources = ['competitor', 'market', 'trend', 'industry', 'customer'] as const;
  const actioned = counts.market_insights * SIGNALS_PER_INSIGHT;
  for (let n = 0; n < counts.intelligence_signals; n++) {
    const age = ageOf(n, counts.intelligence_signals);
    const source = numbers.pick(sources);
    const product = numbers.pick(story.products);
    const city = numbers.pick(story.cities);
    yield {
      id: loadId(workspace, 'intelligence_signals', n),
      workspace_id: id,
      source_agent_id: demo.id('agent_registry', numbers.pick(agentsOf('intelligence'))),
      source_type: source,
      data_source: 'page watch',
      signal_title: `${product}: ${source} news from ${city}, no. ${n + 1}`,
      signal_description: `Noticed in ${city} while watching ${product}.`,
      signal_category: categories[source],
      key_findings: [`Touches ${product}`],
      confidence_score: numbers.int(20, 98),
      relevance_score: numbers.int(10, 98),
      related_competitor_ids:
        source === 'competitor' ? [row('competitors', n % story.competitors.length)] : [],
      related_cohort_ids: [row('cohorts', numbers.int(0, story.cohorts.length - 1))],
      related_campaign_ids: [loadId(workspace, 'campaigns', numbers.int(0, counts.campaigns - 1))],
      detection_date: demo.ago(age),
      expiry_date: demo.ago(age - 60),
      action_status:
        n < actioned ? 'actioned' : numbers.pick(['new', 'acknowledged', 'archived'] as const),
      assigned_to_user_id: n % 4 === 0 ? person('Analyst') : null,
      created_at: demo.ago(age),
      updated_at: demo.ago(age - 1),
    };
  }
}

const insightTypes = ['opportunity', 'threat', 'trend', 'gap', 'pattern'] as const;

export function* insightLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random('load/market_insights');
  for (let n = 0; n < counts.market_insights; n++) {
    const signals = Array.from(
      { length: SIGNALS_PER_INSIGHT },
      (_, signal) => n * SIGNALS_PER_INSIGHT + signal,
    );
    const age = ageOf(at(signals, 0), counts.intelligence_signals) - 1;
    const type = at(insightTypes, n);
    const cohort = numbers.int(0, story.cohorts.length - 1);
    yield {
      id: loadId(workspace, 'market_insights', n),
      workspace_id: id,
      insight_title: `${at(story.products, n)}: ${type} among ${at(story.cohorts, cohort).name}, no. ${n + 1}`,
      insight_type: type,
      source_signal_ids: signals.map((signal) => loadId(workspace, 'intelligence_signals', signal)),
      source_agent_id: demo.id('agent_registry', at(agentNames, n)),
      number_of_signals_analyzed: SIGNALS_PER_INSIGHT,
      key_conclusions: ['Several sources agree'],
      confidence_level: 'high',
      confidence_score: 50 + 10 * SIGNALS_PER_INSIGHT,
      relevant_for_cohorts: [row('cohorts', cohort)],
      relevant_for_campaigns: [
        loadId(workspace, 'campaigns', numbers.int(0, counts.campaigns - 1)),
      ],
      time_relevance_start: demo.day(-Math.floor(age)),
      time_relevance_end: demo.day(90 - Math.floor(age)),
      discovery_date: demo.ago(age),
      insight_status: age < 90 ? 'active' : numbers.pick(['archived', 'superseded'] as const),
      created_by: person('Analyst'),
      created_at: demo.ago(age),
      updated_at: demo.ago(age),
    };
  }
}
