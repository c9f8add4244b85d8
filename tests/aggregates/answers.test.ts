import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVariedWorld, runCounted, type VariedWorld } from '../contract/varied.ts';
import type { Data } from '../support/data.ts';
import { testEnv } from '../support/env.ts';
import { compareAggregates, isAlike, spreadMoments } from './compared.ts';
import { questions } from './questions.ts';

const AGGREGATES = 120;

/** How many statements a query takes that one statement can answer. */
const statementsOf = (executed: number) => (testEnv.accelerated ? 1 : executed);

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 20 });
  await spreadMoments(world);
});
afterAll(() => world?.close());

/** The values of a group, in the order in which they were asked for. */
function leavesOf(value: Data): Data[] {
  return value !== null && typeof value === 'object'
    ? Object.values(value).flatMap(leavesOf)
    : [value];
}

/** Statements beside those that find out who asks. */
async function counted(query: string, variables: Record<string, unknown> = {}) {
  const { data, statements } = await runCounted(world, query, variables);
  return { data, statements: statements.filter((sql) => !sql.includes('viewer_memberships()')) };
}

describe('a question takes one statement; executed, one more for each reference in its keys', () => {
  it.each(questions.map((question) => [question.title, question] as const))(
    '%s',
    async (_, { ask, sql, lookups = 0 }) => {
      const { data, statements } = await counted(`{ asked: ${ask} }`);
      expect(statements).toHaveLength(statementsOf(1 + lookups));
      const found: Data[][] = data.asked.groups.map(leavesOf);
      const meant = (await world.readAsClient<Record<string, unknown>>(sql)).map((row) =>
        Object.values(row),
      );
      expect(meant.length).toBeGreaterThan(1);
      expect({ found, isRight: isAlike(found, meant) }, JSON.stringify(meant)).toEqual({
        found,
        isRight: true,
      });
    },
  );
});

it(`${AGGREGATES} random aggregates say what plain SQL does`, { timeout: 120_000 }, async () => {
  const options = { seed: 'aggregates', count: AGGREGATES };
  const { compared, groups, nested, disagreements } = await compareAggregates(world, options);
  expect(disagreements).toEqual([]);
  expect(compared).toBe(AGGREGATES);
  // Else it compares nothing with nothing.
  expect(groups).toBeGreaterThan(2 * AGGREGATES);
  expect(nested).toBeGreaterThan(AGGREGATES / 10);
});

it('takes the values of variables of each request', async () => {
  const document = `query ($zone: String!, $severity: AlertSeverity!, $at: Float!, $least: Int!) {
    systemAlertsAggregate(
      groupBy: [{ createdAt: { part: HOUR_OF_DAY, timeZone: $zone } }]
      having: { count: { gte: $least } }
    ) { totalGroups groups { ...measures } }
  }
  fragment measures on SystemAlertGroup {
    key { part(of: CREATED_AT) }
    count(filter: { severityLevel: { equals: $severity } })
    between(from: CREATED_AT, to: UPDATED_AT) { percentile(at: $at) }
  }`;
  const all = [
    { zone: 'UTC', severity: 'CRITICAL', at: 0.5, least: 1 },
    { zone: 'Asia/Kolkata', severity: 'LOW', at: 0.5, least: 1 },
    { zone: 'Asia/Kolkata', severity: 'CRITICAL', at: 0.9, least: 2 },
  ];
  const answers = [];
  for (const variables of all) {
    const { data, statements } = await counted(document, variables);
    expect(statements).toHaveLength(1);
    const written = document
      .replace(/query \(.*\) \{/, 'query {')
      .replaceAll(/\$(\w+)/g, (_, name: keyof typeof variables) =>
        name === 'zone' ? `"${variables.zone}"` : String(variables[name]),
      );
    expect(data).toEqual((await counted(written)).data);
    answers.push(JSON.stringify(data));
  }
  expect(new Set(answers).size).toBe(all.length);
});

it('without keys there is one group, whatever is asked of it', async () => {
  const { data } = await counted(`{
    many: systemAlertsAggregate { totalGroups groups { keyCount isTotal key { __typename } } }
    none: systemAlertsAggregate(filter: { title: { equals: "none has it" } }) { totalGroups groups { isTotal } }
    campaigns(first: 3) { nodes {
      alertsAggregate { totalGroups }
      questsAggregate(filter: { name: { equals: "none has it" } }) { totalGroups groups { count } }
    } }
  }`);
  const key = { __typename: 'SystemAlertGroupKey' };
  expect(data.many).toEqual({ totalGroups: 1, groups: [{ keyCount: 0, isTotal: false, key }] });
  expect(data.none).toEqual({ totalGroups: 1, groups: [{ isTotal: false }] });
  const campaign = {
    alertsAggregate: { totalGroups: 1 },
    questsAggregate: { totalGroups: 1, groups: [{ count: 0 }] },
  };
  expect(data.campaigns.nodes).toEqual([campaign, campaign, campaign]);
});

describe('aggregates of related rows', () => {
  const document = (first: number) => `{ campaigns(first: ${first}) { nodes { id
    alertsAggregate(groupBy: [{ severityLevel: {} }], totals: true) { groups { key { severityLevel } count } }
    questsAggregate { groups { count values { questOrder { sum } } } }
    moves(first: 1) { nodes { logsAggregate { groups { count } } } }
  } } }`;

  it('take one statement; executed, one a level, for 2 parents and for 20', async () => {
    const [few, many] = [await counted(document(2)), await counted(document(20))];
    expect(few.statements).toHaveLength(statementsOf(4));
    expect(many.statements).toHaveLength(statementsOf(4));
    expect(many.data.campaigns.nodes).toHaveLength(20);
  });

  it('do not depend on the page of the list beside them', async () => {
    const { data } = await counted(`{ workspaces { nodes { id
      campaigns(first: 1) { totalCount } campaignsAggregate { groups { count } } } } }`);
    for (const { campaigns, campaignsAggregate } of data.workspaces.nodes) {
      expect(campaignsAggregate.groups).toEqual([{ count: campaigns.totalCount }]);
    }
  });

  it('of the same rows under two names are two', async () => {
    const { data } = await counted(`{ campaigns(first: 20) { nodes {
      all: alertsAggregate { groups { count } }
      few: alertsAggregate(filter: { severityLevel: { equals: CRITICAL } }) { groups { count } }
    } } }`);
    const sum = (name: string) =>
      data.campaigns.nodes.reduce(
        (total: number, row: Data) => total + row[name].groups[0].count,
        0,
      );
    expect(sum('few')).toBeLessThan(sum('all'));
    expect(sum('few')).toBeGreaterThan(0);
  });
});

describe('no row of another workspace is counted', () => {
  it('neither itself, nor by what it is called', async () => {
    const ask = `{ all: campaignsAggregate { groups { count } }
      names: systemAlertsAggregate(groupBy: [{ relatedCampaign: { name: {} } }]) {
        groups { key { relatedCampaignKey { name } } } }
      items: campaignsAggregate(groupBy: [{ targetSegments: { items: true } }]) { totalGroups } }`;
    const [alert] = await world.writeUnchecked<{ campaign: string }>(
      `select related_campaign_id::text as campaign from system_alerts
       where related_campaign_id is not null and workspace_id = $1 limit 1`,
      [world.workspaceId],
    );
    const change = (set: string) =>
      world.writeUnchecked(`update campaigns set ${set} where id = $1`, [alert?.campaign]);
    await change(`name = 'A campaign of its own name'`);
    const before = await world.client.data(ask);
    expect(JSON.stringify(before.names)).toContain('A campaign of its own name');
    // Alerts go on to refer to it.
    await change(
      `workspace_id = (select id from workspaces where id <> '${world.workspaceId}' limit 1)`,
    );
    const after = await world.client.data(ask);
    expect(after.all.groups[0].count).toBe(before.all.groups[0].count - 1);
    expect(JSON.stringify(after.names)).not.toContain('A campaign of its own name');
  });
});
