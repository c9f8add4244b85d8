import { describe } from './descriptor.ts';

export const Experiment = describe('Experiment', {
  root: 'experiments',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'moveId',
    'hypothesis',
    'variants',
    'sampleSizePerVariant',
    'durationDays',
    'successMetric',
    'stopConditions',
    'status',
    'winnerVariant',
    'confidence',
    'createdAt',
    'completedAt',
    'createdByAgentName',
  ],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  stateMachine: 'status',
  writes: {
    readOnly: ['createdByAgentName', 'completedAt'],
    nested: ['results', 'metadataEntries'],
  },
});

export const ExperimentResult = describe('ExperimentResult', {
  root: 'experimentResults',
  writer: 'Creator',
  columns: [
    'id',
    'workspaceId',
    'experimentId',
    'variant',
    'metricName',
    'metricValue',
    'sampleSize',
    'timestamp',
  ],
  writes: {},
});

export const ExperimentMetadata = describe('ExperimentMetadata', {
  root: 'experimentMetadataList',
  writer: 'Creator',
  columns: ['id', 'workspaceId', 'experimentId', 'key', 'value', 'createdAt'],
  writes: {},
});
