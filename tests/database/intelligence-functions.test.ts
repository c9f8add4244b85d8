import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let analyst: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  analyst = tenant.actor('Analyst');
});
afterAll(() => database.close());

const signalOf = ({ workspaceId }: Tenant, values: Record<string, unknown> = {}) =>
  insert(database, 'intelligence_signals', {
    workspace_id: workspaceId,
    source_type: 'market',
    signal_title: 'Prices rise',
    signal_category: 'market_trend',
    ...values,
  });

const signalsOf = (owner: Tenant, count: number) =>
  Promise.all(Array.from({ length: count }, () => signalOf(owner)));

interface Insight {
  workspace?: string;
  signals: string[] | null;
  title?: string | null;
  type?: string | null;
}

const createInsight = (actor: Actor, insight: Insight) => {
  const { workspace, signals, title, type } = {
    workspace: tenant.workspaceId,
    title: 'Buy early',
    type: 'opportunity',
    ...insight,
  };
  return database.as(actor, (query) =>
    query('select * from create_insight_from_signals($1, $2, $3, $4, $5)', [
      workspace,
      signals,
      title,
      type,
      ['Stock up'],
    ]),
  );
};

const statusOf = async (signals: string[]) => {
  const rows = await database.query<{ action_status: string }>(
    'select action_status from intelligence_signals where id = any($1)',
    [signals],
  );
  return [...new Set(rows.map(({ action_status }) => action_status))];
};

describe('create_insight_from_signals', () => {
  test.each([
    [1, '60', 'medium'],
    [3, '80', 'high'],
    [5, '100', 'high'],
    [8, '100', 'high'],
  ])('%i signals give confidence %s', async (count, score, level) => {
    const signals = await signalsOf(tenant, count);
    const [insight] = await createInsight(analyst, { signals });
    expect(insight).toMatchObject({
      workspace_id: tenant.workspaceId,
      insight_title: 'Buy early',
      insight_type: 'opportunity',
      insight_status: 'active',
      key_conclusions: ['Stock up'],
      source_signal_ids: signals,
      number_of_signals_analyzed: count,
      confidence_score: score,
      confidence_level: level,
      created_by: tenant.people.Analyst,
    });
    expect(await statusOf(signals)).toEqual(['actioned']);
  });

  test('counts a repeated signal once, in the given order', async () => {
    const [a, b] = [await signalOf(tenant), await signalOf(tenant)];
    expect(await createInsight(service, { signals: [b, a, b] })).toMatchObject([
      { source_signal_ids: [b, a], confidence_score: '70', created_by: null },
    ]);
  });

  test('refuses an empty list, and unknown signals or those of another workspace', async () => {
    const signals = await signalsOf(tenant, 2);
    await expectRefusal(createInsight(analyst, { signals: [] }), '22023', /at least one signal/);
    await expectRefusal(createInsight(analyst, { signals: null }), '22023', /at least one signal/);
    for (const other of [randomUUID(), await signalOf(stranger)]) {
      for (const actor of [analyst, service]) {
        const mixed = createInsight(actor, { signals: [...signals, other] });
        await expectRefusal(mixed, 'P0002', /^1 of the 3 signals do not exist/);
      }
    }
    expect(await statusOf(signals)).toEqual(['new']);
    await expectRefusal(createInsight(analyst, { signals, title: ' ' }), '22023', /^title/);
    await expectRefusal(createInsight(analyst, { signals, type: null }), '22023', /^type/);
  });

  test('is allowed for Analysts of the workspace', async () => {
    const signals = await signalsOf(tenant, 1);
    const viewer = createInsight(tenant.actor('Viewer'), { signals });
    await expectRefusal(viewer, '42501', /role Analyst/);
    const foreign = createInsight(stranger.actor('Owner'), { signals });
    await expectRefusal(foreign, '42501', /role Analyst/);
    const nowhere = createInsight(service, { signals, workspace: randomUUID() });
    await expectRefusal(nowhere, 'P0002', /no such workspace/);
  });

  test('concurrent insights with the same signals in opposite order do not deadlock', async () => {
    const signals = await signalsOf(tenant, 6);
    const insights = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        createInsight(service, { signals: n % 2 ? signals : signals.toReversed() }),
      ),
    );
    expect(insights.flat()).toHaveLength(20);
  });
});

describe('get_active_insights', () => {
  test('lists what is relevant today, most confident first', async () => {
    const { workspaceId: workspace_id } = stranger;
    const add = (insight_title: string, values: Record<string, unknown>) =>
      insert(database, 'market_insights', {
        workspace_id,
        insight_title,
        insight_type: 'trend',
        ...values,
      });
    const day = (offset: number) =>
      new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    await add('unrated', {});
    await add('open', { confidence_score: 70 });
    await add('today', {
      confidence_score: 90,
      time_relevance_start: day(0),
      time_relevance_end: day(0),
    });
    await add('over', { time_relevance_end: day(-1) });
    await add('to come', { time_relevance_start: day(1) });
    await add('archived', { insight_status: 'archived' });
    const read = (actor: Actor) =>
      database.as(actor, async (query) => {
        const rows = await query<{ insight_title: string }>(
          'select * from get_active_insights($1)',
          [workspace_id],
        );
        return rows.map(({ insight_title }) => insight_title);
      });
    expect(await read(stranger.actor('Viewer'))).toEqual(['today', 'open', 'unrated']);
    expect(await read(service)).toEqual(['today', 'open', 'unrated']);
    expect(await read(tenant.actor('Owner'))).toEqual([]);
  });
});

describe('get_priority_signals', () => {
  test('lists new signals at or over the threshold, highest first, then newest', async () => {
    const quiet = await createTenant(database);
    const add = (signal_title: string, confidence: number | null, rest = {}) =>
      signalOf(quiet, {
        signal_title,
        confidence_score: confidence,
        relevance_score: 80,
        detection_date: '2026-01-01',
        ...rest,
      });
    await add('high', 100);
    await add('older', 90);
    await add('newer', 90, { detection_date: '2026-02-01' });
    await add('at 50', 62.5);
    await add('below', 62);
    await add('unrated', null);
    await add('actioned', 100, { action_status: 'actioned' });
    await add('expired', 100, { expiry_date: '2026-01-02' });
    const read = (actor: Actor, ...threshold: number[]) =>
      database.as(actor, async (query) => {
        const rows = await query<{ signal_title: string }>(
          `select * from get_priority_signals($1${threshold.length ? ', $2' : ''})`,
          [quiet.workspaceId, ...threshold],
        );
        return rows.map(({ signal_title }) => signal_title);
      });
    expect(await read(quiet.actor('Viewer'))).toEqual(['high', 'newer', 'older', 'at 50']);
    expect(await read(service, 75)).toEqual(['high']);
    expect(await read(tenant.actor('Owner'))).toEqual([]);
  });
});
