import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toWhere } from '../../src/resolvers/filter.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { openUncheckedWriter, type UncheckedWriter } from './unchecked-writer.ts';

let database: TestDatabase;
let writer: UncheckedWriter;
let apis: Api[];
let ours: Tenant;
let theirs: Tenant;
/** The Owner at a gateway that compiles reads, and at one that does not. */
let owners: Client[];
/** Campaigns by their names, a to e. */
const campaigns = new Map<string, string>();
beforeAll(async () => {
  database = await createTestDatabase();
  writer = await openUncheckedWriter(database.url);
  [ours, theirs] = [await createTenant(database), await createTenant(database)];
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const { workspaceId: workspace_id } = ours;
    campaigns.set(name, await insert(database, 'campaigns', { workspace_id, name, ...GOAL }));
  }
  for (const [name, alerts] of [
    ['a', 1],
    ['b', 3],
    ['c', 1],
    ['d', 2],
  ] as const) {
    for (let n = 0; n < alerts; n += 1) await alert(ours, name);
  }
  apis = [await openApi(database), await openApi(database, 3, { accelerated: false })];
  owners = await Promise.all(apis.map((api) => api.as(ours.people.Owner, ours.workspaceId)));
});
afterAll(async () => {
  for (const api of apis ?? []) await api.close();
  await writer?.close();
  await database?.close();
});

const GOAL = { objective: 'awareness' };

/** Inserts an alert of a campaign, also where the two are of different workspaces. */
async function alert({ workspaceId }: Tenant, campaign: string, more: object = {}) {
  const values = {
    workspace_id: workspaceId,
    related_campaign_id: campaigns.get(campaign),
    alert_type: 'error',
    severity_level: 'low',
    title: 't',
    message: 'm',
    ...more,
  };
  const names = Object.keys(values);
  const [row] = await writer.write<{ id: string }>(
    `insert into system_alerts (${names.join(', ')}) values (${names.map((_, n) => `$${n + 1}`).join(', ')}) returning id`,
    Object.values(values),
  );
  return row?.id as string;
}

const BY_ALERTS = 'orderBy: [{ alerts: { count: DESC } }, { field: NAME }]';

async function namesOf(client: Client, args: string): Promise<string> {
  const { campaigns } = await client.data(`{ campaigns(${args}) { nodes { name } } }`);
  return campaigns.nodes.map(({ name }: { name: string }) => name).join('');
}

describe('related rows that the reader may not see', () => {
  it('of another workspace change neither an order nor a filter', async () => {
    const filter = 'filter: { alerts: { aggregate: { count: { equals: 0 } } } }';
    for (const owner of owners) {
      expect(await namesOf(owner, BY_ALERTS)).toBe('bdace');
      expect(await namesOf(owner, filter)).toBe('e');
    }
    for (let n = 0; n < 5; n += 1) await alert(theirs, 'e');
    for (const owner of owners) {
      expect(await namesOf(owner, BY_ALERTS)).toBe('bdace');
      expect(await namesOf(owner, filter)).toBe('e');
    }
    await writer.write('delete from system_alerts where workspace_id = $1', [theirs.workspaceId]);
  });

  it('of another person count for that person only', async () => {
    const { workspaceId: workspace_id, people } = ours;
    const row = { workspace_id, notification_type: 'alert', title: 't', message: 'm' };
    const related_campaign_id = campaigns.get('e');
    for (const user_id of [people.Viewer, people.Owner]) {
      await insert(database, 'user_notifications', { ...row, user_id, related_campaign_id });
    }
    await insert(database, 'user_notifications', {
      ...row,
      user_id: people.Viewer,
      related_campaign_id,
    });
    const filter = 'filter: { notifications: { aggregate: { count: { equals: 2 } } } }';
    const order = 'orderBy: [{ notifications: { count: DESC } }, { field: NAME }]';
    for (const [n, api] of apis.entries()) {
      const viewer = await api.as(people.Viewer, workspace_id);
      expect(await namesOf(viewer, filter)).toBe('e');
      expect(await namesOf(owners[n] as Client, filter)).toBe('');
      expect(await namesOf(owners[n] as Client, order)).toBe('eabcd');
    }
  });
});

describe('a cursor', () => {
  const page = (args: string) =>
    `{ campaigns(first: 2, ${args}) { edges { cursor node { name } } pageInfo { endCursor } } }`;

  it('continues after its value, wherever rows have moved meanwhile', async () => {
    for (const owner of owners) {
      const { campaigns: first } = await owner.data(page(BY_ALERTS));
      expect(first.edges.map((edge: { node: { name: string } }) => edge.node.name)).toEqual([
        'b',
        'd',
      ]);
      // One row moves in front of the cursor, and is not shown; one that was shown moves behind it.
      const more = [await alert(ours, 'c'), await alert(ours, 'c'), await alert(ours, 'c')];
      const moved = await database.query<{ id: string }>(
        'update system_alerts set related_campaign_id = null where related_campaign_id = $1 returning id',
        [campaigns.get('b')],
      );
      const rest = await namesOf(owner, `${BY_ALERTS}, after: "${first.pageInfo.endCursor}"`);
      expect(rest).toBe('abe');
      await writer.write('delete from system_alerts where id = any($1)', [more]);
      await writer.write('update system_alerts set related_campaign_id = $2 where id = any($1)', [
        moved.map(({ id }) => id),
        campaigns.get('b'),
      ]);
    }
  });

  it('belongs to the filter of what is counted, also in variables', async () => {
    const query = `query ($status: AlertStatus, $after: String) { campaigns(
      first: 2, orderBy: [{ alerts: { count: DESC, filter: { status: { equals: $status } } } }], after: $after
    ) { pageInfo { endCursor } } }`;
    for (const owner of owners) {
      const first = await owner.data(query, { status: 'ACTIVE' });
      const after = first.campaigns.pageInfo.endCursor;
      const same = await owner.ask(query, { status: 'ACTIVE', after });
      expect(same.errors).toBeUndefined();
      const other = await owner.ask(query, { status: 'RESOLVED', after });
      expect(other.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'after' });
    }
  });
});

describe('what makes no sense is refused with the argument at fault', () => {
  it.each([
    ['orderBy: [{}]', 'orderBy[0]'],
    ['orderBy: [{ direction: DESC }]', 'orderBy[0]'],
    ['orderBy: [{ field: null }]', 'orderBy[0]'],
    ['orderBy: [{ field: NAME }, { field: ID, alerts: { count: DESC } }]', 'orderBy[1]'],
    ['orderBy: [{ moves: { count: ASC }, alerts: { count: DESC } }]', 'orderBy[0]'],
    ['orderBy: [{ alerts: {} }]', 'orderBy[0].alerts'],
    ['orderBy: [{ alerts: { count: DESC, statistic: MAX, of: TITLE } }]', 'orderBy[0].alerts'],
    ['orderBy: [{ alerts: { key: { status: {} } } }]', 'orderBy[0].alerts.key'],
    ['orderBy: [{ alerts: { count: DESC, of: TITLE } }]', 'orderBy[0].alerts'],
    ['orderBy: [{ alerts: { statistic: SUM } }]', 'orderBy[0].alerts.of'],
    ['orderBy: [{ alerts: { statistic: SUM, of: TITLE } }]', 'orderBy[0].alerts.statistic'],
    [
      'orderBy: [{ moves: { statistic: PERCENTILE, at: 0.5, of: PROGRESS_PERCENTAGE } }]',
      'orderBy[0].moves.at',
    ],
    ['orderBy: [{ alerts: { count: ASC }, direction: DESC }]', 'orderBy[0].direction'],
    ['orderBy: [{ alerts: { count: ASC }, nulls: FIRST }]', 'orderBy[0].nulls'],
    ['orderBy: [{ positioning: { name: ASC }, direction: DESC }]', 'orderBy[0].direction'],
    [
      'orderBy: [{ alerts: { count: ASC, filter: { status: { equals: null } } } }]',
      'orderBy[0].alerts.filter.status.equals',
    ],
    [
      'orderBy: [{ alerts: { count: ASC, filter: { relatedCampaign: {} } } }]',
      'orderBy[0].alerts.filter.relatedCampaign',
    ],
    [`orderBy: [${Array(6).fill('{ alerts: { count: ASC } }').join(' ')}]`, 'orderBy'],
    ['filter: { alerts: { aggregate: {} } }', 'filter.alerts.aggregate'],
    [
      'filter: { alerts: { aggregate: { filter: { status: { equals: ACTIVE } } } } }',
      'filter.alerts.aggregate',
    ],
    ['filter: { alerts: { aggregate: { count: null } } }', 'filter.alerts.aggregate.count'],
    [
      'filter: { alerts: { aggregate: { not: { filter: {}, count: { gt: 1 } } } } }',
      'filter.alerts.aggregate.not.filter',
    ],
    [
      'filter: { alerts: { aggregate: { count: { gt: 1 }, filter: { relatedCampaign: {} } } } }',
      'filter.alerts.aggregate.filter.relatedCampaign',
    ],
    [
      'filter: { alerts: { aggregate: { between: [{ from: TITLE, to: CREATED_AT, seconds: { max: { gt: 1 } } }] } } }',
      'filter.alerts.aggregate.between[0].from',
    ],
  ])('%s', async (args, argument) => {
    for (const owner of owners) {
      const { errors = [] } = await owner.ask(`{ campaigns(${args}) { nodes { id } } }`);
      expect(errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'BAD_USER_INPUT', argument },
      ]);
    }
  });

  it('in a bulk mutation, where variables that were not sent must not add rows', async () => {
    for (const aggregate of ['{ count: { gt: 100 } }', '{ not: {} }']) {
      const [owner] = owners as [Client];
      const { errors = [] } = await owner.ask(
        `mutation { deleteCampaigns(filter: { alerts: { aggregate: ${aggregate} } }, atMost: 10) { results { id } } }`,
      );
      expect(errors.map(({ extensions }) => extensions)).toEqual([
        { code: 'BAD_USER_INPUT', argument: 'filter.alerts.aggregate' },
      ]);
    }
  });
});

it('subscriptions, whose changes are of one row, refuse a filter on how many rows it has', () => {
  const filter = { not: { alerts: { aggregate: { count: { gt: 1 } } } } };
  expect(() => toWhere('Campaign', filter)).toThrow('(filter.not.alerts.aggregate)');
});

describe('a comparison whose variable was not sent', () => {
  it('is left out with the condition on related rows', async () => {
    const query =
      'query ($least: Int) { campaigns(filter: { alerts: { aggregate: { count: { gte: $least } } } }) { totalCount } }';
    for (const owner of owners) {
      expect((await owner.data(query)).campaigns.totalCount).toBe(5);
      expect((await owner.data(query, { least: 2 })).campaigns.totalCount).toBe(2);
    }
  });
});
