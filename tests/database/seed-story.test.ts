import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { danglingAgent, danglingId } from '../../prisma/seed/demo.ts';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import type { TestDatabase } from '../support/database.ts';
import { createSeededDatabase, now, tableCount, tables } from './seed-fixture.ts';

let database: TestDatabase;
let counts: Record<string, number>;

beforeAll(async () => {
  ({ database, counts } = await createSeededDatabase());
});
afterAll(() => database?.close());

async function columns(condition: string) {
  return database.query<{ table: string; column: string; type: string }>(
    `SELECT relname AS table, attname AS column, format_type(atttypid, NULL) AS type
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0
       AND NOT attisdropped AND relname <> '_prisma_migrations' AND (${condition})
     ORDER BY 1, 2`,
  );
}

describe('the story', () => {
  test('fills all tables and returns the number of rows of each', async () => {
    const names = await tables(database);
    expect(names).toHaveLength(tableCount);
    for (const table of names) {
      const [row] = await database.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM ${table}`,
      );
      expect(row?.count, table).toBeGreaterThan(0);
      expect(counts[table], table).toBe(row?.count);
    }
  });

  test('uses every label of every enum', async () => {
    const unused: string[] = [];
    for (const { table, column, type } of await columns(
      `atttypid IN (SELECT oid FROM pg_type WHERE typtype = 'e')`,
    )) {
      const rows = await database.query<{ label: string }>(
        `SELECT label::text FROM unnest(enum_range(NULL::${type})) AS label
         WHERE label NOT IN (SELECT ${column} FROM ${table} WHERE ${column} IS NOT NULL)`,
      );
      unused.push(...rows.map(({ label }) => `${table}.${column} ${label}`));
    }
    expect(unused).toEqual([]);
  });

  test('has a value in every column', async () => {
    const empty: string[] = [];
    for (const { table, column } of await columns('true')) {
      const rows = await database.query(`SELECT FROM ${table} WHERE ${column} IS NOT NULL LIMIT 1`);
      if (rows.length === 0) empty.push(`${table}.${column}`);
    }
    expect(empty).toEqual([]);
  });

  test('has people in every role of every workspace, one in two and one in none', async () => {
    const members = await database.query<{ slug: string; roles: string[] }>(
      `SELECT slug, array_agg(role::text ORDER BY role) AS roles
       FROM user_workspaces JOIN workspaces ON workspaces.id = workspace_id GROUP BY slug`,
    );
    expect(members).toHaveLength(demoWorkspaces.length);
    for (const { roles } of members) {
      expect(roles).toEqual(['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer']);
    }
    const memberships = demoPeople.map(({ memberships }) => memberships.length);
    expect(memberships).toContain(2);
    expect(memberships).toContain(0);
    const stored = await database.query(
      `SELECT id, email, raw_user_meta_data ->> 'full_name' AS name FROM auth.users ORDER BY id`,
    );
    expect(stored).toEqual(demoPeople.map(({ id, email, name }) => ({ id, email, name })));
  });

  test('gives cohorts weights and shares that add up to 1', async () => {
    const rows = await database.query<{ weights: number; shares: number }>(
      `SELECT (SELECT sum((c ->> 'weight')::numeric) FROM jsonb_array_elements(decision_criteria) AS c)::float AS weights,
              (SELECT sum(value::numeric) FROM jsonb_each_text(journey_distribution))::float AS shares
       FROM cohorts`,
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const { weights, shares } of rows) {
      expect(weights).toBeCloseTo(1, 6);
      expect(shares).toBeCloseTo(1, 6);
    }
  });

  test('refers only to people of the workspace', async () => {
    const people = await database.query<{ table: string; column: string }>(
      `SELECT conrelid::regclass::text AS table, attname AS column
       FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
       WHERE confrelid = 'auth.users'::regclass AND contype = 'f'
         AND EXISTS (SELECT FROM pg_attribute AS w
                     WHERE w.attrelid = conrelid AND w.attname = 'workspace_id')`,
    );
    expect(people.length).toBeGreaterThan(15);
    for (const { table, column } of people) {
      const strangers = await database.query(
        `SELECT id FROM ${table} AS t WHERE workspace_id IS NOT NULL AND ${column} IS NOT NULL
           AND NOT EXISTS (SELECT FROM user_workspaces AS m
                           WHERE m.workspace_id = t.workspace_id AND m.user_id = t.${column})`,
      );
      expect(strangers, `${table}.${column}`).toEqual([]);
    }
  });

  test('has times in order, and past ones in the past', async () => {
    const early: string[] = [];
    for (const { table, column } of await columns(`attname = 'updated_at'`)) {
      const rows = await database.query(
        `SELECT FROM ${table} WHERE ${column} < created_at OR ${column} > $1
           OR created_at > $1`,
        [now],
      );
      if (rows.length > 0) early.push(table);
    }
    expect(early).toEqual([]);
    const alerts = await database.query(
      `SELECT title FROM system_alerts
       WHERE (acknowledged_at IS NOT NULL) <> (status <> 'active')
          OR (resolved_at IS NOT NULL) <> (status IN ('resolved', 'dismissed'))
          OR acknowledged_at < created_at OR resolved_at < acknowledged_at
          OR greatest(acknowledged_at, resolved_at) > $1`,
      [now],
    );
    expect(alerts).toEqual([]);
  });

  test('has the same progress of people as the database computes', async () => {
    const wrong = await database.query(
      `SELECT s.id FROM user_stats AS s
       WHERE ROW(achievements_unlocked, total_points, achievements_in_progress) IS DISTINCT FROM (
         SELECT ROW(count(*) FILTER (WHERE NOT is_locked)::integer,
                coalesce(sum(points_reward) FILTER (WHERE NOT is_locked), 0)::integer,
                count(*) FILTER (WHERE is_locked AND progress_value > 0)::integer)
         FROM user_achievements AS u JOIN achievements AS a ON a.id = achievement_id
         WHERE u.user_id = s.user_id AND u.workspace_id = s.workspace_id)`,
    );
    expect(wrong).toEqual([]);
    const early = await database.query(
      `SELECT u.id FROM user_achievements AS u
       JOIN achievements AS a ON a.id = achievement_id
       WHERE NOT is_locked AND required_previous_achievement_id IS NOT NULL AND NOT EXISTS (
         SELECT FROM user_achievements AS p WHERE p.user_id = u.user_id
           AND p.achievement_id = required_previous_achievement_id AND NOT p.is_locked)`,
    );
    expect(early).toEqual([]);
  });

  test('has actioned signals exactly for the insights that use them', async () => {
    const [row] = await database.query<{ insights: number; wrong: number }>(
      `SELECT count(DISTINCT i.id)::integer AS insights,
              count(*) FILTER (WHERE action_status <> 'actioned'
                OR number_of_signals_analyzed <> cardinality(source_signal_ids)
                OR i.confidence_score <> least(50 + 10 * cardinality(source_signal_ids), 100)
                OR s.detection_date > discovery_date)::integer AS wrong
       FROM market_insights AS i JOIN intelligence_signals AS s ON s.id = ANY (source_signal_ids)`,
    );
    expect(row).toEqual({ insights: counts.market_insights, wrong: 0 });
  });
});

describe('logical references', () => {
  const idArrays: [table: string, column: string, target: string][] = [
    ['support_feedback', 'related_cohort_ids', 'cohorts'],
    ['moves', 'secondary_icp_ids', 'cohorts'],
    ['content_patterns', 'performing_assets', 'assets'],
    ['content_patterns', 'recommended_for_cohorts', 'cohorts'],
    ['intelligence_signals', 'related_competitor_ids', 'competitors'],
    ['intelligence_signals', 'related_cohort_ids', 'cohorts'],
    ['intelligence_signals', 'related_campaign_ids', 'campaigns'],
    ['market_insights', 'source_signal_ids', 'intelligence_signals'],
    ['market_insights', 'relevant_for_competitors', 'competitors'],
    ['market_insights', 'relevant_for_cohorts', 'cohorts'],
    ['market_insights', 'relevant_for_campaigns', 'campaigns'],
    ['trends', 'relevant_cohorts', 'cohorts'],
  ];
  const agentNames: [table: string, column: string][] = [
    ['campaign_quests', 'assigned_to_agents'],
    ['agent_messages', 'targets'],
    ['agent_debates', 'participants'],
    ['policy_decisions', 'agents_involved'],
    ['recommendation_patterns', 'agent_ids'],
    ['assets', 'reviewed_by_agents'],
    ['moves', 'created_by_agent'],
    ['assets', 'created_by_agent'],
    ['visual_designs', 'created_by_agent'],
    ['content_adaptations', 'created_by_agent'],
    ['experiments', 'created_by_agent'],
    ['agent_messages', 'origin'],
    ['agent_recommendations', 'agent_id'],
    ['recommendation_outcomes', 'agent_id'],
    ['agent_trust_scores', 'agent_id'],
    ['competitor_content', 'scraped_by_agent'],
    ['competitor_patterns', 'identified_by_agent'],
  ];
  const elements = (table: string, column: string) =>
    `SELECT t.id AS row, t.workspace_id, e.value FROM ${table} AS t,
       unnest(CASE WHEN pg_typeof(t.${column})::text LIKE '%[]' THEN t.${column}::text::text[]
              ELSE ARRAY[t.${column}::text] END) AS e(value) WHERE e.value IS NOT NULL`;

  test('refer to rows of the same workspace, except for intended ones', async () => {
    const lost: string[] = [];
    const abroad: string[] = [];
    for (const [table, column, target] of idArrays) {
      const rows = await database.query<{ value: string; foreign: boolean }>(
        `SELECT value, r.id IS NOT NULL AS foreign
         FROM (${elements(table, column)}) AS e LEFT JOIN ${target} AS r ON r.id = value::uuid
         WHERE r.workspace_id IS DISTINCT FROM e.workspace_id`,
      );
      for (const { value, foreign } of rows) {
        if (!foreign) expect(value).toBe(danglingId);
        (foreign ? abroad : lost).push(`${table}.${column}`);
      }
    }
    expect([...new Set(lost)].sort()).toEqual([
      'content_patterns.performing_assets',
      'intelligence_signals.related_cohort_ids',
      'moves.secondary_icp_ids',
      'support_feedback.related_cohort_ids',
    ]);
    expect([...new Set(abroad)]).toEqual(['intelligence_signals.related_competitor_ids']);
  });

  test('name registered agents, except for one', async () => {
    const lost: string[] = [];
    for (const [table, column] of agentNames) {
      const rows = await database.query<{ value: string }>(
        `SELECT value FROM (${elements(table, column)}) AS e
         WHERE value NOT IN (SELECT agent_name FROM agent_registry)`,
      );
      for (const { value } of rows) expect(value).toBe(danglingAgent);
      if (rows.length > 0) lost.push(`${table}.${column}`);
    }
    expect(lost.sort()).toEqual([
      'agent_messages.targets',
      'agent_recommendations.agent_id',
      'campaign_quests.assigned_to_agents',
    ]);
  });

  test('contain some duplicates', async () => {
    const repeated: string[] = [];
    for (const [table, column] of [...idArrays, ...agentNames]) {
      const rows = await database.query(
        `SELECT row FROM (${elements(table, column)}) AS e GROUP BY row, value HAVING count(*) > 1`,
      );
      if (rows.length > 0) repeated.push(`${table}.${column}`);
    }
    expect(repeated).toContain('moves.secondary_icp_ids');
    expect(repeated).toContain('agent_messages.targets');
  });

  test('give strategy insights a source of their kind, one of which does not exist', async () => {
    const rows = await database.query<{ source_id: string }>(
      `SELECT source_id FROM strategy_insights AS i WHERE NOT EXISTS (
         SELECT FROM (SELECT 'campaign' AS kind, id, workspace_id FROM campaigns
           UNION ALL SELECT 'move', id, workspace_id FROM moves
           UNION ALL SELECT 'cohort', id, workspace_id FROM cohorts
           UNION ALL SELECT 'asset', id, workspace_id FROM assets
           UNION ALL SELECT 'positioning', id, workspace_id FROM positioning) AS s
         WHERE s.kind = i.source_type::text AND s.id = i.source_id AND s.workspace_id = i.workspace_id)`,
    );
    expect(rows).toEqual([{ source_id: danglingId }]);
  });
});
