import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
});
afterAll(() => database.close());

const LIMITS = { cohorts: 3, moves: 5 };

interface Limited extends Tenant {
  cohort: string;
  sprints: string[];
}

/** A workspace with one cohort and two empty sprints. */
async function createLimited(): Promise<Limited> {
  const tenant = await createTenant(database);
  const workspace_id = tenant.workspaceId;
  const cohort = await insert(database, 'cohorts', { workspace_id, name: 'First' });
  const sprint = () =>
    insert(database, 'sprints', { workspace_id, start_date: '2026-01-01', end_date: '2026-01-14' });
  return { ...tenant, cohort, sprints: [await sprint(), await sprint()] };
}

const addCohorts = (actor: Actor, { workspaceId }: Tenant, count: number) =>
  database.as(actor, (query) =>
    query(
      `insert into cohorts (workspace_id, name) select $1, 'Cohort ' || n from generate_series(1, $2::int) as n returning id`,
      [workspaceId, count],
    ),
  );

const addMoves = (
  actor: Actor,
  tenant: Limited,
  sprint: string | null | undefined,
  count: number,
) =>
  database.as(actor, (query) =>
    query<{ id: string }>(
      `insert into moves (workspace_id, name, primary_icp_id, sprint_id)
       select $1, 'Move ' || n, $2, $3 from generate_series(1, $4::int) as n returning id`,
      [tenant.workspaceId, tenant.cohort, sprint, count],
    ),
  );

async function expectLimit(
  work: Promise<unknown>,
  column: 'cohorts_limit' | 'moves_per_sprint_limit',
  limit: number,
  current: number,
): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: 'CX001', column, message: expect.stringMatching(/at most/) });
  expect(JSON.parse(error.detail)).toEqual({ limit, current, column });
}

async function count(table: string, column: string, value: string | undefined): Promise<number> {
  const [row] = await database.query<{ rows: number }>(
    `select count(*)::int as rows from ${table} where ${column} = $1`,
    [value],
  );
  return row?.rows ?? 0;
}

describe.each(['a Strategist', 'a trusted writer'])('for %s', (who) => {
  const actorOf = (tenant: Tenant) =>
    who === 'a Strategist' ? tenant.actor('Strategist') : service;

  test('a workspace has no more cohorts than its plan allows', async () => {
    const tenant = await createLimited();
    const actor = actorOf(tenant);
    await expectLimit(addCohorts(actor, tenant, 3), 'cohorts_limit', LIMITS.cohorts, 1);
    await addCohorts(actor, tenant, 2);
    await expectLimit(addCohorts(actor, tenant, 1), 'cohorts_limit', LIMITS.cohorts, 3);
    expect(await addCohorts(actor, tenant, 0)).toEqual([]);
    await database.query('update workspaces set cohorts_limit = 4 where id = $1', [
      tenant.workspaceId,
    ]);
    expect(await addCohorts(actor, tenant, 1)).toHaveLength(1);
  });

  test('a lower limit keeps existing rows, and allows no new ones', async () => {
    const tenant = await createLimited();
    await addCohorts(actorOf(tenant), tenant, 2);
    await database.query('update workspaces set cohorts_limit = 1 where id = $1', [
      tenant.workspaceId,
    ]);
    await database.as(actorOf(tenant), (query) =>
      query(`update cohorts set name = 'Renamed' where workspace_id = $1`, [tenant.workspaceId]),
    );
    await expectLimit(addCohorts(actorOf(tenant), tenant, 1), 'cohorts_limit', 1, 3);
  });

  test('a sprint has no more moves than the plan allows, new or moved', async () => {
    const tenant = await createLimited();
    const actor = actorOf(tenant);
    const [first, second] = tenant.sprints;
    await expectLimit(addMoves(actor, tenant, first, 6), 'moves_per_sprint_limit', LIMITS.moves, 0);
    await addMoves(actor, tenant, first, 4);
    const [waiting, other] = await addMoves(actor, tenant, second, 2);
    await addMoves(actor, tenant, null, 10);
    const move = (ids: unknown[], sprint: string | undefined) =>
      database.as(actor, (query) =>
        query('update moves set sprint_id = $2 where id = any($1) returning id', [ids, sprint]),
      );
    const both = move([waiting?.id, other?.id], first);
    await expectLimit(both, 'moves_per_sprint_limit', LIMITS.moves, 4);
    expect(await move([waiting?.id], first)).toHaveLength(1);
    await expectLimit(move([other?.id], first), 'moves_per_sprint_limit', LIMITS.moves, 5);
    // Moving it within the sprint is allowed.
    expect(await move([waiting?.id], first)).toHaveLength(1);
    expect(await count('moves', 'sprint_id', first)).toBe(LIMITS.moves);
  });
});

test('trusted writers cannot exceed the limit by moving a row to another workspace', async () => {
  const [full, other] = [await createLimited(), await createLimited()];
  await addCohorts(service, full, 2);
  const move = database.as(service, (query) =>
    query('update cohorts set workspace_id = $2 where id = $1', [other.cohort, full.workspaceId]),
  );
  await expectLimit(move, 'cohorts_limit', LIMITS.cohorts, 3);
});

test('an upsert that updates a row does not count', async () => {
  const tenant = await createLimited();
  await addCohorts(service, tenant, 2);
  const upsert = (id: string) =>
    database.as(tenant.actor('Strategist'), (query) =>
      query(
        `insert into cohorts (id, workspace_id, name) values ($1, $2, 'Again')
         on conflict (id) do update set name = excluded.name returning name`,
        [id, tenant.workspaceId],
      ),
    );
  expect(await upsert(tenant.cohort)).toEqual([{ name: 'Again' }]);
  await expectLimit(upsert(randomUUID()), 'cohorts_limit', LIMITS.cohorts, 3);
});

describe.each([undefined, 'repeatable read', 'serializable'] as const)(
  'with many callers at once (isolation %s)',
  (isolation) => {
    const allowed = isolation ? ['40001', 'CX001'] : ['CX001'];
    const actorOf = (tenant: Tenant, caller: number): Actor => ({
      ...(caller % 3 ? tenant.actor('Strategist') : service),
      isolation,
    });

    test('cohorts stay within the limit', async () => {
      await rounds(async () => {
        const tenant = await createLimited();
        const results = await race((caller) => addCohorts(actorOf(tenant, caller), tenant, 1));
        const added = successes(results).length;
        expect(await count('cohorts', 'workspace_id', tenant.workspaceId)).toBe(1 + added);
        if (isolation) expect(added).toBeLessThanOrEqual(2);
        else expect(added).toBe(2);
        expect(allowed).toEqual(expect.arrayContaining(refusals(results)));
      });
    });

    test('moves of a sprint stay within the limit, new and moved ones', async () => {
      await rounds(async () => {
        const tenant = await createLimited();
        const [sprint] = tenant.sprints;
        const idle = await addMoves(service, tenant, null, CALLERS);
        const results = await race((caller) =>
          caller % 2
            ? addMoves(actorOf(tenant, caller), tenant, sprint, 1)
            : database.as(actorOf(tenant, caller), (query) =>
                query('update moves set sprint_id = $2 where id = $1', [idle[caller]?.id, sprint]),
              ),
        );
        const present = await count('moves', 'sprint_id', sprint);
        expect(present).toBe(successes(results).length);
        if (isolation) expect(present).toBeLessThanOrEqual(LIMITS.moves);
        else expect(present).toBe(LIMITS.moves);
        expect(allowed).toEqual(expect.arrayContaining(refusals(results)));
      });
    });
  },
);
