import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRows } from './cost/rows.ts';
import { NULLABLE_LIST } from './model/fields.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';
import { Workspace } from './workspace.ts';

export const AgentRecommendation = model('AgentRecommendation', {
  root: 'agentRecommendations',
  columns: [
    'id',
    'workspaceId',
    'agentId',
    'agentName',
    'correlationId',
    'workflowId',
    'recommendationType',
    'recommendationContent',
    'confidenceScore',
    'reasoning',
    'evidence',
    'outcomeStatus',
    'outcomeQualityScore',
    'outcomeNotes',
    'createdAt',
    'evaluatedAt',
    'updatedAt',
  ],
  one: ['workspace'],
  many: ['outcomes'],
  links: {
    agent: { column: 'agentId', to: 'Agent', by: 'agentName' },
  },
  writes: {},
});

export const RecommendationPattern = model('RecommendationPattern', {
  root: 'recommendationPatterns',
  columns: [
    'id',
    'workspaceId',
    'patternName',
    'patternCategory',
    'agentIds',
    'patternDefinition',
    'successRate',
    'frequencyCount',
    'confidenceLevel',
    'recommendationStrength',
    'discoveredAt',
    'lastConfirmedAt',
    'nextReviewAt',
  ],
  one: ['workspace'],
  links: {
    agents: { column: 'agentIds', to: 'Agent', by: 'agentName' },
  },
  writes: {},
});

export const RecommendationOutcome = model('RecommendationOutcome', {
  root: 'recommendationOutcomes',
  columns: [
    'id',
    'workspaceId',
    'recommendationId',
    'agentId',
    'qualityDimensions',
    'qualityScores',
    'overallQualityScore',
    'comparedAgainst',
    'rankedPosition',
    'outperformedCount',
    'evaluatorFeedback',
    'evaluatorId',
    'evaluationDate',
    'impactObservedDate',
    'impactDurationDays',
  ],
  one: ['workspace', 'recommendation'],
  people: ['evaluator'],
  links: {
    agent: { column: 'agentId', to: 'Agent', by: 'agentName' },
  },
  writes: {},
});

export const AgentTrustScore = model('AgentTrustScore', {
  root: 'agentTrustScores',
  columns: [
    'id',
    'workspaceId',
    'agentId',
    'agentName',
    'overallTrustScore',
    'accuracyScore',
    'consistencyScore',
    'timelinessScore',
    'reliabilityScore',
    'totalRecommendations',
    'approvedRecommendations',
    'rejectedRecommendations',
    'partialRecommendations',
    'approvalRate',
    'avgQualityScore',
    'trustTrend',
    'improvementRate',
    'createdAt',
    'updatedAt',
    'lastEvaluatedAt',
    'lastUpdatedAt',
  ],
  one: ['workspace'],
  links: {
    agent: { column: 'agentId', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['lastUpdatedAt'] },
});

export const MetaLearnerState = model('MetaLearnerState', {
  root: 'metaLearnerStates',
  columns: [
    'id',
    'workspaceId',
    'learnerVersion',
    'learningRate',
    'patternConfidenceThreshold',
    'learnedPatterns',
    'agentProfiles',
    'decisionRules',
    'samplesProcessed',
    'lastLearningIterationAt',
    'nextLearningIterationAt',
    'learningCyclesCompleted',
    'modelAccuracy',
    'modelCoverage',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace'],
  writes: {},
});

readModel('AgentRecommendationSummary', {
  columns: [
    'agentName',
    'recommendationCount',
    'undecidedCount',
    'pendingCount',
    'approvedCount',
    'rejectedCount',
    'partialCount',
    'implementedCount',
    'averageConfidence',
    'averageQuality',
  ],
  one: ['agent'],
});

builder.prismaObjectField(Workspace, 'agentRecommendationSummaries', (t) =>
  t.relation('agentRecommendationSummaries', {
    nullable: NULLABLE_LIST,
    description: 'What became of recommendations, by agent; the busiest agents first, at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ recommendationCount: 'desc' }, { agentName: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);

readModel('PatternEffectiveness', {
  columns: [
    'patternCategory',
    'patternCount',
    'strongPatternCount',
    'caseCount',
    'successRate',
    'averageConfidence',
    'lastConfirmedAt',
  ],
});

builder.prismaObjectField(Workspace, 'patternEffectiveness', (t) =>
  t.relation('patternEffectivenessList', {
    nullable: NULLABLE_LIST,
    description:
      'How well learned patterns hold, by category; the most successful first, at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ successRate: { sort: 'desc', nulls: 'last' } }, { patternCategory: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);
