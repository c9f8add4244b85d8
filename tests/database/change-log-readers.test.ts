import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { type Logged, logged } from './change-log.ts';

let database: TestDatabase;
let query: Query;
let here: Tenant;
let there: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  query = database.query;
  here = await createTenant(database);
  there = await createTenant(database);
});
afterAll(() => database.close());

const changes = (sql: string, values: unknown[] = []) => logged(query, () => query(sql, values));

/** Who receives a table's changes as which operation, in any order. */
function readersOf(log: readonly Logged[], table: string): string[] {
  const name = (id: string | null) => {
    if (id === null) return 'all';
    for (const [place, { workspaceId, people }] of Object.entries({ here, there })) {
      if (id === workspaceId) return place;
      const role = Object.entries(people).find(([, person]) => person === id)?.[0];
      if (role) return `${role} ${place}`;
    }
    return id;
  };
  return log
    .filter((change) => change.table === table)
    .map(({ operation, workspace, reader }) => `${operation} ${name(workspace)}: ${name(reader)}`)
    .sort();
}

describe('a row that moves is deleted in one place and inserted in the other', () => {
  test('to another workspace', async () => {
    const id = await insert(database, 'cohorts', { workspace_id: here.workspaceId, name: 'C' });
    const log = await changes('update cohorts set workspace_id = $2, name = $3 where id = $1', [
      ...[id, there.workspaceId],
      'D',
    ]);
    expect(readersOf(log, 'cohorts')).toEqual(['DELETE here: all', 'INSERT there: all']);
    expect(log.map(({ row, columns }) => ({ row, columns }))).toEqual([
      { row: id, columns: [] },
      { row: id, columns: [] },
    ]);
  });

  test('from a workspace to all workspaces, and back', async () => {
    const id = await insert(database, 'visual_design_templates', {
      workspace_id: here.workspaceId,
      name: 'T',
    });
    const move = (workspace: string | null) =>
      changes('update visual_design_templates set workspace_id = $2 where id = $1', [
        id,
        workspace,
      ]);
    expect(readersOf(await move(null), 'visual_design_templates')).toEqual([
      'DELETE here: all',
      'INSERT all: all',
    ]);
    expect(readersOf(await move(here.workspaceId), 'visual_design_templates')).toEqual([
      'DELETE all: all',
      'INSERT here: all',
    ]);
  });

  test('to another id', async () => {
    const id = await insert(database, 'cohorts', { workspace_id: here.workspaceId, name: 'C' });
    const next = randomUUID();
    const log = await changes('update cohorts set id = $2 where id = $1', [id, next]);
    expect(log).toHaveLength(2);
    expect(log).toContainEqual(expect.objectContaining({ operation: 'DELETE', row: id }));
    expect(log).toContainEqual(expect.objectContaining({ operation: 'INSERT', row: next }));
  });

  test('to another person', async () => {
    const id = await insert(database, 'user_notifications', notification(here, 'Viewer'));
    const log = await changes('update user_notifications set user_id = $2 where id = $1', [
      ...[id, here.people.Analyst],
    ]);
    expect(readersOf(log, 'user_notifications')).toEqual([
      'DELETE here: Viewer here',
      'INSERT here: Analyst here',
    ]);
  });
});

const notification = ({ workspaceId, people }: Tenant, role: 'Viewer' | 'Analyst') => ({
  ...{ workspace_id: workspaceId, user_id: people[role] },
  ...{ notification_type: 'message', title: 'T', message: 'M' },
});

describe('changes of a personal row are only delivered to that person', () => {
  test('a notification', async () => {
    const id = await insert(database, 'user_notifications', notification(here, 'Viewer'));
    const log = await changes('update user_notifications set is_read = true where id = $1', [id]);
    expect(readersOf(log, 'user_notifications')).toEqual(['UPDATE here: Viewer here']);
    const gone = await changes('delete from user_notifications where id = $1', [id]);
    expect(readersOf(gone, 'user_notifications')).toEqual(['DELETE here: Viewer here']);
  });

  test('the answers of onboarding, in any workspace while they belong to none', async () => {
    const user_id = here.people.Viewer;
    const answer = `insert into onboarding_responses (user_id, workspace_id) values ($1, $2)`;
    const anywhere = await changes(answer, [user_id, null]);
    expect(readersOf(anywhere, 'onboarding_responses')).toEqual(['INSERT all: Viewer here']);
    const log = await changes(answer, [user_id, here.workspaceId]);
    expect(readersOf(log, 'onboarding_responses')).toEqual(['INSERT here: Viewer here']);
    const moved = await changes(
      'update onboarding_responses set workspace_id = $2 where user_id = $1 and workspace_id is null',
      [user_id, here.workspaceId],
    );
    expect(readersOf(moved, 'onboarding_responses')).toEqual([
      'DELETE all: Viewer here',
      'INSERT here: Viewer here',
    ]);
  });

  test('a subscription, which not even Owners see', async () => {
    const add = 'insert into subscriptions (user_id, workspace_id) values ($1, $2)';
    const { workspaceId, people } = here;
    expect(readersOf(await changes(add, [people.Viewer, null]), 'subscriptions')).toEqual([
      'INSERT all: Viewer here',
    ]);
    expect(readersOf(await changes(add, [people.Viewer, workspaceId]), 'subscriptions')).toEqual([
      'INSERT here: Viewer here',
    ]);
    expect(readersOf(await changes(add, [people.Owner, workspaceId]), 'subscriptions')).toEqual([
      'INSERT here: Owner here',
    ]);
    const log = await changes(
      `update subscriptions set plan = 'pro' where user_id = $1 and workspace_id = $2`,
      [people.Viewer, workspaceId],
    );
    expect(readersOf(log, 'subscriptions')).toEqual(['UPDATE here: Viewer here']);
    expect(log[0]?.columns).toEqual(['plan']);
  });
});

test('an achievement is delivered to its person while it is private, to all if it is or was public', async () => {
  const { workspaceId: workspace_id, people } = here;
  const achievement_id = await insert(database, 'achievements', {
    ...{ workspace_id, name: 'First' },
    ...{ badge_type: 'milestone', condition_type: 'count' },
  });
  const own = { workspace_id, user_id: people.Viewer, achievement_id };
  const step = async (sql: string) => readersOf(await changes(sql), 'user_achievements');
  const set = (assignment: string) => step(`update user_achievements set ${assignment}`);
  const made = await logged(query, () =>
    insert(database, 'user_achievements', { ...own, visibility: 'private' }),
  );
  expect(readersOf(made, 'user_achievements')).toEqual(['INSERT here: Viewer here']);
  expect(await set('progress_value = 1')).toEqual(['UPDATE here: Viewer here']);
  expect(await set(`visibility = 'public'`)).toEqual(['UPDATE here: all']);
  expect(await set('progress_value = 2')).toEqual(['UPDATE here: all']);
  expect(await set(`visibility = 'private'`)).toEqual(['UPDATE here: all']);
  expect(await set(`visibility = 'public'`)).toEqual(['UPDATE here: all']);
  expect(await step('delete from user_achievements')).toEqual(['DELETE here: all']);
});

describe('changes of a profile are delivered', () => {
  test('to the members of each workspace of the person, or only to the person if there is none', async () => {
    const person = here.people.Creator;
    const rename = `update user_profiles set full_name = $2 where id = $1`;
    expect(readersOf(await changes(rename, [person, 'A']), 'user_profiles')).toEqual([
      'UPDATE here: all',
    ]);
    await query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      ...[person, there.workspaceId],
    ]);
    expect(readersOf(await changes(rename, [person, 'B']), 'user_profiles')).toEqual([
      'UPDATE here: all',
      'UPDATE there: all',
    ]);
    const stranger = randomUUID();
    await query('insert into auth.users (id) values ($1)', [stranger]);
    expect(readersOf(await changes(rename, [stranger, 'C']), 'user_profiles')).toEqual([
      `UPDATE all: ${stranger}`,
    ]);
  });

  test('as an insert, a move and a deletion when the membership changes', async () => {
    const person = randomUUID();
    const step = async (sql: string, ...values: unknown[]) =>
      readersOf(await changes(sql, [person, ...values]), 'user_profiles');
    await query('insert into auth.users (id) values ($1)', [person]);
    expect(
      await step(
        'insert into user_workspaces (user_id, workspace_id) values ($1, $2)',
        here.workspaceId,
      ),
    ).toEqual(['INSERT here: all']);
    expect(await step(`update user_workspaces set role = 'Owner' where user_id = $1`)).toEqual([]);
    expect(
      await step(
        `update user_workspaces set workspace_id = $2, role = 'Viewer' where user_id = $1`,
        there.workspaceId,
      ),
    ).toEqual(['DELETE here: all', 'INSERT there: all']);
    expect(await step('delete from auth.users where id = $1')).toEqual([
      `DELETE all: ${person}`,
      'DELETE there: all',
    ]);
  });
});

test('a workspace is delivered to its members, a global row to everybody', async () => {
  const rename = await changes(`update workspaces set name = 'New' where id = $1`, [
    here.workspaceId,
  ]);
  expect(readersOf(rename, 'workspaces')).toEqual(['UPDATE here: all']);
  const maneuver = `insert into maneuver_types (name, category) values ('M', 'Recon')`;
  expect(readersOf(await changes(maneuver), 'maneuver_types')).toEqual(['INSERT all: all']);
  const renamed = await changes(`update maneuver_types set name = 'N'`);
  expect(readersOf(renamed, 'maneuver_types')).toEqual(['UPDATE all: all']);
  const truncated = await changes('truncate maneuver_types cascade');
  expect(readersOf(truncated, 'maneuver_types')).toEqual(['DELETE all: all']);
});
