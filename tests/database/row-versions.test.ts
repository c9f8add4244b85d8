import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, rounds, successes } from '../support/race.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
  tenant = await createTenant(database);
});
afterAll(() => database.close());

const UPDATE = 'update cohorts set tags = tags || $2::text where id = $1 returning updated_at';

const newCohort = async () => {
  const { workspaceId } = await createTenant(database);
  return insert(database, 'cohorts', { workspace_id: workspaceId, name: 'C' });
};

test('every change is a later version, also within one transaction', async () => {
  const id = await newCohort();
  const versions = await database.as(service, async (query) => {
    const found: number[] = [];
    for (let n = 0; n < 20; n++) {
      const [row] = await query<{ updated_at: Date }>(UPDATE, [id, n]);
      found.push(row?.updated_at.getTime() ?? 0);
    }
    return found;
  });
  for (const [n, version] of versions.entries())
    expect(version).toBeGreaterThan(versions[n - 1] ?? 0);
});

test('each of many concurrent writers makes a version, in the order of the writes', async () => {
  await rounds(async () => {
    const id = await newCohort();
    const results = await race((caller) =>
      database.as(service, (query) => query<{ updated_at: Date }>(UPDATE, [id, caller])),
    );
    const versions = successes(results).map(([row]) => row?.updated_at.getTime());
    expect(new Set(versions).size).toBe(CALLERS);
    const [cohort] = await database.query<{ tags: string[]; updated_at: Date }>(
      'select tags, updated_at from cohorts where id = $1',
      [id],
    );
    expect(cohort?.tags).toHaveLength(CALLERS);
    expect(cohort?.updated_at.getTime()).toBe(Math.max(...versions.map(Number)));
  });
});

test('one of concurrent updates of the same version succeeds, and the others fail', async () => {
  await rounds(async () => {
    const id = await newCohort();
    const results = await race(async (caller) => {
      for (let attempts = 1; ; attempts++) {
        const changed = await database.as(service, async (query) => {
          const [seen] = await query<{ health_score: number | null; updated_at: Date }>(
            'select health_score, updated_at from cohorts where id = $1',
            [id],
          );
          return query(
            'update cohorts set health_score = $3, name = $4 where id = $1 and updated_at = $2 returning id',
            [id, seen?.updated_at, (seen?.health_score ?? 0) + 1, `C ${caller}`],
          );
        });
        if (changed.length === 1) return attempts;
      }
    });
    expect(successes(results)).toHaveLength(CALLERS);
    expect(Math.max(...successes(results))).toBeGreaterThan(1);
    expect(await database.query('select health_score from cohorts where id = $1', [id])).toEqual([
      { health_score: CALLERS },
    ]);
  });
});

test('the quests of a transaction make one new version of the campaign', async () => {
  const workspace_id = tenant.workspaceId;
  const campaign_id = await insert(database, 'campaigns', { workspace_id, name: 'C' });
  const version = async () =>
    (
      await database.query('select updated_at, xmin from campaigns where id = $1', [campaign_id])
    )[0];
  const quests = () =>
    database.as(tenant.actor('Strategist'), (query) =>
      query(
        `insert into campaign_quests (workspace_id, campaign_id, name) select $1, $2, 'Q' from generate_series(1, 5)`,
        [workspace_id, campaign_id],
      ),
    );
  // As after a change by a transaction that began later.
  await database.query(
    `alter table campaigns disable trigger set_updated_at;
     update campaigns set updated_at = now() + interval '1 hour';
     alter table campaigns enable trigger set_updated_at`,
  );
  const before = await version();
  await quests();
  const after = await version();
  expect(Number(after?.updated_at) - Number(before?.updated_at)).toBe(1);
  await quests();
  expect(Number((await version())?.updated_at) - Number(after?.updated_at)).toBe(1);
});
