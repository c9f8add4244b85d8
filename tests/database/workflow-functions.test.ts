import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { race, refusals, rounds } from '../support/race.ts';
import { expectRefusal, insert, service } from '../support/tenant.ts';
import {
  actorOf,
  call,
  campaign,
  cohorts,
  database,
  expectGuarded,
  expectOnce,
  move,
  setUp,
  stranger,
  tenant,
  workspace_id,
} from './workflow-world.ts';

setUp();

describe('complete_quest', () => {
  const quest = (status = 'in_progress') =>
    insert(database, 'campaign_quests', { workspace_id, campaign_id: campaign, name: 'Q', status });

  test('completes a quest that is in progress, with its output', async () => {
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

  test('succeeds once', async () => {
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

  test('links in the given order, and updates existing links', async () => {
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

  test('links each cohort once for concurrent callers', async () => {
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
  test('start once, today unless they have a start date', async () => {
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

  test('can be logged', async () => {
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

  test('can have anomalies raised', async () => {
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
