import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { createVariedWorld, type VariedWorld } from '../contract/varied.ts';
import type { Data } from '../support/data.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 4 });
});
afterAll(() => world?.close());

/** Adds alerts of these moments, all of one title. */
async function alertsAt(title: string, moments: readonly string[]): Promise<void> {
  await world.writeUnchecked(
    `insert into system_alerts
     select (jsonb_populate_record(null::system_alerts, to_jsonb(a) || jsonb_build_object(
       'id', gen_random_uuid(), 'title', $1::text, 'created_at', moment, 'resolved_at', null))).*
     from (select * from system_alerts order by id limit 1) a, unnest($2::text[]) moment`,
    [title, moments],
  );
}

/** Returns the groups of a title's alerts as moments and counts. */
async function bucketsOf(title: string, how: string, more = ''): Promise<[string, number][]> {
  const { asked } = await world.client.data(
    `query ($title: String!) { asked: systemAlertsAggregate(
      filter: { title: { equals: $title } ${more} }, groupBy: [{ createdAt: { ${how} } }]
    ) { groups { key { createdAt } count } } }`,
    { title },
  );
  return asked.groups.map(({ key, count }: Data) => [key.createdAt, count]);
}

describe('buckets', () => {
  it('of an hour are two where clocks go back, and none is missing where they go forward', async () => {
    await alertsAt('back', ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T08:10Z']);
    expect(
      await bucketsOf('back', 'bucket: HOUR, timeZone: "America/New_York", fill: true'),
    ).toEqual([
      ['2026-11-01T05:00:00.000Z', 1],
      ['2026-11-01T06:00:00.000Z', 1],
      ['2026-11-01T07:00:00.000Z', 0],
      ['2026-11-01T08:00:00.000Z', 1],
    ]);
    await alertsAt('forward', ['2026-03-08T06:59Z', '2026-03-08T07:00Z', '2026-03-08T08:30Z']);
    expect(
      await bucketsOf('forward', 'bucket: HOUR, timeZone: "America/New_York", fill: true'),
    ).toEqual([
      ['2026-03-08T06:00:00.000Z', 1],
      ['2026-03-08T07:00:00.000Z', 1],
      ['2026-03-08T08:00:00.000Z', 1],
    ]);
  });

  it('of a day have 23 or 25 hours then', async () => {
    const ofDay = 'bucket: DAY, timeZone: "America/New_York", fill: true';
    expect(await bucketsOf('forward', ofDay)).toEqual([['2026-03-08T05:00:00.000Z', 3]]);
    await alertsAt('days', ['2026-03-07T12:00Z', '2026-03-09T03:59Z', '2026-03-09T04:00Z']);
    expect(await bucketsOf('days', ofDay)).toEqual([
      ['2026-03-07T05:00:00.000Z', 1],
      ['2026-03-08T05:00:00.000Z', 1],
      ['2026-03-09T04:00:00.000Z', 1],
    ]);
  });

  it('begin with the hours and days of zones that are half an hour off', async () => {
    await alertsAt('half', ['2026-05-01T10:20Z', '2026-05-01T18:29Z', '2026-05-01T18:30Z']);
    expect(await bucketsOf('half', 'bucket: HOUR, timeZone: "Asia/Kolkata"')).toEqual([
      ['2026-05-01T09:30:00.000Z', 1],
      ['2026-05-01T17:30:00.000Z', 1],
      ['2026-05-01T18:30:00.000Z', 1],
    ]);
    expect(await bucketsOf('half', 'bucket: DAY, timeZone: "Asia/Kolkata"')).toEqual([
      ['2026-04-30T18:30:00.000Z', 2],
      ['2026-05-01T18:30:00.000Z', 1],
    ]);
  });

  it('are filled without a gap or a double where clocks change by half an hour', async () => {
    const minutes = Array.from({ length: 24 }, (_, n) =>
      new Date(Date.UTC(2026, 3, 4, 12, 20 * n)).toISOString(),
    );
    await alertsAt('Lord Howe', minutes);
    const zone = 'bucket: HOUR, timeZone: "Australia/Lord_Howe"';
    const plain = await bucketsOf('Lord Howe', zone);
    expect(plain.reduce((sum, [, count]) => sum + count, 0)).toBe(24);
    expect(await bucketsOf('Lord Howe', `${zone}, fill: true`)).toEqual(plain);
  });

  it('of a week go across the year, and begin on the day that is asked for', async () => {
    await alertsAt('weeks', ['2025-12-28T12:00Z', '2025-12-31T12:00Z', '2026-01-03T12:00Z']);
    expect(await bucketsOf('weeks', 'bucket: WEEK')).toEqual([
      ['2025-12-22T00:00:00.000Z', 1],
      ['2025-12-29T00:00:00.000Z', 2],
    ]);
    expect(await bucketsOf('weeks', 'bucket: WEEK, weekStart: SUNDAY')).toEqual([
      ['2025-12-28T00:00:00.000Z', 3],
    ]);
    expect(await bucketsOf('weeks', 'bucket: WEEK, weekStart: SATURDAY, fill: true')).toEqual([
      ['2025-12-27T00:00:00.000Z', 2],
      ['2026-01-03T00:00:00.000Z', 1],
    ]);
  });

  it('are filled from where the filter begins to where it ends, if no row is there', async () => {
    const range = 'createdAt: { gte: "2031-01-31T00:00:00Z", lt: "2031-04-01T00:00:00Z" }';
    expect(await bucketsOf('nothing', 'bucket: MONTH, fill: true', range)).toEqual([
      ['2031-01-01T00:00:00.000Z', 0],
      ['2031-02-01T00:00:00.000Z', 0],
      ['2031-03-01T00:00:00.000Z', 0],
    ]);
    expect(await bucketsOf('nothing', 'bucket: MONTH, fill: true')).toEqual([]);
  });

  it('are filled for each parent, also for one without rows', async () => {
    const { campaigns } = await world.client.data(`{ campaigns { nodes {
      alerts(filter: { title: { equals: "weeks" } }) { totalCount }
      alertsAggregate(
        filter: { title: { equals: "weeks" }, createdAt: { gte: "2025-12-22T00:00:00Z", lte: "2026-01-04T00:00:00Z" } }
        groupBy: [{ createdAt: { bucket: WEEK, fill: true } }]
      ) { groups { count } }
    } } }`);
    const found = campaigns.nodes.map(({ alerts, alertsAggregate }: Data) => [
      alerts.totalCount,
      alertsAggregate.groups.map(({ count }: Data) => count),
    ]);
    expect(found).toContainEqual([3, [1, 2]]);
    expect(found).toContainEqual([0, [0, 0]]);
  });

  it('of a moment that cannot be shown fail their key alone', async () => {
    await alertsAt('infinite', ['infinity', '2026-01-01T00:00Z']);
    const { data, errors } = await world.client.ask(`{ asked: systemAlertsAggregate(
      filter: { title: { equals: "infinite" } }, groupBy: [{ createdAt: { bucket: YEAR, fill: true } }]
    ) { groups { key { createdAt } count } } }`);
    expect(data?.asked).toHaveProperty('groups', [
      { key: { createdAt: '2026-01-01T00:00:00.000Z' }, count: 1 },
      { key: { createdAt: null }, count: 1 },
    ]);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNREPRESENTABLE_VALUE']);
  });
});

describe('groups', () => {
  it('without a value are kept, and come last unless asked for', async () => {
    const keys = async (order: string) => {
      const { asked } = await world.client.data(`{ asked: systemAlertsAggregate(
        groupBy: [{ resolvedAt: {} }], orderBy: [{ key: { resolvedAt: {} }, ${order} }]
      ) { groups { key { resolvedAt } } } }`);
      return asked.groups.map(({ key }: Data) => key.resolvedAt);
    };
    for (const direction of ['ASC', 'DESC']) {
      expect((await keys(`direction: ${direction}`)).at(-1)).toBe(null);
      expect((await keys(`direction: ${direction}, nulls: FIRST`))[0]).toBe(null);
    }
  });

  it('are filled by every value of an enumeration and of a Boolean, together', async () => {
    const { asked } = await world.client.data(`{ asked: userNotificationsAggregate(
      groupBy: [{ priorityLevel: { fill: true } }, { isRead: { fill: true } }]
    ) { totalGroups groups { key { priorityLevel isRead } count } } }`);
    expect(asked.totalGroups).toBe(8);
    expect(new Set(asked.groups.map(({ key }: Data) => JSON.stringify(key))).size).toBe(8);
    expect(asked.groups.reduce((sum: number, { count }: Data) => sum + count, 0)).toBe(4);
  });

  it('have those that they are compared with under their own buckets', async () => {
    await alertsAt('months', ['2026-01-31T12:00Z', '2026-01-31T13:00Z', '2026-02-28T12:00Z']);
    const { asked } = await world.client.data(`{ asked: systemAlertsAggregate(
      filter: { title: { equals: "months" }, createdAt: { gte: "2026-02-01T00:00:00Z", lt: "2026-03-01T00:00:00Z" } }
      groupBy: [{ createdAt: { bucket: MONTH, fill: true } }]
      compareTo: { column: CREATED_AT, shift: "P1M" }
    ) { groups { key { createdAt } count previous { count key { createdAt } } } } }`);
    const key = { createdAt: '2026-02-01T00:00:00.000Z' };
    expect(asked.groups).toEqual([{ key, count: 1, previous: { count: 2, key } }]);
  });

  it('of many partitions are as many as there may be at once, and not more', async () => {
    const moments = Array.from({ length: limits.maxGroups + 50 }, (_, n) =>
      new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(),
    );
    await alertsAt('many', moments);
    const { asked } = await world.client.data(`{ asked: systemAlertsAggregate(
      filter: { title: { equals: "many" } }
      groupBy: [{ createdAt: {} }, { id: {} }], partitionBy: [{ createdAt: {} }], totals: true
    ) { totalGroups groups { isTotal key { createdAt } } } }`);
    const groups = asked.groups.filter(({ isTotal }: Data) => !isTotal);
    expect(asked.totalGroups).toBe(moments.length);
    expect(groups.map(({ key }: Data) => key.createdAt)).toEqual(
      moments.slice(0, limits.maxGroups),
    );
    expect(asked.groups.length).toBe(2 * limits.maxGroups + 1);
  });

  it('go on behind the last one with an offset, whose number stays', async () => {
    const page = async (args: string) => {
      const { asked } = await world.client.data(
        `{ asked: systemAlertsAggregate(groupBy: [{ id: {} }], ${args}) { totalGroups groups { key { id } } } }`,
      );
      return [asked.totalGroups, asked.groups.map(({ key }: Data) => key.id)];
    };
    const [total, all] = await page('first: 100');
    expect(await page('first: 3, offset: 2')).toEqual([total, all.slice(2, 5)]);
    expect(await page(`first: 3, offset: ${total}`)).toEqual([total, []]);
    expect(await page('first: 0')).toEqual([total, []]);
  });
});
