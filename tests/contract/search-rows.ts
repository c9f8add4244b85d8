import type { TestDatabase } from '../support/database.ts';
import { insert, type Tenant } from '../support/tenant.ts';

/** A row that is searched: its table, title, and other texts. */
export type SearchedRow = [table: string, title: string, more?: Record<string, unknown>];

export const ROWS: readonly SearchedRow[] = [
  ['campaigns', 'Monsoon launch', { objective: 'Reach commuters in Mumbai', status: 'draft' }],
  ['campaigns', 'Summer sale', { description: 'Half price on rain jackets' }],
  ['campaigns', 'Budget', { target_segments: ['students', 'first jobs'] }],
  ['campaigns', 'Café culture in Zürich', { objective: 'Größere Reichweite' }],
  ['campaigns', 'Летняя кампания', { description: 'Охват молодых покупателей' }],
  ['campaigns', '夏季促销活动', { description: '提高中国市场的品牌知名度' }],
  ['campaigns', 'ग्रीष्मकालीन अभियान'],
  ['campaigns', 'حملة الصيف'],
  ['campaigns', 'Καλοκαιρινή προσφορά'],
  [
    'system_alerts',
    'Budget spent',
    { alert_type: 'error', message: 'The budget of a campaign is spent.' },
  ],
  [
    'system_alerts',
    'Reach fell by 40 %',
    { alert_type: 'anomaly', description: 'See the weekly figures.' },
  ],
  ['system_alerts', 'Conversion rate is back to normal', { alert_type: 'milestone' }],
  [
    'market_insights',
    'Customers prefer short videos',
    { insight_type: 'trend', key_conclusions: ['Vertical formats win'] },
  ],
  [
    'market_insights',
    'Price sensitivity grows',
    { insight_type: 'trend', potential_impact: 'Lower margins' },
  ],
  [
    'strategy_insights',
    'Shift spending to evenings',
    { insight_type: 'x', source_type: 'campaign', description: 'Commuters read at night.' },
  ],
  [
    'intelligence_signals',
    'Competitor opens a store',
    { source_type: 'market', signal_category: 'market_trend', key_findings: ['Opening in Pune'] },
  ],
  [
    'intelligence_signals',
    'Hashtag #raindance goes viral',
    { source_type: 'market', signal_category: 'market_trend' },
  ],
  ['assets', 'hero-banner_v2.png', { type: 'creative', tags: ['monsoon', 'billboard'] }],
  ['assets', 'Landing page', { type: 'creative', description: 'For the monsoon' }],
  [
    'cohorts',
    'Young professionals',
    { pain_points: ['No time to cook'], executive_summary: 'They commute' },
  ],
  ['cohorts', 'Retired teachers', { goals: ['Travel more'] }],
  [
    'positioning',
    'Premium but friendly',
    { market_segment: 'Households', value_proposition: 'Less waste' },
  ],
];

const TITLES: Record<string, string> = {
  campaigns: 'name',
  system_alerts: 'title',
  market_insights: 'insight_title',
  strategy_insights: 'title',
  intelligence_signals: 'signal_title',
  assets: 'name',
  cohorts: 'name',
  positioning: 'name',
};

/** Inserts rows into a workspace. */
export async function insertSearched(
  database: TestDatabase,
  { workspaceId }: Tenant,
  rows: readonly SearchedRow[],
): Promise<void> {
  for (const [table, title, more = {}] of rows) {
    const name = TITLES[table] as string;
    const required = table === 'strategy_insights' ? { description: '' } : {};
    await insert(database, table, {
      workspace_id: workspaceId,
      [name]: title,
      ...required,
      ...more,
    });
  }
}
