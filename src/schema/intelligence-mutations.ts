import { functionMutation, inWorkspace } from './model/function-mutation.ts';

functionMutation('recordSignal', {
  model: 'IntelligenceSignal',
  description: 'Records a new signal, detected now.',
  sql: 'record_signal',
  args: {
    title: { column: 'signalTitle', required: true },
    source: { column: 'sourceType', required: true },
    category: { column: 'signalCategory', required: true },
    confidence: { column: 'confidenceScore' },
    relevance: { column: 'relevanceScore' },
    description: { column: 'signalDescription' },
    dataSource: { column: 'dataSource' },
    keyFindings: { column: 'keyFindings' },
    dataPoints: { column: 'dataPoints' },
    competitorIds: { parameter: 'competitors', column: 'relatedCompetitorIds' },
    cohortIds: { parameter: 'cohorts', column: 'relatedCohortIds' },
    campaignIds: { parameter: 'campaigns', column: 'relatedCampaignIds' },
    signalDate: { column: 'signalDate' },
    expiryDate: { column: 'expiryDate' },
  },
  inContext: inWorkspace,
});

functionMutation('createInsightFromSignals', {
  model: 'MarketInsight',
  description:
    'Creates an insight from signals. Its confidence is 50, and 10 more for each signal, at most 100. The signals become actioned.',
  sql: 'create_insight_from_signals',
  args: {
    signalIds: { parameter: 'signals', column: 'sourceSignalIds', required: true },
    title: { column: 'insightTitle', required: true },
    type: { column: 'insightType', required: true },
    conclusions: { column: 'keyConclusions' },
  },
  inContext: inWorkspace,
});

functionMutation('acknowledgeSignal', {
  model: 'IntelligenceSignal',
  description:
    'Acknowledges a new signal, and assigns it to you unless it is assigned to somebody else.',
  sql: 'acknowledge_signal',
  args: {
    id: { parameter: 'signal', type: 'UUID', required: true },
    notes: { column: 'actionNotes' },
  },
});
