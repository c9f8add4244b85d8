import type { Context } from '../context/context.ts';
import { requireWorkspace } from '../context/workspace.ts';
import type { Row } from '../resolvers/rows.ts';
import { functionMutation, inWorkspace } from './model/function-mutation.ts';

const person = { parameter: 'person', column: 'userId', required: true };
const achievement = { parameter: 'achievement', column: 'achievementId', required: true };

/** A member's progress is its own row, which the functions make when there is none. */
function progressOf(context: Context, { userId, achievementId }: Row) {
  return { key: { userId, achievementId, workspaceId: requireWorkspace(context).id } };
}

functionMutation('unlockAchievement', {
  model: 'UserAchievement',
  description:
    'Unlocks an achievement for a member, adds its points once and notifies the member. The row is null if the member keeps it private.',
  sql: 'unlock_achievement',
  args: {
    achievementId: achievement,
    userId: person,
    event: { column: 'unlockedByEvent' },
  },
  writersOf: 'Achievement',
  returnsVerdict: true,
  inContext: (context, args) => ({ ...inWorkspace(context), row: progressOf(context, args) }),
});

functionMutation('recordAchievementProgress', {
  model: 'UserAchievement',
  description:
    'Sets the progress of a member, and unlocks the achievement at its threshold. The row is null if the member keeps it private.',
  sql: 'record_achievement_progress',
  args: {
    achievementId: achievement,
    userId: person,
    value: { column: 'progressValue', required: true },
  },
  writersOf: 'Achievement',
});
