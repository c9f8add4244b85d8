import { requirePerson } from '../context/viewer.ts';
import { requireWorkspace } from '../context/workspace.ts';
import { functionList } from './model/function-list.ts';
import { model } from './model/model.ts';

export const SystemAlert = model('SystemAlert', {
  root: 'systemAlerts',
  columns: [
    'id',
    'workspaceId',
    'alertType',
    'severityLevel',
    'status',
    'title',
    'description',
    'message',
    'actionUrl',
    'triggeredByAgentId',
    'triggeredBySignalId',
    'triggeredByEvent',
    'relatedCampaignId',
    'relatedCohortId',
    'relatedMoveId',
    'dataPoints',
    'recommendedActions',
    'createdAt',
    'triggeredAt',
    'acknowledgedAt',
    'resolvedAt',
    'expiryDate',
    'acknowledgedById',
    'actionTaken',
    'createdById',
    'updatedAt',
  ],
  one: [
    'workspace',
    'triggeredByAgent',
    'triggeredBySignal',
    'relatedCampaign',
    'relatedCohort',
    'relatedMove',
  ],
  many: ['notifications'],
  people: ['createdBy', 'acknowledgedBy'],
  stateMachine: 'status',
  writes: { readOnly: ['acknowledgedAt', 'resolvedAt', 'acknowledgedById'] },
});

export const UserNotification = model('UserNotification', {
  root: 'userNotifications',
  columns: [
    'id',
    'workspaceId',
    'userId',
    'notificationType',
    'title',
    'message',
    'description',
    'relatedAlertId',
    'relatedAchievementId',
    'relatedCampaignId',
    'channel',
    'isRead',
    'readAt',
    'deliveryStatus',
    'deliveryMethod',
    'actionUrl',
    'actionLabel',
    'callToAction',
    'priorityLevel',
    'expiresAt',
    'createdAt',
    'updatedAt',
  ],
  one: ['workspace', 'relatedAlert', 'relatedAchievement', 'relatedCampaign'],
  people: ['user'],
  writes: {
    operations: ['update'],
    readOnly: [
      'userId',
      'notificationType',
      'title',
      'message',
      'description',
      'relatedAlertId',
      'relatedAchievementId',
      'relatedCampaignId',
      'channel',
      'readAt',
      'deliveryStatus',
      'deliveryMethod',
      'actionUrl',
      'actionLabel',
      'callToAction',
      'priorityLevel',
      'expiresAt',
    ],
  },
});

functionList('criticalAlerts', {
  model: 'SystemAlert',
  description: 'Active, unexpired alerts that are critical or high, in this order, newest first.',
  sql: 'get_critical_alerts',
  values: (context) => [requireWorkspace(context).id],
});

functionList('unreadNotifications', {
  model: 'UserNotification',
  description:
    'What you have not read, unless it has expired: the most urgent first, then the newest.',
  sql: 'get_user_unread_notifications',
  values: (context) => {
    requireWorkspace(context);
    return [requirePerson(context).id];
  },
});
