import { danglingId, type WorkspaceDemo } from '../demo.ts';
import { agentsOf } from '../dictionaries/index.ts';
import { demoWorkspaces } from '../people.ts';
import { at } from '../random.ts';
import type { InsightStory, SignalStory } from '../story.ts';
import type { Row } from '../writer.ts';

export const categories = {
  competitor: 'competitor_activity',
  market: 'market_trend',
  trend: 'technology_shift',
  industry: 'industry_news',
  customer: 'customer_sentiment',
} as const;

export function intelligenceRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  return {
    competitors: competitorRows(workspace),
    competitor_content: competitorContentRows(workspace),
    competitor_patterns: competitorPatternRows(workspace),
    trends: trendRows(workspace),
    trend_mentions: mentionRows(workspace),
    intelligence_signals: signalRows(workspace),
    market_insights: insightRows(workspace),
  };
}

function competitorRows({ demo, story, id, row }: WorkspaceDemo): Row[] {
  return story.competitors.map((competitor, n) => ({
    id: row('competitors', n),
    workspace_id: id,
    name: competitor.name,
    website_url: competitor.site,
    industry: story.industry,
    platforms: { instagram: `@${competitor.name.toLowerCase().replaceAll(/\W+/g, '')}` },
    last_analyzed: demo.ago(n, 4),
    notes: { summary: competitor.note, threat: at(['high', 'medium', 'low'], n) },
    created_at: demo.ago(210 - n * 20),
    updated_at: demo.ago(n, 4),
  }));
}

function competitorContentRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('competitor_content');
  return story.competitors.flatMap((competitor, n) =>
    competitor.content.map((title, piece) => ({
      id: row('competitor_content', `${n}/${piece}`),
      workspace_id: id,
      competitor_id: row('competitors', n),
      platform: at(story.channels, piece),
      content_type: at(['post', 'article', 'film'], piece),
      title,
      body: `${title}. ${competitor.pattern}.`,
      url: `${competitor.site}/${piece + 1}`,
      metadata: { words: numbers.int(40, 900) },
      performance_metrics: { likes: numbers.int(20, 4000), comments: numbers.int(0, 200) },
      patterns: { matches: competitor.pattern },
      scraped_at: demo.ago(1 + n * 2 + piece * 6),
      scraped_by_agent: 'intel-competitor-watch',
    })),
  );
}

function competitorPatternRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('competitor_patterns');
  return story.competitors.map((competitor, n) => ({
    id: row('competitor_patterns', n),
    workspace_id: id,
    competitor_id: row('competitors', n),
    pattern_type: at(['promotion', 'content', 'timing'], n),
    pattern_name: competitor.pattern,
    pattern_data: { seen: numbers.int(3, 20), since: demo.day(-120) },
    frequency: numbers.int(2, 12),
    success_rate: numbers.decimal(0.2, 0.8),
    identified_at: demo.ago(30 - n * 3),
    identified_by_agent: n % 2 === 0 ? 'intel-trend-spotter' : 'intel-price-radar',
  }));
}

function trendRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('trends');
  return story.trends.map(({ topic, stage }, n) => ({
    id: row('trends', n),
    workspace_id: id,
    topic,
    platforms: numbers.sample(story.channels, 2),
    velocity: stage === 'declining' ? -numbers.decimal(0.1, 0.6) : numbers.decimal(0.1, 2.4),
    lifecycle_stage: stage,
    relevant_cohorts: [row('cohorts', n % story.cohorts.length)],
    opportunity_score: stage === 'declining' ? 0.2 : numbers.decimal(0.4, 0.95),
    first_seen: demo.ago(70 - n * 6),
    expiry_date: stage === 'declining' ? demo.ago(3) : demo.ago(-20 - n),
    source: at(['search', 'social', 'news'], n),
    created_at: demo.ago(69 - n * 6),
    updated_at: demo.ago(n % 3, 5),
  }));
}

/** A reading every other day; trends that decline lose mentions. */
function mentionRows({ demo, story, id, row, random }: WorkspaceDemo): Row[] {
  const numbers = random('trend_mentions');
  return story.trends.flatMap(({ stage }, n) =>
    Array.from({ length: 14 }, (_, reading) => {
      const age = stage === 'declining' ? reading + 1 : 15 - reading;
      const mentions = age * numbers.int(8, 30);
      return {
        id: row('trend_mentions', `${n}/${reading}`),
        workspace_id: id,
        trend_id: row('trends', n),
        source_platform: at(['search', 'social', 'news', 'forum'], reading),
        source_url: `https://trends.example.com/${story.slug}/${n}/${reading}`,
        mention_count: mentions,
        engagement: mentions * numbers.int(2, 9),
        timestamp: demo.ago(1 + reading * 2),
      };
    }),
  );
}

const murmurs = [
  ['Mentions of {product} up in {city}', 'Forum threads and search agree.', 'trend'],
  ['{rival} changed its home page', 'New headline, same offer.', 'competitor'],
  ['Customers in {city} ask about {product}', 'Six questions in a week.', 'customer'],
  ['Advertising prices moved in {city}', 'Clicks cost 7 % more than last month.', 'market'],
  ['A trade journal writes about {product}', 'Neutral, with a link.', 'industry'],
] as const;

/** Returns the signals of the story, followed by minor ones of a normal week. */
function allSignals({ story, random, count }: WorkspaceDemo): SignalStory[] {
  const numbers = random('signals');
  const small = Array.from({ length: count(24) }, (_, n): SignalStory => {
    const [title, text, source] = at(murmurs, n);
    return {
      title: title
        .replace('{product}', at(story.products, n))
        .replace('{city}', at(story.cities, n))
        .replace('{rival}', at(story.competitors, n).name),
      text,
      source,
      findings: [text],
      confidence: numbers.int(30, 80),
      relevance: numbers.int(20, 75),
      days: 1 + n * 1.7,
      cohort: n % story.cohorts.length,
      ...(source === 'competitor' ? { competitor: n % story.competitors.length } : {}),
    };
  });
  return [...story.signals, ...small];
}

function signalRows(workspace: WorkspaceDemo): Row[] {
  const { demo, story, id, row, person } = workspace;
  const actioned = new Set(story.insights.flatMap(({ signals }) => signals));
  // A reference to another workspace: readers must leave it out.
  const stranger = demoWorkspaces.find(({ slug }) => slug !== story.slug)?.slug ?? story.slug;
  return allSignals(workspace).map((signal, n) => {
    const status = actioned.has(n) ? 'actioned' : at(['new', 'new', 'acknowledged', 'archived'], n);
    const cohort = row('cohorts', signal.cohort);
    // Some customer feedback is entered by hand.
    const byHand = signal.source === 'customer' && n % 2 === 0;
    const competitors =
      signal.competitor === undefined ? [] : [row('competitors', signal.competitor)];
    return {
      id: row('intelligence_signals', n),
      workspace_id: id,
      source_agent_id: byHand ? null : demo.id('agent_registry', at(agentsOf('intelligence'), n)),
      source_type: signal.source,
      data_source: at(['page watch', 'search index', 'survey', 'price feed', 'replies'], n),
      signal_title: signal.title,
      signal_description: signal.text,
      signal_category: categories[signal.source],
      key_findings: signal.findings,
      data_points: { confidence: signal.confidence, samples: 20 + n * 3 },
      confidence_score: signal.confidence,
      relevance_score: signal.relevance,
      related_competitor_ids:
        n === 0 ? [...competitors, demo.id('competitors', stranger, 0)] : competitors,
      related_cohort_ids: n === 2 ? [cohort, danglingId, cohort] : [cohort],
      related_campaign_ids:
        signal.campaign === undefined ? [] : [row('campaigns', signal.campaign)],
      signal_date: demo.ago(signal.days, 6),
      detection_date: demo.ago(signal.days),
      expiry_date: n % 9 === 8 ? demo.ago(2) : demo.ago(signal.days - 60),
      action_status: status,
      assigned_to_user_id: status === 'new' ? null : person('Analyst'),
      action_notes: status === 'actioned' ? 'Became part of an insight.' : null,
      created_by: byHand ? person('Analyst') : null,
      created_at: demo.ago(signal.days),
      updated_at: demo.ago(Math.max(0, signal.days - 1)),
    };
  });
}

/** Confidence as the database computes it: 50 and ten more for each signal, 100 at most. */
function confidenceOf({ signals }: InsightStory): number {
  return Math.min(50 + 10 * signals.length, 100);
}

function insightRows({ demo, story, id, row, person }: WorkspaceDemo): Row[] {
  return story.insights.map((insight, n) => {
    const signals = insight.signals.map((signal) => at(story.signals, signal));
    const confidence = confidenceOf(insight);
    const newest = Math.min(...signals.map(({ days }) => days));
    const status = n < 3 ? 'active' : at(['archived', 'superseded'], n);
    const unique = <T>(values: (T | undefined)[]) =>
      [...new Set(values)].filter((v) => v !== undefined);
    return {
      id: row('market_insights', n),
      workspace_id: id,
      insight_title: insight.title,
      insight_description: `${insight.conclusions.join('. ')}.`,
      insight_type: insight.type,
      category: categories[at(signals, 0).source],
      source_signal_ids: insight.signals.map((signal) => row('intelligence_signals', signal)),
      source_agent_id: demo.id('agent_registry', 'intel-insight-editor'),
      number_of_signals_analyzed: insight.signals.length,
      key_conclusions: insight.conclusions,
      supporting_evidence: signals.flatMap(({ findings }) => findings.slice(0, 1)),
      confidence_level: confidence >= 75 ? 'high' : n === 2 ? 'low' : 'medium',
      confidence_score: confidence,
      business_implications: [`Touches ${at(story.products, n)}`],
      recommended_actions: insight.actions,
      potential_impact: at(['large', 'moderate', 'small'], n),
      potential_roi_percentage: insight.roi,
      relevant_for_competitors: unique(signals.map(({ competitor }) => competitor)).map(
        (competitor) => row('competitors', competitor),
      ),
      relevant_for_cohorts: unique(signals.map(({ cohort }) => cohort)).map((cohort) =>
        row('cohorts', cohort),
      ),
      relevant_for_campaigns: unique(signals.map(({ campaign }) => campaign)).map((campaign) =>
        row('campaigns', campaign),
      ),
      relevant_segments: [at(story.positionings, n).segment],
      time_relevance_start: demo.day(-Math.ceil(newest)),
      time_relevance_end: status === 'active' ? demo.day(45) : demo.day(-1),
      discovery_date: demo.ago(newest - 0.5),
      insight_status: status,
      actioned_date: n === 1 ? demo.ago(newest - 1) : null,
      created_by: person('Analyst'),
      reviewed_by: n % 2 === 0 ? person('Strategist') : null,
      created_at: demo.ago(newest - 0.5),
      updated_at: demo.ago(Math.max(0, newest - 1)),
    };
  });
}
