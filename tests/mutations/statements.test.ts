import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let owner: Client;
let ids: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  const tenant = await createTenant(database);
  await database.query('update workspaces set cohorts_limit = 1000');
  ids = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      insert(database, 'cohorts', { workspace_id: tenant.workspaceId, name: `Cohort ${n}` }),
    ),
  );
  await insert(database, 'agent_debates', {
    workspace_id: tenant.workspaceId,
    debate_id: 'there',
  });
  api = await openApi(database, 3, { accelerated: false });
  owner = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const ROW = '{ id cohort { id name tags } errors { message } }';
const ROWS = '{ affected results { id cohort { name } errors { message } } }';
const upsertOf = (id: string) =>
  `upsertAgentDebate(key: { debateId: "${id}" }, create: { debateId: "${id}" }, update: { topic: "Old" })
   { id agentDebate { id topic } errors { message } }`;
const NESTED = '{ id campaign { name } errors { message } }';

interface Case {
  field: string;
  variables?: () => Record<string, [type: string, value: unknown]>;
  key?: string;
  /** The statements inside the transaction, after BEGIN and before its end. */
  statements: string[];
  ends?: 'COMMIT' | 'ROLLBACK';
}

const many = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `Row ${i}` }));
const someOf = () => ({ filter: ['CohortFilter!', { id: { in: ids } }] as [string, unknown] });

const CASES: Record<string, Case> = {
  create: {
    field: `createCohort(input: { name: "New" }) ${ROW}`,
    statements: ['INSERT', 'SELECT'],
  },
  update: {
    field: `updateCohort(id: $id, input: { name: "Changed" }) ${ROW}`,
    variables: () => ({ id: ['UUID!', ids[0]] }),
    statements: ['SELECT', 'UPDATE', 'SELECT'],
  },
  'update, with a patch of JSON': {
    field: `updateCohort(id: $id, input: { name: "C", demographics: { patch: [{ path: ["a"], set: 1 }] } }) ${ROW}`,
    variables: () => ({ id: ['UUID!', ids[0]] }),
    statements: ['SELECT', 'UPDATE', 'UPDATE', 'SELECT'],
  },
  'update, rehearsed': {
    field: `updateCohort(id: $id, input: { name: "Changed" }, dryRun: true) ${ROW}`,
    variables: () => ({ id: ['UUID!', ids[0]] }),
    statements: ['SELECT', 'UPDATE', 'SELECT'],
    ends: 'ROLLBACK',
  },
  'upsert of a new row': {
    field: upsertOf('new'),
    statements: ['SELECT', 'INSERT', 'SELECT'],
  },
  'upsert of one that is there': {
    field: upsertOf('there'),
    statements: ['SELECT', 'SELECT', 'UPDATE', 'SELECT'],
  },
  delete: {
    field: `deleteCohort(id: $id) ${ROW}`,
    variables: () => ({ id: ['UUID!', ids.pop()] }),
    statements: ['SELECT', 'SELECT', 'DELETE'],
  },
  'create, with an idempotency key': {
    field: `createCohort(input: { name: "New" }) ${ROW}`,
    key: 'once',
    statements: ['SELECT', 'INSERT', 'SELECT', 'UPDATE'],
  },
  'create of a campaign with 20 quests and 10 cohorts': {
    field: `createCampaign(input: { name: "New", quests: $quests, cohortLinks: $links }) ${NESTED}`,
    variables: () => ({
      quests: ['[CampaignQuestInCampaignInput!]', many(20)],
      links: [
        '[CampaignCohortInCampaignInput!]',
        ids.slice(0, 10).map((cohortId) => ({ cohortId })),
      ],
    }),
    statements: ['INSERT', 'INSERT', 'INSERT', 'SELECT'],
  },
  'create of 100 rows': {
    field: `createCohorts(inputs: $inputs) ${ROWS}`,
    variables: () => ({ inputs: ['[CohortCreateInput!]!', many(100)] }),
    statements: ['INSERT', 'SELECT'],
  },
  'update of 99 rows': {
    field: `updateCohorts(filter: $filter, atMost: 100, input: { name: "Changed" }) ${ROWS}`,
    variables: someOf,
    statements: ['SELECT', 'SELECT', 'UPDATE', 'SELECT'],
  },
  'delete of 99 rows': {
    field: `deleteCohorts(filter: $filter, atMost: 100) ${ROWS}`,
    variables: someOf,
    statements: ['SELECT', 'SELECT', 'SELECT', 'DELETE'],
  },
};

describe('a mutation takes a fixed number of statements, each a round trip', () => {
  it.each(Object.entries(CASES))('%s', async (_, given) => {
    const { field, key, statements, ends = 'COMMIT' } = given;
    const variables = Object.entries(given.variables?.() ?? {});
    const head = variables.map(([name, [type]]) => `$${name}: ${type}`).join(', ');
    api.statements();
    const answer = await owner.ask(
      `mutation ${head && `(${head})`} { ${field} }`,
      Object.fromEntries(variables.map(([name, [, value]]) => [name, value])),
      key,
    );
    const sent = api.statements();
    expect(answer.errors).toBeUndefined();
    expect(answer.text).not.toContain('"message"');
    // First the caller's memberships. BEGIN is no round trip: it is sent with the next statement.
    expect(sent.map((sql) => sql.trim().split(/\s/, 1)[0])).toEqual([
      'SELECT',
      'BEGIN',
      ...statements,
      ends,
    ]);
    expect(sent[0]).toContain('viewer_memberships');
  });
});

describe('invalid rows are found in a bounded number of attempts', () => {
  it.each([
    [1, 3],
    [1, 100],
    [50, 100],
    [100, 100],
  ])('%i of %i', async (faults, rows) => {
    const inputs = many(rows).map((input, i) =>
      i < faults ? { ...input, positioningId: '00000000-0000-4000-8000-000000000000' } : input,
    );
    for (const atomic of [true, false]) {
      api.statements();
      const answer = await owner.data(
        `mutation ($inputs: [CampaignCreateInput!]!, $atomic: Boolean) {
          made: createCampaigns(inputs: $inputs, atomic: $atomic) { affected results { errors { path } } }
        }`,
        { inputs, atomic },
      );
      expect(answer.made.affected).toBe(atomic || faults === rows ? 0 : rows - faults);
      expect(answer.made.results.map(({ errors }: { errors: object[] }) => errors.length)).toEqual(
        inputs.map((_, i) => (i < faults ? 1 : 0)),
      );
      const attempts = api.statements().filter((sql) => sql.startsWith('INSERT'));
      // One for all rows, one for each part, and one for each row of the failed parts.
      const size = Math.ceil(Math.sqrt(rows));
      expect(attempts.length).toBeLessThanOrEqual(1 + size + Math.min(rows, faults * size));
    }
  });

  it('duplicates, which need no further attempts', async () => {
    const { campaign, cohort } = await owner.data(`mutation {
      campaign: createCampaign(input: { name: "With a cohort" }) { id }
      cohort: createCohort(input: { name: "Of a campaign" }) { id }
    }`);
    const link = { campaignId: campaign.id, cohortId: cohort.id };
    api.statements();
    const { made } = await owner.data(
      `mutation ($inputs: [CampaignCohortCreateInput!]!) {
        made: createCampaignCohorts(inputs: $inputs, atomic: false) { affected results { errors { path } } }
      }`,
      { inputs: Array.from({ length: 100 }, () => link) },
    );
    expect(made.affected).toBe(1);
    const attempts = api.statements().filter((sql) => sql.startsWith('INSERT'));
    expect(attempts.length).toBeLessThanOrEqual(1 + 10);
  });
});
