import { subscription } from './model/subscriptions.ts';

subscription('campaignStatusChanged', {
  model: 'Campaign',
  description: 'Campaigns whose status changes. LEFT if they no longer match the filter.',
  operations: ['UPDATED', 'LEFT'],
  changedColumn: 'status',
});
