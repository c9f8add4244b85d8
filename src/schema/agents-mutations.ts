import { functionMutation, inWorkspace } from './model/function-mutation.ts';

functionMutation('assignAgent', {
  model: 'AgentAssignment',
  description:
    'Lets an agent act in the current workspace, or for one of its campaigns. An earlier assignment becomes active again.',
  sql: 'assign_agent',
  args: {
    agentId: { parameter: 'agent', column: 'agentId', required: true },
    campaignId: { parameter: 'campaign', column: 'assignedToCampaignId' },
    priority: { column: 'priorityLevel' },
    config: { column: 'assignmentConfig' },
  },
  inContext: inWorkspace,
});

functionMutation('recordAgentExecution', {
  model: 'AgentPerformance',
  description:
    "Counts an execution of an agent in the current hour (UTC), and in the agent's active assignments.",
  sql: 'record_agent_execution',
  args: {
    agentId: { parameter: 'agent', column: 'agentId', required: true },
    seconds: { type: 'Decimal', required: true, description: 'How long it took.' },
    inputTokens: { type: 'Int', required: true },
    outputTokens: { type: 'Int', required: true },
    cost: { type: 'Decimal', required: true, description: 'In US dollars.' },
    success: { type: 'Boolean', required: true },
  },
  writersOf: 'AgentMessage',
  inContext: inWorkspace,
});
