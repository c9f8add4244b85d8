import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { race, refusals, rounds } from '../support/race.ts';
import { expectRefusal, insert, service } from '../support/tenant.ts';
import {
  actorOf,
  call,
  campaign,
  database,
  expectGuarded,
  expectOnce,
  setUp,
  stranger,
  tenant,
  workspace_id,
} from './workflow-world.ts';

setUp();

describe('assign_agent', () => {
  const register = (is_active = true) =>
    insert(database, 'agent_registry', { agent_name: randomUUID(), agent_type: 'lord', is_active });

  test('assigns to the workspace or a campaign, and reactivates a paused assignment', async () => {
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

  test('refuses missing and inactive agents, and other roles', async () => {
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

  test('makes one assignment for concurrent callers', async () => {
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

  test('can be recorded', async () => {
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

  test('are acknowledged once, by the caller', async () => {
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

  test('refuses unknown winners, decided experiments and other roles', async () => {
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

  test('succeeds once', async () => {
    await expectOnce(async () => {
      const id = await experiment();
      return (caller) => decide(actorOf(caller, 'Creator'), id, caller % 2 ? 'A' : 'B');
    });
  });
});
