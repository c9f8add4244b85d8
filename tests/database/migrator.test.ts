import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  migrate,
  migrationStatus,
  resolveMigration,
  schemaDrift,
} from '../../src/database/migrator.ts';
import {
  MigrationError,
  MigrationFailedError,
  UnfinishedMigrationError,
} from '../../src/database/migrator-errors.ts';
import { emptyDatabase, recreateDatabase } from '../../src/database/migrator-reset.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Cluster,
  createSchemaFolder,
  findPostgres15,
  query,
  type SchemaFolder,
  startCluster,
} from './migrator-fixture.ts';

const postgres15 = findPostgres15();
if (!postgres15) {
  if (process.env.CI) throw new Error('Postgres 15 is not installed: its tests cannot run.');
  process.stderr.write('\nSKIPPED: Postgres 15 is not installed, nothing is tested on it.\n\n');
}

describe.each([
  { version: 18, installation: undefined, missing: false },
  { version: 15, installation: postgres15, missing: !postgres15 },
])('on Postgres $version', ({ version, installation, missing }) => {
  let cluster: Cluster;
  let schema: SchemaFolder;
  let url: string;

  beforeAll(async () => {
    if (!missing) cluster = await startCluster(installation);
  });
  afterAll(() => cluster?.stop());
  beforeEach(async (context) => {
    context.skip(missing, 'Postgres 15 is not installed');
    [schema, url] = await Promise.all([createSchemaFolder(), cluster.createDatabase()]);
  });
  afterEach(() => schema?.remove());

  async function states(): Promise<Record<string, string>> {
    const migrations = await migrationStatus(url, schema);
    return Object.fromEntries(migrations.map(({ name, state }) => [name, state]));
  }

  test('it is that version', async () => {
    const [row] = await query(url, 'show server_version_num');
    expect(row).toEqual({ server_version_num: expect.stringMatching(new RegExp(`^${version}`)) });
  });

  describe('migrate', () => {
    test('applies whole scripts once, in order', async () => {
      expect(await migrate(url, schema)).toEqual({ applied: ['001_tables', '002_trigger'] });
      expect(
        await query(url, "insert into notes values (1, 'a')", 'select title, color from notes'),
      ).toEqual([{ title: 'A', color: 'red' }]);
      expect(await migrate(url, schema)).toEqual({ applied: [] });
    });

    test("keeps Prisma's record", async () => {
      await migrate(url, schema);
      const script = await readFile(join(schema.schemaDir, 'migrations/002_trigger/migration.sql'));
      expect(
        await query(url, 'select * from _prisma_migrations order by migration_name'),
      ).toMatchObject([
        { migration_name: '001_tables' },
        {
          migration_name: '002_trigger',
          checksum: createHash('sha256').update(script).digest('hex'),
          finished_at: expect.any(Date),
          rolled_back_at: null,
          logs: null,
          applied_steps_count: 1,
        },
      ]);
    });

    test('accepts a database that has tables, ours in `auth` among them', async () => {
      await query(
        url,
        `create table stray (id int); create type mood as enum ('calm'); create schema auth;
         create table auth.users (id uuid primary key, email varchar(255), phone text);
         create table auth.sessions (id uuid, user_id uuid references auth.users)`,
      );
      expect((await migrate(url, schema)).applied).toHaveLength(2);
      expect(await schemaDrift(url, schema)).toBe('');
    });

    test('leaves no lock behind', async () => {
      await migrate(url, schema);
      // Postgres notices a little later that the migrator has gone.
      await eventually(() => query(url, 'select pg_try_advisory_lock(72707369) as free')).toEqual([
        { free: true },
      ]);
    });

    test('one of several at once applies, the others find nothing to do', async () => {
      // Concurrent indexes wait for every open snapshot: those who queue must hold none.
      await schema.write('003_index', 'create index concurrently on notes (color)');
      const outcomes = await Promise.all([1, 2, 3].map(() => migrate(url, schema)));
      expect(outcomes.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 3]);
      expect(await query(url, 'select from _prisma_migrations')).toHaveLength(3);
    });

    test('waits for the lock of `prisma migrate`', async () => {
      const prisma = new pg.Client(url);
      await prisma.connect();
      await prisma.query('select pg_advisory_lock(72707369)');
      let done = false;
      const migrating = migrate(url, schema).finally(() => {
        done = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(done).toBe(false);
      await prisma.end();
      expect((await migrating).applied).toHaveLength(2);
    });
  });

  describe('a migration that fails', () => {
    beforeEach(async () => {
      await migrate(url, schema);
      await schema.write('003_broken', 'create table half (id int);\n\nselect * from nowhere;');
      await schema.write('004_later', 'create table later (id int)');
    });

    test('is named with what Postgres said and where, and leaves nothing', async () => {
      const error = await migrate(url, schema).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(MigrationFailedError);
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED', migration: '003_broken' });
      expect(String(error)).toContain('relation "nowhere" does not exist (SQLSTATE 42P01, line 3)');
      expect(await query(url, "select to_regclass('half') as half")).toEqual([{ half: null }]);
      expect(await states()).toEqual({
        '001_tables': 'applied',
        '002_trigger': 'applied',
        '003_broken': 'failed',
        '004_later': 'pending',
      });
    });

    test('stops later runs until it is rolled back and mended', async () => {
      await expect(migrate(url, schema)).rejects.toThrow(MigrationFailedError);
      await schema.write('003_broken', 'create table whole (id int)');
      const error = await migrate(url, schema).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(UnfinishedMigrationError);
      expect(error).toMatchObject({ migrations: ['003_broken'] });
      expect(String(error)).not.toMatch(/ at |pris\.ly/);

      await resolveMigration(url, '003_broken', 'rolled-back', schema);
      expect(await states()).toMatchObject({ '003_broken': 'pending' });
      expect(await migrate(url, schema)).toEqual({ applied: ['003_broken', '004_later'] });
      expect(new Set(Object.values(await states()))).toEqual(new Set(['applied']));
    });

    test('can be noted as applied', async () => {
      await expect(migrate(url, schema)).rejects.toThrow(MigrationFailedError);
      await resolveMigration(url, '003_broken', 'applied', schema);
      expect(await migrate(url, schema)).toEqual({ applied: ['004_later'] });
    });

    test('cannot be resolved under a wrong name', async () => {
      const wrong = resolveMigration(url, '999_unknown', 'applied', schema);
      await expect(wrong).rejects.toThrow(MigrationError);
      await expect(wrong).rejects.toThrow(/999_unknown could not be found/);
    });
  });

  test('a migrator that was cut off leaves a failed migration, not a lock', async () => {
    await schema.write('003_slow', 'create table slow (id int); select pg_sleep(60)');
    const migrating = migrate(url, schema).catch((caught: unknown) => caught);
    await eventually(() => states()).toMatchObject({ '003_slow': 'failed' });
    await query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    expect(await migrating).toBeInstanceOf(MigrationError);
    await expect(migrate(url, schema)).rejects.toThrow(UnfinishedMigrationError);
  });

  describe('status', () => {
    test('tells pending from applied', async () => {
      expect(await states()).toEqual({ '001_tables': 'pending', '002_trigger': 'pending' });
      const before = Date.now();
      await migrate(url, schema);
      await schema.write('003_new', 'select 1');
      const [first, , third] = await migrationStatus(url, schema);
      expect(first).toMatchObject({ name: '001_tables', state: 'applied' });
      expect(Math.abs((first?.appliedAt?.getTime() ?? 0) - before)).toBeLessThan(10_000);
      expect(third).toEqual({ name: '003_new', state: 'pending', appliedAt: null });
    });

    test('tells a changed script, but not changed line ends', async () => {
      await schema.write('003_lines', 'select 1;\nselect 2;\n');
      await migrate(url, schema);
      await schema.write('003_lines', 'select 1;\r\nselect 2;\r\n');
      await schema.write('002_trigger', '-- changed');
      expect(await states()).toMatchObject({ '002_trigger': 'modified', '003_lines': 'applied' });
    });

    test('tells a script that is gone', async () => {
      await migrate(url, schema);
      await schema.remove('002_trigger');
      expect(await states()).toEqual({ '001_tables': 'applied', '002_trigger': 'missing' });
    });
  });

  describe('drift', () => {
    test('there is none after migrating, and looking leaves nothing', async () => {
      await migrate(url, schema);
      expect(await schemaDrift(url, schema)).toBe('');
      expect(await query(url, "select from pg_database where datname like '%shadow%'")).toEqual([]);
    });

    test.each([
      ['a missing column', 'alter table notes drop column color', '[+] Added column `color`'],
      ['an extra column', 'alter table notes add note text', '[-] Removed column `note`'],
      ['nullability', 'alter table notes alter title drop not null', 'Nullable to Required'],
      ['a type', 'alter table notes alter id type bigint', 'Altered column `id` (type changed)'],
      ['a default', 'alter table notes alter color drop default', 'default changed from `None`'],
      ['an enum', "alter type color add value 'blue'", '[-] Removed variant `blue`'],
      [
        'a missing foreign key',
        'alter table notes drop constraint notes_author_id_fkey',
        '[+] Added foreign key on columns (author_id)',
      ],
      [
        'a foreign key that does something else',
        `alter table notes drop constraint notes_author_id_fkey;
         alter table notes add constraint notes_author_id_fkey
           foreign key (author_id) references auth.users on delete cascade`,
        '[+] Added foreign key on columns (author_id)',
      ],
      [
        'a missing index',
        'drop index notes_author_id_idx',
        '[+] Added index on columns (author_id)',
      ],
      ['an extra index', 'create index on notes (color)', '[-] Removed index on columns (color)'],
      [
        'an index that lost its uniqueness',
        'drop index notes_title_key; create index notes_title_key on notes (title)',
        '[+] Added unique index on columns (title)',
      ],
      [
        'a missing primary key',
        'alter table notes drop constraint notes_pkey',
        '[+] Added primary key on columns (id)',
      ],
      ['a missing table', 'drop table notes', '[+] Added tables\n  - notes'],
      [
        "a missing column of the platform's table",
        'alter table auth.users drop column email',
        'auth.users needs a column email of type VARCHAR(255)',
      ],
      [
        "another type in the platform's table",
        'alter table auth.users alter email type jsonb using null',
        'auth.users needs a column email of type VARCHAR(255)',
      ],
    ])('%s is drift', async (_, change, expected) => {
      await migrate(url, schema);
      await query(url, change);
      expect(await schemaDrift(url, schema)).toContain(expected);
    });

    test('what the models do not describe is none', async () => {
      await migrate(url, schema);
      await query(
        url,
        `create table stray (id int, note_id int references notes, color color);
         create type mood as enum ('calm'); create table auth.sessions (id int);
         create type auth.level as enum ('one'); create view titles as select title from notes;
         create schema other; create table other.notes (id text);
         alter table auth.users add phone text, alter email set default 'x';
         create index on auth.users (email);
         alter table notes add constraint short check (length(title) < 100),
           enable row level security;
         create policy everybody on notes using (true)`,
      );
      expect(await schemaDrift(url, schema)).toBe('');
    });
  });

  describe('reset', () => {
    const objects = `select n.nspname || '.' || c.relname as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'auth', 'gateway') and relkind = 'r'`;

    const ofExtension =
      "exists (select from pg_depend where objid = oid and deptype in ('e', 'i'))";

    test('empties the database, and the migrations apply again', async () => {
      await migrate(url, schema);
      await query(
        url,
        `create schema gateway; create table gateway.change (id int);
         create view titles as select title from notes; create sequence numbers;
         create domain positive as int check (value > 0); create aggregate total (int) (
           sfunc = int4pl, stype = int);
         create materialized view kept as select 1; create type pair as (a int, b int);
         create extension citext; create table cited (word citext);
         create function paired(pair, notes) returns int language sql as 'select 1'`,
      );
      await emptyDatabase(url);
      expect(await query(url, objects)).toEqual([{ name: 'auth.users' }]);
      expect(
        await query(
          url,
          `select from pg_proc where pronamespace = 'public'::regnamespace and not ${ofExtension}`,
        ),
      ).toEqual([]);
      expect(
        await query(
          url,
          `select from pg_type where typnamespace = 'public'::regnamespace and not ${ofExtension}`,
        ),
      ).toEqual([]);
      expect(await query(url, "select 'A'::citext = 'a' as same")).toEqual([{ same: true }]);
      expect((await migrate(url, schema)).applied).toHaveLength(2);
      expect(await schemaDrift(url, schema)).toBe('');
    });

    test("drops the gateway's own auth.users, and no other's", async () => {
      const own = `create schema auth; create table auth.users (
        id uuid, email text, raw_user_meta_data jsonb, created_at timestamptz)`;
      await query(url, own);
      await emptyDatabase(url);
      expect(await query(url, objects)).toEqual([]);
      await query(url, own, 'create table auth.sessions (id uuid)');
      await emptyDatabase(url);
      expect(await query(url, objects)).toHaveLength(2);
    });

    test('is all or nothing', async () => {
      await migrate(url, schema);
      await query(
        url,
        `create schema other;
         create function other.refuse() returns event_trigger language plpgsql as
           'begin raise exception ''no''; end';
         create event trigger refuse on sql_drop when tag in ('DROP TYPE') execute function other.refuse()`,
      );
      await expect(emptyDatabase(url)).rejects.toThrow('no');
      expect(await query(url, objects)).toHaveLength(3);
    });

    test('makes an embedded database anew under open sessions', async () => {
      await migrate(url, schema);
      const session = new pg.Client(url);
      session.on('error', () => {});
      await session.connect();
      await recreateDatabase(url);
      expect(await query(url, objects)).toEqual([]);
    });
  });

  test("the gateway's own migrations make what its schema says", async () => {
    expect((await migrate(url)).applied.length).toBeGreaterThan(5);
    expect(await schemaDrift(url)).toBe('');
    await emptyDatabase(url);
    expect((await migrate(url)).applied.length).toBeGreaterThan(5);
    expect(await schemaDrift(url)).toBe('');
  });
});
