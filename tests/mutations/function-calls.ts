import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../support/database.ts';
import { insert, type Role, type Tenant } from '../support/tenant.ts';

export type Ids = Awaited<ReturnType<typeof plant>>;

/** Makes a row for each function. */
export async function plant(database: TestDatabase, { workspaceId, people }: Tenant) {
  const person = randomUUID();
  await database.query('insert into auth.users (id) values ($1)', [person]);
  const row = (table: string, values: object = {}) =>
    insert(database, table, { workspace_id: workspaceId, ...values });
  await row('user_workspaces', { user_id: person, role: 'Viewer' });
  const cohort = await row('cohorts', { name: 'Cohort' });
  const move = await row('moves', { name: 'Move', primary_icp_id: cohort });
  const campaign = await row('campaigns', { name: 'Campaign' });
  return {
    move,
    campaign,
    quest: await row('campaign_quests', {
      campaign_id: campaign,
      name: 'Quest',
      status: 'in_progress',
    }),
    cohort,
    achievement: await row('achievements', {
      name: 'Achievement',
      badge_type: 'milestone',
      condition_type: 'count',
      condition_value: '5',
    }),
    agent: await insert(database, 'agent_registry', {
      agent_name: `agent-${randomUUID()}`,
      agent_type: 'creative',
    }),
    experiment: await row('experiments', {
      move_id: move,
      hypothesis: 'Shorter is better',
      variants: JSON.stringify([{ key: 'a' }, { key: 'b' }]),
      success_metric: 'opens',
    }),
    signal: await row('intelligence_signals', {
      source_type: 'market',
      signal_title: 'Signal',
      signal_category: 'market_trend',
    }),
    alert: await row('system_alerts', {
      alert_type: 'anomaly',
      severity_level: 'high',
      title: 'Alert',
    }),
    acknowledged: await row('system_alerts', {
      alert_type: 'anomaly',
      severity_level: 'high',
      title: 'Taken on',
      status: 'acknowledged',
    }),
    person,
    invitations: Object.fromEntries(
      await Promise.all(
        Object.entries(people).map(async ([role, userId]) => [
          role,
          await invite(database, workspaceId, userId),
        ]),
      ),
    ) as Record<Role, string>,
    notifications: Object.fromEntries(
      await Promise.all(
        Object.entries(people).map(async ([role, userId]) => [
          role,
          await row('user_notifications', {
            user_id: userId,
            notification_type: 'message',
            title: 'Hello',
            message: 'There',
          }),
        ]),
      ),
    ) as Record<Role, string>,
  };
}

/** Gives a person an address, and invites it. */
async function invite(database: TestDatabase, workspaceId: string, userId: string) {
  const email = `${userId}@example.com`;
  await database.query('update auth.users set email = $2 where id = $1', [userId, email]);
  return insert(database, 'gateway.invitation', { workspace_id: workspaceId, email });
}

/** A call that people with at least this role may make; `about` is a row that another workspace also has. */
export interface FunctionCall {
  least: Role;
  /** The arguments, for rows of any workspace and `ours`. */
  call: (rows: Ids, role: Role, ours: Ids) => string;
  about?: string;
  selection?: string;
}

export const quoted = JSON.stringify;
/** Every mutation that is a function of the database. */
export const FUNCTION_CALLS: Record<string, FunctionCall> = {
  createWorkspace: { least: 'Viewer', call: () => 'name: "Another", slug: "another"' },
  inviteWorkspaceMember: {
    least: 'Owner',
    call: () => 'email: "newcomer@EXAMPLE.com", role: ANALYST',
  },
  revokeInvitation: {
    least: 'Owner',
    call: ({ invitations }) => `id: ${quoted(invitations.Owner)}`,
    about: 'id',
  },
  acceptInvitation: {
    least: 'Viewer',
    call: ({ invitations }, role) => `id: ${quoted(invitations[role])}`,
    about: 'id',
  },
  declineInvitation: {
    least: 'Viewer',
    call: ({ invitations }, role) => `id: ${quoted(invitations[role])}`,
    about: 'id',
  },
  changeMemberRole: {
    least: 'Owner',
    call: ({ person }) => `userId: ${quoted(person)}, role: STRATEGIST`,
    about: 'userId',
  },
  removeMember: {
    least: 'Owner',
    call: ({ person }) => `userId: ${quoted(person)}`,
    about: 'userId',
  },
  changeCampaignStatus: {
    least: 'Strategist',
    call: ({ campaign }) => `id: ${quoted(campaign)}, status: PLANNING`,
    about: 'id',
  },
  completeQuest: { least: 'Strategist', call: ({ quest }) => `id: ${quoted(quest)}`, about: 'id' },
  linkCohorts: {
    least: 'Strategist',
    call: ({ campaign, cohort }) =>
      `campaignId: ${quoted(campaign)}, cohorts: [{ cohortId: ${quoted(cohort)} }]`,
    about: 'campaignId',
    selection: '{ results { id campaignCohort { id } } }',
  },
  startMove: { least: 'Strategist', call: ({ move }) => `id: ${quoted(move)}`, about: 'id' },
  logMove: {
    least: 'Strategist',
    call: ({ move }) =>
      `moveId: ${quoted(move)}, date: "2026-02-28", actionsCompleted: 2, notes: "Done", metrics: { reach: 5 }`,
    about: 'moveId',
  },
  raiseAnomaly: {
    least: 'Strategist',
    call: ({ move }) => `moveId: ${quoted(move)}, type: DRIFT, severity: 3`,
    about: 'moveId',
  },
  unlockAchievement: {
    least: 'Owner',
    call: ({ achievement }, _role, ours) =>
      `achievementId: ${quoted(achievement)}, userId: ${quoted(ours.person)}`,
    about: 'achievementId',
  },
  recordAchievementProgress: {
    least: 'Owner',
    call: ({ achievement }, _role, ours) =>
      `achievementId: ${quoted(achievement)}, userId: ${quoted(ours.person)}, value: 2`,
    about: 'achievementId',
  },
  assignAgent: {
    least: 'Strategist',
    call: ({ campaign }, _role, ours) =>
      `agentId: ${quoted(ours.agent)}, campaignId: ${quoted(campaign)}`,
    about: 'campaignId',
  },
  recordAgentExecution: {
    least: 'Owner',
    call: ({ agent }) =>
      `agentId: ${quoted(agent)}, seconds: 1.5, inputTokens: 1, outputTokens: 2, cost: "0.01", success: true`,
  },
  recordSignal: {
    least: 'Analyst',
    call: ({ campaign }) =>
      `title: "Signal", source: MARKET, category: MARKET_TREND, campaignIds: [${quoted(campaign)}],
       keyFindings: ["a", "b"], dataPoints: [1, 2], signalDate: "2026-01-02T03:04:05.678Z"`,
  },
  createInsightFromSignals: {
    least: 'Analyst',
    call: ({ signal }) => `signalIds: [${quoted(signal)}], title: "Insight", type: TREND`,
    about: 'signalIds',
  },
  acknowledgeSignal: {
    least: 'Analyst',
    call: ({ signal }) => `id: ${quoted(signal)}`,
    about: 'id',
  },
  raiseAlert: {
    least: 'Analyst',
    call: ({ campaign }) =>
      `title: "Alert", type: ERROR, severity: LOW, campaignId: ${quoted(campaign)}`,
    about: 'campaignId',
  },
  acknowledgeAlert: { least: 'Analyst', call: ({ alert }) => `id: ${quoted(alert)}`, about: 'id' },
  resolveAlert: {
    least: 'Analyst',
    call: ({ acknowledged }) => `id: ${quoted(acknowledged)}, actionTaken: "Fixed"`,
    about: 'id',
  },
  dismissAlert: {
    least: 'Analyst',
    call: ({ alert }) => `id: ${quoted(alert)}, reason: "A drill"`,
    about: 'id',
  },
  sendNotification: {
    least: 'Analyst',
    call: ({ person }) =>
      `userId: ${quoted(person)}, type: REMINDER, title: "Look", message: "Now"`,
    about: 'userId',
  },
  markNotificationRead: {
    least: 'Viewer',
    call: ({ notifications }, role) => `id: ${quoted(notifications[role])}`,
    about: 'id',
  },
  markAllNotificationsRead: { least: 'Viewer', call: () => '', selection: '{ affected }' },
  decideExperiment: {
    least: 'Creator',
    call: ({ experiment }) => `id: ${quoted(experiment)}, winner: "b", confidence: 0.9`,
    about: 'id',
  },
};
