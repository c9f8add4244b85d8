import type { WorkspaceDemo } from '../demo.ts';
import type { DemoRole } from '../people.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';
import { type AchievementTemplate, achievements } from './achievements.ts';

/** Figures about people's work from the other domains. */
export type Work = Record<'campaigns' | 'moves' | 'assets' | 'system_alerts', Row[]>;

interface Member {
  id: string;
  role: DemoRole;
  place: number;
}

/** Returns the achievements, how far the members are with them, and their counters. */
export function gamificationRows(workspace: WorkspaceDemo, work: Work): Record<string, Row[]> {
  const { demo, id, row, person } = workspace;
  const members = workspace.members.map((member, place) => {
    const own = { ...member, place };
    return { member: own, merits: meritsOf(own, work) };
  });
  return {
    achievements: achievements.map((achievement, n) => ({
      id: row('achievements', n),
      workspace_id: id,
      name: achievement.name,
      description: achievement.description,
      icon_url: `https://cdn.example.com/badges/${badgeOf(achievement)}.svg`,
      badge_type: achievement.badge,
      category: at(['campaigns', 'content', 'team'], n),
      tier: achievement.tier,
      condition_type: achievement.condition,
      condition_value: { metric: achievement.metric, threshold: achievement.threshold },
      required_previous_achievement_id:
        achievement.previous === undefined ? null : row('achievements', achievement.previous),
      points_reward: achievement.points,
      badge_unlocks: [badgeOf(achievement)],
      unlock_perks: achievement.tier === 'platinum' ? ['Name on the wall'] : [],
      is_active: true,
      rarity_level: achievement.rarity,
      created_by: person('Owner'),
      created_at: demo.ago(200 - n),
      updated_at: demo.ago(190 - n),
    })),
    user_achievements: members.flatMap(({ member, merits }) =>
      progressRows(workspace, member, merits),
    ),
    user_stats: members.map(({ member, merits }) => statsRow(workspace, member, merits, work)),
    user_notifications: members.flatMap(({ member, merits }) =>
      announcementRows(workspace, member, merits),
    ),
  };
}

function badgeOf({ badge, tier }: AchievementTemplate): string {
  return `${badge}-${tier}`;
}

type Merits = Record<AchievementTemplate['metric'], number>;

const collaborations = { Owner: 2, Strategist: 6, Creator: 4, Analyst: 1, Viewer: 0 };
const channelsUsed = { Owner: 1, Strategist: 4, Creator: 3, Analyst: 2, Viewer: 0 };

function meritsOf({ id, role }: Member, work: Work): Merits {
  return {
    campaigns_created: work.campaigns.filter((row) => row.created_by === id).length,
    content_pieces_published: work.assets.filter(
      (row) => row.created_by === id && row.status === 'published',
    ).length,
    moves_successful: work.moves.filter((row) => row.owner_id === id && row.status === 'Complete')
      .length,
    alerts_acknowledged: work.system_alerts.filter((row) => row.acknowledged_by === id).length,
    collaborations_count: collaborations[role],
    channels_used: channelsUsed[role],
  };
}

/** An achievement stays locked while the one before it is locked, whatever the progress. */
function isUnlocked({ metric, threshold, previous }: AchievementTemplate, merits: Merits): boolean {
  if (merits[metric] < threshold) return false;
  return previous === undefined || isUnlocked(at(achievements, previous), merits);
}

function unlockAge(n: number, place: number): number {
  return 100 - n * 9 - place;
}

function progressRows({ demo, id, row }: WorkspaceDemo, member: Member, merits: Merits): Row[] {
  return achievements.flatMap((achievement, n): Row[] => {
    const value = Math.min(merits[achievement.metric], achievement.threshold);
    if (value === 0) return [];
    const unlocked = isUnlocked(achievement, merits);
    const age = unlockAge(n, member.place);
    return [
      {
        id: row('user_achievements', `${member.id}/${n}`),
        workspace_id: id,
        user_id: member.id,
        achievement_id: row('achievements', n),
        progress_percentage: Math.floor((value * 100) / achievement.threshold),
        progress_value: value,
        progress_data: { metric: achievement.metric },
        unlocked_at: unlocked ? demo.ago(age) : null,
        unlocked_by_event: unlocked ? 'progress' : null,
        is_locked: !unlocked,
        display_on_profile: n % 4 !== 3,
        visibility: at(['public', 'private', 'public', 'friends_only'], member.place + n),
        created_at: demo.ago(age + 10),
        updated_at: demo.ago(unlocked ? age : 3),
      },
    ];
  });
}

function statsRow(
  { demo, story, id, row, random }: WorkspaceDemo,
  member: Member,
  merits: Merits,
  work: Work,
): Row {
  const numbers = random(`user_stats/${member.role}`);
  const begun = achievements.filter(({ metric }) => merits[metric] > 0);
  const unlocked = begun.filter((achievement) => isUnlocked(achievement, merits));
  const points = unlocked.reduce((sum, { points }) => sum + points, 0);
  const campaigns = work.campaigns.filter((row) => row.created_by === member.id);
  const moves = work.moves.filter((row) => row.owner_id === member.id);
  const executed = moves.filter(
    ({ status }) => status === 'Complete' || status === 'Killed',
  ).length;
  const sum = (column: string) => campaigns.reduce((sum, row) => sum + Number(row[column]), 0);
  const inState = (state: string) => campaigns.filter(({ status }) => status === state).length;
  return {
    id: row('user_stats', member.id),
    workspace_id: id,
    user_id: member.id,
    campaigns_created: campaigns.length,
    campaigns_active: inState('active'),
    campaigns_completed: inState('completed'),
    total_campaign_reach: sum('total_reach'),
    content_pieces_created: work.assets.filter((row) => row.created_by === member.id).length,
    content_pieces_published: merits.content_pieces_published,
    total_engagement_count: sum('total_engagements'),
    moves_created: moves.length,
    moves_executed: executed,
    moves_successful: merits.moves_successful,
    success_rate_percentage:
      executed > 0 ? Number(((merits.moves_successful / executed) * 100).toFixed(2)) : null,
    collaborations_count: merits.collaborations_count,
    teams_joined: 1,
    total_points: points,
    achievements_unlocked: unlocked.length,
    achievements_in_progress: begun.length - unlocked.length,
    badges_earned: unlocked.map(badgeOf),
    login_count: numbers.int(20, 240),
    last_active_at: demo.ago(member.role === 'Viewer' ? 6 : 0, numbers.int(1, 22)),
    total_hours_engaged: numbers.int(10, 300),
    experience_level: Math.floor(points / 1000) + 1,
    experience_percentage: (points % 1000) / 10,
    stats_last_updated: demo.ago(0, 3),
    created_at: demo.ago(story.size === 1 ? 210 : 190),
    updated_at: demo.ago(0, 3),
  };
}

function announcementRows({ demo, id, row }: WorkspaceDemo, member: Member, merits: Merits): Row[] {
  return achievements.flatMap((achievement, n): Row[] => {
    if (!isUnlocked(achievement, merits)) return [];
    const age = unlockAge(n, member.place);
    return [
      {
        id: row('user_notifications', `achievement/${n}/${member.id}`),
        workspace_id: id,
        user_id: member.id,
        notification_type: 'achievement',
        title: `Achievement unlocked: ${achievement.name}`,
        message: `You earned ${achievement.points} points.`,
        description: achievement.description,
        related_achievement_id: row('achievements', n),
        channel: 'in_app',
        is_read: n < 6,
        read_at: n < 6 ? demo.ago(age - 0.5) : null,
        delivery_status: 'delivered',
        delivery_method: 'stream',
        priority_level: 'normal',
        created_at: demo.ago(age),
        updated_at: demo.ago(n < 6 ? age - 0.5 : age),
      },
    ];
  });
}
