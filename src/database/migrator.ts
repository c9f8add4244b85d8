import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { withConnection } from './migrator-connection.ts';
import { findDrift } from './migrator-drift.ts';
import { withEngine } from './migrator-engine.ts';
import {
  MigrationError,
  MigrationFailedError,
  MigrationLockedError,
  UnfinishedMigrationError,
} from './migrator-errors.ts';
import {
  compareHistory,
  createHistory,
  findOtherMigrations,
  type Migration,
  type MigrationStatus,
  readMigrations,
  readRecords,
  recordFailure,
  recordFinish,
  recordRollback,
  recordStart,
} from './migrator-history.ts';
import { requireSession } from './pooling.ts';

export interface MigratorOptions {
  /** Folder of the Prisma schema, with the `migrations` folder in it. Default: the gateway's. */
  schemaDir?: string;
  /** Called with each warning of a migration, such as rows that violate a new constraint. */
  onWarning?: (warning: string) => void;
}

/** The folder of the gateway's own Prisma schema and migrations. */
export const GATEWAY_SCHEMA = fileURLToPath(new URL('../../prisma', import.meta.url));
/** The lock of `prisma migrate`, so that the two respect each other. */
const LOCK = 72707369;
const LOCK_MS = 5 * 60_000;

/**
 * Applies the pending migrations in the order of their names and returns their names. Keeps the
 * same record as `prisma migrate deploy`. Accepts a database that already has tables, which the
 * migrations have to handle. Waits while another migrator works on the database. Throws
 * DatabaseUnreachableError, NoSessionError, OtherMigrationsError, MigrationFailedError,
 * UnfinishedMigrationError, MigrationLockedError or another MigrationError.
 */
export async function migrate(
  url: string,
  { schemaDir = GATEWAY_SCHEMA, onWarning }: MigratorOptions = {},
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(schemaDir);
  const applyPending = async (pool: pg.Pool) => {
    await lock(pool, url);
    const records = await readRecords(pool);
    const other = findOtherMigrations(compareHistory(migrations, records));
    if (other) throw other;
    await createHistory(pool);
    const unfinished = [...records.values()].filter((record) => !record.finished_at);
    if (unfinished.length > 0) {
      throw new UnfinishedMigrationError(unfinished.map((record) => record.migration_name));
    }
    const pending = migrations.filter(({ name }) => !records.has(name));
    for (const migration of pending) await apply(pool, migration);
    return { applied: pending.map(({ name }) => name) };
  };
  return withConnection(url, applyPending, onWarning);
}

async function apply(pool: pg.Pool, migration: Migration): Promise<void> {
  const { name, script } = migration;
  const id = await recordStart(pool, migration);
  await pool.query(script).catch(async (error) => {
    const reason = describe(script, error);
    // Where this fails too, the record shows that the migration did not finish.
    await recordFailure(pool, id, reason).catch(() => {});
    throw new MigrationFailedError(name, reason);
  });
  await recordFinish(pool, id, 1);
}

/** Returns all migrations, by name. Reads only. Throws DatabaseUnreachableError. */
export async function migrationStatus(
  url: string,
  { schemaDir = GATEWAY_SCHEMA }: MigratorOptions = {},
): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(schemaDir);
  return compareHistory(migrations, await withConnection(url, readRecords));
}

/**
 * Resolves a migration that did not finish: `rolled-back` when nothing of it is left in the
 * database, so that it is applied again; `applied` when all of it is there. Also records a pending
 * migration as applied. Throws DatabaseUnreachableError, NoSessionError or another MigrationError.
 */
export async function resolveMigration(
  url: string,
  name: string,
  outcome: 'applied' | 'rolled-back',
  { schemaDir = GATEWAY_SCHEMA }: MigratorOptions = {},
): Promise<void> {
  const migration = (await readMigrations(schemaDir)).find((each) => each.name === name);
  await withConnection(url, async (pool) => {
    await lock(pool, url);
    await createHistory(pool);
    const record = (await readRecords(pool)).get(name);
    if (record?.finished_at) throw new MigrationError(`Migration ${name} is applied already.`);
    if (outcome === 'rolled-back' && !record) {
      throw new MigrationError(`Migration ${name} was never begun.`);
    }
    if (outcome === 'applied' && !migration) {
      throw new MigrationError(`Migration ${name} could not be found in ${schemaDir}/migrations.`);
    }
    await recordRollback(pool, name);
    if (outcome === 'applied' && migration) {
      await recordFinish(pool, await recordStart(pool, migration), 0);
    }
  });
}

/**
 * Compares the database with the Prisma schema and returns the differences, a line each, or '' if
 * there are none. Covers the columns, defaults, keys, indexes and enums of the models' tables in
 * `public`, and no other objects. Tables in other schemas belong to the platform, so only missing
 * columns count there. Reads only. Throws DatabaseUnreachableError or MigrationError.
 */
export async function schemaDrift(
  url: string,
  { schemaDir = GATEWAY_SCHEMA }: MigratorOptions = {},
): Promise<string> {
  return withConnection(url, (pool) =>
    withEngine(pool, schemaDir, ({ engine, files }) =>
      findDrift(pool, engine, files, schemaDir),
    ).catch((error) => {
      throw new MigrationError(firstWords(error));
    }),
  );
}

/**
 * Waits for the session's lock without holding a snapshot, which would block concurrent indexes.
 * Sets the time zone and the date style, so that scripts do not depend on the server's defaults.
 */
async function lock(pool: pg.Pool, url: string): Promise<void> {
  await requireSession(url);
  await pool.query("SET timezone = 'UTC'; SET datestyle = 'ISO'");
  const deadline = Date.now() + LOCK_MS;
  for (;;) {
    const { rows } = await pool.query('SELECT pg_try_advisory_lock($1) AS locked', [LOCK]);
    if (rows[0]?.locked) return;
    if (Date.now() > deadline) {
      throw new MigrationLockedError(
        'Another migrator has been working on the database for too long.',
      );
    }
    await delay(100);
  }
}

/** Postgres' message, with the line of the script and the details. */
function describe(script: string, error: Error & Partial<pg.DatabaseError>): string {
  const { message, code, position, detail, hint, where } = error;
  const line = position ? `, line ${script.slice(0, Number(position)).split('\n').length}` : '';
  const notes = Object.entries({ Detail: detail, Hint: hint, Where: where })
    .filter(([, note]) => note)
    .map(([title, note]) => `\n${title}: ${note}`);
  return `${message} (SQLSTATE ${code ?? 'unknown'}${line})${notes.join('')}`;
}

/** The engine's message without its call stack. */
function firstWords(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\n {3}0: .*$/s, '').trim();
}
