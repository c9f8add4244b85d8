import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { insert, type Tenant } from '../../support/tenant.ts';
import { createLiveWorld, type Live, type LiveWorld, TRANSPORTS } from './live-world.ts';

const ACTIVE = 'filter: { status: { equals: ACTIVE } }';
const ALERTS = `query @live { systemAlerts(${ACTIVE}) { totalCount nodes { title } } }`;

let world: LiveWorld;

beforeAll(async () => {
  world = await createLiveWorld();
});
afterEach(() => world.leave());
afterAll(async () => {
  await world?.close();
});

const raise = (title: string, { workspaceId }: Tenant = world.ours) =>
  insert(world.database, 'system_alerts', {
    workspace_id: workspaceId,
    alert_type: 'error',
    title,
    severity_level: 'high',
  });
const rename = () =>
  world.database.query('update workspaces set name = $2 where id = $1', [
    world.ours.workspaceId,
    randomUUID(),
  ]);
const dismissAll = () =>
  world.database.query(`update system_alerts set status = 'dismissed' where status = 'active'`);
const titles = (live: Live) =>
  (live.data()?.systemAlerts.nodes ?? []).map(({ title }: { title: string }) => title);
const received = (live: Live, count: number) => eventually(() => live.results.length).toBe(count);
const failure = (live: Live) => live.last()?.errors?.[0]?.extensions.code;

describe('a live query', () => {
  it.each(TRANSPORTS)(
    'sends its result at once, and again when it changes, over %s',
    async (transport) => {
      await dismissAll();
      const live = await world.open(ALERTS, { transport });
      await received(live, 1);
      expect(live.results).toEqual([{ data: { systemAlerts: { totalCount: 0, nodes: [] } } }]);
      await raise('One');
      await received(live, 2);
      await raise('Two');
      await received(live, 3);
      expect(live.last()).toEqual({
        data: { systemAlerts: { totalCount: 2, nodes: [{ title: 'Two' }, { title: 'One' }] } },
      });
      expect(live.isOver()).toBe(false);
      live.end();
      await eventually(() => world.streams()).toEqual({ subscribers: 0, groups: 0 });
    },
  );

  it.each(TRANSPORTS)('with @live(if: false) is answered once over %s', async (transport) => {
    const query =
      'query ($live: Boolean! = false) @live(if: $live) { systemAlerts { totalCount } }';
    const live = await world.open(query, { transport });
    await eventually(() => live.isOver()).toBe(true);
    expect(live.results.map(({ data }) => Object.keys(data))).toEqual([['systemAlerts']]);
    expect((await world.streams()).subscribers).toBe(0);
  });

  it('is answered once if its client accepts no stream', async () => {
    expect(await world.ask(ALERTS)).toEqual(await world.ask(ALERTS.replace('@live', '')));
    expect((await world.streams()).subscribers).toBe(0);
  });

  it.each([
    ['mutation @live { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription @live { alertRaised { cursor } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['query @live { systemAlerts { liveCursor } }', 'BAD_USER_INPUT'],
    ['query @live { viewer { memberships { role } } }', 'BAD_USER_INPUT'],
    ['query ($id: UUID!) @live { cohort(id: $id) { name } }', undefined],
  ])('is refused if it cannot be live: %s', async (query, code) => {
    const live = await world.open(query);
    await eventually(() => live.isOver()).toBe(true);
    expect(live.results).toHaveLength(1);
    expect(live.last()?.errors).toHaveLength(1);
    expect(code === undefined || failure(live) === code, JSON.stringify(live.results)).toBe(true);
    expect((await world.streams()).subscribers).toBe(0);
  });

  it('sends errors as part of its result, and continues', async () => {
    const query = `query @live(patch: true) { systemAlerts(${ACTIVE}) { totalCount }
      node(nodeId: "nonsense") { nodeId } }`;
    const live = await world.open(query);
    await received(live, 1);
    expect(live.last()).toMatchObject({
      data: { node: null },
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(live.last()?.errors?.[0]?.extensions).not.toHaveProperty('http');
    await raise(randomUUID());
    await received(live, 2);
  });
});

describe('a live query is executed', () => {
  it('not for changes of other tables or workspaces, and sends no equal result', async () => {
    await dismissAll();
    await raise('Ours');
    const live = await world.open(ALERTS);
    await received(live, 1);
    await world.settled();
    const before = await world.executions();
    await rename();
    await raise('Theirs', world.theirs);
    await world.settled();
    expect(await world.executions()).toBe(before);
    await world.database.query(
      `update system_alerts set description = 'Changed' where title = 'Ours'`,
    );
    await world.settled();
    expect(await world.executions()).toBe(before + 1);
    expect(live.results).toHaveLength(1);
  });

  it.each([
    [
      'inline',
      'query @live { campaigns(filter: { alerts: { some: { title: { equals: "T" } } } }) { totalCount } }',
      undefined,
    ],
    [
      'in a variable',
      'query ($f: CampaignFilter) @live { campaigns(filter: $f) { totalCount } }',
      { f: { or: [{ alerts: { some: { title: { equals: 'T' } } } }] } },
    ],
    [
      'in a default',
      'query ($f: CampaignFilter = { alerts: { some: { title: { equals: "T" } } } }) @live { campaigns(filter: $f) { totalCount } }',
      undefined,
    ],
  ])('for changes of tables that only a filter reads, %s', async (_, query, variables) => {
    const live = await world.open(query, variables ? { variables } : {});
    await received(live, 1);
    const before = await world.executions();
    await raise('Of no campaign');
    await eventually(() => world.executions()).toBe(before + 1);
    await rename();
    await world.settled();
    expect(await world.executions()).toBe(before + 1);
  });

  it('for changes of tables that a view reads', async () => {
    const live = await world.open(
      'query @live { workspace(id: "ID") { overview { entity status total } } }'.replace(
        'ID',
        world.ours.workspaceId,
      ),
    );
    await received(live, 1);
    await raise('Counted');
    await received(live, 2);
  });

  it('for changes of tables that all workspaces share', async () => {
    const live = await world.open('query @live { channelRoles { nodes { id name } } }', {
      tenant: world.theirs,
    });
    await received(live, 1);
    await insert(world.database, 'channel_roles', { id: randomUUID(), name: 'New' });
    await received(live, 2);
  });
});

describe('the executions of a live query', () => {
  it('are at most four per second, and include the last change', async () => {
    await dismissAll();
    const live = await world.open(ALERTS);
    await received(live, 1);
    await world.settled();
    const [before, startedAt] = [await world.executions(), Date.now()];
    for (let n = 0; n < 100; n += 1) await raise(`Number ${n}`);
    await eventually(() => live.data().systemAlerts.totalCount).toBe(100);
    const seconds = (Date.now() - startedAt) / 1000;
    await world.settled();
    const executions = (await world.executions()) - before;
    expect(executions).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 2);
    expect(titles(live)).toContain('Number 99');
  });

  it('are shared by equal queries, and later clients get the last result at once', async () => {
    await world.settled();
    const before = await world.executions();
    const roles = ['Owner', 'Owner'] as const;
    const first = await world.open(ALERTS);
    await received(first, 1);
    const others = await Promise.all(
      Array.from({ length: 99 }, (_, n) =>
        world.open(ALERTS, {
          role: roles[n % 2] as 'Owner',
          transport: n % 3 === 0 ? 'SSE' : 'WebSocket',
        }),
      ),
    );
    for (const live of others) await received(live, 1);
    expect(await world.executions()).toBe(before + 1);
    expect(await world.streams()).toEqual({ subscribers: 100, groups: 1 });
    const title = randomUUID();
    await raise(title);
    for (const live of [first, ...others]) {
      await received(live, 2);
      expect(titles(live)).toContain(title);
    }
    expect(await world.executions()).toBe(before + 2);
    for (const live of [first, ...others]) live.end();
    await eventually(() => world.streams()).toEqual({ subscribers: 0, groups: 0 });
  });

  it('are retried after the database was unreachable', async () => {
    const live = await world.open(ALERTS);
    await received(live, 1);
    await world.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = 'codex_gateway' and datname = current_database()`,
    );
    const title = randomUUID();
    await raise(title);
    await eventually(() => titles(live)).toContain(title);
    expect(live.isOver()).toBe(false);
  });
});

describe('people with a live query', () => {
  it('receive only their own rows', async () => {
    const query = 'query @live { unreadNotifications { title } viewer { id } }';
    const [one, other] = await Promise.all([
      world.open(query, { role: 'Owner' }),
      world.open(query, { role: 'Viewer' }),
    ]);
    await received(one, 1);
    await received(other, 1);
    expect((await world.streams()).groups).toBe(2);
    const { workspaceId, people } = world.ours;
    await insert(world.database, 'user_notifications', {
      workspace_id: workspaceId,
      user_id: people.Viewer,
      title: 'Yours',
      message: 'Alone',
      notification_type: 'message',
    });
    await received(other, 2);
    await world.settled();
    expect(other.data()).toEqual({
      unreadNotifications: [{ title: 'Yours' }],
      viewer: { id: people.Viewer },
    });
    expect(one.data()).toEqual({ unreadNotifications: [], viewer: { id: people.Owner } });
    expect(one.results).toHaveLength(1);
  });

  it('receive what a new role may see, and nothing after they are removed', async () => {
    const { workspaceId, people } = world.ours;
    const role = (name: string) =>
      world.database.query(
        'update user_workspaces set role = $3 where workspace_id = $1 and user_id = $2',
        [workspaceId, people.Analyst, name],
      );
    const mine = await world.open(
      'query @live(patch: true) { viewer { role } systemAlerts { totalCount } }',
      { role: 'Analyst' },
    );
    const shared = await world.open(ALERTS.replace('@live', '@live(patch: true)'), {
      role: 'Analyst',
    });
    const colleague = await world.open(ALERTS, { role: 'Creator' });
    for (const live of [mine, shared, colleague]) await received(live, 1);
    await role('Strategist');
    await eventually(() => mine.data().viewer.role).toBe('STRATEGIST');
    const title = randomUUID();
    await raise(title);
    await eventually(() => titles(shared)).toContain(title);
    // A move to another group alone sends no result, since the data is the same.
    expect(shared.results.map(({ revision }) => revision)).toEqual([1, 2]);

    await world.database.query(
      'delete from user_workspaces where workspace_id = $1 and user_id = $2',
      [workspaceId, people.Analyst],
    );
    for (const live of [mine, shared]) {
      await eventually(() => live.isOver()).toBe(true);
      expect(failure(live)).toBe('FORBIDDEN');
    }
    const secret = randomUUID();
    await raise(secret);
    await eventually(() => titles(colleague)).toContain(secret);
    expect(JSON.stringify([mine.results, shared.results])).not.toContain(secret);
  });
});
