import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import { createTenant, expectRefusal, type Role, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let owner: Actor;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
  tenant = await createTenant(database);
  owner = tenant.actor('Owner');
});
afterAll(() => database.close());

const call = (actor: Actor, expression: string, values: unknown[]) =>
  database.as(actor, (query) => query(`select * from ${expression}`, values));

async function newPerson(): Promise<string> {
  const id = randomUUID();
  await database.query('insert into auth.users (id) values ($1)', [id]);
  return id;
}

async function join({ workspaceId }: Tenant, role: Role): Promise<string> {
  const person = await newPerson();
  await database.query(
    'insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)',
    [person, workspaceId, role],
  );
  return person;
}

async function ownersOf({ workspaceId }: Tenant): Promise<number> {
  const [row] = await database.query<{ owners: number }>(
    `select count(*)::int as owners from user_workspaces where workspace_id = $1 and role = 'Owner'`,
    [workspaceId],
  );
  return row?.owners ?? 0;
}

describe('change_member_role', () => {
  test('changes a role, for an Owner only', async () => {
    const person = await join(tenant, 'Viewer');
    const values = [tenant.workspaceId, person, 'Creator'];
    expect(await call(owner, 'change_member_role($1, $2, $3)', values)).toMatchObject([
      { user_id: person, role: 'Creator' },
    ]);
    await expectRefusal(
      call(tenant.actor('Strategist'), 'change_member_role($1, $2, $3)', values),
      '42501',
      /role Owner/,
    );
    await expectRefusal(
      call(owner, 'change_member_role($1, $2, $3)', [tenant.workspaceId, randomUUID(), 'Owner']),
      'P0002',
      /no such member/,
    );
  });
});

describe('remove_member', () => {
  const remove = (actor: Actor, person: string) =>
    call(actor, 'remove_member($1, $2)', [tenant.workspaceId, person]);

  test('allows Owners to remove anybody, and members to remove themselves', async () => {
    const [removed, leaving] = [await join(tenant, 'Analyst'), await join(tenant, 'Viewer')];
    expect(await remove(owner, removed)).toMatchObject([{ user_id: removed }]);
    await expectRefusal(remove(owner, removed), 'P0002', /no such member/);
    const leaver = { userId: leaving, workspaceId: tenant.workspaceId };
    await expectRefusal(remove(leaver, tenant.people.Creator), '42501', /role Owner/);
    expect(await remove(leaver, leaving)).toMatchObject([{ user_id: leaving }]);
    await expectRefusal(remove(leaver, leaving), '42501', /role Viewer/);
  });
});

describe('the last Owner', () => {
  test.each([
    ['demoted', `update user_workspaces set role = 'Viewer' where workspace_id = $1`],
    ['removed', 'delete from user_workspaces where workspace_id = $1'],
    [
      'signed off',
      'delete from auth.users where id in (select user_id from user_workspaces where workspace_id = $1)',
    ],
  ])('cannot be %s in SQL by any writer', async (_, sql) => {
    const lone = await createTenant(database);
    await expectRefusal(database.query(sql, [lone.workspaceId]), '55000', /without an Owner/);
    expect(await ownersOf(lone)).toBe(1);
  });

  test('cannot be demoted or removed by a function', async () => {
    const lone = await createTenant(database);
    const values = [lone.workspaceId, lone.people.Owner];
    for (const step of [`change_member_role($1, $2, 'Viewer')`, 'remove_member($1, $2)']) {
      for (const actor of [lone.actor('Owner'), service]) {
        await expectRefusal(call(actor, step, values), '55000', /without an Owner/);
      }
    }
  });

  test('can hand over in one statement, and can delete the workspace', async () => {
    const lone = await createTenant(database);
    await database.query(
      `update user_workspaces set role = case user_id when $2 then 'Owner' else 'Viewer' end::member_role
       where workspace_id = $1`,
      [lone.workspaceId, lone.people.Viewer],
    );
    expect(await ownersOf(lone)).toBe(1);
    await database.query('delete from workspaces where id = $1', [lone.workspaceId]);
    expect(await ownersOf(lone)).toBe(0);
  });

  test.each([undefined, 'repeatable read', 'serializable'] as const)(
    'stays when all Owners demote or remove each other at once (isolation %s)',
    async (isolation) => {
      await rounds(async (round) => {
        const crowd = await createTenant(database);
        const people = [crowd.people.Owner];
        while (people.length < CALLERS) people.push(await join(crowd, 'Owner'));
        const results = await race((caller) =>
          database.as(
            { userId: people[caller], workspaceId: crowd.workspaceId, isolation },
            (query) => {
              const values = [crowd.workspaceId, people[(caller + 1) % CALLERS]];
              return (caller + round) % 2
                ? query('select remove_member($1, $2)', values)
                : query(`select change_member_role($1, $2, 'Viewer')`, values);
            },
          ),
        );
        const left = await ownersOf(crowd);
        expect(left).toBeGreaterThanOrEqual(1);
        expect(left).toBe(CALLERS - successes(results).length);
        expect(left).toBeLessThan(CALLERS);
        // A caller who is demoted first may no longer demote. Nobody deadlocks.
        const expected = ['42501', '55000', 'P0002', ...(isolation ? ['40001'] : [])];
        expect(expected).toEqual(expect.arrayContaining(refusals(results)));
      });
    },
  );
});
