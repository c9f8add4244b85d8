import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';

const DASHBOARD = /* GraphQL */ `
  query ($first: Int!) {
    campaigns(first: $first) {
      nodes {
        id
        name
        status
        positioning { name }
        quests(first: 5) { nodes { id name status } }
        cohortLinks { nodes { cohort { id name } } }
        alerts(filter: { status: { equals: ACTIVE } }) { totalCount }
      }
    }
  }
`;

const DEEP = /* GraphQL */ `
  query ($first: Int!, $workspace: UUID!) {
    workspace(id: $workspace) {
      name
      campaigns(first: $first) {
        nodes {
          name
          quests { nodes { name } }
          alerts { nodes { title triggeredByAgent { agentName } } }
        }
      }
    }
  }
`;

/** The statement that reads the viewer's memberships, which only executed requests send. */
const VIEWER = 1;

describe.each([
  ['compiled to one statement', true, 1],
  // One for the campaigns with their relations, and one for the counts of their alerts.
  ['executed', false, VIEWER + 2],
] as const)(
  'the number of statements does not depend on the number of campaigns, %s',
  (_, accelerated, statementsOfDashboard) => {
    let world: VariedWorld;
    beforeAll(async () => {
      world = await createVariedWorld({ rows: 50, gaps: false, accelerated });
      await world.writeUnchecked(`update system_alerts set status = 'active'`);
    });
    afterAll(() => world?.close());

    it.each([2, 20, 50])('%i campaigns on a dashboard', async (first) => {
      await runCounted(world, DASHBOARD, { first });
      const { data, statements } = await runCounted(world, DASHBOARD, { first });
      expect(data.campaigns.nodes).toHaveLength(first);
      for (const { positioning, quests, cohortLinks, alerts } of data.campaigns.nodes) {
        expect(positioning.name).toEqual(expect.any(String));
        expect([quests.nodes.length, cohortLinks.nodes.length, alerts.totalCount]).toEqual([
          1, 1, 1,
        ]);
      }
      expect(statements).toHaveLength(statementsOfDashboard);
    });

    it.each([2, 20, 50])('%i campaigns with quests, alerts and agents', async (first) => {
      const variables = { first, workspace: world.workspaceId };
      await runCounted(world, DEEP, variables);
      const { data, statements } = await runCounted(world, DEEP, variables);
      expect(data.workspace.campaigns.nodes).toHaveLength(first);
      for (const { quests, alerts } of data.workspace.campaigns.nodes) {
        expect(quests.nodes).toHaveLength(1);
        expect(alerts.nodes[0].triggeredByAgent.agentName).toEqual(expect.any(String));
      }
      // One for the workspace with its relations.
      expect(statements).toHaveLength(accelerated ? 1 : VIEWER + 1);
    });
  },
);
