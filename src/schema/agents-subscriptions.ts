import { subscription } from './model/subscriptions.ts';

subscription('agentExecutionRecorded', {
  model: 'AgentPerformance',
  description:
    'Executions of agents in the current workspace: the figures of the hour, this execution included.',
  operations: ['CREATED', 'UPDATED'],
  changedColumn: 'executionCount',
});
