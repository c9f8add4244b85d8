import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrator.ts';
import * as expected from '../../src/database/verify/expected.ts';
import { formatResults } from '../../src/database/verify/format.ts';
import { CHECKS as CONSTRAINTS } from '../../src/database/verify/ranges.ts';
import {
  CHECKS,
  type GroupedCheck,
  type Result,
  verify,
} from '../../src/database/verify/verify.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Cluster, findPostgres15, query, startCluster } from './migrator-fixture.ts';
import { SUPABASE } from './supabase.ts';
import { MUTATIONS } from './verify-mutations.ts';
import { ROLE_MUTATIONS } from './verify-role-mutations.ts';

const IDS = CHECKS.map(({ id }) => id);

function failures(results: Result[]): string[] {
  return results.flatMap(({ id, problems }) => problems.map((problem) => `${id}: ${problem}`));
}

function checkOf(id: string): GroupedCheck {
  const check = CHECKS.find((candidate) => candidate.id === id);
  if (!check) throw new Error(`There is no check ${id}.`);
  return check;
}

async function verifyOne(url: string, id: string): Promise<Result> {
  const [result] = await verify(url, [checkOf(id)]);
  if (!result) throw new Error('Nothing was verified.');
  return result;
}

test('every check has a mutation that breaks it', () => {
  const broken = new Set([...MUTATIONS, ...ROLE_MUTATIONS].map(([id]) => id));
  expect([...broken].sort()).toEqual([...IDS].sort());
  expect(new Set(IDS).size).toBe(IDS.length);
  expect(CHECKS.filter(({ group }) => group === 'report')).toHaveLength(16);
});

describe('the embedded Postgres', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase('demo');
  });
  afterAll(() => database.close());

  test('passes every check, which changes nothing', async () => {
    const count = `select (select count(*) from auth.users)::int as people,
                          (select count(*) from achievements)::int as achievements`;
    const before = await database.query(count);
    expect(failures(await verify(database.url))).toEqual([]);
    expect(await database.query(count)).toEqual(before);
  });

  test('is not checked by a role that cannot see everything', async () => {
    await expect(verify(database.gatewayUrl)).rejects.toThrow(
      /The role "codex_gateway" cannot see all that is checked: log in as "/,
    );
  });

  test('passes with unrelated objects in it', async () => {
    const { query, url, close } = await createTestDatabase();
    await query(`
      create table public.notes_of_others (id int);
      create type public.mood_of_others as enum ('good', 'bad');
      create view public.view_of_others as select * from public.notes_of_others;
      grant select on public.view_of_others to authenticated;
      create view public.report as select * from public.moves;
      create policy fewer on public.moves as restrictive for select to authenticated using (true);
      create function public.function_of_others() returns int language sql as 'select 1'`);
    expect(failures(await verify(url))).toEqual([]);
    await close();
  });

  test('the lists contain everything that the migrations make', async () => {
    const names = async (sql: string) =>
      (await query(database.url, `set search_path = ''`, sql)).map(
        (row) => Object.values(row as object)[0],
      );
    expect(
      await names(
        `select p.oid::regprocedure::text from pg_proc as p join pg_namespace as n on n.oid = pronamespace
         where nspname in ('public', 'gateway')
           and not exists (select from pg_depend where objid = p.oid and deptype = 'e')`,
      ),
    ).toHaveLength(expected.FUNCTIONS.length);
    expect(
      await names(
        `select tgrelid::regclass || ' ' || tgname from pg_trigger
         where not tgisinternal and not (
           tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
           and tgname ~ '^(set_updated_at|(audit|log)_(insert|update|delete|truncate))$')
         order by 1`,
      ),
    ).toEqual(expected.TRIGGERS.map(({ table, name }) => `${table} ${name}`).sort());
    expect(
      await names(
        `select relname::text from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace order by 1`,
      ),
    ).toEqual(expected.VIEWS);
    expect(
      await names(
        `select relname || '.' || conname from pg_constraint join pg_class as c on c.oid = conrelid
         where contype = 'c' and relnamespace = 'public'::regnamespace order by 1`,
      ),
    ).toEqual(Object.keys(CONSTRAINTS).sort());
  });

  test.each(MUTATIONS)('%s notices: %s', async (id, sql) => {
    const check = checkOf(id);
    // The migrator has a connection of its own, which sees only what is committed.
    const problems = await (check.group === 'migrations' ? breakCopy : breakAndUndo)(check, sql);
    expect(problems).not.toEqual([]);
  });

  async function breakCopy(check: GroupedCheck, sql: string): Promise<string[]> {
    const copy = await createTestDatabase();
    await copy.query(sql);
    const { problems } = await check.run({ url: copy.url, query: copy.query });
    await copy.close();
    return problems;
  }

  async function breakAndUndo(check: GroupedCheck, sql: string): Promise<string[]> {
    const client = new pg.Client(database.url);
    await client.connect();
    try {
      await client.query(`begin; ${sql}; set local search_path = ''`);
      const { problems } = await check.run({
        url: database.url,
        query: async (text, values) => (await client.query(text, values)).rows,
      });
      return problems;
    } finally {
      await client.end();
    }
  }
});

describe('a hosted Supabase project', () => {
  let cluster: Cluster;
  let url: string;
  let operatorUrl: string;
  beforeAll(async () => {
    cluster = await startCluster();
    url = await cluster.createDatabase();
    await query(url, SUPABASE);
    // As in a hosted project, the migrating role is no superuser.
    const operator = new URL(url);
    operator.username = 'operator';
    operator.password = 'secret';
    operatorUrl = operator.href;
    await migrate(operatorUrl);
  });
  afterAll(() => cluster.stop());

  test('passes every check', async () => {
    expect(failures(await verify(url))).toEqual([]);
    expect(failures(await verify(operatorUrl))).toEqual([]);
  });

  test.each(ROLE_MUTATIONS)('%s notices: %s', async (id, sql, undo) => {
    await query(url, sql);
    const broken = await verifyOne(url, id);
    await query(url, undo);
    expect(broken).toMatchObject({ passed: false, problems: [expect.any(String)] });
    expect(await verifyOne(url, id)).toMatchObject({ passed: true });
  });
});

const postgres15 = findPostgres15();
describe.skipIf(!postgres15)('Postgres 15', () => {
  test('passes every check', async () => {
    const cluster = await startCluster(postgres15);
    try {
      const url = await cluster.createDatabase();
      await migrate(url);
      expect(await query(url, 'show server_version')).toMatchObject([{ server_version: /^15\./ }]);
      expect(failures(await verify(url))).toEqual([]);
    } finally {
      await cluster.stop();
    }
  });
});

test('the report shows what failed, why, and what to do', () => {
  const result = {
    group: 'tenancy',
    id: 'policies',
    title: 'There are policies',
    found: '3 tables',
  };
  const problems = ['one', 'two', 'three'];
  const text = formatResults(
    [
      { ...result, passed: true, problems: [] },
      { ...result, passed: false, problems, remedy: 'Make them.' },
    ],
    2,
  );
  expect(text).toBe(`tenancy
  PASS  policies  3 tables  There are policies
  FAIL  policies  3 tables  There are policies
          - one
          - two
          - and 1 more (--all shows them)
          What to do: Make them.

1 of 2 checks failed.
`);
});
