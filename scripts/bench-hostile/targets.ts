import { type Hostile, RawJson, SHAPES } from '../../tests/support/hostile.ts';
import { FILTERS, LISTS, list, MANY, STRUCTURES, scalars } from './values.ts';

/** An argument of a kind of field: an ordinary request, and the values that make it a hostile one. */
export interface Target {
  name: string;
  /** With the variable `$v`. */
  query: string;
  ordinary: unknown;
  hostile: readonly Hostile[];
  accept?: string;
}

/** What a client reads first, to use it in its requests. */
export interface Known {
  campaignId: string;
  nodeId: string;
  /** Cursors of the list of campaigns, by the field that it is ordered by. */
  cursors: Readonly<Record<string, string>>;
  historyCursor: string;
  liveCursor: string;
}

/** Reads what is known of the demo. */
export const KNOWN_QUERY = `{
  campaigns(first: 1) { liveCursor nodes { id nodeId history(first: 1) { pageInfo { endCursor } } } }
  NAME: campaigns(first: 1, orderBy: [{ field: NAME }]) { pageInfo { endCursor } }
  CREATED_AT: campaigns(first: 1, orderBy: [{ field: CREATED_AT }]) { pageInfo { endCursor } }
  START_DATE: campaigns(first: 1, orderBy: [{ field: START_DATE }]) { pageInfo { endCursor } }
  TOTAL_REACH: campaigns(first: 1, orderBy: [{ field: TOTAL_REACH }]) { pageInfo { endCursor } }
  BUDGET_ALLOCATION: campaigns(first: 1, orderBy: [{ field: BUDGET_ALLOCATION }]) { pageInfo { endCursor } }
}`;

/** The scalars of the columns that the known cursors are over. */
const CURSOR_TYPES: Record<string, string> = {
  NAME: 'String',
  CREATED_AT: 'DateTime',
  START_DATE: 'Date',
  TOTAL_REACH: 'BigInt',
  BUDGET_ALLOCATION: 'Decimal',
};

/** Returns every argument that is measured. */
export function targetsOf(known: Known): Target[] {
  return [
    ...lookupTargets(known),
    ...listTargets(known),
    ...cursorTargets(known),
    ...writeTargets(known),
    ...streamTargets(known),
  ];
}

function lookupTargets({ campaignId, nodeId }: Known): Target[] {
  return [
    {
      name: 'campaign(id)',
      query: 'query ($v: UUID!) { campaign(id: $v) { name } }',
      ordinary: campaignId,
      hostile: scalars('UUID'),
    },
    {
      name: 'journeyStage(id)',
      query: 'query ($v: String!) { journeyStage(id: $v) { name } }',
      ordinary: 'aware',
      hostile: scalars('String'),
    },
    {
      name: 'node(nodeId)',
      query: 'query ($v: ID!) { node(nodeId: $v) { nodeId } }',
      ordinary: nodeId,
      hostile: scalars('ID'),
    },
    {
      name: 'nodes(nodeIds)',
      query: 'query ($v: [ID!]!) { nodes(nodeIds: $v) { nodeId } }',
      ordinary: [nodeId],
      hostile: [
        ...SHAPES,
        ...LISTS,
        { name: '100 node ids of 9,000 characters', value: list(100, 'x'.repeat(9_000)) },
      ],
    },
  ];
}

/** A comparison in a filter of campaigns, with `$v` of a type. */
const filtered = (type: string, comparison: string, ordinary: unknown): Target => ({
  name: `campaigns(filter: ${comparison.replace('$v', type)})`,
  query: `query ($v: ${type}) { campaigns(first: 5, filter: ${comparison}) { nodes { id } } }`,
  ordinary,
  hostile: [...scalars(type.replace(/[[\]!]/g, '')), ...(type.startsWith('[') ? LISTS : [])],
});

function listTargets({ campaignId }: Known): Target[] {
  return [
    {
      name: 'campaigns(first)',
      query: 'query ($v: Int) { campaigns(first: $v) { nodes { id } } }',
      ordinary: 5,
      hostile: scalars('Int'),
    },
    {
      name: 'campaigns(orderBy)',
      query: 'query ($v: [CampaignOrderBy!]) { campaigns(first: 5, orderBy: $v) { nodes { id } } }',
      ordinary: [{ field: 'NAME' }],
      hostile: [
        ...STRUCTURES,
        ...LISTS,
        { name: '10,000 orders', value: list(MANY, { field: 'NAME' }) },
        {
          name: '5 orders',
          value: ['NAME', 'STATUS', 'ID', 'OBJECTIVE', 'DESCRIPTION'].map((field) => ({ field })),
        },
      ],
    },
    {
      name: 'campaigns(filter)',
      query:
        'query ($v: CampaignFilter) { campaigns(first: 5, filter: $v) { totalCount nodes { id } } }',
      ordinary: { name: { contains: 'a' } },
      hostile: [...STRUCTURES, ...FILTERS, ...SHAPES],
    },
    filtered('String', '{ name: { contains: $v } }', 'a'),
    filtered('[String!]', '{ targetSegments: { hasSome: $v } }', ['a']),
    filtered('[UUID!]', '{ id: { in: $v } }', [campaignId]),
    filtered('BigInt', '{ totalReach: { gt: $v } }', '1'),
    filtered('Decimal', '{ budgetAllocation: { gt: $v } }', '1'),
    filtered('DateTime', '{ createdAt: { lt: $v } }', '2026-01-01T00:00:00.000Z'),
    filtered('Date', '{ startDate: { lt: $v } }', '2026-01-01'),
    filtered('Int', '{ conversionCount: { gt: $v } }', 1),
    filtered('JSON', '{ resourceAllocation: { equals: $v } }', { a: 1 }),
    filtered('Boolean', '{ name: { equals: "a" }, description: { isNull: $v } }', true),
    {
      name: 'prioritySignals(threshold)',
      query: 'query ($v: Decimal!) { prioritySignals(first: 5, threshold: $v) { id } }',
      ordinary: '50',
      hostile: scalars('Decimal'),
    },
    {
      name: 'Campaign.quests(filter)',
      query: `query ($v: CampaignQuestFilter) { campaign(id: "${campaignId}") { quests(first: 5, filter: $v) { totalCount nodes { id } } } }`,
      ordinary: { name: { contains: 'a' } },
      hostile: [...STRUCTURES, ...FILTERS],
    },
  ];
}

function cursorTargets({ campaignId, cursors, historyCursor, liveCursor }: Known): Target[] {
  const ofList = Object.entries(CURSOR_TYPES).map(([field, type]): Target => {
    const cursor = String(cursors[field]);
    const [signature, , ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const forged = (value: unknown) =>
      Buffer.from(
        value instanceof RawJson
          ? JSON.stringify([signature, 0, ...rest]).replace(',0,', () => `,${value.text},`)
          : JSON.stringify([signature, value, ...rest]),
      ).toString('base64url');
    return {
      name: `campaigns(after: a cursor over ${type})`,
      query: `query ($v: String) { campaigns(first: 5, after: $v, orderBy: [{ field: ${field} }]) { nodes { id } } }`,
      ordinary: cursor,
      hostile: [
        ...scalars(type).map(({ name, value }) => ({ name, value: forged(value) })),
        { name: 'a text of 45,000 characters', value: forged('x'.repeat(45_000)) },
        { name: 'a text of 600,000 characters', value: forged('x'.repeat(600_000)) },
        { name: 'another cursor', value: historyCursor },
        { name: 'deep JSON', value: Buffer.from(`${'['.repeat(40_000)}`).toString('base64url') },
      ],
    };
  });
  return [
    ...ofList,
    {
      name: 'Campaign.history(after)',
      query: `query ($v: String) { campaign(id: "${campaignId}") { history(first: 5, after: $v) { nodes { operation } } } }`,
      ordinary: historyCursor,
      hostile: [
        ...scalars('String'),
        { name: 'another cursor', value: liveCursor },
        { name: 'a changed cursor', value: `${historyCursor.slice(0, -4)}AAAA` },
        { name: '900,000 characters', value: 'A'.repeat(900_000) },
      ],
    },
  ];
}

/** A column of a new campaign, of a type. */
const created = (column: string, type: string, ordinary: unknown): Target => ({
  name: `createCampaign(input: { ${column}: ${type} })`,
  query: `mutation ($v: ${type}) { createCampaign(dryRun: true, input: { name: "A", ${column}: $v }) { errors { __typename } } }`,
  ordinary,
  hostile: [...scalars(type.replace(/[[\]!]/g, '')), ...(type.startsWith('[') ? LISTS : [])],
});

function writeTargets({ campaignId }: Known): Target[] {
  const campaign = { name: 'A campaign' };
  return [
    created('description', 'String', 'a'),
    created('targetSegments', '[String!]', ['a']),
    created('budgetAllocation', 'Decimal', '1'),
    created('startDate', 'Date', '2026-01-01'),
    created('plannedDurationDays', 'Int', 1),
    created('positioningId', 'UUID', null),
    created('resourceAllocation', 'JSON', { a: 1 }),
    {
      name: 'createCampaigns(inputs)',
      query:
        'mutation ($v: [CampaignCreateInput!]!) { createCampaigns(dryRun: true, inputs: $v) { affected results { errors { __typename } } } }',
      ordinary: [campaign],
      hostile: [
        ...STRUCTURES,
        { name: '500 rows', value: list(500, campaign) },
        { name: '501 rows', value: list(501, campaign) },
        { name: '10,000 rows', value: list(MANY, campaign) },
        {
          name: '10,000 rows of relations',
          value: [{ ...campaign, quests: list(MANY, campaign) }],
        },
      ],
    },
    {
      name: 'updateCampaign(input: { resourceAllocation: { patch } })',
      query: `mutation ($v: [JSONPatchOperation!]!) { updateCampaign(dryRun: true, id: "${campaignId}", input: { resourceAllocation: { patch: $v } }) { errors { __typename } } }`,
      ordinary: [{ path: ['a'], set: 1 }],
      hostile: [
        ...STRUCTURES,
        { name: '1,000 operations', value: list(1_000, { path: ['a'], set: 1 }) },
        { name: '1,000 long paths', value: list(1_000, { path: list(50, 'a'), set: 1 }) },
        { name: '10,000 operations', value: list(MANY, { path: ['a'], set: 1 }) },
      ],
    },
    {
      name: 'updateCampaigns(filter)',
      query:
        'mutation ($v: CampaignFilter!) { updateCampaigns(dryRun: true, filter: $v, atMost: 5, input: { objective: "a" }) { affected results { errors { __typename } } } }',
      ordinary: { id: { equals: campaignId } },
      hostile: [...STRUCTURES, ...FILTERS],
    },
    {
      name: 'createSystemAlert(input: { actionUrl: URL })',
      query:
        'mutation ($v: URL) { createSystemAlert(dryRun: true, input: { title: "A", alertType: ERROR, actionUrl: $v }) { errors { __typename } } }',
      ordinary: 'https://example.com/',
      hostile: scalars('URL'),
    },
    {
      name: 'inviteWorkspaceMember(email)',
      query:
        'mutation ($v: String!) { inviteWorkspaceMember(dryRun: true, email: $v) { errors { __typename } } }',
      ordinary: 'noor.haddad@example.com',
      hostile: scalars('String'),
    },
  ];
}

function streamTargets({ liveCursor, historyCursor }: Known): Target[] {
  return [
    {
      name: 'campaignChanged(after)',
      query: 'subscription ($v: String) { campaignChanged(after: $v) { cursor } }',
      accept: 'text/event-stream',
      ordinary: liveCursor,
      hostile: [
        ...scalars('String'),
        { name: 'another cursor', value: historyCursor },
        { name: 'a changed cursor', value: `${liveCursor.slice(0, -4)}AAAA` },
      ],
    },
    {
      name: 'campaignChanged(filter)',
      query: 'subscription ($v: CampaignFilter) { campaignChanged(filter: $v) { cursor } }',
      accept: 'text/event-stream',
      ordinary: { name: { contains: 'a' } },
      hostile: [...STRUCTURES, ...FILTERS],
    },
  ];
}
