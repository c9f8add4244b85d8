import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { MigrationError, OtherMigrationsError } from './migrator-errors.ts';

/** The record of what was applied, which `prisma migrate` reads and writes too. */
export const HISTORY_TABLE = '_prisma_migrations';

export interface Migration {
  name: string;
  script: string;
}

export interface MigrationRecord {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
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

/** Returns the migrations of a schema folder in the order in which they apply. */
export async function readMigrations(schemaDir: string): Promise<Migration[]> {
  const folder = join(schemaDir, 'migrations');
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(join(folder, name, 'migration.sql'), 'utf8').catch(() => {
        throw new MigrationError(`Migration ${name} has no migration.sql that can be read.`);
      });
      return { name, script };
    }),
  );
}

/** Returns the record of each migration, without those that were rolled back. */
export async function readRecords(pool: pg.Pool): Promise<Map<string, MigrationRecord>> {
  const found = await pool.query('SELECT to_regclass($1) IS NOT NULL AS exists', [HISTORY_TABLE]);
  if (!found.rows[0]?.exists) return new Map();
  const { rows } = await pool.query<
    Omit<MigrationRecord, 'finished_at'> & { finished_at: string | null }
  >(
    // JSON does not depend on the server's DateStyle.
    `SELECT migration_name, checksum, to_json(finished_at) #>> '{}' AS finished_at FROM ${HISTORY_TABLE}
     WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return new Map(
    rows.map(({ finished_at, ...row }) => [
      row.migration_name,
      { ...row, finished_at: finished_at === null ? null : new Date(finished_at) },
    ]),
  );
}

/** Makes the table as `prisma migrate` makes it. */
export async function createHistory(pool: pg.Pool): Promise<void> {
  await pool.query(`CREATE TABLE IF NOT EXISTS ${HISTORY_TABLE} (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
  )`);
}

/** Records that a migration has begun; returns the id of the record. */
export async function recordStart(pool: pg.Pool, { name, script }: Migration): Promise<string> {
  const id = randomUUID();
  const columns = 'id, checksum, migration_name';
  await pool.query(`INSERT INTO ${HISTORY_TABLE} (${columns}) VALUES ($1, $2, $3)`, [
    id,
    checksumOf(script),
    name,
  ]);
  return id;
}

/** Records that a migration is in the database, after `steps` scripts that were run. */
export async function recordFinish(pool: pg.Pool, id: string, steps: 0 | 1): Promise<void> {
  const set = 'finished_at = now(), applied_steps_count = $2';
  await pool.query(`UPDATE ${HISTORY_TABLE} SET ${set} WHERE id = $1`, [id, steps]);
}

/** Records why a migration failed. */
export async function recordFailure(pool: pg.Pool, id: string, reason: string): Promise<void> {
  await pool.query(`UPDATE ${HISTORY_TABLE} SET logs = $2 WHERE id = $1`, [id, reason]);
}

/** Records that nothing is left of a migration that did not finish. */
export async function recordRollback(pool: pg.Pool, name: string): Promise<void> {
  const open = 'migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL';
  await pool.query(`UPDATE ${HISTORY_TABLE} SET rolled_back_at = now() WHERE ${open}`, [name]);
}

/** Returns all migrations of the folder and of the record, by name. */
export function compareHistory(
  migrations: readonly Migration[],
  records: ReadonlyMap<string, MigrationRecord>,
): MigrationStatus[] {
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
 * Returns an error where a script was changed after it was applied, or is gone. Scripts behind the
 * last one of the folder are a newer version's, which this one gets along with.
 */
export function findOtherMigrations(
  statuses: readonly MigrationStatus[],
): OtherMigrationsError | undefined {
  const named = (wanted: MigrationStatus['state']) =>
    statuses.flatMap(({ name, state }) => (state === wanted ? name : []));
  const last = statuses.findLast(({ state }) => state !== 'missing')?.name ?? '';
  const changed = named('modified');
  const gone = named('missing');
  const isOther = changed.length > 0 || gone.some((name) => name < last);
  return isOther ? new OtherMigrationsError(changed, gone) : undefined;
}

/** Whether the checksum is the script's. Like Prisma's, it ignores how lines end. */
function isScript(checksum: string, script: string): boolean {
  const lf = script.replaceAll('\r\n', '\n');
  return [script, lf, lf.replaceAll('\n', '\r\n')].some((text) => checksumOf(text) === checksum);
}

function checksumOf(script: string): string {
  return createHash('sha256').update(script).digest('hex');
}
