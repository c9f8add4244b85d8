import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import { createTestDatabase } from '../support/database.ts';
import { fillTables, readTables } from '../support/rows.ts';
import { createTenant, insert, service } from '../support/tenant.ts';
import { logged } from './change-log.ts';
import {
  changes,
  database,
  newAlert,
  newCohort,
  query,
  setUp,
  tenant,
  workspace,
} from './change-log-world.ts';

setUp();

test('the log records which row changed how, for every writer, and none of its data', async () => {
  const id = randomUUID();
  const log = await changes(async () => {
    await database.as(tenant.actor('Strategist'), (as) =>
      as('insert into cohorts (id, workspace_id, name) values ($1, $2, $3)', [id, workspace, 'A']),
    );
    await database.as(service, (as) =>
      as(`update cohorts set name = 'B', health_score = 7 where id = $1`, [id]),
    );
    await query('delete from cohorts where id = $1', [id]);
  });
  const row = { table: 'cohorts', row: id, workspace, reader: null };
  expect(log).toEqual([
    { ...row, operation: 'INSERT', columns: [] },
    { ...row, operation: 'UPDATE', columns: ['health_score', 'name'] },
    { ...row, operation: 'DELETE', columns: [] },
  ]);
  const columns = await query<{ name: string }>(
    `select attname::text as name from pg_attribute where attrelid = 'gateway.change'::regclass and attnum > 0 order by attnum`,
  );
  expect(columns.map(({ name }) => name)).toEqual([
    ...['xid', 'seq', 'workspace_id', 'reader_id', 'table_name', 'row_id'],
    ...['operation', 'changed_columns', 'occurred_at'],
  ]);
});

test('all tables are logged, with the workspace of the row if it has one', async () => {
  const own = await createTestDatabase();
  const { query } = own;
  const { workspaceId, people } = await createTenant(own);
  const userIds = Object.values(people);
  const tables = await readTables(query);
  const log = await logged(query, async () => {
    const made = await fillTables(query, tables, { workspaceId, userIds }, 1);
    made.set('workspaces', [{ id: workspaceId }]);
    made.set('user_profiles', [{ id: people.Viewer }]);
    for (const { name, columns } of tables) {
      const moment = columns.find(
        ({ type, required, name }) =>
          type === 'timestamp with time zone' && required && name !== 'updated_at',
      )?.name;
      await query(`update ${name} set "${moment}" = "${moment}" - interval '1 day' where id = $1`, [
        made.get(name)?.[0]?.id,
      ]);
    }
    await query('delete from workspaces where id = $1', [workspaceId]);
    await query('delete from auth.users where id = any($1)', [userIds]);
    for (const { name } of tables) await query(`delete from ${name}`);
  });
  await own.close();
  const found = Object.fromEntries(
    TABLE_NAMES.map((name) => [
      name,
      [...new Set(log.filter(({ table }) => table === name).map(({ operation }) => operation))],
    ]),
  );
  const all = ['INSERT', 'UPDATE', 'DELETE'];
  // These were created with the tenant.
  const before = ['workspaces', 'user_workspaces', 'user_profiles'];
  for (const name of before) found[name] = ['INSERT', ...(found[name] ?? [])];
  expect(found).toEqual(Object.fromEntries(TABLE_NAMES.map((name) => [name, all])));
  const scoped = tables.filter(({ columns }) =>
    columns.some(({ name }) => name === 'workspace_id'),
  );
  for (const { name } of scoped) {
    const own = log.filter(({ table, operation }) => table === name && operation === 'UPDATE');
    expect(
      own.map((change) => change.workspace),
      name,
    ).toEqual(own.map(() => workspaceId));
  }
});

describe('an update', () => {
  test('without effect is not recorded', async () => {
    const id = await newCohort();
    const log = await changes(async (run) => {
      await run('update cohorts set name = name, tags = tags where id = $1', [id]);
      await run(`update cohorts set name = 'X' where id = $1`, [randomUUID()]);
      await run('delete from cohorts where id = $1', [randomUUID()]);
    });
    expect(log).toEqual([]);
  });

  test('of updated_at only is recorded, since it is the version of the row', async () => {
    const campaign = await insert(database, 'campaigns', { workspace_id: workspace, name: 'C' });
    const quest = { workspace_id: workspace, campaign_id: campaign, name: 'Q' };
    const log = await changes(() => insert(database, 'campaign_quests', quest));
    expect(log).toMatchObject([
      { operation: 'INSERT', table: 'campaign_quests' },
      { operation: 'UPDATE', table: 'campaigns', row: campaign, columns: [] },
    ]);
  });

  test('names the changed columns, also for added, removed and nested values', async () => {
    const id = await newAlert();
    const update = async (assignments: string) => {
      const log = await changes(() =>
        query(`update system_alerts set ${assignments} where id = '${id}'`),
      );
      return log.map(({ columns }) => columns);
    };
    const both = ['data_points', 'recommended_actions'];
    expect(await update(`data_points = '{"a": 1}', recommended_actions = '{}'`)).toEqual([both]);
    expect(await update(`data_points = '{"a": 2}', recommended_actions = '{x,null}'`)).toEqual([
      both,
    ]);
    expect(await update('data_points = null, recommended_actions = null')).toEqual([both]);
    expect(await update(`title = 'Alert'`)).toEqual([]);
  });

  test('from SQL null to JSON null is recorded, although both are read as null', async () => {
    const id = await newAlert();
    const log = await changes(() =>
      query(`update system_alerts set data_points = 'null' where id = $1`, [id]),
    );
    expect(log).toMatchObject([{ operation: 'UPDATE', row: id, columns: [] }]);
  });
});
