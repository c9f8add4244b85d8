import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';

const VIEWS: Record<string, readonly string[]> = {
  agent_performance_daily: ['workspace_id', 'agent_id', 'measurement_date'],
  agent_recommendation_summaries: ['workspace_id', 'agent_name'],
  campaign_health: ['campaign_id'],
  cohort_journey_shares: ['cohort_id', 'journey_stage_id'],
  experiment_summaries: ['move_id'],
  pattern_effectiveness: ['workspace_id', 'pattern_category'],
  trend_opportunities: ['trend_id'],
  workspace_status_counts: ['workspace_id', 'entity', 'status'],
};
const names = Object.keys(VIEWS);

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let viewer: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  viewer = tenant.actor('Viewer');
  const agent_id = await insert(database, 'agent_registry', {
    agent_name: 'Rex',
    agent_type: 'lord',
  });
  for (const { workspaceId } of [tenant, stranger]) await fill(workspaceId, agent_id);
});
afterAll(() => database.close());

const day = (offset: number) =>
  new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

async function fill(workspace_id: string, agent_id: string): Promise<void> {
  const add = (table: string, values: Record<string, unknown>) =>
    insert(database, table, { workspace_id, ...values });
  const campaign_id = await add('campaigns', {
    name: 'Harvest',
    status: 'active',
    start_date: day(-5),
    end_date: day(5),
    total_reach: 9_000_000_000,
  });
  const cohort_id = await add('cohorts', {
    name: 'Home brewers',
    journey_distribution: { aware: 0.25, loyal: 0.75 },
  });
  await add('campaign_cohorts', { campaign_id, cohort_id });
  for (const status of ['completed', 'completed', 'pending']) {
    await add('campaign_quests', { campaign_id, name: 'Q', status });
  }
  const trend_id = await add('trends', { topic: 'Cold brew', opportunity_score: 0.8 });
  await add('trends', { topic: 'Gone', expiry_date: '2020-01-01' });
  await add('trend_mentions', { trend_id, mention_count: 7, engagement: 70 });
  await add('trend_mentions', { trend_id, mention_count: 3 });
  const move = { name: 'M', primary_icp_id: cohort_id, campaign_id };
  const move_id = await add('moves', {
    ...move,
    status: 'Complete',
    triggered_by_trend_id: trend_id,
  });
  await add('moves', move);
  for (const status of ['running', 'completed', 'completed', 'failed']) {
    await add('experiments', { move_id, hypothesis: 'H', status });
  }
  const recommendation = {
    agent_id: 'Rex',
    agent_name: 'Rex the Researcher',
    correlation_id: 'c',
    workflow_id: 'w',
    recommendation_type: 'content',
    recommendation_content: {},
  };
  await add('agent_recommendations', { ...recommendation, confidence_score: 0.4 });
  await add('agent_recommendations', {
    ...recommendation,
    confidence_score: 0.8,
    outcome_status: 'approved',
    outcome_quality_score: 0.9,
  });
  const pattern = {
    pattern_name: 'P',
    pattern_category: 'timing',
    agent_ids: ['Rex'],
    pattern_definition: {},
  };
  await add('recommendation_patterns', { ...pattern, success_rate: 0.5, frequency_count: 30 });
  await add('recommendation_patterns', {
    ...pattern,
    success_rate: 0.9,
    frequency_count: 10,
    recommendation_strength: 'strong',
  });
  await add('agent_performance', { agent_id, measurement_date: day(0), measurement_hour: 1 });
}

const read = (actor: Actor, view: string) =>
  database.as(actor, (query) => query<{ workspace_id: string }>(`select * from ${view}`));

describe.each(names)('%s', (view) => {
  test('shows members only rows of their workspace', async () => {
    const rows = await read(viewer, view);
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map(({ workspace_id }) => workspace_id))).toEqual(
      new Set([tenant.workspaceId]),
    );
    expect(await read({ userId: tenant.people.Owner }, view)).toEqual([]);
    expect(await read({ ...viewer, workspaceId: stranger.workspaceId }, view)).toEqual([]);
    expect(await read({ workspaceId: tenant.workspaceId }, view)).toEqual([]);
  });

  test('shows trusted writers all workspaces, with one row a key', async () => {
    const rows = (await read(service, view)) as unknown as Record<string, unknown>[];
    expect(new Set(rows.map(({ workspace_id }) => workspace_id)).size).toBe(2);
    const keys = rows.map((row) => JSON.stringify(VIEWS[view]?.map((column) => row[column])));
    expect(new Set(keys).size).toBe(rows.length);
  });

  test('cannot be written', async () => {
    const write = database.as(viewer, (query) => query(`delete from ${view}`));
    await expect(write).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|55000)$/) });
  });
});

test('every view is tested here', async () => {
  const rows = await database.query<{ name: string }>(
    `select viewname as name from pg_views where schemaname = 'public' order by 1`,
  );
  // The view of invitations shows rows to people, not to members, and has its own tests.
  expect(rows.map(({ name }) => name)).toEqual([...names, 'invitation'].sort());
});

test('campaign_health counts moves, cohorts and quests', async () => {
  expect(await read(viewer, 'campaign_health')).toMatchObject([
    {
      move_count: 2,
      completed_move_count: 1,
      cohort_count: 1,
      quest_count: 3,
      completed_quest_count: 2,
      reach: '9000000000',
      state: 'on_track',
    },
  ]);
});

test.each([
  ['draft', null, null, 'upcoming'],
  ['draft', -1, 5, 'overdue'],
  ['planning', 0, 5, 'upcoming'],
  ['active', 2, 5, 'upcoming'],
  ['active', 0, 0, 'on_track'],
  ['paused', -5, null, 'on_track'],
  ['active', -5, -1, 'overdue'],
  ['completed', -5, -1, 'ended'],
  ['archived', null, null, 'ended'],
])('a campaign that is %s from %s to %s days from today is %s', async (status, from, to, state) => {
  const campaign = await insert(database, 'campaigns', {
    workspace_id: (await createTenant(database)).workspaceId,
    name: 'C',
    status,
    start_date: from === null ? null : day(from),
    end_date: to === null ? null : day(to),
  });
  expect(
    await database.query('select state from campaign_health where campaign_id = $1', [campaign]),
  ).toEqual([{ state }]);
});

test('the other read models add up', async () => {
  const shares = await read(viewer, 'cohort_journey_shares');
  expect(shares).toHaveLength(2);
  expect(shares).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ journey_stage_id: 'aware', share: 0.25 }),
      expect.objectContaining({ journey_stage_id: 'loyal', share: 0.75 }),
    ]),
  );
  const summaries = await read(viewer, 'experiment_summaries');
  expect(summaries).toHaveLength(2);
  const some = { running_count: 1, completed_count: 2, stopped_count: 0, failed_count: 1 };
  expect(summaries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ experiment_count: 4, ...some }),
      expect.objectContaining({ experiment_count: 0 }),
    ]),
  );
  expect(await read(viewer, 'trend_opportunities')).toMatchObject([
    { topic: 'Cold brew', mention_count: '10', engagement_count: '70', triggered_move_count: 1 },
  ]);
  expect(await read(viewer, 'agent_recommendation_summaries')).toMatchObject([
    { agent_name: 'Rex', recommendation_count: 2, undecided_count: 1, approved_count: 1 },
  ]);
  const [summary] = await database.query(
    `select round(average_confidence::numeric, 6)::float8 as confidence, average_quality as quality
     from agent_recommendation_summaries where workspace_id = $1`,
    [tenant.workspaceId],
  );
  expect(summary).toEqual({ confidence: 0.6, quality: 0.9 });
  expect(await read(viewer, 'pattern_effectiveness')).toMatchObject([
    { pattern_category: 'timing', pattern_count: 2, strong_pattern_count: 1, case_count: '40' },
  ]);
  const [pattern] = await database.query(
    `select round(success_rate::numeric, 6)::float8 as rate from pattern_effectiveness`,
  );
  expect(pattern).toEqual({ rate: 0.6 });
  const counts = await read(viewer, 'workspace_status_counts');
  expect(counts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ entity: 'campaign', status: 'active', total: 1 }),
      expect.objectContaining({ entity: 'campaign_quest', status: 'completed', total: 2 }),
      expect.objectContaining({ entity: 'move', status: 'Complete', total: 1 }),
      expect.objectContaining({ entity: 'experiment', status: 'completed', total: 2 }),
    ]),
  );
});
