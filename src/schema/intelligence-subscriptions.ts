import { subscription } from './model/subscriptions.ts';

subscription('signalDetected', {
  model: 'IntelligenceSignal',
  description: 'New signals that match the filter.',
  operations: ['CREATED'],
});

subscription('insightPublished', {
  model: 'MarketInsight',
  description: 'New insights that match the filter.',
  operations: ['CREATED'],
});
