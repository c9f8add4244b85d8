export interface AchievementTemplate {
  name: string;
  description: string;
  badge: string;
  tier: string;
  condition: string;
  metric:
    | 'campaigns_created'
    | 'content_pieces_published'
    | 'moves_successful'
    | 'alerts_acknowledged'
    | 'collaborations_count'
    | 'channels_used';
  threshold: number;
  /** The achievement that comes first, by its place in the list. */
  previous?: number;
  points: number;
  rarity: string;
}

export const achievements: AchievementTemplate[] = [
  {
    name: 'First campaign',
    description: 'Start a campaign of your own.',
    badge: 'milestone',
    tier: 'bronze',
    condition: 'count',
    metric: 'campaigns_created',
    threshold: 1,
    points: 250,
    rarity: 'common',
  },
  {
    name: 'Campaigner',
    description: 'Start five campaigns.',
    badge: 'milestone',
    tier: 'silver',
    condition: 'count',
    metric: 'campaigns_created',
    threshold: 5,
    previous: 0,
    points: 500,
    rarity: 'uncommon',
  },
  {
    name: 'Campaign veteran',
    description: 'Start ten campaigns.',
    badge: 'milestone',
    tier: 'gold',
    condition: 'count',
    metric: 'campaigns_created',
    threshold: 10,
    previous: 1,
    points: 1000,
    rarity: 'rare',
  },
  {
    name: 'Campaign legend',
    description: 'Start fifty campaigns.',
    badge: 'milestone',
    tier: 'platinum',
    condition: 'count',
    metric: 'campaigns_created',
    threshold: 50,
    previous: 2,
    points: 3000,
    rarity: 'legendary',
  },
  {
    name: 'In print',
    description: 'Publish ten pieces of content.',
    badge: 'quality',
    tier: 'silver',
    condition: 'count',
    metric: 'content_pieces_published',
    threshold: 10,
    points: 600,
    rarity: 'uncommon',
  },
  {
    name: 'Same-day triage',
    description: 'Acknowledge five alerts on the day they were raised.',
    badge: 'speed',
    tier: 'bronze',
    condition: 'time_based',
    metric: 'alerts_acknowledged',
    threshold: 5,
    points: 400,
    rarity: 'common',
  },
  {
    name: 'Four hands',
    description: 'Finish a quest together with somebody from another role.',
    badge: 'collaboration',
    tier: 'bronze',
    condition: 'milestone',
    metric: 'collaborations_count',
    threshold: 1,
    points: 200,
    rarity: 'common',
  },
  {
    name: 'Cartographer',
    description: 'Use four kinds of channels.',
    badge: 'exploration',
    tier: 'silver',
    condition: 'combination',
    metric: 'channels_used',
    threshold: 4,
    points: 450,
    rarity: 'uncommon',
  },
  {
    name: 'Nine that worked',
    description: 'Nine moves reach their goal.',
    badge: 'excellence',
    tier: 'gold',
    condition: 'milestone',
    metric: 'moves_successful',
    threshold: 9,
    previous: 7,
    points: 1200,
    rarity: 'rare',
  },
];
