import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import { listen, listening, TRANSPORTS } from '../support/subscribe.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import {
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
  type Watch,
  watch,
} from './membership-world.ts';
import { addAgent } from './world.ts';

setUp();

describe('an agent', () => {
  const createAgent = async (tenant: Tenant) => {
    const name = `agent ${randomUUID()}`;
    const id = await addAgent(database, name, tenant.workspaceId);
    return { id, client: await api.asAgent(name, ['alerts:read'], tenant.workspaceId) };
  };

  it.each([
    ['whose assignment is paused', `update agent_assignments set assignment_status = 'paused'`],
    ['whose assignment is deleted', 'delete from agent_assignments'],
    ['that is deactivated', 'update agent_registry set is_active = false'],
  ])('%s is the only one whose subscription ends', async (_, sql) => {
    const [tenant, other] = [await createTenant(database), await createTenant(database)];
    const agent = await createAgent(tenant);
    const others = [await createAgent(tenant), await createAgent(other)];
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
    'that is deactivated loses its global subscriptions, over %s',
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
      const liveQuery = `query @live { agent(id: "${subject?.id}") { title: description } }`;
      const [dropped, live, witness] = [
        await watch(retired?.client as Client, transport, query),
        await watch(retired?.client as Client, transport, liveQuery),
        await watch(other?.client as Client, transport, query),
      ];
      await describe('before');
      await eventually(dropped.titles).toContain('before');
      await eventually(live.listener.raw).toContain('before');
      await database.query('update agent_registry set is_active = false where id = $1', [
        retired?.id,
      ]);
      await describe('after');
      await eventually(dropped.subscription.code).toBe('FORBIDDEN');
      await eventually(live.subscription.code).toBe('FORBIDDEN');
      await eventually(witness.titles).toContain('after');
      for (const { listener } of [dropped, live]) expect(listener.raw()).not.toContain('after');
      const again = open(retired?.client as Client, transport, query);
      // The whole socket is refused.
      const refusal = () => again.listener.closeCode() ?? again.subscription.code();
      await eventually(refusal).toBe(transport === 'WebSocket' ? 4403 : 'FORBIDDEN');
    },
  );
});

it('a member that is removed while it subscribes receives nothing afterwards, 50 times', async () => {
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
    // Two, since a subscription that starts during the first event may be open at the second.
    await raise(tenant, `first of ${round}`);
    await raise(tenant, `second of ${round}`);
    await eventually(() => witness.titles().length).toBe(2 * (round + 1));
    await eventually(racer.subscription.isOver).toBe(true);
    expect(racer.listener.raw()).not.toContain(` of ${round}`);
  }
  await listening(api, 1);
}, 120_000);

describe('a subscription follows changes made between its request and its start', () => {
  let reached: () => void;
  let mayContinue: Promise<void>;
  let slow: LiveApi;
  let tenants: Tenant[];
  const names = [`agent ${randomUUID()}`, `agent ${randomUUID()}`];
  let agentIds: string[];
  beforeAll(async () => {
    // Before the gateway starts, so that it reads no changes of memberships.
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
          await mayContinue;
        },
      }),
    });
  });
  afterAll(() => slow?.close());

  /** Subscribes with a cursor, and does the work between the access check and the start. */
  async function during(client: Client, work: () => Promise<unknown>): Promise<Watch> {
    const checked = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let release = () => {};
    mayContinue = new Promise((resolve) => {
      release = resolve;
    });
    const { systemAlerts } = await client.data('{ systemAlerts { liveCursor } }');
    const listener = listen(slow.url, client);
    listeners.push(listener);
    const subscription = listener.subscribe(
      `subscription { alertRaised(after: "${systemAlerts.liveCursor}") { node { title } } }`,
    );
    await checked;
    await work();
    await caughtUp(slow.feed, database);
    release();
    return {
      listener,
      subscription,
      titles: () => subscription.received().map(({ node }) => node.title),
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
    // The client connects again and resumes from its cursor.
    await eventually(late.listener.closeCode).toBe(1012);
  });

  it.each([
    ['deactivated', 0, 'update agent_registry set is_active = false where id = $1'],
    ['no longer assigned', 1, 'delete from agent_assignments where agent_id = $1'],
  ])('of an agent that is %s', async (_, i, sql) => {
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
