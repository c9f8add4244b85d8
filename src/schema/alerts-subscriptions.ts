import { requirePerson } from '../context/viewer.ts';
import { subscription } from './model/subscriptions.ts';

subscription('alertRaised', {
  model: 'SystemAlert',
  description: 'Alerts that are raised, unless the filter leaves them out.',
  operations: ['CREATED'],
});

subscription('alertChanged', {
  model: 'SystemAlert',
  description:
    'Alerts whose status changes: acknowledged, resolved, dismissed. LEFT where the filter leaves them out from now on.',
  operations: ['UPDATED', 'LEFT'],
  changedColumn: 'status',
});

subscription('notificationReceived', {
  model: 'UserNotification',
  description: 'Notifications for you in the current workspace.',
  operations: ['CREATED'],
  admit: requirePerson,
});
