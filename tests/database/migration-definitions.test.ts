import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FUNCTIONS_FILE, printedFunctions } from '../../src/database/functions-cli.ts';
import { migrate } from '../../src/database/migrator.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMigrations, runByHand } from '../support/migrations.ts';
import { type Cluster, findPostgres15, startCluster } from './migrator-fixture.ts';

/** The definitions of migrations, by name, and the transaction that last wrote each. */
const DEFINITIONS = `
  select pg_describe_object('pg_proc'::regclass, oid, 0) as name, xmin from pg_proc
  where pronamespace in ('gateway'::regnamespace, 'public'::regnamespace)
  union all
  select pg_describe_object('pg_trigger'::regclass, oid, 0), xmin from pg_trigger where not tgisinternal
  union all
  select pg_describe_object('pg_policy'::regclass, oid, 0), xmin from pg_policy
  union all
  select pg_describe_object('pg_constraint'::regclass, oid, 0), xmin from pg_constraint where contype = 'c'
  union all
  select pg_describe_object('pg_rewrite'::regclass, oid, 0), xmin from pg_rewrite
  where ev_class in (select oid from pg_class where relnamespace = 'public'::regnamespace)`;

describe('prisma/functions.sql', () => {
  let database: TestDatabase;
  let cluster: Cluster | undefined;

  beforeAll(async () => {
    database = await createTestDatabase();
    const installation = findPostgres15();
    cluster = installation && (await startCluster(installation));
  });
  afterAll(async () => {
    await database?.close();
    await cluster?.stop();
  });

  test('has the current functions', async () => {
    // The whole text in a failure would hide the command to run.
    expect(
      (await printedFunctions(database.url)) === (await readFile(FUNCTIONS_FILE, 'utf8')),
      'prisma/functions.sql is out of date: run `npm run db:functions` and commit it',
    ).toBe(true);
  });

  test('is the same from Postgres 15', async (context) => {
    if (!cluster) return context.skip('Postgres 15 is not installed');
    const url = await cluster.createDatabase();
    await migrate(url);
    expect((await printedFunctions(url)).split('\n')).toEqual(
      (await readFile(FUNCTIONS_FILE, 'utf8')).split('\n'),
    );
  });
});

/** Returns each function that a script defines, with the types of its arguments. */
function definedFunctions(script: string): string[] {
  const heads = script.matchAll(
    /^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) ([\w.]+)\s*\((.*?)\)(?=\s+(?:RETURNS|LANGUAGE))/gims,
  );
  return [...heads].map(([, name, list = '']) => {
    // A comma of a default or a type modifier is not one between arguments.
    const args = list.replace(/\([^()]*\)|'[^']*'/g, '').split(',');
    const types = args
      .map((arg) => arg.trim().replace(/\s+DEFAULT\b.*$/is, ''))
      .filter((arg) => arg && !/^OUT\b/i.test(arg))
      .map((arg) => arg.replace(/^(IN |INOUT |VARIADIC )?\w+\s+/i, ''));
    return `${name}(${types.join(', ')})`;
  });
}

describe('the migrations', () => {
  test('define no function twice', async () => {
    const defined = (await readMigrations()).flatMap(({ name, sql }) =>
      definedFunctions(sql).map((made) => ({ made, name })),
    );
    expect(defined.length).toBeGreaterThan(140);
    const twice = defined.filter(({ made }, n) => defined.findIndex((o) => o.made === made) < n);
    expect(twice).toEqual([]);
  });

  test('change no function, trigger, policy, CHECK or view of an earlier one', async () => {
    const database = await createTestDatabase('empty');
    let before = new Map<string, string>();
    for (const migration of await readMigrations()) {
      await runByHand(database.url, [migration]);
      const rows = await database.query<{ name: string; xmin: string }>(DEFINITIONS);
      const after = new Map(rows.map(({ name, xmin }) => [name, xmin]));
      const changed = [...before].filter(([name, xmin]) => after.get(name) !== xmin);
      expect(changed, migration.name).toEqual([]);
      before = after;
    }
    expect(before.size).toBeGreaterThan(1000);
    await database.close();
  });
});
