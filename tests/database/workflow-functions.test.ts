import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import {
  createTenant,
  expectRefusal,
  insert,
  type Role,
  service,
  type Tenant,
} from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let workspace_id: string;
let cohorts: string[];
let campaign: string;
let move: string;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  workspace_id = tenant.workspaceId;
  const cohort = () => insert(database, 'cohorts', { workspace_id, name: 'C' });
  cohorts = [await cohort(), await cohort(), await cohort()];
});
beforeEach(async () => {
  campaign = await insert(database, 'campaigns', { workspace_id, name: 'C' });
  move = await insert(database, 'moves', { workspace_id, name: 'M', primary_icp_id: cohorts[0] });
});
afterAll(() => database.close());

const call = (actor: Actor, expression: string, ...values: unknown[]) =>
  database.as(actor, (query) => query(`select * from ${expression}`, values));

/** Expects a call to be refused to the role below, to strangers, and for a row that is not there. */
async function expectGuarded(
  expression: string,
  id: string,
  noun: string,
  minimum: Role,
  below: Role,
  ...values: unknown[]
): Promise<void> {
  const lower = call(tenant.actor(below), expression, id, ...values);
  await expectRefusal(lower, '42501', RegExp(`role ${minimum}`));
  const missing = RegExp(`^there is no such ${noun}$`);
  const theirs = call(stranger.actor('Owner'), expression, id, ...values);
  await expectRefusal(theirs, 'P0002', missing);
  for (const actor of [tenant.actor('Owner'), service]) {
    await expectRefusal(call(actor, expression, randomUUID(), ...values), 'P0002', missing);
  }
}

/** Expects that of many callers at once one succeeds, and the others are told why not. */
async function expectOnce(run: () => Promise<(caller: number) => Promise<unknown>>): Promise<void> {
  await rounds(async () => {
    const results = await race(await run());
    expect(successes(results)).toHaveLength(1);
    expect(refusals(results)).toEqual(['55000']);
  });
}

const actorOf = (caller: number, role: Role) => (caller % 2 ? tenant.actor(role) : service);

describe('complete_quest', () => {
  const quest = (status = 'in_progress') =>
    insert(database, 'campaign_quests', { workspace_id, campaign_id: campaign, name: 'Q', status });

  test('completes what is in progress, with its output', async () => {
    const actor = tenant.actor('Strategist');
    const id = await quest();
    expect(await call(actor, 'complete_quest($1, $2)', id, 'Done')).toMatchObject([
      { id, status: 'completed', actual_output: 'Done' },
    ]);
    for (const status of ['pending', 'blocked', 'on_hold', 'completed']) {
      const refused = call(actor, 'complete_quest($1)', await quest(status));
      await expectRefusal(refused, '55000', RegExp(`${status} to completed`));
    }
    await expectGuarded('complete_quest($1)', await quest(), 'quest', 'Strategist', 'Creator');
  });

  test('happens once', async () => {
    await expectOnce(async () => {
      const id = await quest();
      return (caller) => call(actorOf(caller, 'Strategist'), 'complete_quest($1)', id);
    });
  });
});

describe('link_cohorts', () => {
  const link = (actor: Actor, ids: unknown, ...rest: unknown[]) =>
    call(
      actor,
      rest.length ? 'link_cohorts($1, $2, $3, $4)' : 'link_cohorts($1, $2)',
      campaign,
      ids,
      ...rest,
    );

  test('links in the order given, and again with new values', async () => {
    const actor = tenant.actor('Strategist');
    const [first, second, third] = cohorts;
    const linked = await link(actor, [third, first], [60, 40], [100, null]);
    expect(linked).toMatchObject([
      { cohort_id: third, campaign_id: campaign, allocation_percentage: '60', target_count: 100 },
      { cohort_id: first, allocation_percentage: '40', target_count: null },
    ]);
    const again = await link(
      actor,
      [first, second, third, first],
      [50, null, null, 45],
      [1, 2, null, null],
    );
    expect(again).toMatchObject([
      { cohort_id: first, id: linked[1]?.id, allocation_percentage: '45', target_count: null },
      { cohort_id: second, target_count: 2 },
      { cohort_id: third, id: linked[0]?.id, allocation_percentage: '60', target_count: 100 },
    ]);
  });

  test('refuses bad input', async () => {
    const actor = tenant.actor('Strategist');
    const theirs = await insert(database, 'cohorts', {
      workspace_id: stranger.workspaceId,
      name: 'T',
    });
    for (const ids of [[], null, [cohorts[0], null]]) {
      await expectRefusal(link(actor, ids), '22023', /^cohorts must name/);
    }
    await expectRefusal(link(actor, cohorts, [1], null), '22023', /^allocation_percentages/);
    await expectRefusal(link(actor, cohorts, null, [1]), '22023', /^target_counts/);
    for (const foreign of [theirs, randomUUID()]) {
      for (const who of [actor, service]) {
        await expectRefusal(link(who, [cohorts[0], foreign]), 'P0002', /^1 of the cohorts do not/);
      }
    }
    await expectGuarded(
      'link_cohorts($1, $2)',
      campaign,
      'campaign',
      'Strategist',
      'Creator',
      cohorts,
    );
  });

  test('links each cohort once, whoever else does', async () => {
    await rounds(async () => {
      const results = await race((caller) =>
        link(actorOf(caller, 'Strategist'), caller % 3 ? cohorts : [...cohorts].reverse()),
      );
      expect(refusals(results)).toEqual([]);
      const linked = await database.query('select from campaign_cohorts where campaign_id = $1', [
        campaign,
      ]);
      expect(linked).toHaveLength(cohorts.length);
    });
  });
});

describe('moves', () => {
  test('start once, today unless they have a date', async () => {
    const [started] = await call(tenant.actor('Strategist'), 'start_move($1)', move);
    expect(started).toMatchObject({ status: 'OODA_Observe', start_date: expect.any(Date) });
    await expectRefusal(call(service, 'start_move($1)', move), '55000', /started already/);
    const planned = await insert(database, 'moves', {
      workspace_id,
      name: 'M',
      primary_icp_id: cohorts[0],
      start_date: '2026-01-02',
    });
    await expectGuarded('start_move($1)', planned, 'move', 'Strategist', 'Creator');
    expect(await call(service, 'start_move($1)', planned)).toMatchObject([
      { start_date: new Date(2026, 0, 2) },
    ]);
    await expectOnce(async () => {
      const id = await insert(database, 'moves', {
        workspace_id,
        name: 'M',
        primary_icp_id: cohorts[0],
      });
      return (caller) => call(actorOf(caller, 'Strategist'), 'start_move($1)', id);
    });
  });

  test('are logged', async () => {
    const actor = tenant.actor('Strategist');
    expect(
      await call(actor, `log_move($1, '2026-01-02', 3, 'Fine', '{"clicks": 4}')`, move),
    ).toMatchObject([
      {
        workspace_id,
        move_id: move,
        actions_completed: 3,
        notes: 'Fine',
        metrics_snapshot: { clicks: 4 },
      },
    ]);
    expect(await call(actor, 'log_move($1)', move)).toMatchObject([
      { actions_completed: 0, notes: null, metrics_snapshot: {}, date: expect.any(Date) },
    ]);
    await expectRefusal(call(actor, 'log_move($1, null, -1)', move), '22023', /^actions_completed/);
    await expectGuarded('log_move($1)', move, 'move', 'Strategist', 'Creator');
  });

  test('have anomalies raised', async () => {
    const actor = tenant.actor('Strategist');
    expect(await call(actor, `raise_anomaly($1, 'Drift', 4, 'Off')`, move)).toMatchObject([
      {
        workspace_id,
        move_id: move,
        type: 'Drift',
        severity: 4,
        description: 'Off',
        status: 'Open',
      },
    ]);
    await expectRefusal(call(actor, 'raise_anomaly($1, null, 4)', move), '22023', /^type/);
    for (const severity of [0, 6, null]) {
      const refused = call(actor, `raise_anomaly($1, 'Drift', $2)`, move, severity);
      await expectRefusal(refused, '22023', /^severity/);
    }
    await expectGuarded(`raise_anomaly($1, 'Drift', 1)`, move, 'move', 'Strategist', 'Creator');
  });
});

describe('assign_agent', () => {
  const register = (is_active = true) =>
    insert(database, 'agent_registry', { agent_name: randomUUID(), agent_type: 'lord', is_active });

  test('assigns to the workspace or a campaign, and takes up what was paused', async () => {
    const agent = await register();
    const actor = tenant.actor('Strategist');
    const [general] = await call(actor, 'assign_agent($1, $2)', workspace_id, agent);
    expect(general).toMatchObject({
      assigned_to_campaign_id: null,
      assignment_status: 'active',
      priority_level: 'normal',
      assigned_by: tenant.people.Strategist,
    });
    const specific = await call(
      actor,
      `assign_agent($1, $2, $3, 'high', '{"n": 1}')`,
      workspace_id,
      agent,
      campaign,
    );
    expect(specific).toMatchObject([
      { assigned_to_campaign_id: campaign, priority_level: 'high', assignment_config: { n: 1 } },
    ]);
    await database.query(
      `update agent_assignments set assignment_status = 'paused' where agent_id = $1`,
      [agent],
    );
    expect(
      await call(service, `assign_agent($1, $2, priority => 'low')`, workspace_id, agent),
    ).toMatchObject([{ id: general?.id, assignment_status: 'active', priority_level: 'low' }]);
  });

  test('refuses agents that are not there or not active, and other roles', async () => {
    const agent = await register();
    const actor = tenant.actor('Strategist');
    const assign = (who: Actor, ...values: unknown[]) =>
      call(who, 'assign_agent($1, $2)', ...values);
    await expectRefusal(assign(actor, workspace_id, randomUUID()), 'P0002', /no such agent/);
    await expectRefusal(assign(actor, workspace_id, await register(false)), '55000', /not active/);
    await expectRefusal(
      assign(tenant.actor('Creator'), workspace_id, agent),
      '42501',
      /role Strategist/,
    );
    await expectRefusal(
      assign(stranger.actor('Owner'), workspace_id, agent),
      '42501',
      /role Strat/,
    );
    await expectRefusal(assign(service, randomUUID(), agent), 'P0002', /no such workspace/);
    const theirs = await insert(database, 'campaigns', {
      workspace_id: stranger.workspaceId,
      name: 'T',
    });
    const foreign = call(actor, 'assign_agent($1, $2, $3)', workspace_id, agent, theirs);
    await expectRefusal(foreign, '23503', /campaign_id_fkey/);
  });

  test('makes one assignment, however many ask', async () => {
    await rounds(async () => {
      const agent = await register();
      const results = await race((caller) =>
        caller % 4 < 2
          ? call(actorOf(caller, 'Strategist'), 'assign_agent($1, $2)', workspace_id, agent)
          : call(
              actorOf(caller, 'Strategist'),
              'assign_agent($1, $2, $3)',
              workspace_id,
              agent,
              campaign,
            ),
      );
      expect(refusals(results)).toEqual([]);
      const rows = await database.query('select from agent_assignments where agent_id = $1', [
        agent,
      ]);
      expect(rows).toHaveLength(2);
    });
  });
});

describe('signals', () => {
  const record = (actor: Actor, rest: string, ...values: unknown[]) =>
    call(actor, `record_signal($1, ${rest})`, workspace_id, ...values);

  test('are recorded', async () => {
    expect(
      await record(
        tenant.actor('Analyst'),
        `'competitor', 'competitor_activity', 'Prices fall', 80, 90.5, data_points => '{"n": 4}', campaigns => $2`,
        [campaign],
      ),
    ).toMatchObject([
      {
        workspace_id,
        signal_title: 'Prices fall',
        confidence_score: '80',
        relevance_score: '90.5',
        related_campaign_ids: [campaign],
        data_points: { n: 4 },
        action_status: 'new',
        created_by: tenant.people.Analyst,
      },
    ]);
  });

  test('refuse bad input and other roles', async () => {
    const actor = tenant.actor('Analyst');
    await expectRefusal(record(actor, `null, 'market_trend', 'T'`), '22023', /^source/);
    await expectRefusal(record(actor, `'trend', null, 'T'`), '22023', /^category/);
    await expectRefusal(record(actor, `'trend', 'market_trend', ' '`), '22023', /^title/);
    await expectRefusal(record(actor, `'trend', 'market_trend', 'T', 101`), '22023', /^confidence/);
    await expectRefusal(
      record(actor, `'trend', 'market_trend', 'T', 'NaN'`),
      '22023',
      /^confidence/,
    );
    await expectRefusal(
      record(actor, `'trend', 'market_trend', 'T', 1, -1`),
      '22023',
      /^relevance/,
    );
    const viewer = record(tenant.actor('Viewer'), `'trend', 'market_trend', 'T'`);
    await expectRefusal(viewer, '42501', /role Analyst/);
  });

  test('are acknowledged once, by the person who does', async () => {
    const signal = () =>
      insert(database, 'intelligence_signals', {
        workspace_id,
        source_type: 'trend',
        signal_category: 'market_trend',
        signal_title: 'T',
      });
    expect(
      await call(tenant.actor('Analyst'), 'acknowledge_signal($1, $2)', await signal(), 'Mine'),
    ).toMatchObject([
      {
        action_status: 'acknowledged',
        action_notes: 'Mine',
        assigned_to_user_id: tenant.people.Analyst,
      },
    ]);
    await expectGuarded('acknowledge_signal($1)', await signal(), 'signal', 'Analyst', 'Viewer');
    await expectOnce(async () => {
      const id = await signal();
      return (caller) => call(actorOf(caller, 'Analyst'), 'acknowledge_signal($1)', id);
    });
  });
});

describe('decide_experiment', () => {
  const experiment = (variants: unknown = [{ key: 'A', name: 'Long' }, { key: 'B' }]) =>
    insert(database, 'experiments', {
      workspace_id,
      hypothesis: 'H',
      variants: variants === null ? null : JSON.stringify(variants),
    });
  const decide = (actor: Actor, id: string, winner: string | null, confidence: unknown = 0.97) =>
    call(actor, 'decide_experiment($1, $2, $3)', id, winner, confidence);

  test.each([
    ['a key', undefined, 'B'],
    ['a name', undefined, 'Long'],
    ['a text', ['x', 'y'], 'x'],
    ['a key of an object', { x: {}, y: {} }, 'y'],
    ['anything, where none are named', null, 'z'],
  ])('completes it with %s of a variant', async (_, variants, winner) => {
    expect(await decide(tenant.actor('Creator'), await experiment(variants), winner)).toMatchObject(
      [
        {
          status: 'completed',
          winner_variant: winner,
          confidence: 0.97,
          completed_at: expect.any(Date),
        },
      ],
    );
  });

  test('refuses other winners, what is decided, and other roles', async () => {
    const actor = tenant.actor('Creator');
    const id = await experiment();
    for (const winner of ['C', ''])
      await expectRefusal(decide(actor, id, winner), '22023', /variant|winner/);
    for (const variants of [['x'], { x: {} }]) {
      await expectRefusal(
        decide(actor, await experiment(variants), 'z'),
        '22023',
        /no such variant/,
      );
    }
    for (const beyond of [1.1, 'NaN', -0.1]) {
      await expectRefusal(decide(actor, id, 'A', beyond), '22023', /^confidence/);
    }
    await expectGuarded(`decide_experiment($1, 'A')`, id, 'experiment', 'Creator', 'Analyst');
    await decide(actor, id, 'A');
    await expectRefusal(decide(actor, id, 'B'), '55000', /completed to completed/);
  });

  test('happens once', async () => {
    await expectOnce(async () => {
      const id = await experiment();
      return (caller) => decide(actorOf(caller, 'Creator'), id, caller % 2 ? 'A' : 'B');
    });
  });
});
