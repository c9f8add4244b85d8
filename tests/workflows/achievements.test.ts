import { afterEach, describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { meetIn, PLACES, type Team } from './team.ts';

let team: Team;
afterEach(() => team?.close());

const STATS =
  'totalPoints achievementsUnlocked achievementsInProgress badgesEarned experienceLevel';

describe.each(PLACES)('in %s', (place) => {
  it('a member makes progress, unlocks an achievement, and moves up the leaderboard', async () => {
    team = await meetIn(place);
    const { owner, creator } = team;

    const statsOf = async (userId: string) => {
      const { userStatsList } = await owner.data(
        `query ($user: UUID!) {
          userStatsList(filter: { userId: { equals: $user } }) { nodes { ${STATS} } } }`,
        { user: userId },
      );
      return userStatsList.nodes[0];
    };
    const before = (await statsOf(creator.userId)) ?? {
      totalPoints: 0,
      achievementsUnlocked: 0,
      achievementsInProgress: 0,
    };

    const made = await perform(
      owner,
      `createAchievements(inputs: [
        { name: "Ten posts", badgeType: MILESTONE, conditionType: COUNT, conditionValue: { threshold: 10 },
          pointsReward: 2500, badgeUnlocks: ["storyteller"] },
        { name: "Hundred posts", badgeType: MILESTONE, conditionType: COUNT, conditionValue: { threshold: 100 } }])`,
      '{ results { id } }',
    );
    const [ten, hundred] = made.results.map(({ id }: { id: string }) => id);
    await perform(
      owner,
      'updateAchievement(id: $id, input: { requiredPreviousAchievementId: $ten })',
      '{ id }',
      { id: ['UUID!', hundred], ten: ['UUID', ten] },
    );

    const progress = (client: typeof owner, value: number) =>
      attempt(
        client,
        'recordAchievementProgress(achievementId: $ten, userId: $user, value: $value)',
        '{ userAchievement { isLocked progressPercentage progressValue } }',
        { ten: ['UUID!', ten], user: ['UUID!', creator.userId], value: ['Int!', value] },
      );
    expect((await progress(creator, 10)).errors).toMatchObject([{ __typename: 'ForbiddenError' }]);
    expect((await progress(owner, -1)).errors).toMatchObject([
      { __typename: 'ValidationError', path: ['value'] },
    ]);
    expect(await progress(owner, 4)).toMatchObject({
      userAchievement: { isLocked: true, progressPercentage: 40, progressValue: 4 },
    });
    expect(await statsOf(creator.userId)).toMatchObject({
      totalPoints: before.totalPoints,
      achievementsInProgress: before.achievementsInProgress + 1,
    });

    const unlock = (achievement: string) =>
      attempt(
        owner,
        'unlockAchievement(achievementId: $achievement, userId: $user, event: "By hand")',
        '{ userAchievement { isLocked unlockedByEvent } }',
        { achievement: ['UUID!', achievement], user: ['UUID!', creator.userId] },
      );
    expect(await unlock(hundred)).toMatchObject({
      userAchievement: null,
      errors: [
        {
          __typename: 'InvalidTransitionError',
          message: 'The achievement required before it is still locked.',
        },
      ],
    });
    expect(await progress(owner, 10)).toMatchObject({
      userAchievement: { isLocked: false, progressPercentage: 100 },
    });
    expect((await unlock(ten)).errors).toMatchObject([
      { message: 'The achievement is already unlocked.', path: ['achievementId'] },
    ]);
    expect(await unlock(hundred)).toMatchObject({
      userAchievement: { isLocked: false, unlockedByEvent: 'By hand' },
      errors: [],
    });

    const after = await statsOf(creator.userId);
    expect(after).toMatchObject({
      totalPoints: before.totalPoints + 2500,
      achievementsUnlocked: before.achievementsUnlocked + 2,
      achievementsInProgress: before.achievementsInProgress,
      badgesEarned: expect.arrayContaining(['storyteller']),
      experienceLevel: Math.floor((before.totalPoints + 2500) / 1000) + 1,
    });

    // The member gets a notification of each, and marks them as read.
    const { unreadNotifications: unread } = await creator.data(
      '{ unreadNotifications { title relatedAchievement { id } } }',
    );
    const ours = unread.filter((each: { relatedAchievement: { id: string } | null }) =>
      [ten, hundred].includes(each.relatedAchievement?.id),
    );
    expect(ours.map(({ title }: { title: string }) => title)).toEqual([
      'Achievement unlocked: Hundred posts',
      'Achievement unlocked: Ten posts',
    ]);
    const { affected } = await perform(creator, 'markAllNotificationsRead', '{ affected }');
    expect(affected).toBe(unread.length);
    expect(await creator.data('{ unreadNotifications { id } }')).toEqual({
      unreadNotifications: [],
    });

    const { userStatsList: leaderboard } = await creator.data(
      `{ userStatsList(orderBy: [{ field: TOTAL_POINTS, direction: DESC }]) {
        nodes { userId totalPoints user { id } } } }`,
    );
    const points = leaderboard.nodes.map((each: { totalPoints: number }) => each.totalPoints);
    expect(points).toEqual([...points].sort((a, b) => b - a));
    expect(leaderboard.nodes).toContainEqual({
      userId: creator.userId,
      totalPoints: after.totalPoints,
      user: { id: creator.userId },
    });
  });
});
