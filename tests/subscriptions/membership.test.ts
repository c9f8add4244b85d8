import { describe, expect, it } from 'vitest';
import type { Query } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { quiet, TRANSPORTS } from '../support/subscribe.ts';
import { createTenant, insert } from '../support/tenant.ts';
import {
  ALERT,
  api,
  asRole,
  database,
  join,
  listeners,
  open,
  promote,
  raise,
  remove,
  setUp,
  watch,
} from './membership-world.ts';

setUp();

describe('a member who is removed', () => {
  it.each(TRANSPORTS)(
    'loses their subscription and gets the reason, over %s',
    async (transport) => {
      const tenant = await createTenant(database);
      const member = await watch(await asRole(tenant, 'Viewer'), transport);
      const other = await watch(await asRole(tenant, 'Analyst'), transport);
      await raise(tenant, 'before');
      await eventually(member.titles).toEqual(['before']);
      await remove(tenant, tenant.people.Viewer);
      await raise(tenant, 'after');
      await eventually(member.subscription.code).toBe('FORBIDDEN');
      await eventually(member.subscription.isOver).toBe(true);
      await eventually(other.titles).toEqual(['before', 'after']);
      expect(member.listener.raw()).not.toContain('after');
      expect(member.listener.raw()).toContain('no longer a member');
      expect(other.subscription.isOver()).toBe(false);
    },
  );

  it('receives no change of the transaction that removes them', async () => {
    const tenant = await createTenant(database);
    const { workspaceId, people } = tenant;
    const member = await watch(await asRole(tenant, 'Viewer'));
    const other = await watch(await asRole(tenant, 'Owner'));
    await database.as({ role: 'service_role' }, async (query) => {
      await query(ALERT, [workspaceId, 'just before']);
      await query('delete from user_workspaces where user_id = $1', [people.Viewer]);
      await query(ALERT, [workspaceId, 'just after']);
    });
    await eventually(other.titles).toEqual(['just before', 'just after']);
    await eventually(member.subscription.code).toBe('FORBIDDEN');
    expect(member.listener.raw()).not.toContain('just');
  });

  it('receives missed changes of the workspace when they join again', async () => {
    const [tenant, other] = [await createTenant(database), await createTenant(database)];
    const userId = tenant.people.Viewer;
    const client = await asRole(tenant, 'Viewer');
    const { systemAlerts } = await client.data('{ systemAlerts { liveCursor } }');
    await remove(tenant, userId);
    await raise(tenant, 'missed');
    await raise(other, 'of others');
    const resumed = `subscription { alertRaised(after: "${systemAlerts.liveCursor}") { node { title } } }`;
    const refused = open(client, 'SSE', resumed);
    await eventually(refused.subscription.code).toBe('FORBIDDEN');
    await join(tenant, userId);
    const back = await watch(client, 'WebSocket', resumed);
    await eventually(back.titles).toEqual(['missed']);
  });
});

describe('a member whose role changes', () => {
  it('moves to the group of the new role and misses nothing', async () => {
    const tenant = await createTenant(database);
    const member = await watch(await asRole(tenant, 'Viewer'));
    const analyst = await watch(await asRole(tenant, 'Analyst'));
    expect(await api.open()).toEqual({ subscribers: 2, groups: 2 });
    const titles = Array.from({ length: 120 }, (_, n) => `alert ${n}`);
    for (const [n, title] of titles.entries()) {
      await raise(tenant, title);
      if (n === 40) await promote(tenant, tenant.people.Viewer, 'Strategist');
      if (n === 80) await promote(tenant, tenant.people.Viewer, 'Analyst');
      // A move during a start or another move would end the subscription.
      if (n === 0 || n === 60) await eventually(member.titles).toEqual(titles.slice(0, n + 1));
    }
    await eventually(member.titles).toEqual(titles);
    await eventually(analyst.titles).toEqual(titles);
    expect(member.subscription.isOver()).toBe(false);
    await eventually(api.open).toEqual({ subscribers: 2, groups: 1 });
  });

  it('misses nothing during continuous changes', async () => {
    const tenant = await createTenant(database);
    const member = await watch(await asRole(tenant, 'Viewer'));
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; n < 100; n += 1) await raise(tenant, `${writer}/${n}`);
    });
    await eventually(() => member.titles().length).toBeGreaterThan(50);
    await promote(tenant, tenant.people.Viewer, 'Analyst');
    await Promise.all(writers);
    await eventually(() => member.titles().length).toBeGreaterThanOrEqual(400);
    expect(new Set(member.titles()).size).toBe(400);
    expect(member.titles()).toHaveLength(400);
    for (let writer = 0; writer < 4; writer += 1) {
      const own = member.titles().filter((title) => title.startsWith(`${writer}/`));
      expect(own).toEqual(Array.from({ length: 100 }, (_, n) => `${writer}/${n}`));
    }
    expect(member.subscription.isOver()).toBe(false);
  });

  it('receives only what the new role may see', async () => {
    const tenant = await createTenant(database);
    const { workspaceId, people } = tenant;
    // A workspace always needs an Owner.
    await promote(tenant, people.Strategist, 'Owner');
    const billed = await insert(database, 'billing_history', {
      ...{ workspace_id: workspaceId, user_id: people.Creator, amount: 1 },
      ...{ merchant_transaction_id: 'T', failure_reason: 'the first reason' },
    });
    const query = 'subscription { billingRecordChanged { operation node { failureReason } } }';
    const owner = await watch(await asRole(tenant, 'Owner'), 'WebSocket', query);
    const other = await watch(await asRole(tenant, 'Strategist'), 'WebSocket', query);
    const rename = (run: Query, name: string) =>
      run('update billing_history set failure_reason = $2 where id = $1', [billed, name]);
    await rename(database.query, 'the second reason');
    // The creation, committed shortly before, may be sent as well.
    await eventually(() => owner.subscription.received().at(-1)).toEqual({
      operation: 'UPDATED',
      node: { failureReason: 'the second reason' },
    });
    await database.as({ role: 'service_role' }, async (run) => {
      await rename(run, 'the third reason');
      await run(`update user_workspaces set role = 'Viewer' where user_id = $1`, [people.Owner]);
      await rename(run, 'the fourth reason');
    });
    await rename(database.query, 'the fifth reason');
    await eventually(() => other.listener.raw()).toContain('the fifth reason');
    await quiet(listeners);
    expect(owner.listener.raw()).toContain('the second reason');
    expect(owner.listener.raw()).not.toMatch(/the (third|fourth|fifth) reason/);
  });
});

it('only the subscriptions of a deleted workspace end', async () => {
  const [tenant, other] = [await createTenant(database), await createTenant(database)];
  const query = 'subscription { workspaceChanged { operation node { name } } }';
  const members = [
    await watch(await asRole(tenant, 'Owner')),
    await watch(await asRole(tenant, 'Viewer'), 'SSE'),
    await watch(await asRole(tenant, 'Owner'), 'WebSocket', query),
  ];
  const witness = await watch(await asRole(other, 'Owner'));
  await database.query('delete from workspaces where id = $1', [tenant.workspaceId]);
  for (const { subscription } of members) await eventually(subscription.code).toBe('FORBIDDEN');
  await raise(other, 'still here');
  await eventually(witness.titles).toEqual(['still here']);
});
