import { randomUUID } from 'node:crypto';
import { type Finding, finding, type Query } from './check.ts';

const POINTS = 250;

/** Unlocks an achievement twice for an invented person, in a transaction that is rolled back. */
export async function tryUnlock(query: Query): Promise<Finding> {
  const [found] = await query<{ yes: boolean }>(
    `select to_regprocedure('public.unlock_achievement(uuid, uuid, uuid, text)') is not null as yes`,
  );
  if (!found?.yes) return finding(0, 'calls', ['unlock_achievement is missing']);

  const person = randomUUID();
  const workspace = randomUUID();
  const achievement = randomUUID();
  await query('insert into auth.users (id) values ($1)', [person]);
  await query(`insert into public.workspaces (id, name) values ($1, 'verify')`, [workspace]);
  await query('insert into public.user_workspaces (user_id, workspace_id) values ($1, $2)', [
    person,
    workspace,
  ]);
  await query(
    `insert into public.achievements (id, workspace_id, name, badge_type, condition_type, points_reward)
     values ($1, $2, 'verify', 'milestone', 'count', $3)`,
    [achievement, workspace, POINTS],
  );
  const unlock = async () => {
    const [row] = await query<{ success: boolean; points: number }>(
      `select success, points from public.unlock_achievement($1, $2, $3, 'verify')`,
      [person, achievement, workspace],
    );
    return row;
  };
  const first = await unlock();
  const second = await unlock();
  const [stats] = await query<{ points: number }>(
    'select total_points as points from public.user_stats where user_id = $1 and workspace_id = $2',
    [person, workspace],
  );
  const problems = [
    first?.success && first.points === POINTS ? '' : 'the first call does not award the points',
    second && !second.success ? '' : 'the second call is not refused',
    stats?.points === POINTS ? '' : `the person has ${stats?.points ?? 'no'} points, not ${POINTS}`,
  ];
  return finding(2, 'calls', problems.filter(Boolean));
}
