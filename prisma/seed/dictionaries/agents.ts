export type AgentType = 'lord' | 'researcher' | 'creative' | 'intelligence' | 'guardian';

export interface Guild {
  type: AgentType;
  name: string;
  traits: string[];
  inputs: string[];
  outputs: string[];
  tools: string[];
  /** Agent name and purpose. */
  agents: [name: string, purpose: string][];
}

export const guilds: Guild[] = [
  {
    type: 'lord',
    name: 'Council of Lords',
    traits: ['decisive', 'far-sighted', 'fair'],
    inputs: ['brief', 'debate', 'report'],
    outputs: ['decision', 'plan'],
    tools: ['campaign_planner', 'debate_floor'],
    agents: [
      ['lord-architect', 'Designs campaigns from goals and constraints'],
      ['lord-cognition', 'Turns what was learned into rules for the next campaign'],
      ['lord-strategos', 'Chooses moves, their order and their reserves'],
      ['lord-aesthete', 'Guards the quality and coherence of everything published'],
      ['lord-seer', 'Forecasts reach, revenue and risk'],
      ['lord-arbiter', 'Settles conflicts between agents and between goals'],
      ['lord-herald', 'Decides who gets which message, when and through which channel'],
    ],
  },
  {
    type: 'researcher',
    name: 'Research Guild',
    traits: ['curious', 'sceptical', 'thorough'],
    inputs: ['question', 'dataset', 'transcript'],
    outputs: ['finding', 'source list'],
    tools: ['web_search', 'survey_reader', 'spreadsheet'],
    agents: [
      ['res-audience-cartographer', 'Maps who buys, who decides and who blocks'],
      ['res-jobs-interviewer', 'Extracts jobs to be done from interviews'],
      ['res-survey-analyst', 'Codes open survey answers'],
      ['res-pricing-scout', 'Compares prices and packages across rivals'],
      ['res-search-miner', 'Finds what people search for before they buy'],
      ['res-review-reader', 'Reads reviews for reasons to buy and to leave'],
      ['res-forum-listener', 'Follows communities for unprompted opinions'],
      ['res-market-sizer', 'Estimates markets from public figures'],
      ['res-persona-auditor', 'Checks cohorts against what customers really do'],
      ['res-journey-tracer', 'Reconstructs paths from first touch to purchase'],
      ['res-seasonality-keeper', 'Keeps the calendar of seasons and festivals'],
      ['res-channel-prober', 'Tests channels with small budgets'],
      ['res-message-tester', 'Runs five-second tests of messages'],
      ['res-churn-examiner', 'Explains why customers leave'],
      ['res-regulation-watch', 'Follows rules that change how we may sell'],
      ['res-academic-reader', 'Summarises research on persuasion and choice'],
      ['res-local-guide', 'Explains customs and words of a region'],
      ['res-benchmark-clerk', 'Keeps industry benchmarks with their sources'],
    ],
  },
  {
    type: 'creative',
    name: 'Muse Guild',
    traits: ['playful', 'precise', 'empathetic'],
    inputs: ['brief', 'message architecture', 'asset'],
    outputs: ['copy', 'design', 'script'],
    tools: ['copy_editor', 'image_generator', 'canva'],
    agents: [
      ['muse-headline-smith', 'Writes headlines worth reading twice'],
      ['muse-letter-writer', 'Writes letters that people answer'],
      ['muse-story-weaver', 'Turns case notes into stories'],
      ['muse-script-doctor', 'Shortens and sharpens scripts'],
      ['muse-art-director', 'Directs images, colour and type'],
      ['muse-layout-hand', 'Lays out pages and posters'],
      ['muse-motion-sketcher', 'Sketches short films'],
      ['muse-caption-crafter', 'Writes captions per channel'],
      ['muse-landing-builder', 'Composes landing pages around one action'],
      ['muse-microcopy-polisher', 'Polishes buttons, forms and errors'],
      ['muse-translator', 'Carries meaning and tone between languages'],
      ['muse-podcast-producer', 'Plans episodes and questions'],
      ['muse-case-writer', 'Interviews customers and writes cases'],
      ['muse-brand-voice', 'Keeps the brand voice in every sentence'],
      ['muse-offer-framer', 'Frames offers without tricks'],
      ['muse-event-host', 'Plans evenings, webinars and tastings'],
      ['muse-template-keeper', 'Turns what worked into templates'],
    ],
  },
  {
    type: 'intelligence',
    name: 'Matrix Guild',
    traits: ['alert', 'quantitative', 'discreet'],
    inputs: ['event stream', 'metric', 'page'],
    outputs: ['signal', 'insight', 'alert'],
    tools: ['metric_store', 'page_watcher', 'anomaly_detector'],
    agents: [
      ['intel-competitor-watch', 'Notices changes on rivals’ pages within an hour'],
      ['intel-price-radar', 'Tracks prices and promotions'],
      ['intel-trend-spotter', 'Separates trends from noise'],
      ['intel-sentiment-gauge', 'Measures feeling in replies and reviews'],
      ['intel-anomaly-hunter', 'Finds numbers that do not belong'],
      ['intel-attribution-clerk', 'Credits what led to a purchase'],
      ['intel-funnel-reader', 'Finds where people give up'],
      ['intel-forecast-desk', 'Updates forecasts every night'],
      ['intel-signal-sorter', 'Ranks signals by confidence and relevance'],
      ['intel-insight-editor', 'Writes insights that lead to a decision'],
      ['intel-share-of-voice', 'Counts who is talked about'],
      ['intel-news-desk', 'Reads the news of an industry'],
      ['intel-hiring-reader', 'Reads job offers for strategy'],
      ['intel-deliverability-scout', 'Watches bounces, blocks and complaints'],
      ['intel-cohort-drift', 'Reports cohorts that have changed'],
    ],
  },
  {
    type: 'guardian',
    name: 'Guardian Guild',
    traits: ['careful', 'consistent', 'polite'],
    inputs: ['draft', 'plan', 'log'],
    outputs: ['verdict', 'correction'],
    tools: ['policy_book', 'fact_checker', 'budget_ledger'],
    agents: [
      ['guard-fact-checker', 'Checks claims against sources'],
      ['guard-brand-safety', 'Keeps the brand out of bad company'],
      ['guard-privacy-steward', 'Protects personal data and consent'],
      ['guard-budget-keeper', 'Stops spending that was not planned'],
      ['guard-legal-reader', 'Reads for legal risk'],
      ['guard-accessibility', 'Checks contrast, captions and alt texts'],
      ['guard-frequency-capper', 'Limits how often one person is contacted'],
      ['guard-tone-warden', 'Stops what sounds wrong today'],
      ['guard-link-inspector', 'Tests links, tags and forms before they go out'],
      ['guard-model-auditor', 'Audits agents’ decisions and costs'],
      ['guard-claims-registrar', 'Keeps evidence for every public claim'],
      ['guard-schedule-marshal', 'Prevents moves from colliding'],
      ['guard-crisis-desk', 'Takes over when something goes wrong'],
      ['guard-licence-clerk', 'Checks rights of images and music'],
      ['guard-consent-keeper', 'Keeps permissions of people who are shown'],
    ],
  },
];

/** Two retired agents: still in the registry, no longer active. */
export const retiredAgents = ['res-benchmark-clerk', 'muse-podcast-producer'];

export const agents = guilds.flatMap(({ type, agents }) =>
  agents.map(([name, purpose], index) => ({ name, purpose, type, index })),
);

/** Returns the names of a guild's agents. */
export function agentsOf(type: AgentType): string[] {
  return agents.filter((agent) => agent.type === type).map(({ name }) => name);
}

export interface CapabilityTemplate {
  name: string;
  category: 'research' | 'analysis' | 'creation' | 'optimization' | 'monitoring';
  sub: string;
  description: string;
  apis: string[];
}

/** What the agents of a guild can do. */
export const capabilities: Record<AgentType, CapabilityTemplate[]> = {
  lord: [
    {
      name: 'plan_campaign',
      category: 'optimization',
      sub: 'planning',
      description: 'Orders quests and moves under a budget and a calendar',
      apis: [],
    },
    {
      name: 'decide_conflict',
      category: 'analysis',
      sub: 'governance',
      description: 'Weighs positions of a debate and writes the decision',
      apis: [],
    },
    {
      name: 'review_results',
      category: 'analysis',
      sub: 'learning',
      description: 'Compares results with the plan and names the cause',
      apis: ['metric_store'],
    },
  ],
  researcher: [
    {
      name: 'collect_sources',
      category: 'research',
      sub: 'desk research',
      description: 'Finds and ranks sources for a question',
      apis: ['web_search'],
    },
    {
      name: 'summarise_findings',
      category: 'analysis',
      sub: 'synthesis',
      description: 'Reduces sources to findings, each with its evidence',
      apis: [],
    },
    {
      name: 'interview_coding',
      category: 'research',
      sub: 'qualitative',
      description: 'Codes transcripts by pain, goal and trigger',
      apis: ['speech_to_text'],
    },
  ],
  creative: [
    {
      name: 'draft_copy',
      category: 'creation',
      sub: 'copy',
      description: 'Drafts text for a channel from a message architecture',
      apis: ['language_model'],
    },
    {
      name: 'adapt_format',
      category: 'creation',
      sub: 'adaptation',
      description: 'Adapts an asset to another channel and length',
      apis: ['language_model', 'canva'],
    },
    {
      name: 'generate_visual',
      category: 'creation',
      sub: 'design',
      description: 'Composes images from a design brief',
      apis: ['image_model'],
    },
  ],
  intelligence: [
    {
      name: 'watch_pages',
      category: 'monitoring',
      sub: 'competitors',
      description: 'Watches pages and reports changes that matter',
      apis: ['page_watcher'],
    },
    {
      name: 'detect_anomaly',
      category: 'monitoring',
      sub: 'metrics',
      description: 'Compares a metric with its usual course',
      apis: ['metric_store'],
    },
    {
      name: 'score_signal',
      category: 'analysis',
      sub: 'signals',
      description: 'Scores a signal by confidence and relevance',
      apis: [],
    },
  ],
  guardian: [
    {
      name: 'check_claims',
      category: 'monitoring',
      sub: 'facts',
      description: 'Verifies each claim of a draft',
      apis: ['fact_checker'],
    },
    {
      name: 'enforce_limits',
      category: 'optimization',
      sub: 'limits',
      description: 'Keeps frequency, budget and calendar within limits',
      apis: ['budget_ledger'],
    },
    {
      name: 'audit_log',
      category: 'analysis',
      sub: 'audit',
      description: 'Explains after the fact who decided what and why',
      apis: [],
    },
  ],
};
