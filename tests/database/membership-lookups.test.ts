import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type Query, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let other: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  const [row] = await database.query<{ name: string }>('select current_database() as name');
  await database.query(`alter database ${row?.name} set track_functions = 'pl'`);
  tenant = await createTenant(database);
  other = await createTenant(database);
});
afterAll(() => database.close());

const THREE_TABLES = `select (select count(*) from user_workspaces)::int as members,
  (select count(*) from campaigns) + (select count(*) from moves)`;

async function lookUps(query: Query): Promise<number> {
  const [row] = await query<{ calls: number }>(
    `select calls::int from pg_stat_xact_user_functions where funcname = 'is_workspace_member'`,
  );
  return row?.calls ?? 0;
}

it('looks a membership up once a statement, however many tables it reads', async () => {
  await database.as(tenant.actor('Viewer'), async (query) => {
    expect(await query(THREE_TABLES)).toMatchObject([{ members: 5 }]);
    expect(await lookUps(query)).toBe(1);
    await query(THREE_TABLES);
    expect(await lookUps(query)).toBe(2);
  });
});

it('takes an answer away with the membership, within a transaction too', async () => {
  const leaving = tenant.actor('Analyst');
  await database.rehearse(leaving, async (query) => {
    expect(await query(THREE_TABLES)).toMatchObject([{ members: 5 }]);
    await query('select from remove_member($1, $2)', [tenant.workspaceId, leaving.userId]);
    expect(await query(THREE_TABLES)).toMatchObject([{ members: 0 }]);
  });
});

it('keeps an answer for the person and the workspace that it was found for only', async () => {
  for (const [setting, value] of [
    ['app.current_workspace_id', other.workspaceId],
    ['request.jwt.claims', `{"sub":"${other.people.Viewer}"}`],
  ]) {
    // All of a DO is one statement of the client.
    await database.as(tenant.actor('Viewer'), (query) =>
      query(`do $$ begin
        assert exists (select from user_workspaces);
        perform set_config('${setting}', '${value}', true);
        assert not exists (select from user_workspaces);
      end $$`),
    );
  }
});

it('finds no member without claims or without a workspace', async () => {
  for (const actor of [{}, { userId: tenant.actor('Viewer').userId }]) {
    await database.as(actor, async (query) => {
      expect(await query('select gateway.is_current_member() as member')).toEqual([
        { member: false },
      ]);
    });
  }
});
