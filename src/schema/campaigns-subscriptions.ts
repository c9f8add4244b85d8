import { subscription } from './model/subscriptions.ts';

subscription('campaignStatusChanged', {
  model: 'Campaign',
  description: 'Campaigns whose status changes. LEFT where the filter leaves them out from now on.',
  operations: ['UPDATED', 'LEFT'],
  changedColumn: 'status',
});
