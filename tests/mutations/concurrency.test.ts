import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, rounds, successes } from '../support/race.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { mutate, type Payload } from './mutate.ts';
import { writableOf } from './writable.ts';

let database: TestDatabase;
let api: Api;
let tenant: Tenant;
let owner: Client;

const campaigns = writableOf('Campaign');
const cohorts = writableOf('Cohort');

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openApi(database, 10);
  owner = await api.as(tenant.people.Owner, tenant.workspaceId);
  await database.query('update workspaces set cohorts_limit = 100000');
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

const inWorkspace = (table: string, values: object) =>
  insert(database, table, { workspace_id: tenant.workspaceId, ...values });

/** The results of callers, all of which have data. */
function answered(results: PromiseSettledResult<Payload>[]): Payload[] {
  const failures = results.flatMap((each) =>
    each.status === 'rejected' ? [String(each.reason).slice(0, 200)] : [],
  );
  expect(failures).toEqual([]);
  return successes(results);
}

const codesOf = (payloads: readonly Payload[]) =>
  payloads.flatMap(({ errors, results }) =>
    (errors ?? results?.flatMap((result) => result.errors) ?? []).map(
      ({ __typename }) => __typename,
    ),
  );

describe('changes with ifUnmodifiedSince', () => {
  it('are never lost silently: a counter that all callers read and write back is right', async () => {
    await rounds(async () => {
      const id = await inWorkspace('campaigns', { name: 'Counted', planned_duration_days: 0 });
      const read = `{ campaign(id: "${id}") { plannedDurationDays updatedAt } }`;
      const increment = async () => {
        for (let attempt = 1; ; attempt += 1) {
          const { campaign } = await owner.data(read);
          const payload = await mutate(owner, campaigns, 'updateCampaign', {
            id,
            ifUnmodifiedSince: campaign.updatedAt,
            input: { plannedDurationDays: campaign.plannedDurationDays + 1 },
          });
          if (payload.errors.length === 0) return attempt;
          expect(payload.errors).toMatchObject([
            { __typename: 'ConflictError', path: ['ifUnmodifiedSince'] },
          ]);
          await delay(Math.random() * 100 * attempt);
        }
      };
      const attempts = await Promise.all(Array.from({ length: CALLERS }, increment));
      expect(Math.max(...attempts)).toBeGreaterThan(1);
      expect((await owner.data(read)).campaign.plannedDurationDays).toBe(CALLERS);
    });
  }, 240_000);
});

describe('upserts of one key', () => {
  it('create one row, which the other callers change', async () => {
    await rounds(async (round) => {
      const debates = writableOf('AgentDebate');
      const payloads = answered(
        await race((caller) =>
          mutate(owner, debates, 'upsertAgentDebate', {
            key: { debateId: `debate ${round}` },
            create: { debateId: `debate ${round}`, topic: `by ${caller}` },
            update: { question: `by ${caller}` },
          }),
        ),
      );
      expect(codesOf(payloads)).toEqual([]);
      expect(new Set(payloads.map(({ id }) => id)).size).toBe(1);
      expect(payloads.filter(({ row }) => row?.question === null)).toHaveLength(1);
      const rows = await database.query('select question from agent_debates where debate_id = $1', [
        `debate ${round}`,
      ]);
      expect(rows).toEqual([{ question: expect.stringMatching(/^by \d+$/) }]);
    });
  });
});

describe('bulk changes of the same rows', () => {
  it('wait for each other, in any order of the rows', async () => {
    await rounds(async () => {
      const ids = await Promise.all(
        Array.from({ length: 20 }, (_, n) => inWorkspace('cohorts', { name: `Cohort ${n}` })),
      );
      const payloads = answered(
        await race((caller) =>
          mutate(owner, cohorts, 'updateCohorts', {
            filter: { id: { in: caller % 2 ? ids : [...ids].reverse() } },
            atMost: 20,
            input: { executiveSummary: `by ${caller}`, tags: [`${caller}`] },
          }),
        ),
      );
      expect(codesOf(payloads)).toEqual([]);
      expect(payloads.every(({ affected }) => affected === 20)).toBe(true);
      const written = await database.query<{ by: string; tag: string }>(
        'select distinct executive_summary as by, tags[1] as tag from cohorts where id = any ($1)',
        [ids],
      );
      expect(written).toHaveLength(1);
      expect(written[0]?.by).toBe(`by ${written[0]?.tag}`);
    });
  }, 120_000);

  it('do not deadlock with single changes and deletions', async () => {
    await rounds(async () => {
      const ids = await Promise.all(
        Array.from({ length: 10 }, (_, n) => inWorkspace('cohorts', { name: `Cohort ${n}` })),
      );
      const run = (caller: number): Promise<Payload> => {
        const id = ids[caller % ids.length];
        const filter = { id: { in: caller % 2 ? ids : [...ids].reverse() } };
        const input = { name: `by ${caller}` };
        if (caller === CALLERS - 1)
          return mutate(owner, cohorts, 'deleteCohorts', { filter, atMost: 10 });
        if (caller % 3 === 0) return mutate(owner, cohorts, 'updateCohort', { id, input });
        return mutate(owner, cohorts, 'updateCohorts', { filter, atMost: 10, input });
      };
      const payloads = answered(await race(run));
      // Those after the deletion found nothing.
      expect(codesOf(payloads).filter((code) => code !== 'NotFoundError')).toEqual([]);
      expect(await database.query('select from cohorts where id = any ($1)', [ids])).toEqual([]);
    });
  }, 120_000);

  it('creations that refer to the same rows in opposite orders do not deadlock', async () => {
    await rounds(async () => {
      const ids = await Promise.all(
        Array.from({ length: 6 }, (_, n) => inWorkspace('campaigns', { name: `Campaign ${n}` })),
      );
      const quests = writableOf('CampaignQuest');
      const payloads = answered(
        await race((caller) => {
          const order = caller % 2 ? ids : [...ids].reverse();
          const inputs = order.map((campaignId) => ({ campaignId, name: `by ${caller}` }));
          return mutate(owner, quests, 'createCampaignQuests', { inputs });
        }),
      );
      expect(codesOf(payloads)).toEqual([]);
      const [row] = await database.query<{ n: number }>(
        'select count(*)::int as n from campaign_quests where campaign_id = any ($1)',
        [ids],
      );
      expect(row?.n).toBe(CALLERS * ids.length);
    });
  }, 120_000);
});

describe('plan limits', () => {
  it('are never exceeded, by single or bulk creations', async () => {
    await rounds(async () => {
      const small = await createTenant(database);
      const client = await api.as(small.people.Owner, small.workspaceId);
      await database.query('update workspaces set cohorts_limit = 10 where id = $1', [
        small.workspaceId,
      ]);
      const payloads = answered(
        await race((caller) =>
          mutate(client, cohorts, 'createCohorts', {
            inputs: Array.from({ length: 1 + (caller % 3) }, () => ({ name: `by ${caller}` })),
          }),
        ),
      );
      const created = payloads.reduce((sum, { affected = 0 }) => sum + affected, 0);
      const [row] = await database.query<{ n: number }>(
        'select count(*)::int as n from cohorts where workspace_id = $1',
        [small.workspaceId],
      );
      expect(row?.n).toBe(10);
      expect(created).toBe(10);
      expect(new Set(codesOf(payloads))).toEqual(new Set(['LimitReachedError']));
    });
  });
});
