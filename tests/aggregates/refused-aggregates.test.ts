import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { limits } from '../../src/resolvers/limits.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let api: Api;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase('demo');
  api = await openApi(database);
  client = await api.as(demoPeople[0]?.id as string, demoWorkspaces[0]?.id as string);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

describe('what makes no sense is refused with the argument at fault', () => {
  const alerts = (args: string, selection = 'totalGroups') =>
    `{ systemAlertsAggregate(${args}) { ${selection} } }`;
  const aliases = (count: number, field: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => field(n)).join(' ');

  it.each([
    [alerts('groupBy: [{ dataPoints: {} }]'), 'groupBy[0].dataPoints.path'],
    [alerts('groupBy: [{ recommendedActions: {} }]'), 'groupBy[0].recommendedActions.items'],
    [
      alerts('groupBy: [{ status: {} }], orderBy: [{ statistic: SUM, of: TITLE }]'),
      'orderBy[0].statistic',
    ],
    [
      alerts('groupBy: [{ createdAt: { bucket: DAY, timeZone: "Mars/Olympus" } }]'),
      'groupBy[0].createdAt.timeZone',
    ],
    [
      alerts('groupBy: [{ createdAt: { bucket: DAY, timeZone: "+05:30" } }]'),
      'groupBy[0].createdAt.timeZone',
    ],
    [
      alerts(
        'filter: { createdAt: { gte: "2016-01-01T00:00:00Z", lt: "2026-01-01T00:00:00Z" } }, groupBy: [{ createdAt: { bucket: HOUR, fill: true } }]',
      ),
      'groupBy[0].createdAt.fill',
    ],
    [
      alerts(
        'filter: { createdAt: { gte: "2024-01-01T00:00:00Z", lt: "2026-01-01T00:00:00Z" } }, groupBy: [{ status: { fill: true } }, { severityLevel: { fill: true } }, { createdAt: { bucket: DAY, fill: true } }]',
      ),
      'groupBy[0].status.fill',
    ],
    [
      '{ campaignsAggregate { groups { values { totalReach { percentile(at: 1.5) } } } } }',
      'values.totalReach.percentile.at',
    ],
    [
      alerts('', 'groups { between(from: TITLE, to: CREATED_AT) { avg } }').replace('()', ''),
      'between.from',
    ],
    [
      alerts('groupBy: [{ relatedCampaign: { workspace: { name: {} } } }]'),
      'groupBy[0].relatedCampaign.workspace',
    ],
    [alerts('groupBy: [{ status: {} }, { status: {} }]'), 'groupBy[1].status'],
    [alerts('groupBy: [{ title: { fill: true } }]'), 'groupBy[0].title.fill'],
    [
      '{ campaignsAggregate(groupBy: [{ totalReach: { width: "0" } }]) { totalGroups } }',
      'groupBy[0].totalReach.width',
    ],
    [
      '{ campaignsAggregate(groupBy: [{ totalReach: { width: "0.5" } }]) { totalGroups } }',
      'groupBy[0].totalReach.width',
    ],
    [
      '{ campaignsAggregate(groupBy: [{ startDate: { bucket: HOUR } }]) { totalGroups } }',
      'groupBy[0].startDate.bucket',
    ],
    [
      '{ campaignsAggregate(groupBy: [{ targetSegments: { items: true } }], totals: true) { totalGroups } }',
      'totals',
    ],
    [alerts(`groupBy: [{ status: {} }], first: ${limits.maxGroups + 1}`), 'first'],
    [alerts('groupBy: [{ status: {} }], offset: -1'), 'offset'],
    [alerts('having: { count: { gt: 1 } }'), 'having'],
    [alerts('groupBy: [{ status: {} }], having: { filter: {} }'), 'having.filter'],
    [
      '{ campaignsAggregate(groupBy: [{ status: {} }], orderBy: [{ statistic: PERCENTILE, of: TOTAL_REACH }]) { totalGroups } }',
      'orderBy[0].at',
    ],
    [
      '{ campaignsAggregate(groupBy: [{ status: {} }], orderBy: [{ statistic: PERCENTILE, at: 1.5, of: TOTAL_REACH }]) { totalGroups } }',
      'orderBy[0].at',
    ],
    [
      '{ campaignsAggregate(groupBy: [{ status: {} }], orderBy: [{ statistic: MAX, at: 0.5, of: TOTAL_REACH }]) { totalGroups } }',
      'orderBy[0].at',
    ],
    [
      alerts(
        'groupBy: [{ status: {} }], having: { filter: {}, count: { gt: 1 }, distinct: [{ of: TITLE, count: { gt: 1 } }] }',
      ),
      'having.filter',
    ],
    [alerts('orderBy: [{ count: DESC }]'), 'orderBy'],
    [
      alerts('groupBy: [{ status: {} }], orderBy: [{ key: { title: {} } }]'),
      'orderBy[0].key.title',
    ],
    [alerts('groupBy: [{ status: {} }], partitionBy: [{ title: {} }]'), 'partitionBy[0].title'],
    [
      alerts('groupBy: [{ status: {} }], orderBy: [{ count: DESC, statistic: MIN, of: TITLE }]'),
      'orderBy[0]',
    ],
    [
      alerts('groupBy: [{ status: {} }], compareTo: { column: TITLE, shift: "P1M" }'),
      'compareTo.column',
    ],
    [
      alerts('groupBy: [{ createdAt: {} }], compareTo: { column: CREATED_AT, shift: "1 month" }'),
      'compareTo.shift',
    ],
    [
      alerts('groupBy: [{ status: {} }], compareTo: { column: CREATED_AT, shift: "P1M" }'),
      'compareTo.column',
    ],
    [alerts('groupBy: [{ status: {} }]', 'groups { previous { count } }'), 'compareTo'],
    [alerts('groupBy: [{ status: {} }]', 'groups { key { title } }'), 'groupBy'],
    [alerts('filter: { title: { equals: null } }'), 'filter.title.equals'],
    [
      `{ userStatsListAggregate { groups { distinct { ${['totalPoints', 'teamsJoined', 'loginCount', 'movesCreated', 'userId'].join(' ')} }
        ${aliases(10, (n) => `v${n}: values { totalPoints { percentile(at: 0.${n + 1}) p50 p90 p95 p99 } teamsJoined { percentile(at: 0.${n + 11}) sum avg min max stddev } loginCount { percentile(at: 0.${n + 31}) sum } movesCreated { percentile(at: 0.${n + 51}) } }`)} } } }`,
      'groups',
    ],
  ])('%s', async (document, argument) => {
    const { errors } = await client.ask(document);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
  });

  it('what no statistic is of has none in the schema', async () => {
    const { errors } = await client.ask(
      '{ systemAlertsAggregate { groups { values { title { sum } } } } }',
    );
    expect(errors?.[0]?.message).toContain('Cannot query field "sum" on type "TextStatistics"');
  });
});

describe('columns that are hidden from some', () => {
  it.each([
    'agentsAggregate(groupBy: [{ systemPrompt: {} }]) { totalGroups }',
    'agentsAggregate(groupBy: [{ modelConfig: { path: ["a"] } }]) { totalGroups }',
    'agentsAggregate { groups { values { systemPrompt { max } } } }',
    'agentsAggregate { groups { distinct { systemPrompt } } }',
    'agentsAggregate { groups { count(filter: { systemPrompt: { isNull: true } }) } }',
    'agentCapabilitiesAggregate(groupBy: [{ agent: { systemPrompt: {} } }]) { totalGroups }',
    'agentsAggregate(groupBy: [{ id: {} }], orderBy: [{ statistic: MAX, of: SYSTEM_PROMPT }]) { totalGroups }',
    'agentsAggregate(groupBy: [{ id: {} }], having: { values: { systemPrompt: { max: { equals: "a" } } } }) { totalGroups }',
  ])('are no part of %s', async (field) => {
    const { errors } = await client.ask(`{ ${field} }`);
    expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });
});
