import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service } from '../support/tenant.ts';
import { database, historyOf, newCohort, setUp, strategist, tenant } from './audit-world.ts';

setUp();

describe('an entry can be read', () => {
  const seenBy = async (id: string) => {
    const roles = ['Owner', 'Analyst', 'Viewer'] as const;
    const seers = await Promise.all(roles.map((role) => seen(tenant.actor(role), id)));
    return roles.filter((_, n) => seers[n]);
  };

  const seen = async (actor: Actor, id: unknown) => (await historyOf(id, actor)).length;

  test('by members in the workspace of the row, and by agents that act there', async () => {
    const id = await newCohort(strategist);
    const stranger = await createTenant(database);
    expect(await seen(tenant.actor('Viewer'), id)).toBe(1);
    expect(await seen(service, id)).toBe(1);
    const agent_id = await insert(database, 'agent_registry', {
      agent_name: 'intel-scout',
      agent_type: 'intelligence',
    });
    const agent = { agent: 'intel-scout', scopes: ['*:read'], workspaceId: tenant.workspaceId };
    expect(await seen(agent, id)).toBe(0);
    await insert(database, 'agent_assignments', { workspace_id: tenant.workspaceId, agent_id });
    expect(await seen(agent, id)).toBe(1);
    const outsiders: Actor[] = [
      stranger.actor('Owner'),
      { userId: stranger.people.Owner, workspaceId: tenant.workspaceId },
      { userId: tenant.people.Owner },
      { workspaceId: tenant.workspaceId },
    ];
    for (const actor of outsiders) expect(await seen(actor, id)).toBe(0);
  });

  test('only by the person, if the row belongs to a person', async () => {
    const { workspaceId: workspace_id, people } = tenant;
    const user_id = people.Viewer;
    const achievement_id = await insert(database, 'achievements', {
      workspace_id,
      name: 'First',
      badge_type: 'milestone',
      condition_type: 'count',
    });
    const achieved = (person: string, visibility: string) =>
      insert(database, 'user_achievements', {
        workspace_id,
        user_id: person,
        achievement_id,
        visibility,
      });
    const notification = await insert(database, 'user_notifications', {
      workspace_id,
      user_id,
      notification_type: 'message',
      title: 'T',
      message: 'M',
    });
    expect(await seenBy(notification)).toEqual(['Viewer']);
    expect(await seenBy(await achieved(user_id, 'private'))).toEqual(['Viewer']);
    expect(await seenBy(await achieved(people.Analyst, 'public'))).toEqual([
      'Owner',
      'Analyst',
      'Viewer',
    ]);
    const onboarding = await insert(database, 'onboarding_responses', { user_id });
    expect(await seenBy(onboarding)).toEqual(['Viewer']);
    const subscription = await insert(database, 'subscriptions', { user_id, workspace_id });
    expect(await seenBy(subscription)).toEqual(['Viewer']);
    expect(await seenBy(user_id)).toEqual(['Owner', 'Analyst', 'Viewer']);
    const stranger = await createTenant(database);
    expect(await seen(stranger.actor('Owner'), user_id)).toBe(0);
  });

  test('only by Owners and agents with the scope, if it is about billing', async () => {
    const { workspaceId: workspace_id, people } = tenant;
    const agent = 'history agent';
    const agent_id = await insert(database, 'agent_registry', {
      agent_name: agent,
      agent_type: 'researcher',
    });
    await insert(database, 'agent_assignments', { workspace_id, agent_id });
    const paid = { workspace_id, user_id: people.Viewer, amount: 1 };
    const merchant_subscription_id = randomUUID();
    const rows = [
      await insert(database, 'billing_history', { ...paid, merchant_transaction_id: 'T' }),
      await insert(database, 'autopay_subscriptions', {
        ...{ ...paid, merchant_subscription_id, plan: 'ascent', mobile_number: '1' },
        ...{ billing_period: 'monthly', billing_frequency: 'MONTHLY', start_date: '2026-01-01' },
      }),
      await insert(database, 'autopay_payments', {
        ...{ ...paid, merchant_subscription_id, payment_id: 'P' },
      }),
    ];
    for (const id of rows) {
      expect(await seenBy(id)).toEqual(['Owner']);
      const by = (...scopes: string[]) => seen({ agent, scopes, workspaceId: workspace_id }, id);
      expect([await by('*:read', '*:write'), await by('billing:read')]).toEqual([0, 1]);
    }
  });

  test('by every signed-in person, if all workspaces share the row', async () => {
    const maneuver = await insert(database, 'maneuver_types', { name: 'M', category: 'Recon' });
    expect(await seen({ userId: randomUUID() }, maneuver)).toBe(1);
    expect(await seen({}, maneuver)).toBe(0);
  });
});

describe('the log is append-only', () => {
  test.each([
    [
      'insert',
      `insert into gateway.audit_log (table_name, row_id, operation) values ('t', '1', 'INSERT')`,
    ],
    ['update', `update gateway.audit_log set actor = null`],
    ['delete', 'delete from gateway.audit_log'],
    ['truncate', 'truncate gateway.audit_log'],
  ])('for people and trusted writers: no %s', async (_, sql) => {
    for (const actor of [tenant.actor('Owner'), service]) {
      const write = database.rehearse(actor, (query) => query(sql));
      await expectRefusal(write, '42501', /permission denied/);
    }
  });

  test.each([
    'update gateway.audit_log set actor = null',
    'delete from gateway.audit_log',
    'truncate gateway.audit_log',
  ])('for its owner: %s', (sql) => expectRefusal(database.query(sql), '42501', /append-only/));

  test('trusted writers can delete entries older than 365 days', async () => {
    const old = randomUUID();
    const add = (age: string) =>
      database.query(
        `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
         values (now() - $1::interval, 'cohorts', $2, 'INSERT')`,
        [age, old],
      );
    await add('366 days');
    await add('364 days');
    const trim = (actor: Actor, keep = '') =>
      database.as(actor, (query) =>
        query(`select gateway.trim_audit_log(${keep})::int as trimmed`),
      );
    await expectRefusal(trim(tenant.actor('Owner')), '42501', /permission denied/);
    await expectRefusal(trim(service, `'-1 day'`), '22023', /^keep/);
    expect(await trim(service)).toEqual([{ trimmed: 1 }]);
    expect(await historyOf(old)).toHaveLength(1);
    expect(await trim(service, `'300 days'`)).toEqual([{ trimmed: 1 }]);
    await expectRefusal(database.query('delete from gateway.audit_log'), '42501', /append-only/);
  });

  test('deletes a page at a time, in one session at a time', async () => {
    await database.query(
      `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
       select now() - interval '400 days', 'cohorts', n::text, 'INSERT' from generate_series(1, 10001) as n`,
    );
    const trim = 'select gateway.trim_audit_log()::int as trimmed';
    await database.rehearse(service, async (query) => {
      expect(await query(trim)).toEqual([{ trimmed: 10_000 }]);
      expect(await database.query(trim)).toEqual([{ trimmed: 0 }]);
    });
    expect(await database.query(trim)).toEqual([{ trimmed: 10_000 }]);
    expect(await database.query(trim)).toEqual([{ trimmed: 1 }]);
  });

  test('gateways can only delete entries that are old enough', async () => {
    const [old, kept] = [randomUUID(), randomUUID()];
    for (const [row, age] of [
      [old, '366 days'],
      [kept, '364 days'],
    ]) {
      await database.query(
        `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
         values (now() - $1::interval, 'cohorts', $2, 'INSERT')`,
        [age, row],
      );
    }
    const expired = await database.as(tenant.actor('Viewer'), (query) =>
      query('select gateway.expire_audit_log()::int as trimmed'),
    );
    expect(expired).toEqual([{ trimmed: 1 }]);
    expect(await historyOf(old)).toHaveLength(0);
    expect(await historyOf(kept)).toHaveLength(1);
  });
});
