import type { WorkspaceDemo } from '../demo.ts';
import { agentsOf } from '../dictionaries/index.ts';
import { at } from '../random.ts';
import type { AlertStory } from '../story.ts';
import type { Row } from '../writer.ts';

export function alertRows(workspace: WorkspaceDemo) {
  const alerts = allAlerts(workspace);
  return {
    system_alerts: alerts.map((alert, n) => alertRow(workspace, alert, n)),
    user_notifications: notificationRows(workspace, alerts),
  } satisfies Record<string, Row[]>;
}

/** Alerts of an ordinary week. */
export const routine: Omit<AlertStory, 'hours' | 'campaign' | 'status'>[] = [
  {
    title: 'Click rate below its usual band',
    text: 'Two days below the band. Often a tired picture.',
    type: 'performance',
    severity: 'medium',
    points: { clickRate: 0.011, band: [0.014, 0.022] },
    actions: ['Swap the picture'],
  },
  {
    title: 'Link returned an error',
    text: 'The inspector found one broken link in the footer.',
    type: 'error',
    severity: 'low',
    points: { status: 404 },
    actions: ['Correct the link'],
  },
  {
    title: 'A tenth of the goal in one day',
    text: 'The best day so far.',
    type: 'milestone',
    severity: 'info',
    points: { share: 0.1 },
    actions: [],
  },
  {
    title: 'Mails bounce at one provider',
    text: 'Three per cent bounced, all at one provider.',
    type: 'anomaly',
    severity: 'high',
    points: { bounceRate: 0.03 },
    actions: ['Slow down sending', 'Check the records of the domain'],
  },
  {
    title: 'A draft waits for approval',
    text: 'It blocks a quest that is due this week.',
    type: 'action_required',
    severity: 'medium',
    points: { waitingDays: 2 },
    actions: ['Approve or return it'],
  },
  {
    title: 'Cheap reach this evening',
    text: 'Prices fall when the match ends.',
    type: 'opportunity',
    severity: 'low',
    points: { price: 0.8 },
    actions: ['Move a fifth of the daily budget'],
  },
];

/** Returns the alerts of the story, followed by routine ones of the last weeks. */
function allAlerts({ story, count }: WorkspaceDemo): AlertStory[] {
  const filled = Array.from({ length: count(24) }, (_, n): AlertStory => {
    const status = at(['resolved', 'active', 'acknowledged', 'dismissed', 'resolved'] as const, n);
    const campaign = n % story.campaigns.length;
    const template = at(routine, n);
    return {
      ...template,
      title: `${template.title}: ${at(story.campaigns, campaign).name}`,
      status,
      hours: 60 + n * 19,
      campaign,
    };
  });
  return [...story.alerts, ...filled];
}

function alertRow(workspace: WorkspaceDemo, alert: AlertStory, n: number): Row {
  const { demo, id, row, person } = workspace;
  const moment = (hours: number) => demo.ago(0, Math.max(0.2, hours));
  const seen = alert.status !== 'active';
  const closed = alert.status === 'resolved' || alert.status === 'dismissed';
  const related = (table: string, place: number | undefined) =>
    place === undefined ? null : row(table, place);
  return {
    id: row('system_alerts', n),
    workspace_id: id,
    alert_type: alert.type,
    severity_level: alert.severity,
    status: alert.status,
    title: alert.title,
    description: alert.text,
    message: `${alert.title}. ${alert.text}`,
    action_url: `/alerts/${row('system_alerts', n)}`,
    triggered_by_agent_id: demo.id('agent_registry', at(agentsOf('intelligence'), n + 4)),
    triggered_by_signal_id: related('intelligence_signals', alert.signal),
    triggered_by_event: at(['metric.threshold', 'page.change', 'queue.timeout'], n),
    related_campaign_id: related('campaigns', alert.campaign),
    related_cohort_id: related('cohorts', alert.cohort),
    related_move_id: related('moves', alert.move),
    data_points: alert.points,
    recommended_actions: alert.actions,
    created_at: moment(alert.hours),
    triggered_at: moment(alert.hours + 0.1),
    acknowledged_at: seen ? moment(alert.hours - 1) : null,
    resolved_at: closed ? moment(alert.hours * 0.7 - 1) : null,
    expiry_date: alert.type === 'opportunity' ? demo.ago(0, alert.hours - 96) : null,
    acknowledged_by: seen ? person('Analyst') : null,
    action_taken: alert.taken ?? (closed ? at(['Done as proposed', 'No action needed'], n) : null),
    created_by: n % 10 === 9 ? person('Analyst') : null,
    updated_at: moment(closed ? alert.hours * 0.7 - 1 : seen ? alert.hours - 1 : alert.hours),
  };
}

const priorities = { critical: 'urgent', high: 'high', medium: 'normal', low: 'low', info: 'low' };
const channels = ['in_app', 'email', 'slack', 'push', 'sms'] as const;

interface Notice {
  key: string;
  user: string;
  type: string;
  title: string;
  message: string;
  hours: number;
  priority: string;
  alert?: number;
  campaign?: number;
}

function notificationRows(workspace: WorkspaceDemo, alerts: AlertStory[]): Row[] {
  const { demo, id, row, random } = workspace;
  const numbers = random('user_notifications');
  return announcements(workspace, alerts).map((notice, n) => {
    const channel = at(channels, n % 3 === 0 ? n : 0);
    const delivery = at(['delivered', 'delivered', 'delivered', 'pending', 'bounced', 'failed'], n);
    const read = delivery === 'delivered' && numbers.chance(0.55);
    return {
      id: row('user_notifications', notice.key),
      workspace_id: id,
      user_id: notice.user,
      notification_type: notice.type,
      title: notice.title,
      message: notice.message,
      related_alert_id: notice.alert === undefined ? null : row('system_alerts', notice.alert),
      related_campaign_id: notice.campaign === undefined ? null : row('campaigns', notice.campaign),
      channel,
      is_read: read,
      read_at: read ? demo.ago(0, notice.hours * 0.6) : null,
      delivery_status: delivery,
      delivery_method: channel === 'in_app' ? 'stream' : channel,
      action_url:
        notice.alert === undefined ? '/' : `/alerts/${row('system_alerts', notice.alert)}`,
      action_label: notice.alert === undefined ? 'Open' : 'See the alert',
      call_to_action: notice.type === 'reminder' ? 'Finish it today' : null,
      priority_level: notice.priority,
      expires_at: notice.type === 'reminder' ? demo.ago(0, notice.hours - 72) : null,
      created_at: demo.ago(0, notice.hours),
      updated_at: demo.ago(0, read ? notice.hours * 0.6 : notice.hours),
    };
  });
}

/** Returns the notifications: alerts go to the people responsible for them, the rest to everybody. */
function announcements({ story, members, person }: WorkspaceDemo, alerts: AlertStory[]): Notice[] {
  const watchers = [person('Owner'), person('Strategist'), person('Analyst')];
  const fromAlerts = alerts.flatMap((alert, n) => {
    const users = alert.severity === 'critical' ? watchers : watchers.slice(1 + (n % 2), 3);
    if (alert.severity === 'info' && alert.type !== 'milestone') return [];
    return users.map(
      (user): Notice => ({
        key: `alert/${n}/${user}`,
        user,
        type: 'alert',
        title: alert.title,
        message: alert.text,
        hours: alert.hours - 0.05,
        priority: priorities[alert.severity],
        alert: n,
        ...(alert.campaign === undefined ? {} : { campaign: alert.campaign }),
      }),
    );
  });
  const fromLife = members.flatMap(({ id: user }, m): Notice[] => [
    {
      key: `summary/${user}`,
      user,
      type: 'summary',
      title: 'Your week',
      message: `${story.campaigns.filter(({ status }) => status === 'active').length} campaigns are running.`,
      hours: 30,
      priority: 'low',
    },
    {
      key: `reminder/${user}`,
      user,
      type: 'reminder',
      title: at(['A quest is due tomorrow', 'The sprint ends on Friday'], m),
      message: `Please look at "${at(story.campaigns, m).name}".`,
      hours: 6 + m,
      priority: 'normal',
      campaign: m % story.campaigns.length,
    },
    {
      key: `message/${user}`,
      user,
      type: 'message',
      title: 'A note from the council',
      message: at(story.debates, m).decision,
      hours: 71 + m,
      priority: 'normal',
    },
  ]);
  return [...fromAlerts, ...fromLife];
}
