import { subscription } from './model/subscriptions.ts';

subscription('signalDetected', {
  model: 'IntelligenceSignal',
  description: 'Signals that are recorded, unless the filter leaves them out.',
  operations: ['CREATED'],
});

subscription('insightPublished', {
  model: 'MarketInsight',
  description: 'Insights that are published, unless the filter leaves them out.',
  operations: ['CREATED'],
});
