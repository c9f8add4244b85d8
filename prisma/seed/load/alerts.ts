import type { WorkspaceDemo } from '../demo.ts';
import { agentsOf } from '../dictionaries/index.ts';
import { routine } from '../domains/alerts.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';
import type { LoadCounts } from './index.ts';
import { ageOf, loadId } from './times.ts';

// Repeated labels are the more frequent ones.
const statuses = [
  ...['resolved', 'resolved', 'resolved', 'resolved', 'resolved', 'resolved'],
  ...['acknowledged', 'dismissed', 'dismissed', 'active'],
];
const severities = ['info', 'info', 'low', 'low', 'low', 'medium', 'medium', 'high', 'critical'];

export function* alertLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, story, id, row, random, person } = workspace;
  const numbers = random('load/system_alerts');
  for (let n = 0; n < counts.system_alerts; n++) {
    const age = ageOf(n, counts.system_alerts);
    const template = numbers.pick(routine);
    const status = numbers.pick(statuses);
    const seen = status !== 'active';
    const closed = status === 'resolved' || status === 'dismissed';
    const product = numbers.pick(story.products);
    const city = numbers.pick(story.cities);
    yield {
      id: loadId(workspace, 'system_alerts', n),
      workspace_id: id,
      alert_type: template.type,
      severity_level: numbers.pick(severities),
      status,
      title: `${template.title}: ${product} in ${city}`,
      description: template.text,
      message: template.text,
      triggered_by_agent_id: demo.id('agent_registry', at(agentsOf('intelligence'), n)),
      triggered_by_signal_id:
        n % 5 === 0
          ? loadId(
              workspace,
              'intelligence_signals',
              numbers.int(0, counts.intelligence_signals - 1),
            )
          : null,
      triggered_by_event: at(['metric.threshold', 'page.change', 'queue.timeout'], n),
      related_campaign_id: loadId(workspace, 'campaigns', numbers.int(0, counts.campaigns - 1)),
      related_cohort_id:
        n % 3 === 0 ? row('cohorts', numbers.int(0, story.cohorts.length - 1)) : null,
      related_move_id:
        n % 4 === 0 ? loadId(workspace, 'moves', numbers.int(0, counts.moves - 1)) : null,
      data_points: template.points,
      recommended_actions: template.actions,
      created_at: demo.ago(age),
      triggered_at: demo.ago(age),
      acknowledged_at: seen ? demo.ago(age - 0.1) : null,
      resolved_at: closed ? demo.ago(age - numbers.int(1, 5)) : null,
      acknowledged_by: seen ? person('Analyst') : null,
      action_taken: closed ? 'Done as proposed' : null,
      updated_at: demo.ago(age),
    };
  }
}

export function* notificationLoad(workspace: WorkspaceDemo, counts: LoadCounts): Iterable<Row> {
  const { demo, id, random, members } = workspace;
  const numbers = random('load/user_notifications');
  for (let n = 0; n < counts.user_notifications; n++) {
    const age = ageOf(n, counts.user_notifications);
    const template = at(routine, n);
    const read = numbers.chance(0.9);
    const alert = Math.floor((n / counts.user_notifications) * counts.system_alerts);
    yield {
      id: loadId(workspace, 'user_notifications', n),
      workspace_id: id,
      user_id: numbers.pick(members).id,
      notification_type: at(['alert', 'alert', 'alert', 'reminder', 'summary'], n),
      title: template.title,
      message: template.text,
      related_alert_id: loadId(workspace, 'system_alerts', alert),
      channel: at(['in_app', 'in_app', 'email', 'slack', 'push'], n),
      is_read: read,
      read_at: read ? demo.ago(age - 0.4) : null,
      delivery_status: 'delivered',
      priority_level: at(['normal', 'normal', 'high', 'low', 'urgent'], n),
      created_at: demo.ago(age),
      updated_at: demo.ago(age),
    };
  }
}
