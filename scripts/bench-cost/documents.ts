import pg from 'pg';
import { demoWorkspaces } from '../../prisma/seed/people.ts';

/** An operation that is measured. */
export interface Measured {
  name: string;
  query: string;
  variables?: Record<string, unknown>;
}

const repeated = <T>(n: number, of: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => of(i));
const aliased = (n: number, field: string) => repeated(n, (i) => `a${i}: ${field}`).join(' ');

const COUNT = 'query ($filter: SystemAlertFilter) { systemAlerts(filter: $filter) { totalCount } }';
const any = (n: number, condition: (i: number) => object) => ({
  filter: { or: repeated(n, condition) },
});
const texts = (n: number, length = 5) =>
  any(n, (i) => ({ description: { contains: `${i}`.padStart(length, 'x') } }));

const ROW = 'title severityLevel status createdAt';
const chain = (lists: number): string =>
  lists === 0
    ? 'title'
    : `relatedCampaign { alerts(first: 10) { nodes { title ${chain(lists - 1)} } } }`;

const CREATE =
  'mutation ($inputs: [CampaignCreateInput!]!, $atomic: Boolean) { createCampaigns(inputs: $inputs, atomic: $atomic, dryRun: true) { affected results { errors { message } } } }';
const LINK =
  'mutation ($inputs: [CampaignCohortCreateInput!]!) { createCampaignCohorts(inputs: $inputs, atomic: false, dryRun: true) { affected results { errors { message } } } }';
const NOBODY = '00000000-0000-4000-8000-000000000000';

const LISTS: Measured[] = [
  { name: '1 row', query: `{ systemAlerts(first: 1) { nodes { ${ROW} } } }` },
  { name: '100 rows', query: `{ systemAlerts(first: 100) { nodes { ${ROW} } } }` },
  {
    name: '20 x 100 rows',
    query: `{ ${aliased(20, `systemAlerts(first: 100) { nodes { ${ROW} } }`)} }`,
  },
  {
    name: '20 lists of 1 row',
    query: `{ ${aliased(20, 'systemAlerts(first: 1) { nodes { id } }')} }`,
  },
  {
    name: '20 sorted lists',
    query: `{ ${aliased(20, 'systemAlerts(first: 1, orderBy: [{ field: TITLE }]) { nodes { id } }')} }`,
  },
  { name: '20 counts', query: `{ ${aliased(20, 'systemAlerts { totalCount }')} }` },
];

const COUNTS: Measured[] = [
  { name: 'count, 10 texts', query: COUNT, variables: texts(10) },
  { name: 'count, 80 texts', query: COUNT, variables: texts(80) },
  { name: 'count, 8 texts of 1,000', query: COUNT, variables: texts(8, 1_000) },
  {
    name: 'count, 100 comparisons',
    query: COUNT,
    variables: any(100, (i) => ({ title: { equals: `${i}` } })),
  },
  {
    name: 'count, 500 values',
    query: COUNT,
    variables: { filter: { title: { in: repeated(500, (i) => `${i}`) } } },
  },
  {
    name: 'count, 50 of JSON',
    query: COUNT,
    variables: any(50, (i) => ({ dataPoints: { path: ['a', 'b'], contains: `${i}` } })),
  },
  {
    name: 'count, 50 by a to-one relation',
    query: COUNT,
    variables: any(50, (i) => ({ relatedCampaign: { name: { contains: `${i}` } } })),
  },
  {
    name: 'count, 50 by a to-many relation',
    query: 'query ($filter: CampaignFilter) { campaigns(filter: $filter) { totalCount } }',
    variables: any(50, (i) => ({ alerts: { some: { title: { contains: `x${i}` } } } })),
  },
];

/** Relations of a row. */
const RELATED: Measured[] = [
  {
    name: '100 rows with 5 to-one relations',
    query:
      '{ systemAlerts(first: 100) { nodes { relatedCampaign { name } relatedCohort { name } relatedMove { name } triggeredBySignal { id } workspace { name } } } }',
  },
  {
    name: '100 rows with a list of 1',
    query: '{ campaigns(first: 100) { nodes { alerts(first: 1) { nodes { id } } } } }',
  },
  {
    name: '100 rows with a list of 100',
    query: '{ campaigns(first: 100) { nodes { alerts(first: 100) { nodes { id } } } } }',
  },
  {
    name: '100 rows with 10 lists under other names',
    query: `{ campaigns(first: 100) { nodes { ${aliased(10, 'alerts(first: 1) { nodes { id } }')} } } }`,
  },
  {
    name: '100 rows with lists, 80 texts',
    query:
      'query ($filter: SystemAlertFilter) { campaigns(first: 100) { nodes { alerts(filter: $filter) { nodes { id } } } } }',
    variables: texts(80),
  },
  {
    name: '100 rows with counts, 80 texts',
    query:
      'query ($filter: SystemAlertFilter) { campaigns(first: 100) { nodes { alerts(filter: $filter) { totalCount } } } }',
    variables: texts(80),
  },
  {
    name: 'lists in lists, 3 levels',
    query: `{ campaigns(first: 10) { nodes { alerts(first: 10) { nodes { ${chain(1)} } } } } }`,
  },
  {
    name: 'lists in lists, 4 levels',
    query: `{ campaigns(first: 8) { nodes { alerts(first: 10) { nodes { ${chain(2)} } } } } }`,
  },
  {
    name: '100 rows with links',
    query:
      '{ marketInsights(first: 100) { nodes { sourceSignals { signalTitle } relevantForCampaigns { name } createdBy { fullName } } } }',
  },
  {
    name: '100 rows with a history of 50',
    query:
      '{ campaigns(first: 100) { nodes { history(first: 50) { nodes { operation after } } } } }',
  },
  {
    name: '100 rows with a read model',
    query: '{ campaigns(first: 100) { nodes { health { state questCount reach } } } }',
  },
  {
    name: 'overviews',
    query:
      '{ viewer { workspace { overview { total } trendOpportunities { topic } agentRecommendationSummaries { agentName } } } }',
  },
  {
    name: 'functions',
    query: '{ activeInsights(first: 100) { id } prioritySignals(first: 100) { id } }',
  },
];

/** Ids that documents need. */
export interface Known {
  campaignId: string;
  cohortId: string;
}

/** Returns the ids of the demo data in a database, for a login that may read all of it. */
export async function knownIds(connectionString: string): Promise<Known> {
  const client = new pg.Client(connectionString);
  await client.connect();
  try {
    const { rows } = await client.query<Known>(
      `SELECT c.id AS "campaignId", h.id AS "cohortId" FROM campaigns AS c, cohorts AS h
       WHERE c.workspace_id = $1 AND h.workspace_id = $1
         AND NOT EXISTS (SELECT FROM campaign_cohorts WHERE campaign_id = c.id AND cohort_id = h.id)
       LIMIT 1`,
      [demoWorkspaces[0]?.id],
    );
    return rows[0] as Known;
  } finally {
    await client.end();
  }
}

/** The documents that are measured, with the most expensive ones of each kind that are allowed. */
export function documents(known: Known): Measured[] {
  return [...LISTS, ...COUNTS, ...RELATED, ...writes(known)];
}

function writes({ campaignId, cohortId }: Known): Measured[] {
  return [
    { name: 'create 1 row', query: CREATE, variables: { inputs: [{ name: 'New' }] } },
    {
      name: 'create 500 rows',
      query: CREATE,
      variables: { inputs: repeated(500, (i) => ({ name: `${i}` })) },
    },
    {
      name: 'create 500 rows, all invalid',
      query: CREATE,
      variables: {
        inputs: repeated(500, () => ({ name: 'New', positioningId: NOBODY })),
        atomic: false,
      },
    },
    {
      name: 'create 500 rows, all but one duplicates',
      query: LINK,
      variables: { inputs: repeated(500, () => ({ campaignId, cohortId })) },
    },
    {
      name: 'create 45 rows with 10 each',
      query: CREATE,
      variables: {
        inputs: repeated(45, (i) => ({
          name: `${i}`,
          quests: repeated(10, (n) => ({ name: `${n}` })),
        })),
      },
    },
    {
      name: 'change 400 rows',
      query:
        'mutation { updateCampaigns(filter: { createdAt: { gt: "2001-01-01T00:00:00Z" } }, atMost: 400, input: { description: "New" }, dryRun: true) { affected } }',
    },
    {
      name: 'delete 400 rows with all that belongs to them',
      query:
        'mutation { deleteCampaigns(filter: { createdAt: { gt: "2001-01-01T00:00:00Z" } }, atMost: 400, dryRun: true) { affected } }',
    },
    {
      name: '20 x a function',
      query: `mutation { ${aliased(20, 'raiseAlert(title: "New", type: ANOMALY, severity: CRITICAL, dryRun: true) { systemAlert { id } }')} }`,
    },
  ];
}
