import type { DemoWorkspace } from './people.ts';
import type { Json } from './writer.ts';

/** Days count from today: -3 is three days ago. Money is in rupees unless a name says paise. */
export interface Story {
  slug: DemoWorkspace['slug'];
  plan: 'Ascent' | 'Glide' | 'Soar';
  industry: string;
  /** Share of the templates' rows that this workspace gets: 1 in the largest one. */
  size: number;
  channels: string[];
  cities: string[];
  products: string[];
  strategy: {
    state: 'Draft' | 'Active' | 'Archived';
    context: Record<string, Json>;
    centerOfGravity: string;
    goal: string;
    metrics: Record<string, Json>;
    rules: string[];
  };
  positionings: PositioningStory[];
  messages: MessageStory[];
  cohorts: CohortStory[];
  campaigns: CampaignStory[];
  lines: { name: string; objective: string }[];
  sprintThemes: string[];
  moves: { name: string; goal: string }[];
  assets: { name: string; type: string }[];
  experiments: ExperimentStory[];
  debates: DebateStory[];
  recommendations: { type: string; text: string; why: string }[];
  competitors: CompetitorStory[];
  trends: { topic: string; stage: 'emerging' | 'peak' | 'declining' }[];
  signals: SignalStory[];
  insights: InsightStory[];
  alerts: AlertStory[];
  feedback: { title: string; text: string; sentiment: string; source: string; cohort: number }[];
}

export interface PositioningStory {
  name: string;
  segment: string;
  persona: string;
  message: string;
  value: string;
  difference: string;
  pains: string[];
  benefits: string[];
}

export interface MessageStory {
  name: string;
  positioning: number;
  primary: string;
  secondary: string[];
  pillars: string[];
  voice: string;
  tone: string;
  topics: string[];
}

export interface CohortStory {
  name: string;
  summary: string;
  role: string;
  age: string;
  pains: string[];
  goals: string[];
  triggers: string[];
  budget: string;
  objection: string;
  /** What decides, with weights that add up to 1. */
  criteria: Record<string, number>;
  /** Shares of the journey stages, in their order; they add up to 1. */
  journey: [number, number, number, number, number];
}

/** A quest, or a quest followed by its children. */
export type QuestStory = string | [string, ...string[]];

export interface CampaignStory {
  name: string;
  objective: string;
  status: 'draft' | 'planning' | 'active' | 'paused' | 'completed' | 'archived';
  start: number;
  days: number;
  budget: number;
  positioning: number;
  cohorts: number[];
  quests: QuestStory[];
}

export interface ExperimentStory {
  hypothesis: string;
  metric: string;
  variants: [string, string];
  values: [number, number];
  status: 'running' | 'completed' | 'stopped' | 'failed';
}

export interface DebateStory {
  topic: string;
  question: string;
  decision: string;
  positions: [string, string, string];
}

export interface CompetitorStory {
  name: string;
  site: string;
  note: string;
  content: string[];
  pattern: string;
}

export interface SignalStory {
  title: string;
  text: string;
  source: 'competitor' | 'market' | 'trend' | 'industry' | 'customer';
  findings: string[];
  confidence: number;
  relevance: number;
  days: number;
  cohort: number;
  competitor?: number;
  campaign?: number;
}

export interface InsightStory {
  title: string;
  type: 'opportunity' | 'threat' | 'trend' | 'gap' | 'pattern';
  signals: number[];
  conclusions: string[];
  actions: string[];
  roi: number;
}

export interface AlertStory {
  title: string;
  text: string;
  type: 'performance' | 'error' | 'milestone' | 'anomaly' | 'action_required' | 'opportunity';
  severity: 'critical' | 'high' | 'medium' | 'low' | 'info';
  status: 'active' | 'acknowledged' | 'resolved' | 'dismissed';
  /** Hours ago that it was raised. */
  hours: number;
  points: Record<string, Json>;
  actions: string[];
  taken?: string;
  campaign?: number;
  cohort?: number;
  move?: number;
  signal?: number;
}
