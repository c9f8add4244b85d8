import { requireWorkspace } from '../context/workspace.ts';
import { limits } from '../resolvers/limits.ts';
import { builder } from './builder.ts';
import { priced } from './cost/price.ts';
import { readModelRow, readModelRows } from './cost/rows.ts';
import { NULLABLE_LIST } from './model/fields.ts';
import { functionList } from './model/function-list.ts';
import { model } from './model/model.ts';
import { readModel } from './model/read-model.ts';
import { Workspace } from './workspace.ts';

export const IntelligenceSignal = model('IntelligenceSignal', {
  root: 'intelligenceSignals',
  columns: [
    'id',
    'workspaceId',
    'sourceAgentId',
    'sourceType',
    'dataSource',
    'signalTitle',
    'signalDescription',
    'signalCategory',
    'keyFindings',
    'dataPoints',
    'confidenceScore',
    'relevanceScore',
    'relatedCompetitorIds',
    'relatedCohortIds',
    'relatedCampaignIds',
    'signalDate',
    'detectionDate',
    'expiryDate',
    'actionStatus',
    'assignedToUserId',
    'actionNotes',
    'createdById',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'sourceAgent'],
  many: ['triggeredAlerts'],
  people: ['assignedToUser', 'createdBy'],
  links: {
    relatedCompetitors: { column: 'relatedCompetitorIds', to: 'Competitor' },
    relatedCohorts: { column: 'relatedCohortIds', to: 'Cohort' },
    relatedCampaigns: { column: 'relatedCampaignIds', to: 'Campaign' },
  },
  stateMachine: 'actionStatus',
  writes: {},
});

export const MarketInsight = model('MarketInsight', {
  root: 'marketInsights',
  columns: [
    'id',
    'workspaceId',
    'insightTitle',
    'insightDescription',
    'insightType',
    'category',
    'sourceSignalIds',
    'sourceAgentId',
    'numberOfSignalsAnalyzed',
    'keyConclusions',
    'supportingEvidence',
    'confidenceLevel',
    'confidenceScore',
    'businessImplications',
    'recommendedActions',
    'potentialImpact',
    'potentialRoiPercentage',
    'relevantForCompetitorIds',
    'relevantForCohortIds',
    'relevantForCampaignIds',
    'relevantSegments',
    'timeRelevanceStart',
    'timeRelevanceEnd',
    'discoveryDate',
    'insightStatus',
    'actionedDate',
    'createdById',
    'reviewedById',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'sourceAgent'],
  people: ['createdBy', 'reviewedBy'],
  links: {
    sourceSignals: { column: 'sourceSignalIds', to: 'IntelligenceSignal' },
    relevantForCompetitors: { column: 'relevantForCompetitorIds', to: 'Competitor' },
    relevantForCohorts: { column: 'relevantForCohortIds', to: 'Cohort' },
    relevantForCampaigns: { column: 'relevantForCampaignIds', to: 'Campaign' },
  },
  writes: { readOnly: ['reviewedById'] },
});

export const Competitor = model('Competitor', {
  root: 'competitors',
  columns: [
    'id',
    'workspaceId',
    'name',
    'websiteUrl',
    'industry',
    'platforms',
    'lastAnalyzed',
    'notes',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace'],
  many: ['content', 'patterns'],
  writes: {},
});

export const CompetitorContent = model('CompetitorContent', {
  root: 'competitorContents',
  columns: [
    'id',
    'workspaceId',
    'competitorId',
    'platform',
    'contentType',
    'title',
    'body',
    'url',
    'metadata',
    'performanceMetrics',
    'patterns',
    'scrapedAt',
    'scrapedByAgentName',
  ],
  one: ['competitor', 'workspace'],
  links: {
    scrapedByAgent: { column: 'scrapedByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['scrapedByAgentName'] },
});

export const CompetitorPattern = model('CompetitorPattern', {
  root: 'competitorPatterns',
  columns: [
    'id',
    'workspaceId',
    'competitorId',
    'patternType',
    'patternName',
    'patternData',
    'frequency',
    'successRate',
    'identifiedAt',
    'identifiedByAgentName',
  ],
  one: ['competitor', 'workspace'],
  links: {
    identifiedByAgent: { column: 'identifiedByAgentName', to: 'Agent', by: 'agentName' },
  },
  writes: { readOnly: ['identifiedByAgentName'] },
});

export const Trend = model('Trend', {
  root: 'trends',
  columns: [
    'id',
    'workspaceId',
    'topic',
    'platforms',
    'velocity',
    'lifecycleStage',
    'relevantCohortIds',
    'opportunityScore',
    'firstSeen',
    'expiryDate',
    'source',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace'],
  many: ['triggeredMoves', 'mentions'],
  links: {
    relevantCohorts: { column: 'relevantCohortIds', to: 'Cohort' },
  },
  writes: { nested: ['mentions'] },
});

export const TrendMention = model('TrendMention', {
  root: 'trendMentions',
  columns: [
    'id',
    'workspaceId',
    'trendId',
    'sourcePlatform',
    'sourceUrl',
    'mentionCount',
    'engagement',
    'timestamp',
  ],
  one: ['trend', 'workspace'],
  writes: {},
});

readModel('TrendOpportunity', {
  columns: [
    'topic',
    'lifecycleStage',
    'velocity',
    'opportunityScore',
    'expiryDate',
    'mentionCount',
    'engagementCount',
    'triggeredMoveCount',
  ],
  one: ['trend'],
});

builder.prismaObjectField(Trend, 'opportunity', (t) =>
  t.relation('opportunity', {
    description: 'What the trend is worth now; null once it has expired.',
    ...priced(readModelRow),
  }),
);

builder.prismaObjectField(Workspace, 'trendOpportunities', (t) =>
  t.relation('trendOpportunities', {
    nullable: NULLABLE_LIST,
    description: 'Trends that have not expired, the most promising first; at most 100.',
    ...priced(readModelRows(limits.maxPageSize, 1)),
    query: {
      orderBy: [{ opportunityScore: { sort: 'desc', nulls: 'last' } }, { trendId: 'asc' }],
      take: limits.maxPageSize,
    },
  }),
);

functionList('activeInsights', {
  model: 'MarketInsight',
  description: 'Active insights that are relevant today (UTC), most confident first.',
  sql: 'get_active_insights',
  values: (context) => [requireWorkspace(context).id],
});

functionList('prioritySignals', {
  model: 'IntelligenceSignal',
  description:
    'New signals whose confidence x relevance / 100 reaches the threshold, highest first, then newest.',
  sql: 'get_priority_signals',
  args: (arg) => ({ threshold: arg({ type: 'Decimal', required: true, defaultValue: '50' }) }),
  values: (context, { threshold }) => [requireWorkspace(context).id, threshold],
});
