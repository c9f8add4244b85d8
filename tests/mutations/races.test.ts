import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testEnv } from '../support/env.ts';
import { attempt, perform } from '../support/mutations.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

const CALLERS = 50;

let database: TestDatabase;
let api: Api;
let tenant: Tenant;
let owner: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openApi(database, 10);
  owner = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

/** Sends the same call, or one for each caller, at once; returns the payloads. */
function race(call: (caller: number) => string, selection: string) {
  return Promise.all(
    Array.from({ length: CALLERS }, (_, caller) => attempt(owner, call(caller), selection)),
  );
}

const rounds = Array.from({ length: testEnv.stressRounds }, (_, i) => i + 1);

describe.each(rounds)(`${CALLERS} callers at once, round %i`, () => {
  it('acknowledge an alert once', async () => {
    const { id } = await perform(
      owner,
      'raiseAlert(title: "T", type: ERROR, severity: LOW)',
      '{ id }',
    );
    const payloads = await race(() => `acknowledgeAlert(id: "${id}")`, '{ id }');
    const refused = payloads.flatMap(({ errors }) => errors);
    expect(refused).toHaveLength(CALLERS - 1);
    expect(new Set(refused.map(({ __typename }) => __typename))).toEqual(
      new Set(['InvalidTransitionError']),
    );
  });

  it('unlock an achievement once, and add its points once', async () => {
    const userId = tenant.people.Creator;
    const points = async () => {
      const { userStatsList } = await owner.data(
        `{ userStatsList(filter: { userId: { equals: "${userId}" } }) { nodes { totalPoints } } }`,
      );
      return userStatsList.nodes[0]?.totalPoints ?? 0;
    };
    const before = await points();
    const { id } = await perform(
      owner,
      'createAchievement(input: { name: "A", badgeType: SPEED, conditionType: COUNT, pointsReward: 70 })',
      '{ id }',
    );
    const payloads = await race(
      () => `unlockAchievement(achievementId: "${id}", userId: "${userId}")`,
      '{ id }',
    );
    expect(payloads.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    expect(await points()).toBe(before + 70);
  });

  it('count every execution', async () => {
    const agentId = await insert(database, 'agent_registry', {
      agent_name: `agent-${Date.now()}`,
      agent_type: 'creative',
    });
    const payloads = await race(
      (caller) =>
        `recordAgentExecution(agentId: "${agentId}", seconds: ${caller}, inputTokens: 2,
          outputTokens: 1, cost: "0.01", success: ${caller % 2 === 0})`,
      '{ id }',
    );
    expect(payloads.flatMap(({ errors }) => errors)).toEqual([]);
    const { agent } = await owner.data(
      `{ agent(id: "${agentId}") { performance { nodes { executionCount successCount totalInputTokens } } } }`,
    );
    // The hour may have ended in the meantime.
    const sums = agent.performance.nodes.reduce(
      (sum: number[], hour: Record<string, number>) =>
        ['executionCount', 'successCount', 'totalInputTokens'].map(
          (column, i) => (sum[i] as number) + (hour[column] as number),
        ),
      [0, 0, 0],
    );
    expect(sums).toEqual([CALLERS, CALLERS / 2, CALLERS * 2]);
  });

  it('link the same cohorts in any order', async () => {
    const { id } = await perform(owner, 'createCampaign(input: { name: "C" })', '{ id }');
    const { cohorts } = await owner.data('{ cohorts(first: 3) { nodes { id } } }');
    const ids = cohorts.nodes.map((cohort: { id: string }) => cohort.id);
    while (ids.length < 3) {
      ids.push((await perform(owner, 'createCohort(input: { name: "C" })', '{ id }')).id);
    }
    const payloads = await race((caller) => {
      const ordered = caller % 2 === 0 ? ids : [...ids].reverse();
      const links = ordered.map(
        (cohortId: string) => `{ cohortId: "${cohortId}", targetCount: ${caller} }`,
      );
      return `linkCohorts(campaignId: "${id}", cohorts: [${links.join(', ')}])`;
    }, '{ affected results { id } }');
    expect(payloads.map(({ affected }) => affected)).toEqual(payloads.map(() => 3));
    const { campaign } = await owner.data(
      `{ campaign(id: "${id}") { cohortLinks { nodes { targetCount } } } }`,
    );
    const targets = campaign.cohortLinks.nodes.map(
      (link: { targetCount: number }) => link.targetCount,
    );
    expect(targets).toHaveLength(3);
    // The last caller determines the values of all of them.
    expect(new Set(targets).size).toBe(1);
  });

  it('never remove the last Owner', async () => {
    const place = await createTenant(database);
    await database.query(`update user_workspaces set role = 'Owner' where workspace_id = $1`, [
      place.workspaceId,
    ]);
    const people = Object.values(place.people);
    const answers = await Promise.all(
      people.map(async (userId) =>
        attempt(
          await api.as(userId, place.workspaceId),
          `removeMember(userId: "${userId}")`,
          '{ id }',
        ),
      ),
    );
    const refused = answers.flatMap(({ errors }) => errors);
    expect(refused).toMatchObject([{ __typename: 'InvalidTransitionError' }]);
    const left = await database.query(`select role from user_workspaces where workspace_id = $1`, [
      place.workspaceId,
    ]);
    expect(left).toEqual([{ role: 'Owner' }]);
  });
});
