import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow } from './cost/rows.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';
import { Move } from './moves.ts';

export const Experiment = model('Experiment', {
  root: 'experiments',
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
  one: ['move', 'workspace'],
  many: ['assets', 'results', 'metadataEntries'],
  links: {
    createdByAgent: { column: 'createdByAgentName', to: 'Agent', by: 'agentName' },
  },
  stateMachine: 'status',
  writes: {
    readOnly: ['createdByAgentName', 'completedAt'],
    nested: ['results', 'metadataEntries'],
  },
});

export const ExperimentResult = model('ExperimentResult', {
  root: 'experimentResults',
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
  one: ['experiment', 'workspace'],
  writes: {},
});

export const ExperimentMetadata = model('ExperimentMetadata', {
  root: 'experimentMetadataList',
  columns: ['id', 'workspaceId', 'experimentId', 'key', 'value', 'createdAt'],
  one: ['experiment', 'workspace'],
  writes: {},
});

readModel('ExperimentSummary', {
  columns: ['experimentCount', 'runningCount', 'completedCount', 'stoppedCount', 'failedCount'],
});

builder.prismaObjectField(Move, 'experimentSummary', (t) =>
  t.relation('experimentSummary', priced(readModelRow)),
);
