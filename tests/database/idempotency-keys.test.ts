import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Actor,
  createTestDatabase,
  type Query,
  type TestDatabase,
} from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import { createTenant, expectRefusal, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let owner: Actor;

beforeAll(async () => {
  database = await createTestDatabase('migrated', CALLERS);
  tenant = await createTenant(database);
  owner = tenant.actor('Owner');
});
afterAll(() => database.close());

interface Claim {
  claimed: boolean;
  same_request: boolean;
  too_many: boolean;
  outcome: unknown;
}

const hash = (body: string) => createHash('sha256').update(body).digest();

const claim = async (query: Query, key: string, body = 'body') =>
  (
    await query<Claim>('select * from gateway.claim_idempotent_request($1, $2)', [key, hash(body)])
  )[0];

const keep = (query: Query, key: string, outcome: unknown) =>
  query('update gateway.idempotency_key set outcome = $2 where key = $1 returning key', [
    key,
    JSON.stringify(outcome),
  ]);

const once = (actor: Actor, key: string, outcome: unknown, body?: string) =>
  database.as(actor, async (query) => {
    const found = await claim(query, key, body);
    if (found?.claimed) await keep(query, key, outcome);
    return found;
  });

test('the first request claims a key, later ones get its outcome', async () => {
  const key = randomUUID();
  expect(await once(owner, key, { id: 1 })).toEqual({
    claimed: true,
    same_request: true,
    too_many: false,
    outcome: null,
  });
  const outcome = { id: 1 };
  expect(await once(owner, key, { id: 2 })).toEqual({
    claimed: false,
    same_request: true,
    too_many: false,
    outcome,
  });
  expect(await once(owner, key, { id: 3 }, 'other')).toEqual({
    claimed: false,
    same_request: false,
    too_many: false,
    outcome,
  });
});

test('callers have separate keys: people, agents, and requests without a caller', async () => {
  const key = randomUUID();
  await once(owner, key, 'Owner');
  const agent: Actor = { agent: 'intel-scout', scopes: ['*:write'] };
  for (const actor of [tenant.actor('Viewer'), agent, { ...agent, agent: 'lord-seer' }]) {
    expect(await once(actor, key, actor.agent)).toMatchObject({ claimed: true });
    expect(
      await database.as(actor, (query) => query('select from gateway.idempotency_key')),
    ).toHaveLength(1);
  }
  expect(await once(agent, key, null)).toMatchObject({ claimed: false, outcome: 'intel-scout' });
  await expectRefusal(once({}, key, null), '42501', /row-level security/);
  const forged = database.as(owner, (query) =>
    query('insert into gateway.idempotency_key (person, key, request_hash) values ($1, $2, $3)', [
      tenant.people.Viewer,
      'forged',
      hash(''),
    ]),
  );
  await expectRefusal(forged, '42501', /row-level security/);
});

test('a claim that was rolled back has no effect', async () => {
  const key = randomUUID();
  await database.rehearse(owner, async (query) => {
    await claim(query, key);
    await keep(query, key, 'lost');
  });
  expect(await once(owner, key, 'kept')).toMatchObject({ claimed: true });
});

test('after 24 hours a key is free again, and trimmed', async () => {
  const [old, recent] = [randomUUID(), randomUUID()];
  await once(owner, old, 'old');
  await once(owner, recent, 'recent');
  const age = (key: string, hours: number) =>
    database.query(
      `update gateway.idempotency_key set created_at = now() - make_interval(hours => $2) where key = $1`,
      [key, hours],
    );
  await age(old, 25);
  await age(recent, 23);
  expect(await once(owner, old, 'new', 'other')).toMatchObject({ claimed: true, outcome: null });
  expect(await once(owner, old, 'newer', 'other')).toMatchObject({
    claimed: false,
    outcome: 'new',
  });
  expect(await once(owner, recent, null)).toMatchObject({ claimed: false, outcome: 'recent' });
  await age(old, 25);
  // Nobody can delete keys too early.
  for (const [actor, trimmed] of [
    [tenant.actor('Viewer'), 1],
    [service, 0],
  ] as const) {
    expect(
      await database.as(actor, (query) =>
        query(`select gateway.trim_idempotency_keys('1 minute')::int as trimmed`),
      ),
    ).toEqual([{ trimmed }]);
  }
});

test('concurrent retries do the work once, and all get its outcome', async () => {
  await rounds(async () => {
    const key = randomUUID();
    const name = `Positioning ${key}`;
    const results = await race(() =>
      database.as(owner, async (query) => {
        const found = await claim(query, key);
        if (!found?.claimed) return found?.outcome;
        const [row] = await query(
          `insert into positioning (workspace_id, name, market_segment) values ($1, $2, 'S') returning id`,
          [tenant.workspaceId, name],
        );
        await query('select pg_sleep(0.02)');
        await keep(query, key, row);
        return row;
      }),
    );
    expect(refusals(results)).toEqual([]);
    const made = await database.query('select id from positioning where name = $1', [name]);
    expect(made).toHaveLength(1);
    for (const answer of successes(results)) expect(answer).toEqual(made[0]);
  });
});
