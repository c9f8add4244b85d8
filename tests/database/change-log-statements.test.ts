import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { createTenant, insert, service } from '../support/tenant.ts';
import { logged, outline } from './change-log.ts';
import { changes, database, newCohort, query, setUp, workspace } from './change-log-world.ts';

setUp();

describe('a statement of many rows', () => {
  test('is recorded row by row', async () => {
    const names = Array.from({ length: 1000 }, (_, n) => `Many ${n}`);
    const log = await changes(async (run) => {
      await run('insert into cohorts (workspace_id, name) select $1, unnest($2::text[])', [
        workspace,
        names,
      ]);
      await run(`update cohorts set tags = '{a}' where name = any($1)`, [names.slice(0, 600)]);
      await run('delete from cohorts where name = any($1)', [names]);
    });
    const ids = (operation: string) =>
      log.flatMap((change) => (change.operation === operation ? [change.row] : []));
    expect(new Set(ids('INSERT')).size).toBe(1000);
    expect(new Set(ids('UPDATE')).size).toBe(600);
    expect(ids('DELETE').sort()).toEqual(ids('INSERT').sort());
    expect(log).toHaveLength(2600);
  });

  test('can be COPY', async () => {
    const log = await changes((run) =>
      run(
        `copy cohorts (workspace_id, name) from program 'printf "${workspace}\\\\tA\\\\n${workspace}\\\\tB\\\\n"'`,
      ),
    );
    expect(outline(log)).toEqual(['INSERT cohorts', 'INSERT cohorts']);
  });

  test('that is an upsert is recorded with the operation of each row', async () => {
    const [kept, changed, unchanged, made] = [
      await newCohort(),
      await newCohort(),
      await newCohort('C'),
      randomUUID(),
    ];
    const upsert = `insert into cohorts (id, workspace_id, name)
      select id, $1, 'C' from unnest($2::uuid[]) as id on conflict (id) do`;
    const log = await changes(async (run) => {
      await run(`${upsert} nothing`, [workspace, [kept]]);
      await run(`${upsert} update set name = excluded.name`, [
        workspace,
        [changed, unchanged, made],
      ]);
    });
    expect(log).toHaveLength(2);
    expect(log).toContainEqual(expect.objectContaining({ operation: 'INSERT', row: made }));
    expect(log).toContainEqual(
      expect.objectContaining({ operation: 'UPDATE', row: changed, columns: ['name'] }),
    );
  });

  test('that is a MERGE is recorded with the operation of each row', async () => {
    const [gone, changed] = [await newCohort('gone'), await newCohort('changed')];
    const log = await changes((run) =>
      run(
        `merge into cohorts as c
         using (values ($1::uuid, 'gone'), ($2, 'changed'), (gen_random_uuid(), 'made')) as s (id, name) on c.id = s.id
         when matched and s.name = 'gone' then delete
         when matched then update set name = 'new'
         when not matched then insert (workspace_id, name) values ($3, s.name)`,
        [gone, changed, workspace],
      ),
    );
    expect(
      new Set(log.map(({ operation, row }) => `${operation} ${operation === 'INSERT' ? '' : row}`)),
    ).toEqual(new Set([`DELETE ${gone}`, `UPDATE ${changed}`, 'INSERT ']));
    expect(log).toHaveLength(3);
  });
});

describe('the log also records', () => {
  test('every row of a deleted workspace', async () => {
    const gone = await createTenant(database);
    const ids = { workspace_id: gone.workspaceId };
    const campaign = await insert(database, 'campaigns', { ...ids, name: 'C' });
    await insert(database, 'campaign_quests', { ...ids, campaign_id: campaign, name: 'Q' });
    await insert(database, 'trends', { ...ids, topic: 'T' });
    const log = await changes(() =>
      query('delete from workspaces where id = $1', [gone.workspaceId]),
    );
    expect(log.every(({ operation }) => operation === 'DELETE')).toBe(true);
    expect(new Set(log.map((change) => change.workspace))).toEqual(new Set([gone.workspaceId]));
    expect(outline(log)).toEqual(
      expect.arrayContaining([
        ...['workspaces', 'campaigns', 'campaign_quests', 'trends'].map((name) => `DELETE ${name}`),
      ]),
    );
    expect(log.filter(({ table }) => table === 'user_workspaces')).toHaveLength(5);
  });

  test('references that are set to null', async () => {
    const person = randomUUID();
    await query('insert into auth.users (id) values ($1)', [person]);
    const id = await insert(database, 'campaigns', {
      workspace_id: workspace,
      name: 'C',
      created_by: person,
    });
    const log = await changes(() => query('delete from auth.users where id = $1', [person]));
    expect(log).toContainEqual(
      expect.objectContaining({
        table: 'campaigns',
        operation: 'UPDATE',
        row: id,
        columns: ['created_by'],
      }),
    );
  });

  test('every row of TRUNCATE, also of dependent tables', async () => {
    const own = await createTestDatabase();
    const { workspaceId } = await createTenant(own);
    const ids = { workspace_id: workspaceId };
    const campaign = await insert(own, 'campaigns', { ...ids, name: 'C' });
    const quests = [
      await insert(own, 'campaign_quests', { ...ids, campaign_id: campaign, name: 'Q' }),
      await insert(own, 'campaign_quests', { ...ids, campaign_id: campaign, name: 'R' }),
    ];
    const log = await logged(own.query, () => own.query('truncate campaigns cascade'));
    expect(log).toHaveLength(3);
    expect(log).toContainEqual({
      ...{ table: 'campaigns', row: campaign, operation: 'DELETE' },
      ...{ workspace: workspaceId, reader: null, columns: [] },
    });
    expect(new Set(log.map(({ row }) => row))).toEqual(new Set([campaign, ...quests]));
    await own.close();
  });

  test('changes of writers that disable other triggers', async () => {
    const log = await changes(() =>
      query(`begin; set local session_replication_role = replica;
             insert into cohorts (workspace_id, name) values ('${workspace}', 'Replica');
             update cohorts set name = 'Replicated' where name = 'Replica';
             delete from cohorts where name = 'Replicated'; commit`),
    );
    expect(outline(log)).toEqual(['INSERT cohorts', 'UPDATE cohorts', 'DELETE cohorts']);
  });
});

test('what is rolled back is not recorded, in whole or to a savepoint', async () => {
  const log = await changes(async () => {
    await database.rehearse(service, (as) =>
      as(`insert into cohorts (workspace_id, name) values ($1, 'Rolled back')`, [workspace]),
    );
    await database.as(service, async (as) => {
      const add = (name: string) =>
        as('insert into cohorts (workspace_id, name) values ($1, $2)', [workspace, name]);
      await add('first');
      await as('savepoint a');
      await add('dropped');
      await as('savepoint b');
      await as('rollback to a');
      await add('second');
      await as('release a');
    });
  });
  const names = await query<{ name: string }>('select name from cohorts where id = any($1)', [
    log.map(({ row }) => row),
  ]);
  expect(names.map(({ name }) => name).sort()).toEqual(['first', 'second']);
  const xids = await query('select distinct xid::text from gateway.change where row_id = any($1)', [
    log.map(({ row }) => row),
  ]);
  expect(xids).toHaveLength(1);
});
