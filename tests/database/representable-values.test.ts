import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrator.ts';
import { CHECKS } from '../../src/database/verify/ranges.ts';
import { CHECKS as VERIFICATIONS, verify } from '../../src/database/verify/verify.ts';
import { openUncheckedWriter, type UncheckedWriter } from '../contract/unchecked-writer.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMigrations } from '../support/migrations.ts';
import { fillTables, readTables, type Table } from '../support/rows.ts';

/** Values that the API cannot show, by type, and the extreme ones that it can. */
const VALUES: Record<string, { refused: string[]; kept: string[] }> = {
  'timestamp with time zone': {
    refused: ['infinity', '-infinity', '10000-01-01Z', '294276-12-31Z', '0001-12-31Z BC'],
    kept: ['0001-01-01 00:00:00Z', '9999-12-31 23:59:59.999Z'],
  },
  date: {
    refused: ['infinity', '-infinity', '10000-01-01', '5874897-12-31', '0001-12-31 BC'],
    kept: ['0001-01-01', '9999-12-31'],
  },
  numeric: {
    refused: ['NaN', 'Infinity', '-Infinity'],
    kept: ['0', '1e131071', '0.00000000000000000001'],
  },
  'double precision': {
    refused: ['NaN', 'Infinity', '-Infinity'],
    kept: ['0', '1.7976931348623157e308', '5e-324'],
  },
};
const NUMBERS = ['smallint', 'integer', 'bigint', 'numeric', 'double precision'];

/** Numbers that may be negative: changes, or positions. */
const SIGNED = [
  'campaign_quests.quest_order',
  'campaigns.roi_percentage',
  'experiment_results.metric_value',
  'journey_stages.sort_order',
  'market_insights.potential_roi_percentage',
  'agent_trust_scores.improvement_rate',
  'trends.velocity',
];

let database: TestDatabase;
let writer: UncheckedWriter;
let tables: Table[];

beforeAll(async () => {
  database = await createTestDatabase();
  writer = await openUncheckedWriter(database.url);
  tables = await fill(database);
});
afterAll(async () => {
  await writer?.close();
  await database?.close();
});

/** Gives every table a row of one workspace. */
async function fill({ query }: TestDatabase): Promise<Table[]> {
  const [workspaceId, userId] = [randomUUID(), randomUUID()];
  await query('insert into auth.users (id) values ($1)', [userId]);
  await query(`insert into workspaces (id, name) values ($1, 'Workspace')`, [workspaceId]);
  const all = await readTables(query);
  await fillTables(query, all, { workspaceId, userIds: [userId] }, 1);
  return all;
}

/** Tries to set a column without triggers, and returns the constraint that refuses it. */
async function refusal(table: string, column: string, value: string): Promise<string | undefined> {
  try {
    await writer.write('begin');
    const rows = await writer.write(`update ${table} set "${column}" = $1 returning 1`, [value]);
    expect(rows).not.toEqual([]);
    return undefined;
  } catch (error) {
    const { code, constraint } = error as pg.DatabaseError;
    expect(code).toBe('23514');
    return constraint;
  } finally {
    await writer.write('rollback');
  }
}

const columnsOf = (types: readonly string[]) =>
  tables.flatMap(({ name, columns }) =>
    columns
      .filter(({ type }) => types.includes(type))
      .map((column) => ({ table: name, ...column })),
  );

describe('for every writer', () => {
  test.each(Object.keys(VALUES))(
    'no column of type %s accepts values that the API cannot show',
    async (type) => {
      const columns = columnsOf([type]);
      expect(columns.length).toBeGreaterThan(15);
      for (const { table, name } of columns) {
        for (const value of VALUES[type]?.refused ?? []) {
          // Another constraint may refuse it first, in the order of their names.
          expect(await refusal(table, name, value), `${table}.${name} = ${value}`).toMatch(
            new RegExp(`^${table}_${name}_(finite|check)$`),
          );
        }
      }
    },
  );

  test.each(Object.keys(VALUES))('every other value of type %s is accepted', async (type) => {
    for (const { table, name } of columnsOf([type])) {
      if (table === 'strategy_insights') continue;
      for (const value of VALUES[type]?.kept ?? []) {
        expect(await refusal(table, name, value), `${table}.${name} = ${value}`).toBeUndefined();
      }
    }
  });

  test('no number is negative where that has no meaning', async () => {
    const columns = columnsOf(NUMBERS).filter(
      ({ table, name }) => !SIGNED.includes(`${table}.${name}`),
    );
    expect(columns.length).toBeGreaterThan(100);
    for (const { table, name } of columns) {
      expect(await refusal(table, name, '-1'), `${table}.${name}`).toBe(`${table}_${name}_check`);
    }
    for (const name of SIGNED) {
      expect(await refusal(...(name.split('.') as [string, string]), '-1')).toBeUndefined();
    }
  });

  test('every list of a bounded type has bounds', () => {
    expect(columnsOf(Object.keys(VALUES).map((type) => `${type}[]`))).toEqual([]);
  });
});

describe('a new table', () => {
  const NEW_TABLE = `
    create table if not exists public.brand_guidelines (
      id uuid primary key default gen_random_uuid(), workspace_id uuid not null,
      valid_until timestamptz(3), first_day date, weight numeric, ratio float8, days date[], weights numeric[]);
    call gateway.set_up_workspace_table('brand_guidelines', writer => 'Strategist', domain => 'strategy');`;
  const insert = (column: string, value: string) =>
    database.query(`insert into brand_guidelines (workspace_id, ${column}) values ($1, $2)`, [
      randomUUID(),
      value,
    ]);

  test('gets its bounds from protect_table, also if it is called again', async () => {
    await database.query(NEW_TABLE + NEW_TABLE);
    const refused = {
      valid_until: 'infinity',
      first_day: '10000-01-01',
      weight: 'NaN',
      ratio: '-Infinity',
      days: '{2026-01-01,infinity}',
      weights: '{NaN}',
    };
    for (const [column, value] of Object.entries(refused)) {
      await expect(insert(column, value)).rejects.toThrow(`brand_guidelines_${column}_finite`);
    }
    await insert('days', '{2026-01-01,null}');
    await insert('weights', '{}');
  });

  test('gets bounds for an added column by the same call', async () => {
    await database.query(`${NEW_TABLE} alter table brand_guidelines add since timestamptz`);
    await insert('since', 'infinity');
    await database.query('delete from brand_guidelines');
    await database.query(`call gateway.require_finite('brand_guidelines')`);
    await expect(insert('since', 'infinity')).rejects.toThrow('brand_guidelines_since_finite');
    await database.query('drop table brand_guidelines');
  });
});

describe('older rows with such values', () => {
  let older: TestDatabase;
  let warnings: string[];
  const bad = { campaign: '', trend: '', stats: '' };

  beforeAll(async () => {
    older = await createTestDatabase();
    await fill(older);
    // As in tables that are older than the migrations.
    await older.query(`
      do $$ declare statement text; begin
        for statement in
          select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
          where contype = 'c' and (conrelid::regclass || '.' || conname = any ('{${Object.keys(
            CHECKS,
          )
            .filter((name) => name.endsWith('_finite'))
            .join()}}')
            or conname in ('achievements_points_reward_check', 'campaigns_budget_allocation_check'))
        loop execute statement; end loop;
      end $$`);
    await older.query('delete from _prisma_migrations');
    const plant = async (table: string, set: string) => {
      const [row] = await older.query<{ id: string }>(`update ${table} set ${set} returning id`);
      return String(row?.id);
    };
    bad.campaign = await plant('campaigns', `start_date = 'infinity', budget_allocation = 'NaN'`);
    bad.trend = await plant('trends', `velocity = 'NaN'`);
    bad.stats = await plant('achievements', 'points_reward = -10');
    warnings = [];
    await migrate(older.url, { onWarning: (warning) => warnings.push(warning) });
  });
  afterAll(() => older?.close());

  test('are reported when the migrations are applied, with table, column and row', () => {
    expect(warnings.sort()).toEqual(
      [
        [bad.stats, 'achievements', 'points_reward', 'check'],
        [bad.campaign, 'campaigns', 'budget_allocation', 'finite'],
        [bad.campaign, 'campaigns', 'start_date', 'finite'],
        [bad.trend, 'trends', 'velocity', 'finite'],
      ].map(([id, table, column, kind]) =>
        expect.stringMatching(
          new RegExp(
            `^${table}: 1 row.* ${table}_${column}_${kind}: ${column} .*\\(${id}\\)\\n.*VALIDATE`,
          ),
        ),
      ),
    );
  });

  test('are reported by the verification', async () => {
    const check = VERIFICATIONS.find(({ id }) => id === 'check-constraints');
    const [result] = await verify(older.url, check ? [check] : []);
    expect(result?.problems.sort()).toEqual([
      expect.stringMatching(`achievements_points_reward_check.*${bad.stats} \\(-10\\)`),
      expect.stringMatching(`campaigns_budget_allocation_finite.*${bad.campaign} \\(NaN\\)`),
      expect.stringMatching(`campaigns_start_date_finite.*${bad.campaign} \\(infinity\\)`),
      expect.stringMatching(`trends_velocity_finite.*${bad.trend} \\(NaN\\)`),
    ]);
  });

  test('can be corrected, but not changed in another way', async () => {
    await expect(older.query(`update trends set topic = 'x'`)).rejects.toThrow(
      'trends_velocity_finite',
    );
    await expect(older.query(`update achievements set points_reward = -9`)).rejects.toThrow(
      'achievements_points_reward_check',
    );
  });

  test('have valid constraints once they are corrected and the migrations run again', async () => {
    await older.query(`
      update campaigns set start_date = null, budget_allocation = null;
      update trends set velocity = null;
      update achievements set points_reward = 10`);
    const client = new pg.Client(older.url);
    const notices: string[] = [];
    client.on('notice', ({ severity, message }) => notices.push(`${severity} ${message}`));
    await client.connect();
    for (const { sql } of await readMigrations()) await client.query(sql);
    await client.end();
    expect(notices.filter((notice) => notice.startsWith('WARNING'))).toEqual([]);
    const check = VERIFICATIONS.find(({ id }) => id === 'check-constraints');
    const [result] = await verify(older.url, check ? [check] : []);
    expect(result?.problems).toEqual([]);
  });
});

test('a migration by an owner without BYPASSRLS reports rows, too', async () => {
  const name = `owner_${randomUUID().slice(0, 8)}`;
  await database.query(`
    create role ${name};
    create table public.notes_of_owner (id int, day date);
    insert into notes_of_owner values (7, 'infinity');
    alter table notes_of_owner enable row level security, force row level security;
    alter table notes_of_owner owner to ${name};
    grant usage on schema gateway to ${name};
    grant execute on procedure gateway.ensure_checks, gateway.require_finite to ${name};
    grant execute on function gateway.check_violations, gateway.finite_checks to ${name};`);
  const client = new pg.Client(database.url);
  const notices: string[] = [];
  client.on('notice', ({ message }) => notices.push(String(message)));
  await client.connect();
  await client.query(`set role ${name}; call gateway.require_finite('public.notes_of_owner')`);
  expect(notices).toEqual([expect.stringMatching(/^notes_of_owner: 1 row.*\(7\)$/)]);
  const { rows } = await client.query(
    `select relforcerowsecurity as forced from pg_class where relname = 'notes_of_owner'`,
  );
  expect(rows).toEqual([{ forced: true }]);
  await client.query('reset role; drop table notes_of_owner');
  await client.query(`drop owned by ${name}; drop role ${name}`);
  await client.end();
});
