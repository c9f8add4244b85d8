import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  migrate,
  migrationStatus,
  resolveMigration,
  schemaDrift,
} from '../../src/database/migrator.ts';
import { withConnection } from '../../src/database/migrator-connection.ts';
import { withEngine } from '../../src/database/migrator-engine.ts';
import {
  MigrationError,
  MigrationFailedError,
  UnfinishedMigrationError,
} from '../../src/database/migrator-errors.ts';
import { readMigrations } from '../../src/database/migrator-history.ts';
import { eventually } from '../support/eventually.ts';
import { query } from './migrator-fixture.ts';
import { onEachPostgres } from './migrator-world.ts';

/** The columns of `_prisma_migrations`, as Prisma's own engine makes them. */
const PRISMA_COLUMNS = [
  { name: 'id', type: 'character varying(36)', required: true, default: null },
  { name: 'checksum', type: 'character varying(64)', required: true, default: null },
  { name: 'finished_at', type: 'timestamp with time zone', required: false, default: null },
  { name: 'migration_name', type: 'character varying(255)', required: true, default: null },
  { name: 'logs', type: 'text', required: false, default: null },
  { name: 'rolled_back_at', type: 'timestamp with time zone', required: false, default: null },
  { name: 'started_at', type: 'timestamp with time zone', required: true, default: 'now()' },
  { name: 'applied_steps_count', type: 'integer', required: true, default: '0' },
];
const COLUMNS = `select attname as name, format_type(atttypid, atttypmod) as type,
    attnotnull as required, pg_get_expr(adbin, adrelid) as default
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = '_prisma_migrations'::regclass and attnum > 0 order by attnum`;

/** What Prisma's own engine reports about a database and its migrations. */
async function diagnose(url: string, schemaDir: string) {
  const migrations = await readMigrations(schemaDir);
  const migrationsList = {
    baseDir: join(schemaDir, 'migrations'),
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
    })),
  };
  const filters = { externalTables: [], externalEnums: [] };
  return withConnection(url, (pool) =>
    withEngine(pool, schemaDir, ({ engine }) =>
      engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters }),
    ),
  );
}

onEachPostgres((world) => {
  async function states(): Promise<Record<string, string>> {
    const migrations = await migrationStatus(world.url, world.schema);
    return Object.fromEntries(migrations.map(({ name, state }) => [name, state]));
  }

  test('the server has that version', async () => {
    const [row] = await query(world.url, 'show server_version_num');
    expect(row).toEqual({
      server_version_num: expect.stringMatching(new RegExp(`^${world.version}`)),
    });
  });

  describe('migrate', () => {
    test('applies whole scripts once, in order', async () => {
      expect(await migrate(world.url, world.schema)).toEqual({
        applied: ['001_tables', '002_trigger'],
      });
      expect(
        await query(
          world.url,
          "insert into notes values (1, 'a')",
          'select title, color from notes',
        ),
      ).toEqual([{ title: 'A', color: 'red' }]);
      expect(await migrate(world.url, world.schema)).toEqual({ applied: [] });
    });

    test("keeps Prisma's record", async () => {
      await migrate(world.url, world.schema);
      const script = await readFile(
        join(world.schema.schemaDir, 'migrations/002_trigger/migration.sql'),
      );
      expect(
        await query(world.url, 'select * from _prisma_migrations order by migration_name'),
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

    test('Prisma accepts the record', async () => {
      await world.schema.write('003_broken', 'select * from nowhere');
      await expect(migrate(world.url, world.schema)).rejects.toThrow(MigrationFailedError);
      expect(await diagnose(world.url, world.schema.schemaDir)).toMatchObject({
        hasMigrationsTable: true,
        editedMigrationNames: [],
        failedMigrationNames: ['003_broken'],
        history: null,
      });
      await resolveMigration(world.url, '003_broken', 'applied', world.schema);
      expect(await diagnose(world.url, world.schema.schemaDir)).toMatchObject({
        failedMigrationNames: [],
      });
      expect(await query(world.url, COLUMNS)).toEqual(PRISMA_COLUMNS);
    });

    test('records why a migration failed', async () => {
      await world.schema.write('003_broken', 'select * from nowhere');
      await expect(migrate(world.url, world.schema)).rejects.toThrow(MigrationFailedError);
      const failed = 'select logs, finished_at from _prisma_migrations where logs is not null';
      expect(await query(world.url, failed)).toEqual([
        { logs: expect.stringContaining('relation "nowhere" does not exist'), finished_at: null },
      ]);
    });

    test('accepts a database with tables, some of them in `auth`', async () => {
      await query(
        world.url,
        `create table stray (id int); create type mood as enum ('calm'); create schema auth;
         create table auth.users (id uuid primary key, email varchar(255), phone text);
         create table auth.sessions (id uuid, user_id uuid references auth.users)`,
      );
      expect((await migrate(world.url, world.schema)).applied).toHaveLength(2);
      expect(await schemaDrift(world.url, world.schema)).toBe('');
    });

    test('leaves no lock behind', async () => {
      await migrate(world.url, world.schema);
      // Postgres notices a little later that the migrator has disconnected.
      await eventually(() =>
        query(world.url, 'select pg_try_advisory_lock(72707369) as free'),
      ).toEqual([{ free: true }]);
    });

    test('one of several concurrent migrators applies, the others find nothing to do', async () => {
      // Concurrent indexes wait for every open snapshot: waiting migrators must hold none.
      await world.schema.write('003_index', 'create index concurrently on notes (color)');
      const outcomes = await Promise.all([1, 2, 3].map(() => migrate(world.url, world.schema)));
      expect(outcomes.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 3]);
      expect(await query(world.url, 'select from _prisma_migrations')).toHaveLength(3);
    });

    test('waits for the lock of `prisma migrate`', async () => {
      const prisma = new pg.Client(world.url);
      await prisma.connect();
      await prisma.query('select pg_advisory_lock(72707369)');
      let done = false;
      const migrating = migrate(world.url, world.schema).finally(() => {
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
      await migrate(world.url, world.schema);
      await world.schema.write(
        '003_broken',
        'create table half (id int);\n\nselect * from nowhere;',
      );
      await world.schema.write('004_later', 'create table later (id int)');
    });

    test('is named with the message and position of Postgres, and changes nothing', async () => {
      const error = await migrate(world.url, world.schema).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(MigrationFailedError);
      expect(error).toMatchObject({ code: 'MIGRATION_FAILED', migration: '003_broken' });
      expect(String(error)).toContain('relation "nowhere" does not exist (SQLSTATE 42P01, line 3)');
      expect(await query(world.url, "select to_regclass('half') as half")).toEqual([
        { half: null },
      ]);
      expect(await states()).toEqual({
        '001_tables': 'applied',
        '002_trigger': 'applied',
        '003_broken': 'failed',
        '004_later': 'pending',
      });
    });

    test('stops later runs until it is rolled back and fixed', async () => {
      await expect(migrate(world.url, world.schema)).rejects.toThrow(MigrationFailedError);
      await world.schema.write('003_broken', 'create table whole (id int)');
      const error = await migrate(world.url, world.schema).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(UnfinishedMigrationError);
      expect(error).toMatchObject({ migrations: ['003_broken'] });
      expect(String(error)).not.toMatch(/ at |pris\.ly/);

      await resolveMigration(world.url, '003_broken', 'rolled-back', world.schema);
      expect(await states()).toMatchObject({ '003_broken': 'pending' });
      expect(await migrate(world.url, world.schema)).toEqual({
        applied: ['003_broken', '004_later'],
      });
      expect(new Set(Object.values(await states()))).toEqual(new Set(['applied']));
    });

    test('can be resolved as applied', async () => {
      await expect(migrate(world.url, world.schema)).rejects.toThrow(MigrationFailedError);
      await resolveMigration(world.url, '003_broken', 'applied', world.schema);
      expect(await migrate(world.url, world.schema)).toEqual({ applied: ['004_later'] });
    });

    test('cannot be resolved under a wrong name', async () => {
      const wrong = resolveMigration(world.url, '999_unknown', 'applied', world.schema);
      await expect(wrong).rejects.toThrow(MigrationError);
      await expect(wrong).rejects.toThrow(/999_unknown could not be found/);
    });
  });

  test('a killed migrator leaves a failed migration, but no lock', async () => {
    await world.schema.write('003_slow', 'create table slow (id int); select pg_sleep(60)');
    const migrating = migrate(world.url, world.schema).catch((caught: unknown) => caught);
    await eventually(() => states()).toMatchObject({ '003_slow': 'failed' });
    await query(
      world.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    expect(await migrating).toBeInstanceOf(MigrationError);
    await expect(migrate(world.url, world.schema)).rejects.toThrow(UnfinishedMigrationError);
  });

  describe('status', () => {
    test('lists pending and applied scripts', async () => {
      expect(await states()).toEqual({ '001_tables': 'pending', '002_trigger': 'pending' });
      const before = Date.now();
      await migrate(world.url, world.schema);
      await world.schema.write('003_new', 'select 1');
      const [first, , third] = await migrationStatus(world.url, world.schema);
      expect(first).toMatchObject({ name: '001_tables', state: 'applied' });
      expect(Math.abs((first?.appliedAt?.getTime() ?? 0) - before)).toBeLessThan(10_000);
      expect(third).toEqual({ name: '003_new', state: 'pending', appliedAt: null });
    });

    test('reports a changed script, but not changed line ends', async () => {
      await world.schema.write('003_lines', 'select 1;\nselect 2;\n');
      await migrate(world.url, world.schema);
      await world.schema.write('003_lines', 'select 1;\r\nselect 2;\r\n');
      await world.schema.write('002_trigger', '-- changed');
      expect(await states()).toMatchObject({ '002_trigger': 'modified', '003_lines': 'applied' });
    });

    test('reports a missing script', async () => {
      await migrate(world.url, world.schema);
      await world.schema.remove('002_trigger');
      expect(await states()).toEqual({ '001_tables': 'applied', '002_trigger': 'missing' });
    });
  });
});
