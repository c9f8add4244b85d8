import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, refusals, rounds, successes } from '../support/race.ts';
import {
  createTenant,
  expectRefusal,
  insert,
  type Role,
  service,
  type Tenant,
} from '../support/tenant.ts';

export let database: TestDatabase;

export let tenant: Tenant;

export let stranger: Tenant;

export let workspace_id: string;

export let cohorts: string[];

export let campaign: string;

export let move: string;

export const call = (actor: Actor, expression: string, ...values: unknown[]) =>
  database.as(actor, (query) => query(`select * from ${expression}`, values));

/** Expects a call to be refused for the next lower role, for strangers, and for a missing row. */
export async function expectGuarded(
  expression: string,
  id: string,
  noun: string,
  minimum: Role,
  below: Role,
  ...values: unknown[]
): Promise<void> {
  const lower = call(tenant.actor(below), expression, id, ...values);
  await expectRefusal(lower, '42501', RegExp(`role ${minimum}`));
  const missing = RegExp(`^there is no such ${noun}$`);
  const theirs = call(stranger.actor('Owner'), expression, id, ...values);
  await expectRefusal(theirs, 'P0002', missing);
  for (const actor of [tenant.actor('Owner'), service]) {
    await expectRefusal(call(actor, expression, randomUUID(), ...values), 'P0002', missing);
  }
}

/** Expects that one of many concurrent callers succeeds, and the others get an error with the reason. */
export async function expectOnce(
  run: () => Promise<(caller: number) => Promise<unknown>>,
): Promise<void> {
  await rounds(async () => {
    const results = await race(await run());
    expect(successes(results)).toHaveLength(1);
    expect(refusals(results)).toEqual(['55000']);
  });
}

export const actorOf = (caller: number, role: Role) => (caller % 2 ? tenant.actor(role) : service);

/** Prepares what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    database = await createTestDatabase('migrated', CALLERS);
    [tenant, stranger] = [await createTenant(database), await createTenant(database)];
    workspace_id = tenant.workspaceId;
    const cohort = () => insert(database, 'cohorts', { workspace_id, name: 'C' });
    cohorts = [await cohort(), await cohort(), await cohort()];
  });
  beforeEach(async () => {
    campaign = await insert(database, 'campaigns', { workspace_id, name: 'C' });
    move = await insert(database, 'moves', { workspace_id, name: 'M', primary_icp_id: cohorts[0] });
  });
  afterAll(() => database.close());
}
