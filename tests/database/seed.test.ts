import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoDataError, seed } from '../../prisma/seed/index.ts';
import { demoPeople } from '../../prisma/seed/people.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createSeededDatabase, now, tableCount, tables } from './seed-fixture.ts';

let database: TestDatabase;
let counts: Record<string, number>;

beforeAll(async () => {
  ({ database, counts } = await createSeededDatabase());
});
afterAll(() => database?.close());

async function checksums(target: TestDatabase): Promise<Record<string, string>> {
  const names = ['auth.users', ...(await tables(target)).map((name) => `public.${name}`)];
  const sums = names.map(async (name) => {
    const [row] = await target.query<{ sum: string }>(
      `SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) AS sum FROM ${name} AS t`,
    );
    return [name, row?.sum ?? 'empty'] as const;
  });
  return Object.fromEntries(await Promise.all(sums));
}

async function seededCopy<T>(
  options: Parameters<typeof seed>[1],
  use: (copy: TestDatabase) => Promise<T>,
): Promise<T> {
  const copy = await createTestDatabase();
  try {
    await seed(copy.url, options);
    return await use(copy);
  } finally {
    await copy.close();
  }
}

describe('loading', () => {
  test('gives the same rows for the same seed number and time', async () => {
    const expected = await checksums(database);
    const repeated = await seededCopy({ now }, checksums);
    expect(repeated).toEqual(expected);
    const other = await seededCopy({ now, seed: 2 }, checksums);
    expect(other['public.campaigns']).not.toBe(expected['public.campaigns']);
    expect(other['auth.users']).toBe(expected['auth.users']);
  });

  test('does nothing a second time, also with another seed number', async () => {
    const before = await checksums(database);
    expect(await seed(database.url, { seed: 7, scale: 2 })).toEqual({});
    expect(await checksums(database)).toEqual(before);
  });

  test('happens once for two concurrent attempts', async () => {
    const copy = await createTestDatabase();
    const results = await Promise.all([seed(copy.url, { now }), seed(copy.url, { now })]);
    expect(results).toContainEqual(counts);
    expect(results).toContainEqual({});
    await copy.close();
  });

  test('reports progress up to the total', async () => {
    const steps: [number, number, string][] = [];
    await seededCopy({ now, onProgress: (...step) => steps.push(step) }, async () => undefined);
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    expect(steps.at(-1)?.slice(0, 2)).toEqual([total, total]);
    expect(new Set(steps.map(([, , table]) => table)).size).toBe(tableCount + 1);
  });

  test('leaves the triggers as they were', async () => {
    const off = await database.query(
      `SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'D'`,
    );
    expect(off).toEqual([]);
  });

  test('multiplies the load tables and keeps the story', async () => {
    await seededCopy({ now, scale: 2 }, async ({ query }) => {
      const [row] = await query<{ alerts: number; campaigns: number; people: number }>(
        `SELECT (SELECT count(*) FROM system_alerts)::integer AS alerts,
                (SELECT count(*) FROM campaigns)::integer AS campaigns,
                (SELECT count(*) FROM auth.users)::integer AS people`,
      );
      expect(row).toEqual({
        alerts: (counts.system_alerts ?? 0) + 4000,
        campaigns: (counts.campaigns ?? 0) + 80,
        people: demoPeople.length,
      });
      const newest = await query<{ title: string }>(
        'SELECT title FROM system_alerts ORDER BY created_at DESC LIMIT 5',
      );
      const story = await database.query<{ title: string }>(
        'SELECT title FROM system_alerts ORDER BY created_at DESC LIMIT 5',
      );
      expect(newest).toEqual(story);
    });
  });
});

describe('refuses', () => {
  async function refusal(prepare: string, options = {}): Promise<DemoDataError> {
    const copy = await createTestDatabase();
    try {
      await copy.query(prepare);
      const error = await seed(copy.url, options).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(DemoDataError);
      const [row] = await copy.query<{ agents: number }>(
        'SELECT count(*)::integer AS agents FROM agent_registry',
      );
      expect(row?.agents).toBe(0);
      return error as DemoDataError;
    } finally {
      await copy.close();
    }
  }

  test('a database with workspaces or people of its own', async () => {
    expect(await refusal(`INSERT INTO workspaces (name) VALUES ('Acme')`)).toMatchObject({
      code: 'NOT_EMPTY',
    });
    expect(await refusal(`INSERT INTO auth.users (email) VALUES ('a@example.com')`)).toMatchObject({
      code: 'NOT_EMPTY',
    });
  });

  test('a database with dictionaries of its own', async () => {
    expect(
      await refusal(`INSERT INTO maneuver_types (name, category) VALUES ('Raid', 'Offensive')`),
    ).toMatchObject({ code: 'NOT_EMPTY' });
  });

  test('an invalid scale', async () => {
    expect(await refusal('SELECT', { scale: 0 })).toMatchObject({ code: 'INVALID_SCALE' });
    expect(await refusal('SELECT', { scale: 1.5 })).toMatchObject({ code: 'INVALID_SCALE' });
  });

  test('a database without the tables', async () => {
    const empty = await createTestDatabase('empty');
    await expect(seed(empty.url)).rejects.toMatchObject({ code: 'NOT_MIGRATED' });
    await empty.close();
  });

  test('a role that row-level security applies to', async () => {
    const copy = await createTestDatabase();
    await expect(seed(copy.gatewayUrl)).rejects.toMatchObject({ code: 'INSUFFICIENT_PRIVILEGE' });
    await copy.close();
  });
});
