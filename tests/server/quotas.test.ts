import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HolderScope } from '../../src/context/quotas.ts';
import { RESOURCES, type Resource } from '../../src/env.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Opened, openers } from './support/openers.ts';
import { createHolders, openQuotaWorld, type QuotaWorld } from './support/quota-world.ts';

const SCOPES: readonly HolderScope[] = ['person', 'agent', 'workspace'];
const CODES: Record<Resource, string> = {
  sockets: 'TOO_MANY_CONNECTIONS',
  streams: 'TOO_MANY_SUBSCRIPTIONS',
  subscriptions: 'TOO_MANY_SUBSCRIPTIONS',
  'live-queries': 'TOO_MANY_SUBSCRIPTIONS',
  distinct: 'TOO_MANY_SUBSCRIPTIONS',
  requests: 'TOO_MANY_REQUESTS',
};
const LIMITS: Record<HolderScope, number> = { person: 2, agent: 2, workspace: 3 };
/** The nth operation that uses a resource. Operations differ only if the resource counts distinct ones. */
const OPERATIONS: Record<Resource, (n: number) => string> = {
  sockets: () => '',
  streams: () => 'subscription { alertRaised { operation } }',
  subscriptions: () => 'subscription { alertRaised { operation } }',
  'live-queries': () => 'query @live { __typename }',
  distinct: (n) =>
    n % 2 === 0
      ? `subscription { n${n}: alertRaised { operation } }`
      : `query @live { n${n}: __typename }`,
  requests: () => '{ __typename }',
};

let database: TestDatabase;
let holders: Awaited<ReturnType<typeof createHolders>>;
let world: QuotaWorld;
let opened: Opened[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  holders = await createHolders(database);
});
afterAll(() => database?.close());

/** Opens one more, which is ended after the test. */
async function open(
  resource: Resource,
  way: string,
  who: 'own' | 'other',
  scope: HolderScope,
  n: number,
) {
  const { own, other } = world.clients[scope];
  const client = who === 'own' ? own[n % 2] : other;
  const opener = openers[resource]?.[way];
  if (!client || !opener) throw new Error('Unknown transport.');
  const one = await opener(world, client, OPERATIONS[resource](n));
  opened.push(one);
  return {
    ...one,
    end() {
      opened = opened.filter((each) => each !== one);
      return one.end();
    },
  };
}

describe.each(RESOURCES)('%s', (resource) => {
  beforeAll(async () => {
    const small = (scope: HolderScope) => [scope, { [resource]: LIMITS[scope] }];
    world = await openQuotaWorld(database, holders, Object.fromEntries(SCOPES.map(small)));
    world.hold(resource === 'requests');
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.end();
    // Nothing is counted after all have ended.
    await eventually(() => world.reading('codex_quota_in_use')).toEqual({});
  });
  afterAll(() => world?.close());

  const ways = Object.keys(openers[resource] ?? {});
  it.each(SCOPES.flatMap((scope) => ways.map((way) => [scope, way] as const)))(
    'of one %s are refused over the limit, by %s',
    async (scope, way) => {
      const label = `${resource} ${scope}`;
      const refusals = async () => (await world.reading('codex_quota_refusals_total'))[label] ?? 0;
      const before = await refusals();
      const limit = LIMITS[scope];
      const ask = (who: 'own' | 'other', n: number) => open(resource, way, who, scope, n);
      const accepted: Opened[] = [];
      for (let n = 0; n < limit; n += 1) accepted.push(await ask('own', n));
      expect(accepted.map(({ refusal }) => refusal)).toEqual(accepted.map(() => null));
      expect(await world.reading('codex_quota_in_use')).toMatchObject({ [label]: limit });

      const { refusal } = await ask('own', limit);
      expect(refusal?.code).toBe(CODES[resource]);
      if (refusal?.status !== null) {
        expect(refusal?.status).toBe(resource === 'sockets' ? 1013 : 429);
      }
      if (refusal?.status === 429) expect(refusal.retryAfter).toBe('1');
      expect(await refusals()).toBe(before + 1);

      // Others are not affected.
      expect((await ask('other', limit)).refusal).toBeNull();
      // One more is accepted after one has ended.
      await accepted[0]?.end();
      await eventually(async () => (await ask('own', limit)).refusal).toBeNull();
      expect((await ask('own', limit + 1)).refusal?.code).toBe(CODES[resource]);
    },
  );
});
