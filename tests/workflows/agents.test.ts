import { afterEach, describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { meetIn, PLACES, type Team } from './team.ts';

let team: Team;
afterEach(() => team?.close());

describe.each(PLACES)('in %s', (place) => {
  it('an agent is registered, assigned, works, and is measured', async () => {
    team = await meetIn(place);
    const { strategist, viewer } = team;

    const registrar = await team.asAgent('registrar', ['global:write']);
    const { agent } = await perform(
      registrar,
      `createAgent(input: { agentName: "res-monsoon", agentType: RESEARCHER, guildName: "Research",
        purpose: "Watches the weather", capabilities: [
          { capabilityName: "Forecast", category: RESEARCH }, { capabilityName: "Alarm", category: MONITORING }] })`,
      '{ agent { id capabilities { nodes { capabilityName } } } }',
    );
    expect(agent.capabilities.nodes).toHaveLength(2);
    const agentId: [string, string] = ['UUID!', agent.id];
    const refused = await attempt(
      strategist,
      'updateAgent(id: $agentId, input: { isActive: false })',
      '{ id }',
      { agentId },
    );
    expect(refused.errors).toMatchObject([{ __typename: 'ForbiddenError' }]);

    // Until it is assigned, it has no access to the workspace.
    const scopes = ['intelligence:write', 'agents:write', '*:read'];
    const itself = await team.asAgent('res-monsoon', scopes, team.workspaceId);
    expect((await itself.ask('{ viewer { role } }')).errors?.[0]?.extensions.code).toBe(
      'FORBIDDEN',
    );

    const { campaign } = await perform(
      strategist,
      'createCampaign(input: { name: "Rainy days" })',
      '{ campaign { id } }',
    );
    const assign = () =>
      perform(
        strategist,
        'assignAgent(agentId: $agentId, campaignId: $campaign, priority: HIGH)',
        `{ agentAssignment { id assignmentStatus priorityLevel assignedBy { id } assignedToCampaign { name } } }`,
        { agentId, campaign: ['UUID', campaign.id] },
      );
    const { agentAssignment: assignment } = await assign();
    expect(assignment).toMatchObject({
      assignmentStatus: 'ACTIVE',
      priorityLevel: 'HIGH',
      assignedBy: { id: strategist.userId },
      assignedToCampaign: { name: 'Rainy days' },
    });
    // A second assignment changes nothing.
    expect((await assign()).agentAssignment.id).toBe(assignment.id);

    const { intelligenceSignal: signal } = await perform(
      itself,
      'recordSignal(title: "Rain on Friday", source: TREND, category: MARKET_TREND, confidence: "90")',
      `{ intelligenceSignal { id sourceAgent { agentName } createdBy { id }
         history { nodes { agentName actor { id } agent { guildName } } } } }`,
    );
    expect(signal).toMatchObject({
      sourceAgent: { agentName: 'res-monsoon' },
      createdBy: null,
      history: {
        nodes: [{ agentName: 'res-monsoon', actor: null, agent: { guildName: 'Research' } }],
      },
    });
    const beyond = await attempt(itself, 'createCohort(input: { name: "Umbrellas" })', '{ id }');
    expect(beyond.errors).toMatchObject([{ __typename: 'ForbiddenError' }]);

    const record = (seconds: number, success: boolean) =>
      perform(
        itself,
        `recordAgentExecution(agentId: $agentId, seconds: "${seconds}", inputTokens: 1000,
          outputTokens: 200, cost: "0.0125", success: ${success})`,
        `{ agentPerformance { executionCount successRatePercentage } }`,
        { agentId },
      );
    await record(1, true);
    await record(2, true);
    await record(3, true);
    const { agentPerformance } = await record(6, false);
    expect(agentPerformance).toEqual({ executionCount: 4, successRatePercentage: '75' });

    const { agent: measured } = await viewer.data(
      `query ($agentId: UUID!) { agent(id: $agentId) {
        performance { nodes { executionCount failureCount avgExecutionTimeSeconds minExecutionTimeSeconds
          maxExecutionTimeSeconds totalInputTokens totalOutputTokens totalCostIncurred } }
        dailyPerformance { executionCount successRatePercentage totalCostIncurred }
        assignments { nodes { tasksAssigned tasksCompleted tasksFailed totalTokensUsed totalCostIncurred } }
      } }`,
      { agentId: agent.id },
    );
    const hours = measured.performance.nodes;
    const total = (column: string) =>
      hours.reduce((sum: number, hour: Record<string, number>) => sum + Number(hour[column]), 0);
    // An hour may have ended in the meantime.
    expect([total('executionCount'), total('failureCount')]).toEqual([4, 1]);
    expect([total('totalInputTokens'), total('totalOutputTokens')]).toEqual([4000, 800]);
    expect(measured.dailyPerformance).toMatchObject([
      { executionCount: 4, successRatePercentage: '75', totalCostIncurred: '0.05' },
    ]);
    expect(measured.assignments.nodes).toMatchObject([
      { tasksCompleted: 3, tasksFailed: 1, totalTokensUsed: 4800, totalCostIncurred: '0.05' },
    ]);
  });
});
