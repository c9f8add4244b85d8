import { subscription } from './model/subscriptions.ts';

subscription('agentExecutionRecorded', {
  model: 'AgentPerformance',
  description:
    "Executions of agents in the current workspace: the hour's figures, with the execution in them.",
  operations: ['CREATED', 'UPDATED'],
  changedColumn: 'executionCount',
});
