import { requirePerson } from '../context/viewer.ts';
import { callCounting } from '../resolvers/writes/call.ts';
import type { MutationError } from '../resolvers/writes/write-errors.ts';
import { builder } from './builder.ts';
import { functionMutation, functions, inWorkspace } from './model/function-mutation.ts';
import { MutationErrorInterface } from './model/mutation-errors.ts';
import { common, mutation } from './model/mutations.ts';

const alert = { parameter: 'alert', type: 'UUID', required: true } as const;

functionMutation('raiseAlert', {
  model: 'SystemAlert',
  description: 'Raises an alert, which is active from now on.',
  sql: 'create_system_alert',
  args: {
    title: { column: 'title', required: true },
    type: { column: 'alertType', required: true },
    severity: { column: 'severityLevel', required: true },
    message: { column: 'message' },
    description: { column: 'description' },
    actionUrl: { column: 'actionUrl' },
    agentId: { parameter: 'agent', column: 'triggeredByAgentId' },
    signalId: { parameter: 'signal', column: 'triggeredBySignalId' },
    event: { column: 'triggeredByEvent' },
    campaignId: { parameter: 'campaign', column: 'relatedCampaignId' },
    cohortId: { parameter: 'cohort', column: 'relatedCohortId' },
    moveId: { parameter: 'move', column: 'relatedMoveId' },
    dataPoints: { column: 'dataPoints' },
    recommendedActions: { column: 'recommendedActions' },
    expiryDate: { column: 'expiryDate' },
  },
  inContext: inWorkspace,
});

functionMutation('acknowledgeAlert', {
  model: 'SystemAlert',
  description: 'Acknowledges an active alert in your name.',
  sql: 'acknowledge_alert',
  args: { id: alert },
});

functionMutation('resolveAlert', {
  model: 'SystemAlert',
  description: 'Closes an acknowledged alert.',
  sql: 'resolve_alert',
  args: { id: alert, actionTaken: { column: 'actionTaken' } },
});

functionMutation('dismissAlert', {
  model: 'SystemAlert',
  description: 'Closes an active or acknowledged alert that needs no action.',
  sql: 'dismiss_alert',
  args: { id: alert, reason: { column: 'actionTaken' } },
});

functionMutation('sendNotification', {
  model: 'UserNotification',
  description:
    'Sends a notification to a member of the workspace. The row is null for everyone except them.',
  sql: 'send_user_notification',
  args: {
    userId: { parameter: 'person', column: 'userId', required: true },
    type: { column: 'notificationType', required: true },
    title: { column: 'title', required: true },
    message: { column: 'message', required: true },
    priority: { column: 'priorityLevel' },
    channel: { column: 'channel' },
    description: { column: 'description' },
    alertId: { parameter: 'alert', column: 'relatedAlertId' },
    achievementId: { parameter: 'achievement', column: 'relatedAchievementId' },
    campaignId: { parameter: 'campaign', column: 'relatedCampaignId' },
    actionUrl: { column: 'actionUrl' },
    actionLabel: { column: 'actionLabel' },
    callToAction: { column: 'callToAction' },
    expiresAt: { column: 'expiresAt' },
  },
  writersOf: 'SystemAlert',
  inContext: inWorkspace,
});

functionMutation('markNotificationRead', {
  model: 'UserNotification',
  description: 'Marks one of your notifications as read; reading it again keeps the first time.',
  sql: 'mark_notification_as_read',
  args: { id: { parameter: 'notification', type: 'UUID', required: true } },
});

const MarkAllNotificationsReadPayload = builder
  .objectRef<{ affected: number; errors: readonly MutationError[] }>(
    'MarkAllNotificationsReadPayload',
  )
  .implement({
    description: 'Result for your notifications.',
    fields: (t) => ({
      affected: t.exposeInt('affected', {
        nullable: false,
        description: 'How many were marked as read.',
      }),
      errors: t.field({
        type: [MutationErrorInterface],
        nullable: false,
        description: 'Empty when it was done.',
        resolve: ({ errors }) => errors,
      }),
    }),
  });

functions.push({
  name: 'markAllNotificationsRead',
  model: 'UserNotification',
  writersOf: 'UserNotification',
});
mutation(
  { model: 'UserNotification' },
  'markAllNotificationsRead',
  'Marks all your notifications in the current workspace as read.',
  MarkAllNotificationsReadPayload,
  null,
  common,
  (write) =>
    callCounting(
      write,
      {
        name: 'mark_all_notifications_as_read',
        parameters: {},
        fixed: {
          ...inWorkspace(write.context).fixed,
          person: { value: requirePerson(write.context).id, type: 'uuid' },
        },
      },
      {},
    ),
);
