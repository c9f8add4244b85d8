import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Subscription,
  TRANSPORTS,
  type Transport,
} from '../support/subscribe.ts';
import { createTenant, insert, type Role, type Tenant } from '../support/tenant.ts';
import { addAgent } from './world.ts';

const ALERTS = 'subscription { alertRaised { node { title } } }';

let database: TestDatabase;
let api: LiveApi;
let listeners: Listener[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  api = await openLiveApi(database);
});
afterEach(async () => {
  for (const listener of listeners) listener.close();
  listeners = [];
  await listening(api, 0);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

interface Watch {
  listener: Listener;
  subscription: Subscription;
  titles(): string[];
}

/** Somebody who is told of alerts, and is listened to from now on. */
async function watch(client: Client, transport?: Transport, query = ALERTS): Promise<Watch> {
  const { subscribers } = await api.open();
  const opened = open(client, transport, query);
  await listening(api, subscribers + 1);
  return opened;
}

function open(client: Client, transport?: Transport, query = ALERTS): Watch {
  const listener = listen(api.url, client, transport);
  listeners.push(listener);
  const subscription = listener.subscribe(query);
  return {
    listener,
    subscription,
    titles: () => subscription.told().map((told) => told?.node?.title),
  };
}

const asRole = ({ people, workspaceId }: Tenant, role: Role) => api.as(people[role], workspaceId);

const ALERT = `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'error', $2)`;
const raise = ({ workspaceId }: Tenant, title: string) =>
  database.query(ALERT, [workspaceId, title]);
const remove = ({ workspaceId }: Tenant, userId: string) =>
  database.query('delete from user_workspaces where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId,
  ]);
const join = ({ workspaceId }: Tenant, userId: string, role: Role = 'Viewer') =>
  database.query('insert into user_workspaces (workspace_id, user_id, role) values ($1, $2, $3)', [
    workspaceId,
    userId,
    role,
  ]);
const promote = ({ workspaceId }: Tenant, userId: string, role: Role) =>
  database.query('update user_workspaces set role = $3 where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId,
    role,
  ]);

describe('a member who is removed', () => {
  it.each(TRANSPORTS)('is dropped, and told why, over %s', async (transport) => {
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
  });

  it('is told nothing of the transaction that removes them', async () => {
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

  it('is told again what they missed when they are back, and nothing of others', async () => {
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
  it('goes on without a gap, with those who have the same role', async () => {
    const tenant = await createTenant(database);
    const member = await watch(await asRole(tenant, 'Viewer'));
    const analyst = await watch(await asRole(tenant, 'Analyst'));
    expect(await api.open()).toEqual({ subscribers: 2, groups: 2 });
    const titles = Array.from({ length: 120 }, (_, n) => `alert ${n}`);
    for (const [n, title] of titles.entries()) {
      await raise(tenant, title);
      if (n === 40) await promote(tenant, tenant.people.Viewer, 'Strategist');
      if (n === 80) await promote(tenant, tenant.people.Viewer, 'Analyst');
      // Whoever is just being admitted, or moved, begins anew where there is another move.
      if (n === 0 || n === 60) await eventually(member.titles).toEqual(titles.slice(0, n + 1));
    }
    await eventually(member.titles).toEqual(titles);
    await eventually(analyst.titles).toEqual(titles);
    expect(member.subscription.isOver()).toBe(false);
    await eventually(api.open).toEqual({ subscribers: 2, groups: 1 });
  });

  it('goes on while news come without a pause', async () => {
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

  it('is told no more than the new role sees', async () => {
    const tenant = await createTenant(database);
    const { workspaceId, people } = tenant;
    // There is an Owner at all times.
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
    // Whose creation may be told as well: it was committed shortly before.
    await eventually(() => owner.subscription.told().at(-1)).toEqual({
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

it('a workspace that is deleted drops its members, and nobody else', async () => {
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

describe('an agent', () => {
  const employ = async (tenant: Tenant) => {
    const name = `agent ${randomUUID()}`;
    const id = await addAgent(database, name, tenant.workspaceId);
    return { id, client: await api.asAgent(name, ['alerts:read'], tenant.workspaceId) };
  };

  it.each([
    ['whose assignment is paused', `update agent_assignments set assignment_status = 'paused'`],
    ['whose assignment is deleted', 'delete from agent_assignments'],
    ['who is switched off', 'update agent_registry set is_active = false'],
  ])('%s is dropped, and no other one', async (_, sql) => {
    const [tenant, other] = [await createTenant(database), await createTenant(database)];
    const agent = await employ(tenant);
    const others = [await employ(tenant), await employ(other)];
    const dropped = await watch(agent.client);
    const [near, far] = [
      await watch((others[0] as typeof agent).client, 'SSE'),
      await watch((others[1] as typeof agent).client),
    ];
    await raise(tenant, 'before');
    await eventually(dropped.titles).toEqual(['before']);
    const column = sql.includes('registry') ? 'id' : 'agent_id';
    await database.query(`${sql} where ${column} = $1`, [agent.id]);
    await raise(tenant, 'after');
    await raise(other, 'far away');
    await eventually(dropped.subscription.code).toBe('FORBIDDEN');
    await eventually(near.titles).toEqual(['before', 'after']);
    await eventually(far.titles).toEqual(['far away']);
    expect(dropped.listener.raw()).not.toContain('after');
  });

  it.each(TRANSPORTS)(
    'who is retired is dropped outside of workspaces, over %s',
    async (transport) => {
      const [retired, other, subject] = await Promise.all(
        ['retired', 'other', 'subject'].map(async (role) => {
          const agent_name = `${role} ${randomUUID()}`;
          const id = await insert(database, 'agent_registry', {
            agent_name,
            agent_type: 'creative',
          });
          return { id, client: await api.asAgent(agent_name, ['global:write']) };
        }),
      );
      const describe = (text: string) =>
        database.query('update agent_registry set description = $1 where id = $2', [
          text,
          subject?.id,
        ]);
      const query = `subscription {
      agentChanged(filter: { id: { equals: "${subject?.id}" } }, operations: [UPDATED]) { node { title: description } }
    }`;
      const live = `query @live { agent(id: "${subject?.id}") { title: description } }`;
      const [dropped, asked, witness] = [
        await watch(retired?.client as Client, transport, query),
        await watch(retired?.client as Client, transport, live),
        await watch(other?.client as Client, transport, query),
      ];
      await describe('before');
      await eventually(dropped.titles).toContain('before');
      await eventually(asked.listener.raw).toContain('before');
      await database.query('update agent_registry set is_active = false where id = $1', [
        retired?.id,
      ]);
      await describe('after');
      await eventually(dropped.subscription.code).toBe('FORBIDDEN');
      await eventually(asked.subscription.code).toBe('FORBIDDEN');
      await eventually(witness.titles).toContain('after');
      for (const { listener } of [dropped, asked]) expect(listener.raw()).not.toContain('after');
      const again = open(retired?.client as Client, transport, query);
      // A socket is refused as a whole.
      const refusal = () => again.listener.closeCode() ?? again.subscription.code();
      await eventually(refusal).toBe(transport === 'WebSocket' ? 4403 : 'FORBIDDEN');
    },
  );
});

it('whoever subscribes while they are removed is told nothing afterwards, 50 times', async () => {
  const tenant = await createTenant(database);
  const witness = await watch(await asRole(tenant, 'Owner'));
  for (let round = 0; round < 50; round += 1) {
    const userId = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [userId]);
    await join(tenant, userId);
    const client = await api.as(userId, tenant.workspaceId);
    const racer = open(client, TRANSPORTS[round % TRANSPORTS.length]);
    await delay(Math.random() * 40);
    await remove(tenant, userId);
    // Two, since what is under way when the first is told may be open for the second.
    await raise(tenant, `first of ${round}`);
    await raise(tenant, `second of ${round}`);
    await eventually(() => witness.titles().length).toBe(2 * (round + 1));
    await eventually(racer.subscription.isOver).toBe(true);
    expect(racer.listener.raw()).not.toContain(` of ${round}`);
  }
  await listening(api, 1);
}, 120_000);

describe('what changed between the request and its subscription counts', () => {
  let reached: () => void;
  let goOn: Promise<void>;
  let slow: LiveApi;
  let tenants: Tenant[];
  const names = [`agent ${randomUUID()}`, `agent ${randomUUID()}`];
  let agentIds: string[];
  beforeAll(async () => {
    // Before the gateway reads changes: it knows of none that make it careful.
    tenants = [await createTenant(database), await createTenant(database)];
    const { workspaceId } = tenants[0] as Tenant;
    agentIds = [];
    for (const name of names) agentIds.push(await addAgent(database, name, workspaceId));
    slow = await openLiveApi(database, {
      wrapped: (feed) => ({
        ...feed,
        async reach(position) {
          await feed.reach(position);
          reached();
          await goOn;
        },
      }),
    });
  });
  afterAll(() => slow?.close());

  /** Subscribes with a cursor, and does the work when the request has been admitted. */
  async function during(client: Client, work: () => Promise<unknown>): Promise<Watch> {
    const admitted = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let release = () => {};
    goOn = new Promise((resolve) => {
      release = resolve;
    });
    const { systemAlerts } = await client.data('{ systemAlerts { liveCursor } }');
    const listener = listen(slow.url, client);
    listeners.push(listener);
    const subscription = listener.subscribe(
      `subscription { alertRaised(after: "${systemAlerts.liveCursor}") { node { title } } }`,
    );
    await admitted;
    await work();
    await caughtUp(slow.feed, database);
    release();
    return {
      listener,
      subscription,
      titles: () => subscription.told().map(({ node }) => node.title),
    };
  }

  it('of a member who is removed', async () => {
    const tenant = tenants[1] as Tenant;
    const client = await slow.as(tenant.people.Viewer, tenant.workspaceId);
    const late = await during(client, async () => {
      await remove(tenant, tenant.people.Viewer);
      await raise(tenant, 'after');
    });
    await eventually(late.subscription.code).toBe('FORBIDDEN');
    expect(late.listener.raw()).not.toContain('after');
  });

  it('of a member who gets another role', async () => {
    const tenant = tenants[1] as Tenant;
    const client = await slow.as(tenant.people.Creator, tenant.workspaceId);
    const late = await during(client, async () => {
      await promote(tenant, tenant.people.Creator, 'Analyst');
    });
    // It comes again, and is told what it missed.
    await eventually(late.listener.closeCode).toBe(1012);
  });

  it.each([
    ['switched off', 0, 'update agent_registry set is_active = false where id = $1'],
    ['no longer assigned', 1, 'delete from agent_assignments where agent_id = $1'],
  ])('of an agent who is %s', async (_, i, sql) => {
    const tenant = tenants[0] as Tenant;
    const client = await slow.asAgent(String(names[i]), ['alerts:read'], tenant.workspaceId);
    const late = await during(client, async () => {
      await database.query(sql, [agentIds[i]]);
      await raise(tenant, 'after');
    });
    await eventually(late.subscription.code).toBe('FORBIDDEN');
    expect(late.listener.raw()).not.toContain('after');
  });
});
