import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { applyPatch } from 'rfc6902';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { patchOf } from '../../../src/subscriptions/json-patch.ts';
import { eventually } from '../../support/eventually.ts';
import { insert } from '../../support/tenant.ts';
import { createLiveWorld, type LiveWorld, TRANSPORTS } from './live-world.ts';

/** Random numbers that are the same for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('a patch', () => {
  const randomValue = (pick: (below: number) => number, depth = 0): unknown => {
    const kind = pick(depth > 3 ? 4 : 7);
    if (kind < 4) return [null, pick(3), `text ${pick(3)}`, pick(2) === 1][kind];
    if (kind < 6) return Array.from({ length: pick(7) }, () => randomValue(pick, depth + 1));
    return Object.fromEntries(
      Array.from({ length: pick(4) }, () => [`~/ ${pick(5)}`, randomValue(pick, depth + 1)]),
    );
  };

  it.each([1, 2, 3, Date.now() % 1_000_000])(
    'changes any value to any other one, with seed %i',
    (seed) => {
      const pick = randomFrom(seed);
      for (let n = 0; n < 500; n += 1) {
        const [before, after] = [randomValue(pick), randomValue(pick)].map((value) => ({ value }));
        const patched = structuredClone(before);
        const failures = applyPatch(patched, patchOf(before, after)).filter(Boolean);
        expect(failures).toEqual([]);
        expect(patched).toEqual(after);
        expect(patchOf(after, structuredClone(after))).toEqual([]);
      }
    },
  );

  const rows = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: n, title: `Title ${n}`, of: { n } }));

  it('contains only the changes of a list', () => {
    const before = rows(100);
    const added = { id: -1, title: 'New', of: { n: -1 } };
    const after: typeof before = structuredClone([added, ...before.slice(0, -1)]);
    Object.assign(after[50] as object, { title: 'Changed' });
    expect(patchOf({ before }, { before: after })).toEqual([
      { op: 'remove', path: '/before/99' },
      { op: 'replace', path: '/before/49/title', value: 'Changed' },
      { op: 'add', path: '/before/0', value: added },
    ]);
  });

  it('can replace a long list by one with no common items', () => {
    const [before, after] = [rows(5_000), rows(5_000).map((row) => ({ ...row, title: 'Other' }))];
    const patch = patchOf(before, after);
    expect(patch).toHaveLength(5_000);
    applyPatch(before, patch);
    expect(before).toEqual(after);
  });
});

describe('a live query with patches', () => {
  let world: LiveWorld;
  beforeAll(async () => {
    world = await createLiveWorld();
  });
  afterEach(() => world.leave());
  afterAll(async () => {
    await world?.close();
  });

  const SELECTION = `{
    systemAlerts(first: 10, filter: { status: { equals: ACTIVE } }) {
      totalCount
      nodes { nodeId title severityLevel description relatedCampaign { name relatedAlerts: alerts { totalCount } } }
    }
    campaigns { nodes { name alerts(first: 3) { nodes { title } } } }
  }`;
  const QUERY = `query @live(patch: true) ${SELECTION}`;

  const raise = (title: string, related_campaign_id: string | null = null) =>
    insert(world.database, 'system_alerts', {
      workspace_id: world.ours.workspaceId,
      alert_type: 'error',
      title,
      severity_level: 'high',
      related_campaign_id,
    });

  it('sends the whole result first, and then only changes', async () => {
    const first = await world.open(QUERY);
    await eventually(() => first.results.length).toBe(1);
    expect(first.last()).toEqual({ data: await world.ask(SELECTION), revision: 1 });
    await raise('One');
    await eventually(() => first.results.length).toBe(2);
    expect(Object.keys(first.last() ?? {})).toEqual(['patch', 'revision']);
    expect(first.last()?.revision).toBe(2);
    // A later client receives the whole result, and its revisions start at 1.
    const second = await world.open(QUERY);
    await eventually(() => second.results.length).toBe(1);
    expect(second.last()).toEqual({ data: await world.ask(SELECTION), revision: 1 });
    expect((await world.streams()).groups).toBe(1);
    await raise('Two');
    await eventually(() => second.results.length).toBe(2);
    await eventually(() => first.results.length).toBe(3);
    expect(second.last()).toEqual({ patch: first.last()?.patch, revision: 2 });
    expect(second.data()).toEqual(first.data());
  });

  it.each(TRANSPORTS)('leads to the result of a new query over %s', async (transport) => {
    const { query } = world.database;
    const pick = randomFrom(TRANSPORTS.indexOf(transport) + 1);
    const campaigns = [
      null,
      await insert(world.database, 'campaigns', {
        workspace_id: world.ours.workspaceId,
        name: `Campaign ${transport}`,
      }),
    ];
    const live = await world.open(QUERY, { transport });
    await eventually(() => live.results.length).toBe(1);
    const late: Awaited<ReturnType<LiveWorld['open']>>[] = [];
    const some = `(select id from system_alerts order by md5(id::text || $1) limit 1)`;
    for (let n = 0; n < 60; n += 1) {
      const key = randomUUID();
      const kind = pick(6);
      if (kind < 2) await raise(`Alert ${n}`, campaigns[pick(2)] ?? null);
      if (kind === 2) await query(`delete from system_alerts where id in ${some}`, [key]);
      if (kind === 3) {
        await query(`update system_alerts set description = $1 where id in ${some}`, [key]);
      }
      if (kind === 4)
        await query('update campaigns set name = $1 where id = $2', [key, campaigns[1]]);
      if (kind === 5) {
        await query(`update system_alerts set status = 'dismissed' where id in ${some}`, [key]);
      }
      if (n % 20 === 10) late.push(await world.open(QUERY, { transport }));
      await delay(pick(60));
    }
    await world.settled();
    const fresh = await world.ask(SELECTION);
    for (const each of [live, ...late]) await eventually(() => each.data()).toEqual(fresh);
    expect(live.results.length).toBeGreaterThan(5);
    expect((await world.streams()).groups).toBe(1);
  });

  it('sends a result with errors as a whole, and continues with patches', async () => {
    const query = `query @live(patch: true) { systemAlerts { totalCount } trends { totalCount } }`;
    const live = await world.open(query);
    await eventually(() => live.results.length).toBe(1);
    await world.database.query('revoke select on trends from authenticated');
    await raise('One');
    await eventually(() => live.last()?.errors?.length).toBe(1);
    expect(live.last()).toHaveProperty('data');
    expect(live.last()).not.toHaveProperty('revision');
    const late = await world.open(query);
    await eventually(() => late.last()?.errors?.length).toBe(1);
    await world.database.query('grant select on trends to authenticated');
    await raise('Two');
    await eventually(() => live.last()?.revision).toBe(2);
    await eventually(() => late.last()?.revision).toBe(1);
    const fresh = await world.ask('{ systemAlerts { totalCount } trends { totalCount } }');
    for (const each of [live, late]) await eventually(() => each.data()).toEqual(fresh);
  });
});
