import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

const STATUSES = ['draft', 'planning', 'active', 'paused', 'completed', 'archived'];
const STEPS: Record<string, readonly string[]> = {
  draft: ['planning', 'archived'],
  planning: ['active', 'archived'],
  active: ['paused', 'completed', 'archived'],
  paused: ['active', 'completed', 'archived'],
  completed: ['archived'],
  archived: [],
};

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let strategist: Actor;
let positioning: string;
let cohort: string;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  strategist = tenant.actor('Strategist');
  const workspace_id = tenant.workspaceId;
  positioning = await insert(database, 'positioning', {
    workspace_id,
    name: 'Slow coffee',
    market_segment: 'Speciality',
  });
  cohort = await insert(database, 'cohorts', { workspace_id, name: 'Home brewers' });
});
afterAll(() => database.close());

const campaignOf = ({ workspaceId }: Tenant, values: Record<string, unknown> = {}) =>
  insert(database, 'campaigns', { workspace_id: workspaceId, name: 'Harvest', ...values });

const link = (campaign: string) =>
  insert(database, 'campaign_cohorts', {
    workspace_id: tenant.workspaceId,
    campaign_id: campaign,
    cohort_id: cohort,
  });

async function readyCampaign(status: string): Promise<string> {
  const campaign = await campaignOf(tenant, { positioning_id: positioning, status });
  await link(campaign);
  return campaign;
}

const change = (actor: Actor, campaign: string, status: string | null) =>
  database.as(actor, (query) =>
    query('select * from change_campaign_status($1, $2)', [campaign, status]),
  );

describe('change_campaign_status', () => {
  const cases = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const));

  test.each(cases)('from %s to %s', async (from, to) => {
    const campaign = await readyCampaign(from);
    if (STEPS[from]?.includes(to)) {
      expect(await change(strategist, campaign, to)).toMatchObject([{ id: campaign, status: to }]);
    } else {
      await expectRefusal(change(strategist, campaign, to), '55000', RegExp(`${from} to ${to}`));
      const update = database.as(service, (query) =>
        query('update campaigns set status = $2 where id = $1', [campaign, to]),
      );
      // Plain SQL that writes the same status again is no step.
      if (from === to) await update;
      else await expectRefusal(update, '55000', RegExp(`${from} to ${to}`));
    }
  });

  test('lists everything that a campaign lacks to become active', async () => {
    const campaign = await campaignOf(tenant, { name: ' ', status: 'planning' });
    await expectRefusal(
      change(strategist, campaign, 'active'),
      '55000',
      /needs a name, a positioning, at least one cohort$/,
    );
    await database.query(
      `update campaigns set name = 'Harvest', positioning_id = $2 where id = $1`,
      [campaign, positioning],
    );
    await expectRefusal(change(strategist, campaign, 'active'), '55000', /needs at least one coh/);
    await link(campaign);
    expect(await change(strategist, campaign, 'active')).toMatchObject([{ status: 'active' }]);
  });

  test('succeeds for one of many concurrent callers', async () => {
    const campaign = await readyCampaign('planning');
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => change(strategist, campaign, 'active')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is allowed for Strategists of the workspace and trusted writers', async () => {
    const campaign = await campaignOf(tenant);
    for (const role of ['Creator', 'Analyst', 'Viewer'] as const) {
      await expectRefusal(change(tenant.actor(role), campaign, 'planning'), '42501', /Strategist/);
    }
    const foreign = change(stranger.actor('Owner'), campaign, 'planning');
    await expectRefusal(foreign, 'P0002', /^there is no such campaign$/);
    const unknown = change(strategist, randomUUID(), 'planning');
    await expectRefusal(unknown, 'P0002', /^there is no such campaign$/);
    await expectRefusal(change(strategist, campaign, null), '22023', /status/);
    expect(await change(service, campaign, 'planning')).toMatchObject([{ status: 'planning' }]);
  });

  test('people create drafts only; trusted writers may import any status', async () => {
    const create = (actor: Actor, status: string) =>
      database.as(actor, (query) =>
        query(
          'insert into campaigns (workspace_id, name, status) values ($1, $2, $3) returning *',
          [tenant.workspaceId, 'New', status],
        ),
      );
    await expectRefusal(create(strategist, 'active'), '55000', /new campaign is draft/);
    expect(await create(strategist, 'draft')).toMatchObject([{ status: 'draft' }]);
    expect(await create(service, 'completed')).toMatchObject([{ status: 'completed' }]);
  });
});

describe('touch_campaign', () => {
  let campaign: string;
  let other: string;
  beforeAll(async () => {
    [campaign, other] = [await campaignOf(tenant), await campaignOf(tenant)];
  });

  /** Returns whether the statement, run by the Strategist, changed the campaigns' updated_at. */
  async function touches(sql: string, values: unknown[]): Promise<[boolean, boolean]> {
    await database.query(`alter table campaigns disable trigger set_updated_at`);
    await database.query(`update campaigns set updated_at = '2020-01-01'`);
    await database.query(`alter table campaigns enable trigger set_updated_at`);
    await database.as(strategist, (query) => query(sql, values));
    const rows = await database.query<{ id: string }>(
      `select id from campaigns where updated_at > now() - interval '1 minute'`,
    );
    const touched = rows.map(({ id }) => id);
    return [touched.includes(campaign), touched.includes(other)];
  }

  test('updates the campaign when quests and cohort links change', async () => {
    const { workspaceId } = tenant;
    const steps: [sql: string, values: unknown[], expected: [boolean, boolean]][] = [
      [
        `insert into campaign_quests (workspace_id, campaign_id, name) values ($1, $2, 'Q')`,
        [workspaceId, campaign],
        [true, false],
      ],
      [`update campaign_quests set name = 'R' where campaign_id = $1`, [campaign], [true, false]],
      [`update campaign_quests set name = 'R' where campaign_id = $1`, [campaign], [false, false]],
      [`update campaign_quests set campaign_id = $1`, [other], [true, true]],
      [`delete from campaign_quests where campaign_id = $1`, [other], [false, true]],
      [
        `insert into campaign_cohorts (workspace_id, campaign_id, cohort_id) values ($1, $2, $3)`,
        [workspaceId, campaign, cohort],
        [true, false],
      ],
      [
        `update campaign_cohorts set reached_count = 5 where campaign_id = $1`,
        [campaign],
        [true, false],
      ],
      [`delete from campaign_cohorts where campaign_id = $1`, [campaign], [true, false]],
    ];
    for (const [sql, values, expected] of steps) {
      expect(await touches(sql, values), sql).toEqual(expected);
    }
  });

  test('does not prevent the deletion of a campaign', async () => {
    const doomed = await readyCampaign('draft');
    await insert(database, 'campaign_quests', {
      workspace_id: tenant.workspaceId,
      campaign_id: doomed,
      name: 'Q',
    });
    await database.as(strategist, (query) =>
      query('delete from campaigns where id = $1', [doomed]),
    );
    expect(
      await database.query('select from campaign_quests where campaign_id = $1', [doomed]),
    ).toEqual([]);
  });
});
