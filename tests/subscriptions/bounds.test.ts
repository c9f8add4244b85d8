import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../server/support/gateway.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Listener, listen, listening, TRANSPORTS } from '../support/subscribe.ts';
import { createTenant, type Role, raise, type Tenant } from '../support/tenant.ts';

/** More than the replays, and than the live queries, that run at once. */
const MANY = 20;
const AT_ONCE = 8;
const ALERTS = 'subscription ($after: String) { alertRaised(after: $after) { node { title } } }';

let database: TestDatabase;
let tenant: Tenant;
let api: LiveApi;
let listeners: Listener[] = [];
/** Resumes the replays that have started and wait. */
const replays: (() => void)[] = [];
let isHeld = false;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openLiveApi(database, {
    // A few are free while live queries wait for the database.
    maxConnections: AT_ONCE + 2,
    limits: limits({ person: { distinct: 2 * MANY } }),
    wrapped: (feed) =>
      Object.assign(Object.create(feed) as typeof feed, {
        async *replay(...args: Parameters<typeof feed.replay>) {
          if (isHeld) await new Promise<void>((resolve) => replays.push(resolve));
          yield* feed.replay(...args);
        },
      }),
  });
});
afterEach(async () => {
  isHeld = false;
  for (const go of replays.splice(0)) go();
  for (const listener of listeners) listener.close();
  listeners = [];
  await listening(api, 0);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const as = (role: Role) => api.as(tenant.people[role], tenant.workspaceId);
const openListener = (client: Client, transport?: (typeof TRANSPORTS)[number]) => {
  const listener = listen(api.url, client, transport);
  listeners.push(listener);
  return listener;
};

describe('replays for the clients of one person', () => {
  it('are limited in number, and do not delay those of another person', async () => {
    const [viewer, analyst] = [await as('Viewer'), await as('Analyst')];
    const { systemAlerts } = await viewer.data('{ systemAlerts { liveCursor } }');
    await raise(database, tenant, 'Before');
    await eventually(
      async () => (await viewer.data('{ systemAlerts { totalCount } }')).systemAlerts.totalCount,
    ).toBe(1);
    isHeld = true;
    const socket = openListener(viewer);
    // Different documents, since equal ones from the same cursor share a replay.
    const all = Array.from({ length: MANY }, (_, n) =>
      socket.subscribe(ALERTS.replace('title', `title${n}: title`), {
        after: systemAlerts.liveCursor,
      }),
    );
    await listening(api, MANY);
    await eventually(() => replays.length).toBe(AT_ONCE);
    const other = openListener(analyst).subscribe(ALERTS, { after: systemAlerts.liveCursor });
    await eventually(() => replays.length).toBe(AT_ONCE + 1);
    // The next one starts when one ends.
    replays.shift()?.();
    await eventually(() => replays.length).toBe(AT_ONCE + 1);
    // One whose client has left does not start.
    all.at(-1)?.end();
    isHeld = false;
    for (const go of replays.splice(0)) go();
    for (const each of [...all.slice(0, -1), other]) {
      await eventually(() => each.received().length).toBe(1);
    }
    expect(all.at(-1)?.received()).toEqual([]);
  });
});

describe('a live query', () => {
  it('whose client leaves while it waits is not executed', async () => {
    const client = await as('Viewer');
    const executions = () => api.statements().filter((sql) => /system_alerts/.test(sql)).length;
    await database.rehearse({ role: 'service_role' }, async (query) => {
      await query('lock table system_alerts in access exclusive mode');
      const socket = openListener(client);
      executions();
      const all = Array.from({ length: MANY }, (_, n) =>
        socket.subscribe(`query @live { n${n}: systemAlerts { totalCount } }`),
      );
      await listening(api, MANY);
      // The last ones first, since the end of a running one starts the next.
      for (const each of all.reverse()) each.end();
      await listening(api, 0);
    });
    const last = openListener(client).subscribe(
      'query @live { last: systemAlerts { totalCount } }',
    );
    await eventually(() => last.results.length).toBe(1);
    // Those that were running, those that started when one of these ended, and the last one.
    expect(executions()).toBeLessThan(MANY);
  });
});

describe('equal subscriptions of a person', () => {
  it('count as one distinct subscription, over all transports', async () => {
    const small = await openLiveApi(database, { limits: limits({ person: { distinct: 1 } }) });
    const client = await small.as(tenant.people.Viewer, tenant.workspaceId);
    const own = TRANSPORTS.map((transport) => listen(small.url, client, transport));
    const equal = own.flatMap((each) => [each.subscribe(ALERTS), each.subscribe(ALERTS)]);
    await listening(small, equal.length);
    const [socket] = own;
    const another = socket?.subscribe('subscription { alertChanged { operation } }');
    await eventually(() => another?.code()).toBe('TOO_MANY_SUBSCRIPTIONS');
    expect(equal.map((each) => each.code())).toEqual(equal.map(() => undefined));
    for (const each of own) each.close();
    await small.close();
  });
});

describe('variables', () => {
  const long = { x: { title: { in: Array.from({ length: 120 }, () => 'y'.repeat(990)) } } };

  it.each([
    [
      'subscription',
      `subscription ($x: SystemAlertFilter) { alertRaised(filter: $x) { operation } }`,
    ],
    [
      'live query',
      `query ($x: SystemAlertFilter) @live { systemAlerts(filter: $x) { totalCount } }`,
    ],
  ])('of a %s have at most 100,000 characters', async (_, query) => {
    const socket = openListener(await as('Viewer'));
    const subscription = socket.subscribe(query, long);
    await eventually(() => subscription.code()).toBe('OPERATION_TOO_LARGE');
  });

  it('of a query may be longer, since they are not kept', async () => {
    const client = await as('Viewer');
    const answer = await client.ask(
      'query ($x: SystemAlertFilter) { systemAlerts(filter: $x) { totalCount } }',
      long,
    );
    expect(answer.data).toEqual({ systemAlerts: { totalCount: 0 } });
  });
});
