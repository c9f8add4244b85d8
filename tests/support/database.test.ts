import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

test('a copy is migrated, and independent of others', async () => {
  const other = await createTestDatabase();
  await other.query(`insert into workspaces (name) values ('Elsewhere')`);
  expect(await database.query('select * from workspaces')).toEqual([]);
  await other.close();
});

test('an actor is a person in a workspace, for one transaction', async () => {
  const userId = '00000000-0000-4000-8000-000000000001';
  const who = `select current_user as role, session_user as login, auth.uid() as user_id,
                      current_workspace_id() as workspace_id`;
  await database.query('insert into auth.users (id) values ($1)', [userId]);
  const workspaceId = await database.as({ userId }, async (query) => {
    const [created] = await query<{ id: string }>(`select id from create_workspace('Here')`);
    return created?.id;
  });
  expect(await database.as({ userId, workspaceId }, (query) => query(who))).toEqual([
    { role: 'authenticated', login: 'codex_gateway', user_id: userId, workspace_id: workspaceId },
  ]);
  expect(await database.as({ role: 'service_role' }, (query) => query(who))).toMatchObject([
    { role: 'service_role', user_id: null, workspace_id: null },
  ]);
});

test('a rehearsal, or a function that throws, is rolled back', async () => {
  const insert = `insert into workspaces (name) values ('Gone') returning name`;
  const before = await database.query('select * from workspaces');
  expect(await database.rehearse({ role: 'service_role' }, (query) => query(insert))).toHaveLength(
    1,
  );
  await expect(
    database.as({ role: 'service_role' }, async (query) => {
      await query(insert);
      await query('select 1 / 0');
    }),
  ).rejects.toThrow('division by zero');
  expect(await database.query('select * from workspaces')).toEqual(before);
});

test('the demo is loaded once for concurrent callers', async () => {
  const databases = await Promise.all([1, 2, 3].map(() => createTestDatabase('demo')));
  const counts = await Promise.all(
    databases.map(({ query }) => query('select count(*)::int from workspaces')),
  );
  expect(counts).toEqual([[{ count: 3 }], [{ count: 3 }], [{ count: 3 }]]);
  await Promise.all(databases.map(({ close }) => close()));
});
