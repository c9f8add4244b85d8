import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let owner: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  owner = tenant.actor('Owner');
});
afterAll(() => database.close());

const achievementOf = ({ workspaceId }: Tenant, values: Record<string, unknown> = {}) =>
  insert(database, 'achievements', {
    workspace_id: workspaceId,
    name: 'First light',
    badge_type: 'milestone',
    condition_type: 'count',
    points_reward: 250,
    ...values,
  });

const unlock = (
  actor: Actor,
  person: string,
  achievement: string,
  workspace = tenant.workspaceId,
) =>
  database.as(actor, (query) =>
    query('select * from unlock_achievement($1, $2, $3, $4)', [
      person,
      achievement,
      workspace,
      'test',
    ]),
  );

const record = (actor: Actor, person: string, achievement: string, value: number | null) =>
  database.as(actor, (query) =>
    query('select * from record_achievement_progress($1, $2, $3)', [person, achievement, value]),
  );

const statsOf = async (person: string) => {
  const [stats] = await database.query(
    'select * from user_stats where user_id = $1 and workspace_id = $2',
    [person, tenant.workspaceId],
  );
  return stats;
};

const notificationsOf = (person: string) =>
  database.query(`select * from user_notifications where user_id = $1`, [person]);

/** Returns a new member without points. */
async function newMember(): Promise<string> {
  const person = randomUUID();
  await database.query('insert into auth.users (id) values ($1)', [person]);
  await insert(database, 'user_workspaces', { user_id: person, workspace_id: tenant.workspaceId });
  return person;
}

describe('unlock_achievement', () => {
  test('adds points, counters and badges, and notifies the person', async () => {
    const person = await newMember();
    const achievement = await achievementOf(tenant, { badge_unlocks: ['sunrise', 'early'] });
    expect(await unlock(owner, person, achievement)).toEqual([
      { success: true, message: 'achievement unlocked', points: 250 },
    ]);
    expect(await statsOf(person)).toMatchObject({
      total_points: 250,
      achievements_unlocked: 1,
      achievements_in_progress: 0,
      experience_level: 1,
      experience_percentage: '25.0',
      badges_earned: ['early', 'sunrise'],
    });
    const [row] = await database.query('select * from user_achievements where user_id = $1', [
      person,
    ]);
    expect(row).toMatchObject({
      is_locked: false,
      progress_percentage: 100,
      unlocked_by_event: 'test',
      unlocked_at: expect.any(Date),
    });
    expect(await notificationsOf(person)).toMatchObject([
      {
        notification_type: 'achievement',
        title: 'Achievement unlocked: First light',
        related_achievement_id: achievement,
        is_read: false,
      },
    ]);
  });

  test('awards once for any number of concurrent callers', async () => {
    const person = await newMember();
    const achievement = await achievementOf(tenant);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => unlock(service, person, achievement)),
    );
    expect(results.flat().filter(({ success }) => success)).toHaveLength(1);
    expect(await statsOf(person)).toMatchObject({ total_points: 250, achievements_unlocked: 1 });
    expect(await notificationsOf(person)).toHaveLength(1);
  });

  test('keeps all of many concurrent awards', async () => {
    const person = await newMember();
    const achievements = await Promise.all(Array.from({ length: 20 }, () => achievementOf(tenant)));
    await Promise.all(achievements.map((achievement) => unlock(service, person, achievement)));
    expect(await statsOf(person)).toMatchObject({
      total_points: 5000,
      achievements_unlocked: 20,
      experience_level: 6,
      experience_percentage: '0.0',
    });
  });

  test('refuses what cannot be unlocked, and changes nothing', async () => {
    const person = await newMember();
    const first = await achievementOf(tenant);
    const second = await achievementOf(tenant, { required_previous_achievement_id: first });
    const refusal = (message: string) => [{ success: false, message, points: 0 }];
    expect(await unlock(owner, person, randomUUID())).toEqual(
      refusal('there is no such achievement'),
    );
    expect(await unlock(owner, person, await achievementOf(stranger))).toEqual(
      refusal('there is no such achievement'),
    );
    expect(await unlock(owner, person, await achievementOf(tenant, { is_active: false }))).toEqual(
      refusal('the achievement is not active'),
    );
    expect(await unlock(owner, person, second)).toEqual(
      refusal('the achievement required before it is still locked'),
    );
    expect(await statsOf(person)).toBeUndefined();
    await unlock(owner, person, first);
    expect(await unlock(owner, person, first)).toEqual(
      refusal('the achievement is already unlocked'),
    );
    expect(await unlock(owner, person, second)).toMatchObject([{ success: true }]);
  });

  test('is allowed for Owners and trusted writers, and only for members', async () => {
    const person = await newMember();
    const achievement = await achievementOf(tenant);
    for (const role of ['Strategist', 'Creator', 'Analyst', 'Viewer'] as const) {
      const own = unlock(tenant.actor(role), tenant.people[role], achievement);
      await expectRefusal(own, '42501', /role Owner/);
    }
    await expectRefusal(unlock({ userId: person }, person, achievement), '42501', /role Owner/);
    await expectRefusal(unlock({}, person, achievement), '42501', /role Owner/);
    const { workspaceId, people } = stranger;
    const foreign = unlock(owner, people.Viewer, achievement, workspaceId);
    await expectRefusal(foreign, '42501', /role Owner/);
    await expectRefusal(unlock(owner, people.Viewer, achievement), 'P0002', /no such member/);
    await expectRefusal(unlock(service, randomUUID(), achievement), 'P0002', /no such member/);
    const nowhere = unlock(service, person, achievement, randomUUID());
    await expectRefusal(nowhere, 'P0002', /no such workspace/);
    expect(await statsOf(person)).toBeUndefined();
  });
});

describe('record_achievement_progress', () => {
  test('counts progress, and unlocks at the threshold once', async () => {
    const person = await newMember();
    const achievement = await achievementOf(tenant, { condition_value: { threshold: 3 } });
    expect(await record(owner, person, achievement, 1)).toMatchObject([
      { progress_value: 1, progress_percentage: 33, is_locked: true },
    ]);
    expect(await statsOf(person)).toMatchObject({ achievements_in_progress: 1, total_points: 0 });
    expect(await record(owner, person, achievement, 0)).toMatchObject([{ progress_value: 0 }]);
    expect(await statsOf(person)).toMatchObject({ achievements_in_progress: 0 });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => record(service, person, achievement, n + 1)),
    );
    expect(await statsOf(person)).toMatchObject({
      achievements_in_progress: 0,
      achievements_unlocked: 1,
      total_points: 250,
    });
    const [unlocked] = await record(owner, person, achievement, 1);
    expect(unlocked).toMatchObject({ is_locked: false, progress_percentage: 100 });
    expect(unlocked?.progress_value).toBeGreaterThanOrEqual(3);
  });

  test('accepts a number as the threshold, and never unlocks without one', async () => {
    const person = await newMember();
    const bare = await achievementOf(tenant, { condition_value: 10 });
    expect(await record(owner, person, bare, 30_000_000)).toMatchObject([{ is_locked: false }]);
    const open = await achievementOf(tenant);
    expect(await record(owner, person, open, 30_000_000)).toMatchObject([
      { is_locked: true, progress_percentage: 0 },
    ]);
  });

  test('does not unlock before the required achievement', async () => {
    const person = await newMember();
    const first = await achievementOf(tenant);
    const second = await achievementOf(tenant, {
      condition_value: { threshold: 5 },
      required_previous_achievement_id: first,
    });
    expect(await record(owner, person, second, 5)).toMatchObject([
      { is_locked: true, progress_percentage: 100 },
    ]);
    await unlock(owner, person, first);
    expect(await record(owner, person, second, 5)).toMatchObject([{ is_locked: false }]);
  });

  test('refuses other callers, and bad values', async () => {
    const person = await newMember();
    const achievement = await achievementOf(tenant);
    const viewer = record(tenant.actor('Viewer'), tenant.people.Viewer, achievement, 1);
    await expectRefusal(viewer, '42501', /role Owner/);
    const foreign = record(stranger.actor('Owner'), person, achievement, 1);
    await expectRefusal(foreign, 'P0002', /no such achievement/);
    await expectRefusal(record(owner, person, randomUUID(), 1), 'P0002', /no such achievement/);
    await expectRefusal(record(owner, randomUUID(), achievement, 1), 'P0002', /no such member/);
    await expectRefusal(record(owner, person, achievement, -1), '22023', /value/);
    await expectRefusal(record(owner, person, achievement, null), '22023', /value/);
    const retired = await achievementOf(tenant, { is_active: false });
    await expectRefusal(record(owner, person, retired, 1), '55000', /not active/);
  });
});

test('levels and success rates are computed from the counters, whatever is written', async () => {
  const person = await newMember();
  const write = (values: string) =>
    database.as(service, (query) =>
      query(
        `insert into user_stats (workspace_id, user_id) values ($1, $2)
             on conflict (workspace_id, user_id) do update set ${values} returning *`,
        [tenant.workspaceId, person],
      ),
    );
  expect(await write('total_points = 0')).toMatchObject([
    { experience_level: 1, experience_percentage: '0.0', success_rate_percentage: null },
  ]);
  expect(await write('total_points = 2999, experience_level = 50')).toMatchObject([
    { experience_level: 3, experience_percentage: '99.9' },
  ]);
  expect(await write('total_points = 5, moves_executed = 3, moves_successful = 2')).toMatchObject([
    { experience_level: 1, experience_percentage: '0.5', success_rate_percentage: '66.67' },
  ]);
  await expect(write('total_points = -5')).rejects.toThrow('user_stats_total_points_check');
});
