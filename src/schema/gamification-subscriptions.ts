import { subscription } from './model/subscriptions.ts';

subscription('achievementUnlocked', {
  model: 'UserAchievement',
  description: 'Achievements that you unlock, and those of others that are public.',
  operations: ['UPDATED'],
  changedColumn: 'isLocked',
  where: { isLocked: false },
});
