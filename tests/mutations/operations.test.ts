import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { startGateway, type TestGateway, token } from '../server/support/gateway.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let tenant: Tenant;
let owner: Client;
let campaignId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  await database.query('update workspaces set cohorts_limit = 1000');
  api = await openApi(database);
  owner = await api.as(tenant.people.Owner, tenant.workspaceId);
  campaignId = await insert(database, 'campaigns', {
    workspace_id: tenant.workspaceId,
    name: 'Before',
  });
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});
beforeEach(async () => {
  await database.query('delete from cohorts');
  await database.query("update campaigns set name = 'Before'");
});

const names = async () => {
  const rows = await database.query<{ name: string }>(
    'select name from cohorts order by created_at',
  );
  return rows.map(({ name }) => name);
};
const nameOfCampaign = async () => {
  const [row] = await database.query<{ name: string }>('select name from campaigns where id = $1', [
    campaignId,
  ]);
  return row?.name;
};

describe('the fields of a mutation', () => {
  it('run in the order of the document, without skipped ones', async () => {
    const data = await owner.data(
      `mutation ($no: Boolean!, $yes: Boolean = true) {
        a: createCohort(input: { name: "Not yet" }) @skip(if: $yes) { id }
        b: createCohort(input: { name: "First" }) { cohort { name } }
        ... on Mutation @include(if: $no) { c: createCohort(input: { name: "Never" }) { id } }
        ...Rest
        __typename
      }
      fragment Rest on Mutation {
        d: createCohort(input: { name: "Second" }) { cohort { name } }
        b: createCohort(input: { name: "First" }) { errors { message } cohort { tags } }
      }`,
      { no: false },
    );
    expect(JSON.stringify(data)).toBe(
      JSON.stringify({
        b: { cohort: { name: 'First', tags: [] }, errors: [] },
        d: { cohort: { name: 'Second' } },
        __typename: 'Mutation',
      }),
    );
    expect(await names()).toEqual(['First', 'Second']);
  });

  it('see the changes of earlier fields, and are answered with the state at their time', async () => {
    const data = await owner.data(
      `mutation ($id: UUID!) {
        a: createCampaignQuest(input: { campaignId: $id, name: "One" }) { campaignQuest { ...Q } }
        b: createCampaignQuest(input: { campaignId: $id, name: "Two" }) { campaignQuest { ...Q } }
      }
      fragment Q on CampaignQuest { campaign {
        quests(first: 1) { totalCount nodes { name } } all: quests { nodes { name } }
      } }`,
      { id: campaignId },
    );
    expect(data).toEqual({
      a: {
        campaignQuest: {
          campaign: {
            quests: { totalCount: 1, nodes: [{ name: 'One' }] },
            all: { nodes: [{ name: 'One' }] },
          },
        },
      },
      b: {
        campaignQuest: {
          campaign: {
            quests: { totalCount: 2, nodes: [{ name: 'Two' }] },
            all: { nodes: [{ name: 'Two' }, { name: 'One' }] },
          },
        },
      },
    });
  });

  it('succeed after a table of their prepared statements has changed', async () => {
    const create = () =>
      owner.data(
        'mutation { createCohort(input: { name: "Again", timeline: "Soon" }) { cohort { timeline } } }',
      );
    await create();
    for (const type of ['varchar(300)', 'text']) {
      await database.query(`alter table cohorts alter column timeline type ${type}`);
      expect(await create()).toEqual({ createCohort: { cohort: { timeline: 'Soon' } } });
    }
    expect(await names()).toEqual(['Again', 'Again', 'Again']);
  });

  it('keep their answers if another one fails', async () => {
    const answer = await owner.ask(
      `mutation {
        a: createCohort(input: { name: "Kept" }) { cohort { name } }
        b: createCohort(input: { name: "Undone" }) { cohort { history(first: 1000) { nodes { operation } } } }
        c: createCohort(input: { name: "Kept as well" }) { cohort { name } }
      }`,
    );
    expect(answer.data).toEqual({
      a: { cohort: { name: 'Kept' } },
      b: null,
      c: { cohort: { name: 'Kept as well' } },
    });
    expect(answer.errors).toEqual([
      {
        message: expect.stringMatching(/^"first" must .* nothing was changed\.$/),
        locations: [{ line: 3, column: 63 }],
        path: ['b', 'cohort', 'history'],
        extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
      },
    ]);
    expect(await names()).toEqual(['Kept', 'Kept as well']);
  });
});

describe('no field of a mutation runs', () => {
  it('if a variable of its last field is wrong', async () => {
    const answer = await owner.ask(
      `mutation ($id: UUID!) {
        a: createCohort(input: { name: "No" }) { id }
        b: deleteCohort(id: $id) { id }
      }`,
      { id: 'none' },
    );
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors).toHaveLength(1);
    expect(await names()).toEqual([]);
  });

  it('if its fields together cost too much', async () => {
    const nested = 'cohort { moves(first: 100) { nodes { alerts(first: 100) { nodes { id } } } } }';
    const field = (name: string) => `${name}: createCohort(input: { name: "No" }) { ${nested} }`;
    const one = await owner.ask(`mutation { ${field('a')} }`);
    expect(one.errors).toBeUndefined();
    const many = await owner.ask(
      `mutation { ${Array.from({ length: 20 }, (_, i) => field(`a${i}`)).join(' ')} }`,
    );
    expect(many.data ?? null).toBeNull();
    expect(many.errors?.map(({ extensions }) => extensions.code)).toEqual(['QUERY_TOO_COMPLEX']);
    expect(await names()).toEqual(['No']);
  });
});

describe('a refusal that comes last', () => {
  it('is the answer to a deletion, which is rolled back', async () => {
    const answer = async (dryRun: boolean) =>
      owner.data(
        `mutation ($user: UUID!, $dryRun: Boolean!) {
          removeMember(userId: $user, dryRun: $dryRun) {
            id workspaceMember { role } errors { __typename path }
          }
        }`,
        { user: tenant.people.Owner, dryRun },
      );
    for (const dryRun of [true, false]) {
      expect(await answer(dryRun)).toEqual({
        removeMember: {
          id: null,
          workspaceMember: null,
          errors: [{ __typename: expect.stringMatching(/Error$/), path: expect.any(Array) }],
        },
      });
    }
  });
});

describe('the time limit', () => {
  const QUEST = `createCampaignQuest(input: { campaignId: $id, name: "Slow" }) {
    campaignQuest { history(first: 1) { nodes { operation } } }
  }`;

  it('for reading an answer is short, since the rows are locked', async () => {
    await database.query(
      'create policy slow on gateway.audit_log as restrictive for select using (pg_sleep(8) is null)',
    );
    try {
      const waiting = owner.ask(
        `mutation ($id: UUID!) { slow: updateCampaign(id: $id, input: { name: "Slow" }) {
          campaign { history(first: 1) { nodes { operation } } }
        } }`,
        { id: campaignId },
      );
      const answer = await waiting;
      expect(answer.data).toEqual({ slow: null });
      expect(answer.errors).toMatchObject([
        { path: ['slow', 'campaign', 'history'], extensions: { code: 'TIMEOUT' } },
      ]);
      expect(answer.errors?.[0]?.message).toContain('nothing was changed');
      expect(await nameOfCampaign()).toBe('Before');
    } finally {
      await database.query('drop policy slow on gateway.audit_log');
    }
  });

  describe('of a request', () => {
    let hasty: TestGateway;
    beforeAll(async () => {
      hasty = await startGateway(database.gatewayUrl, {
        schema,
        requestTimeoutMs: 1_500,
        statementTimeoutMs: 10_000,
      });
    });
    afterAll(() => hasty?.close());

    it('keeps the answers of finished fields, and rolls back the current one', async () => {
      const headers = {
        authorization: `Bearer ${await token({ sub: tenant.people.Owner })}`,
        'x-workspace-id': tenant.workspaceId,
      };
      const blocked = `updateCampaign(id: $id, input: { name: "Late" }) { id }`;
      const [several, single] = await database.rehearse({ role: 'service_role' }, async (query) => {
        await query('update campaigns set name = $1 where id = $2', ['Held', campaignId]);
        return [
          await hasty.ask(
            `mutation ($id: UUID!) {
                a: createCohort(input: { name: "In time" }) { cohort { name } }
                b: ${blocked}
                c: createCohort(input: { name: "Too late" }) { id }
              }`,
            headers,
            { id: campaignId },
          ),
          await hasty.ask(`mutation ($id: UUID!) { ${blocked} }`, headers, { id: campaignId }),
        ];
      });
      expect(several.data).toEqual({ a: { cohort: { name: 'In time' } }, b: null, c: null });
      expect(several.errors).toMatchObject([
        { path: ['b'], extensions: { code: 'TIMEOUT' } },
        { path: ['c'], extensions: { code: 'TIMEOUT' } },
      ]);
      expect(single.status).toBe(504);
      expect(single.data ?? null).toBeNull();
      expect(await names()).toEqual(['In time']);
      await owner.data(`mutation ($id: UUID!) { ${QUEST} }`, { id: campaignId });
      expect(await nameOfCampaign()).toBe('Before');
    });
  });
});
