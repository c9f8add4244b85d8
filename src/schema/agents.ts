import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/rows.ts';
import { NULLABLE_LIST } from './model/fields.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';

export const Agent = model('Agent', {
  root: 'agents',
  columns: [
    'id',
    'agentName',
    'agentType',
    'guildName',
    'description',
    'purpose',
    'domainExpertise',
    'modelConfig',
    'systemPrompt',
    'personalityTraits',
    'supportedInputs',
    'supportedOutputs',
    'toolAccess',
    'avgExecutionTimeSeconds',
    'successRatePercentage',
    'errorRatePercentage',
    'costPerExecution',
    'isActive',
    'version',
    'releaseDate',
    'deprecatedDate',
    'createdAt',
    'updatedAt',
  ],
  many: ['capabilities', 'assignments', 'performance', 'signals', 'insights', 'triggeredAlerts'],
  writes: { nested: ['capabilities'] },
});

export const AgentCapability = model('AgentCapability', {
  root: 'agentCapabilities',
  columns: [
    'id',
    'agentId',
    'capabilityName',
    'description',
    'category',
    'subcategory',
    'inputTypes',
    'outputTypes',
    'externalApis',
    'requiredPermissions',
    'typicalExecutionTimeSeconds',
    'typicalTokenUsage',
    'typicalCost',
    'successRatePercentage',
    'isEnabled',
    'configuration',
    'parameterSchema',
    'createdAt',
    'updatedAt',
  ],
  one: ['agent'],
  writes: {},
});

export const AgentAssignment = model('AgentAssignment', {
  root: 'agentAssignments',
  columns: [
    'id',
    'workspaceId',
    'agentId',
    'assignedToCampaignId',
    'assignedToGuildOperationId',
    'assignmentStatus',
    'priorityLevel',
    'assignedDate',
    'assignmentConfig',
    'taskQueue',
    'executionConstraints',
    'tasksAssigned',
    'tasksCompleted',
    'tasksFailed',
    'totalTokensUsed',
    'totalCostIncurred',
    'assignedById',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'agent', 'assignedToCampaign'],
  people: ['assignedBy'],
  writes: {
    readOnly: [
      'tasksAssigned',
      'tasksCompleted',
      'tasksFailed',
      'totalTokensUsed',
      'totalCostIncurred',
      'assignedById',
    ],
  },
});

export const AgentPerformance = model('AgentPerformance', {
  root: 'agentPerformanceList',
  columns: [
    'id',
    'workspaceId',
    'agentId',
    'measurementDate',
    'measurementHour',
    'executionCount',
    'successCount',
    'failureCount',
    'errorCount',
    'avgExecutionTimeSeconds',
    'minExecutionTimeSeconds',
    'maxExecutionTimeSeconds',
    'p50ExecutionTimeSeconds',
    'p95ExecutionTimeSeconds',
    'p99ExecutionTimeSeconds',
    'totalInputTokens',
    'totalOutputTokens',
    'avgInputTokensPerExecution',
    'avgOutputTokensPerExecution',
    'totalCostIncurred',
    'avgCostPerExecution',
    'successRatePercentage',
    'errorRatePercentage',
    'qualityScore',
    'createdAt',
  ],
  one: ['workspace', 'agent'],
});

export const AgentMessage = model('AgentMessage', {
  root: 'agentMessages',
  columns: [
    'id',
    'workspaceId',
    'type',
    'origin',
    'targets',
    'payload',
    'priority',
    'correlationId',
    'createdAt',
    'ttl',
  ],
  one: ['workspace'],
  links: {
    targetAgents: { column: 'targets', to: 'Agent', by: 'agentName' },
    originAgent: { column: 'origin', to: 'Agent', by: 'agentName' },
  },
  writes: {},
});

export const AgentDebate = model('AgentDebate', {
  root: 'agentDebates',
  columns: [
    'id',
    'workspaceId',
    'debateId',
    'topic',
    'question',
    'correlationId',
    'participants',
    'context',
    'rounds',
    'votingThreshold',
    'finalDecision',
    'confidence',
    'consensusReached',
    'votes',
    'reasoning',
    'createdAt',
  ],
  one: ['workspace'],
  many: ['assets', 'debateRounds'],
  links: {
    participantAgents: { column: 'participants', to: 'Agent', by: 'agentName' },
  },
  writes: { nested: ['debateRounds'] },
});

export const DebateRound = model('DebateRound', {
  root: 'debateRounds',
  columns: ['id', 'workspaceId', 'debateId', 'roundNumber', 'positions', 'timestamp'],
  one: ['debate', 'workspace'],
  writes: {},
});

export const PolicyDecision = model('PolicyDecision', {
  root: 'policyDecisions',
  columns: [
    'id',
    'workspaceId',
    'conflictId',
    'involvedAgentNames',
    'issueDescription',
    'decision',
    'reasoning',
    'overrides',
    'binding',
    'createdAt',
  ],
  one: ['workspace'],
  links: {
    involvedAgents: { column: 'involvedAgentNames', to: 'Agent', by: 'agentName' },
  },
  writes: {},
});

readModel('AgentPerformanceDay', {
  columns: [
    'measurementDate',
    'executionCount',
    'successCount',
    'failureCount',
    'errorCount',
    'avgExecutionTimeSeconds',
    'minExecutionTimeSeconds',
    'maxExecutionTimeSeconds',
    'p50ExecutionTimeSeconds',
    'p95ExecutionTimeSeconds',
    'p99ExecutionTimeSeconds',
    'totalInputTokens',
    'totalOutputTokens',
    'totalCostIncurred',
    'avgCostPerExecution',
    'successRatePercentage',
    'errorRatePercentage',
  ],
  one: ['agent'],
});

builder.prismaObjectField(Agent, 'dailyPerformance', (t) =>
  t.relation('dailyPerformance', {
    nullable: NULLABLE_LIST,
    description: 'How the agent did in the current workspace, latest day first; at most 100 days.',
    ...priced(readModelRows(limits.maxPageSize)),
    args: {
      from: t.arg({ type: 'Date', description: 'The first day, in UTC.' }),
      to: t.arg({ type: 'Date', description: 'The last day, in UTC.' }),
    },
    query: ({ from, to }) => ({
      where: {
        measurementDate: { ...(from ? { gte: from } : {}), ...(to ? { lte: to } : {}) },
      },
      orderBy: { measurementDate: 'desc' },
      take: limits.maxPageSize,
    }),
  }),
);
