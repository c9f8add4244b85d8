import { requirePerson } from '../context/viewer.ts';
import { subscription } from './model/subscriptions.ts';

subscription('alertRaised', {
  model: 'SystemAlert',
  description: 'New alerts that match the filter.',
  operations: ['CREATED'],
});

subscription('alertChanged', {
  model: 'SystemAlert',
  description:
    'Alerts whose status changes: acknowledged, resolved, dismissed. LEFT if they no longer match the filter.',
  operations: ['UPDATED', 'LEFT'],
  changedColumn: 'status',
});

subscription('notificationReceived', {
  model: 'UserNotification',
  description: 'Notifications for you in the current workspace.',
  operations: ['CREATED'],
  authorize: requirePerson,
});
