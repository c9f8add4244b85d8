import { requirePerson } from '../context/viewer.ts';
import { requireWorkspace } from '../context/workspace.ts';
import { functionList } from './model/function-list.ts';

functionList('criticalAlerts', {
  model: 'SystemAlert',
  description: 'Active, unexpired alerts that are critical or high, in this order, newest first.',
  sql: 'get_critical_alerts',
  values: (context) => [requireWorkspace(context).id],
});

functionList('unreadNotifications', {
  model: 'UserNotification',
  description:
    'Your unread notifications that have not expired: the most urgent first, then the newest.',
  sql: 'get_user_unread_notifications',
  values: (context) => {
    requireWorkspace(context);
    return [requirePerson(context).id];
  },
});
