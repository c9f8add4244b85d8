import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { withConnection } from './migrator-connection.ts';
import { findDrift, listObjects } from './migrator-drift.ts';
import { type Refusal, withEngine } from './migrator-engine.ts';
import {
  MigrationError,
  MigrationFailedError,
  MigrationLockedError,
  UnfinishedMigrationError,
} from './migrator-errors.ts';
import {
  isScript,
  listFor,
  type Migration,
  readMigrations,
  readRecords,
} from './migrator-history.ts';
import { requireSession } from './pooling.ts';

export interface MigratorOptions {
  /** Folder of the Prisma schema, with the `migrations` folder in it. Default: the gateway's. */
  schemaDir?: string;
  /** Called with each warning of a migration, such as rows that a new constraint finds fault with. */
  onWarning?: (warning: string) => void;
}

/** A migration as the folder and the database know it. */
export interface MigrationStatus {
  name: string;
  /**
   * `modified`: its script is no longer the one that was applied. `missing`: it was applied, and
   * its script is gone. `failed`: it was begun and never finished.
   */
  state: 'applied' | 'pending' | 'failed' | 'modified' | 'missing';
  /** Null unless it was finished. */
  appliedAt: Date | null;
}

const GATEWAY_SCHEMA = fileURLToPath(new URL('../../prisma', import.meta.url));
/** The lock of `prisma migrate`, so that the two respect each other. */
const LOCK = 72707369;
const LOCK_MS = 5 * 60_000;

/**
 * Applies the pending migrations in the order of their names and returns which those were, keeping
 * the record that `prisma migrate deploy` keeps. A database that already has tables is accepted:
 * the first migration has to cope with them. Waits while another migrator works on the database.
 * Throws DatabaseUnreachableError, NoSessionError, MigrationFailedError, UnfinishedMigrationError,
 * MigrationLockedError or another MigrationError.
 */
export async function migrate(
  url: string,
  { schemaDir = GATEWAY_SCHEMA, onWarning }: MigratorOptions = {},
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(schemaDir);
  const apply = async (pool: pg.Pool) => {
    await lock(pool, url);
    return withEngine(pool, schemaDir, async ({ engine, lastRefusal }) => {
      const migrationsList = await listFor(schemaDir, migrations);
      // Unfiltered, the engine refuses a database that has tables and no record of migrations.
      const filters = await listObjects(pool);
      try {
        const result = await engine.applyMigrations({ migrationsList, filters });
        return { applied: result.appliedMigrationNames };
      } catch (error) {
        throw await explain(error, pool, migrations, lastRefusal());
      }
    });
  };
  return withConnection(url, apply, onWarning);
}

/** Returns all migrations, by name. Reads only. Throws DatabaseUnreachableError. */
export async function migrationStatus(
  url: string,
  { schemaDir = GATEWAY_SCHEMA }: MigratorOptions = {},
): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(schemaDir);
  const records = await withConnection(url, readRecords);
  const scripts = new Map(migrations.map(({ name, script }) => [name, script]));
  const names = new Set([...scripts.keys(), ...records.keys()]);
  return [...names].sort().map((name) => {
    const record = records.get(name);
    const script = scripts.get(name);
    if (!record) return { name, state: 'pending', appliedAt: null };
    if (!record.finished_at) return { name, state: 'failed', appliedAt: null };
    const state =
      script === undefined ? 'missing' : isScript(record.checksum, script) ? 'applied' : 'modified';
    return { name, state, appliedAt: record.finished_at };
  });
}

/**
 * Settles a migration that did not finish: `rolled-back` when nothing of it is left in the database,
 * so that it is applied again; `applied` when all of it is there. Also notes a pending migration as
 * applied. Throws DatabaseUnreachableError, NoSessionError or another MigrationError.
 */
export async function resolveMigration(
  url: string,
  migrationName: string,
  outcome: 'applied' | 'rolled-back',
  { schemaDir = GATEWAY_SCHEMA }: MigratorOptions = {},
): Promise<void> {
  const migrations = await readMigrations(schemaDir);
  await withConnection(url, async (pool) => {
    await lock(pool, url);
    await withEngine(pool, schemaDir, async ({ engine }) => {
      try {
        if (outcome === 'rolled-back') await engine.markMigrationRolledBack({ migrationName });
        else {
          const migrationsList = await listFor(schemaDir, migrations);
          await engine.markMigrationApplied({ migrationName, migrationsList });
        }
      } catch (error) {
        throw new MigrationError(firstWords(error));
      }
    });
  });
}

/**
 * Compares the database with the Prisma schema and returns what would have to change in it, a line
 * each, or '' when nothing. Covers the columns, defaults, keys, indexes and enums of the models'
 * tables in `public`, not what else is there; of tables in other schemas, which belong to the
 * platform, that the columns of the models are there. Reads only.
 * Throws DatabaseUnreachableError or MigrationError.
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
 * Waits for the session's lock without holding a snapshot, which would stop concurrent indexes. What
 * scripts make of moments must not depend on the server's defaults.
 */
async function lock(pool: pg.Pool, url: string): Promise<void> {
  await requireSession(url);
  await pool.query("SET timezone = 'UTC'; SET datestyle = 'ISO'");
  const deadline = Date.now() + LOCK_MS;
  for (;;) {
    const { rows } = await pool.query('SELECT pg_try_advisory_lock($1) AS locked', [LOCK]);
    if (rows[0]?.locked) return;
    if (Date.now() > deadline) {
      throw new MigrationLockedError('Another migrator has been at work on the database for long.');
    }
    await delay(100);
  }
}

async function explain(
  error: unknown,
  pool: pg.Pool,
  migrations: Migration[],
  refusal: Refusal | undefined,
): Promise<MigrationError> {
  const failed = migrations.find(({ script }) => script === refusal?.sql);
  if (failed && refusal) return new MigrationFailedError(failed.name, describe(refusal));
  if ((error as { code?: unknown }).code === 'P3009') {
    const records = [...(await readRecords(pool)).values()];
    const unfinished = records.filter((record) => !record.finished_at);
    return new UnfinishedMigrationError(unfinished.map((record) => record.migration_name));
  }
  return new MigrationError(firstWords(error));
}

/** Postgres' message, with the line of the script and what else it says for orientation. */
function describe({ sql, error }: Refusal): string {
  const { message, code, position, detail, hint, where } = error;
  const line = position ? `, line ${sql.slice(0, Number(position)).split('\n').length}` : '';
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
