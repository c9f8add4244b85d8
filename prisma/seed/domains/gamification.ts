import type { WorkspaceDemo } from '../demo.ts';
import { at } from '../random.ts';
import type { Row } from '../writer.ts';

interface AchievementTemplate {
  name: string;
  description: string;
  badge: string;
  tier: string;
  condition: string;
  value: Record<string, string | number | string[]>;
  /** The achievement that comes first, by its place in the list. */
  previous?: number;
  points: number;
  rarity: string;
}

const achievements: AchievementTemplate[] = [
  {
    name: 'First campaign',
    description: 'Start a campaign of your own.',
    badge: 'milestone',
    tier: 'bronze',
    condition: 'count',
    value: { metric: 'campaigns_created', threshold: 1 },
    points: 100,
    rarity: 'common',
  },
  {
    name: 'Campaigner',
    description: 'Start five campaigns.',
    badge: 'milestone',
    tier: 'silver',
    condition: 'count',
    value: { metric: 'campaigns_created', threshold: 5 },
    previous: 0,
    points: 300,
    rarity: 'uncommon',
  },
  {
    name: 'Campaign veteran',
    description: 'Start ten campaigns.',
    badge: 'milestone',
    tier: 'gold',
    condition: 'count',
    value: { metric: 'campaigns_created', threshold: 10 },
    previous: 1,
    points: 800,
    rarity: 'rare',
  },
  {
    name: 'Campaign legend',
    description: 'Start fifty campaigns.',
    badge: 'milestone',
    tier: 'platinum',
    condition: 'count',
    value: { metric: 'campaigns_created', threshold: 50 },
    previous: 2,
    points: 2500,
    rarity: 'legendary',
  },
  {
    name: 'Clean hands',
    description: 'Publish ten pieces without a correction.',
    badge: 'quality',
    tier: 'silver',
    condition: 'count',
    value: { metric: 'content_pieces_published', threshold: 10 },
    points: 250,
    rarity: 'uncommon',
  },
  {
    name: 'Same-day triage',
    description: 'Acknowledge five alerts on the day they were raised.',
    badge: 'speed',
    tier: 'bronze',
    condition: 'time_based',
    value: { metric: 'alerts_acknowledged', threshold: 5, withinHours: 24 },
    points: 150,
    rarity: 'common',
  },
  {
    name: 'Four hands',
    description: 'Finish a quest together with somebody from another role.',
    badge: 'collaboration',
    tier: 'bronze',
    condition: 'milestone',
    value: { metric: 'collaborations_count', threshold: 1 },
    points: 120,
    rarity: 'common',
  },
  {
    name: 'Cartographer',
    description: 'Use every channel of the workspace at least once.',
    badge: 'exploration',
    tier: 'silver',
    condition: 'combination',
    value: { metric: 'channels_used', threshold: 4, all: ['email', 'social', 'event', 'search'] },
    points: 280,
    rarity: 'uncommon',
  },
  {
    name: 'Nine out of ten',
    description: 'Nine of ten moves reach their goal.',
    badge: 'excellence',
    tier: 'gold',
    condition: 'milestone',
    value: { metric: 'moves_successful', threshold: 9 },
    previous: 4,
    points: 900,
    rarity: 'rare',
  },
];

/** How far each role has come with each achievement, in per cent. */
const progress: Record<string, number[]> = {
  Owner: [100, 40, 20, 4, 0, 100, 100, 25, 0],
  Strategist: [100, 100, 70, 14, 30, 60, 100, 100, 44],
  Creator: [100, 20, 10, 2, 100, 20, 100, 75, 66],
  Analyst: [0, 0, 0, 0, 0, 100, 100, 50, 0],
  Viewer: [0, 0, 0, 0, 0, 0, 0, 0, 0],
};

export function gamificationRows(workspace: WorkspaceDemo): Record<string, Row[]> {
  const { demo, id, row, members, person } = workspace;
  return {
    achievements: achievements.map((achievement, n) => ({
      id: row('achievements', n),
      workspace_id: id,
      name: achievement.name,
      description: achievement.description,
      icon_url: `https://cdn.example.com/badges/${achievement.badge}-${achievement.tier}.svg`,
      badge_type: achievement.badge,
      category: at(['campaigns', 'content', 'team'], n),
      tier: achievement.tier,
      condition_type: achievement.condition,
      condition_value: achievement.value,
      required_previous_achievement_id:
        achievement.previous === undefined ? null : row('achievements', achievement.previous),
      points_reward: achievement.points,
      badge_unlocks: [`${achievement.badge}-${achievement.tier}`],
      unlock_perks: achievement.tier === 'platinum' ? ['Name on the wall'] : [],
      is_active: true,
      rarity_level: achievement.rarity,
      created_by: person('Owner'),
      created_at: demo.ago(200 - n),
      updated_at: demo.ago(90 - n),
    })),
    user_achievements: members.flatMap((member, m) =>
      (progress[member.role] ?? []).flatMap((percentage, n): Row[] => {
        if (percentage === 0) return [];
        const unlocked = percentage === 100;
        const threshold = Number(at(achievements, n).value.threshold);
        return [
          {
            id: row('user_achievements', `${member.id}/${n}`),
            workspace_id: id,
            user_id: member.id,
            achievement_id: row('achievements', n),
            progress_percentage: percentage,
            progress_value: Math.floor((threshold * percentage) / 100),
            progress_data: { threshold, last: at(achievements, n).name },
            unlocked_at: unlocked ? demo.ago(100 - n * 9 - m) : null,
            unlocked_by_event: unlocked ? 'progress_recorded' : null,
            is_locked: !unlocked,
            display_on_profile: n % 4 !== 3,
            visibility: at(['public', 'private', 'public', 'friends_only'], m + n),
            created_at: demo.ago(110 - n * 9),
            updated_at: demo.ago(unlocked ? 100 - n * 9 - m : 3),
          },
        ];
      }),
    ),
    user_stats: members.map((member, m) => statsRow(workspace, member, m)),
  };
}

function statsRow(
  { demo, story, id, row, random }: WorkspaceDemo,
  member: { id: string; role: string },
  m: number,
): Row {
  const numbers = random(`user_stats/${member.role}`);
  const own = progress[member.role] ?? [];
  const unlocked = achievements.filter((_, n) => own[n] === 100);
  const points = unlocked.reduce((sum, { points }) => sum + points, 0);
  const creates = member.role === 'Owner' || member.role === 'Strategist';
  const campaigns = creates ? (member.role === 'Owner' ? 2 : 7) : 0;
  const executed = member.role === 'Viewer' ? 0 : numbers.int(4, 14);
  const successful = Math.floor(executed * 0.75);
  return {
    id: row('user_stats', member.id),
    workspace_id: id,
    user_id: member.id,
    campaigns_created: campaigns,
    campaigns_active: campaigns > 0 ? 1 : 0,
    campaigns_completed: campaigns > 2 ? 2 : 0,
    total_campaign_reach: campaigns * numbers.int(12_000, 90_000),
    content_pieces_created: member.role === 'Creator' ? numbers.int(30, 60) : m,
    content_pieces_published: member.role === 'Creator' ? numbers.int(12, 28) : 0,
    total_engagement_count: campaigns * numbers.int(900, 5000),
    moves_created: executed,
    moves_executed: executed,
    moves_successful: successful,
    success_rate_percentage:
      executed > 0 ? Number(((successful / executed) * 100).toFixed(2)) : null,
    collaborations_count: unlocked.length,
    teams_joined: 1,
    total_points: points,
    achievements_unlocked: unlocked.length,
    achievements_in_progress: own.filter((value) => value > 0 && value < 100).length,
    badges_earned: unlocked.map(({ badge, tier }) => `${badge}-${tier}`),
    login_count: numbers.int(20, 240),
    last_active_at: demo.ago(m === 4 ? 6 : 0, numbers.int(1, 22)),
    total_hours_engaged: numbers.int(10, 300),
    experience_level: Math.floor(points / 1000) + 1,
    experience_percentage: (points % 1000) / 10,
    stats_last_updated: demo.ago(0, 3),
    created_at: demo.ago(story.size > 0.6 ? 210 : 190),
    updated_at: demo.ago(0, 3),
  };
}
