import { createSchema } from 'graphql-yoga';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../src/context/context.ts';
import { requirePerson } from '../../src/context/viewer.ts';
import { personalModels } from '../../src/models/index.ts';
import { type ChangeEvent, ChangeSource } from '../../src/realtime/change-source.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { createSubscriptionMetrics } from '../../src/subscriptions/subscription-metrics.ts';
import { caseOf } from '../contract/cases.ts';
import { startGateway, type TestGateway, token } from '../server/support/gateway.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { caughtUp } from '../support/log.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Subscription,
} from '../support/subscribe.ts';
import { createTenant, insert, notify, type Role, raise, type Tenant } from '../support/tenant.ts';

const PERSONAL = ['OnboardingResponse', 'PlanSubscription', 'UserAchievement', 'UserNotification'];

let personal: string[] = [];
let database: TestDatabase;
let tenant: Tenant;
let listeners: Listener[] = [];
beforeAll(async () => {
  // As if a developer forgot to mark them: personal rows are then read once for many people.
  personal = [...personalModels];
  (personalModels as Set<string>).clear();
  database = await createTestDatabase();
  tenant = await createTenant(database);
});
afterEach(() => {
  for (const listener of listeners) listener.close();
  listeners = [];
});
afterAll(async () => {
  for (const name of personal) (personalModels as Set<string>).add(name);
  await database?.close();
});

const subscribeAs = (url: string, client: Pick<Client, 'headers'>, query: string): Subscription => {
  const listener = listen(url, client);
  listeners.push(listener);
  return listener.subscribe(query);
};

describe('a field that depends on the person', () => {
  let feed: PostgresFeed;
  let gateway: TestGateway;
  const executed: string[] = [];
  const subscriptionMetrics = createSubscriptionMetrics(new Registry());
  const open = async () => ({
    subscribers: (await subscriptionMetrics.subscribers.get()).values[0]?.value ?? 0,
  });
  const source = () => new ChangeSource({ model: 'SystemAlert', operations: ['INSERT'] });
  const field = (name: string, resolve: (context: Context) => unknown) => [
    name,
    {
      subscribe: source,
      resolve: (_event: ChangeEvent, _args: unknown, context: Context) => {
        executed.push(name);
        return resolve(context);
      },
    },
  ];
  const read = async ({ database: reading }: Context, sql: string) => {
    const [row] = await reading.query<{ value: string | null }>(sql);
    return row?.value ?? 'nothing';
  };
  /** The number of personal rows that the database shows. */
  const COUNT = PERSONAL.map((name) => `(SELECT count(*) FROM ${caseOf(name).table})`).join(' + ');

  beforeAll(async () => {
    feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
    gateway = await startGateway(database.gatewayUrl, {
      feed,
      subscriptionMetrics,
      schema: createSchema<Context>({
        typeDefs: /* GraphQL */ `
          type Query { nothing: String }
          type Subscription {
            whoAmI: String
            myEmail: String
            databaseUser: String
            myRows: String
            alerts: String
            write: String
          }
        `,
        resolvers: {
          Subscription: Object.fromEntries([
            field('whoAmI', (context) => requirePerson(context).id),
            field('myEmail', ({ viewer }) => (viewer.kind === 'person' ? viewer.email : null)),
            field('databaseUser', (context) => read(context, 'SELECT auth.uid()::text AS value')),
            field('myRows', (context) => read(context, `SELECT (${COUNT})::text AS value`)),
            field('alerts', (context) =>
              read(context, 'SELECT count(*)::text AS value FROM system_alerts'),
            ),
            field('write', (context) =>
              read(context, `UPDATE system_alerts SET title = 'Written' RETURNING title AS value`),
            ),
          ]),
        },
      }),
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await feed?.close();
  });

  const as = async (role: Role) => ({
    headers: {
      authorization: `Bearer ${await token({ sub: tenant.people[role], email: `${role}@a.test` })}`,
      'x-workspace-id': tenant.workspaceId,
    },
  });

  /** Returns the result of a field for two people in one group. */
  async function resultOf(name: string) {
    await database.query(`update user_workspaces set role = 'Viewer' where user_id = $1`, [
      tenant.people.Analyst,
    ]);
    for (const listener of listeners.splice(0)) listener.close();
    await listening({ open }, 0);
    await caughtUp(feed, database);
    const people = [
      subscribeAs(gateway.url, await as('Viewer'), `subscription { ${name} }`),
      subscribeAs(gateway.url, await as('Analyst'), `subscription { ${name} }`),
    ];
    await listening({ open }, people.length);
    executed.length = 0;
    await raise(database, tenant, 'An alert');
    for (const { results } of people) await eventually(() => results.length).toBe(1);
    await quiet(listeners);
    expect(executed.filter((each) => each === name)).toEqual([name]);
    const [first, second] = people.map(({ results }) => results.at(-1));
    expect(first).toEqual(second);
    return first;
  }

  it.each(['whoAmI', 'myEmail'])('%s is an error without details', async (name) => {
    const { data, errors } = (await resultOf(name)) ?? {};
    expect(data).toEqual({ [name]: null });
    expect(errors).toEqual([
      expect.objectContaining({
        path: [name],
        extensions: expect.objectContaining({ code: 'INTERNAL_SERVER_ERROR' }),
      }),
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/person|many|stack|a\.test/);
    expect(JSON.stringify(gateway.log)).toMatch(/depends on the person/);
  });

  it('is read without a person, so the database shows no personal rows', async () => {
    for (const role of ['Viewer', 'Analyst', 'Owner'] as const)
      await notify(database, tenant, role, 'Personal');
    expect((await resultOf('databaseUser'))?.data).toEqual({ databaseUser: 'nothing' });
    expect((await resultOf('myRows'))?.data).toEqual({ myRows: '0' });
    // It shows the rows that all members see.
    expect(Number((await resultOf('alerts'))?.data.alerts)).toBeGreaterThan(0);
  });

  it('cannot write', async () => {
    const { data, errors = [] } = (await resultOf('write')) ?? {};
    expect(errors.length === 0 ? data.write : null).not.toBe('Written');
    const written = await database.query(`select from system_alerts where title = 'Written'`);
    expect(written).toEqual([]);
  });
});

describe('a personal model that is not marked as personal', () => {
  let api: LiveApi;
  beforeAll(async () => {
    api = await openLiveApi(database);
  });
  afterAll(() => api?.close());

  it('is sent to no one, live or in a replay', async () => {
    const { workspaceId, people } = tenant;
    const clients = await Promise.all(
      (['Creator', 'Strategist'] as const).map((role) => api.as(people[role], workspaceId)),
    );
    await database.query(`update user_workspaces set role = 'Creator' where user_id = $1`, [
      people.Strategist,
    ]);
    const [start] = await Promise.all(
      clients.map((client) => client.data('{ systemAlerts { liveCursor } }')),
    );
    const all = (after: string) =>
      [
        ...PERSONAL.map((name) => `${caseOf(name).lookup}Changed`),
        'notificationReceived',
        'achievementUnlocked',
      ].map((field) => `subscription { ${field}${after} { operation nodeId node { nodeId } } }`);
    const relation = (after: string) => `subscription { systemAlertChanged${after} {
      node { title notifications { nodes { title } } } } }`;
    const open = (after: string) =>
      clients.map((client) => ({
        personal: all(after).map((query) => subscribeAs(api.url, client, query)),
        related: subscribeAs(api.url, client, relation(after)),
      }));
    const live = open('');
    await listening(api, 14);
    // Each group has both people.
    await eventually(async () => (await api.open()).groups).toBe(7);

    const alert = await raise(database, tenant, 'With notifications');
    for (const role of ['Creator', 'Strategist'] as const) {
      const id = await notify(database, tenant, role, `Notification of ${role}`);
      await database.query('update user_notifications set related_alert_id = $2 where id = $1', [
        id,
        alert,
      ]);
      await insert(database, 'subscriptions', { workspace_id: workspaceId, user_id: people[role] });
      await insert(database, 'onboarding_responses', {
        workspace_id: workspaceId,
        user_id: people[role],
      });
    }
    await database.query(`update system_alerts set title = 'The last' where id = $1`, [alert]);
    const lastNode = ({ related }: (typeof live)[number]) => related.received().at(-1)?.node;
    const expected = { title: 'The last', notifications: { nodes: [] } };
    for (const each of live) await eventually(() => lastNode(each)).toEqual(expected);
    const again = open(`(after: "${start.systemAlerts.liveCursor}")`);
    for (const each of again) await eventually(() => lastNode(each)).toEqual(expected);
    for (const { personal } of [...live, ...again]) {
      expect(personal.flatMap(({ results }) => results)).toEqual([]);
      expect(personal.some(({ isOver }) => isOver())).toBe(false);
    }
    for (const listener of listeners) expect(listener.raw()).not.toContain('Notification of');
  });
});
