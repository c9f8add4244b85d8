import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';
import { MigrationError } from './migrator-errors.ts';

/** The engine's table of what was applied. */
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

/** Returns migrations the way the engine takes them. */
export async function listFor(schemaDir: string, migrations: Migration[]): Promise<MigrationList> {
  const baseDir = join(schemaDir, 'migrations');
  const path = 'migration_lock.toml';
  const content = await readFile(join(baseDir, path), 'utf8').catch(() => null);
  const migrationDirectories = migrations.map(({ name, script }) => ({
    path: name,
    migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: script } },
  }));
  return { baseDir, lockfile: { path, content }, shadowDbInitScript: '', migrationDirectories };
}

/** The valid record of each migration that was begun: a name is begun again after a roll-back. */
export async function readRecords(pool: pg.Pool): Promise<Map<string, MigrationRecord>> {
  const found = await pool.query('SELECT to_regclass($1) IS NOT NULL AS exists', [HISTORY_TABLE]);
  if (!found.rows[0]?.exists) return new Map();
  const { rows } = await pool.query<
    Omit<MigrationRecord, 'finished_at'> & { finished_at: string | null }
  >(
    // As JSON it reads the same whatever the server's DateStyle is.
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

/** Whether the checksum is the script's; like the engine, it does not mind how lines end. */
export function isScript(checksum: string, script: string): boolean {
  const lf = script.replaceAll('\r\n', '\n');
  return [script, lf, lf.replaceAll('\n', '\r\n')].some(
    (text) => createHash('sha256').update(text).digest('hex') === checksum,
  );
}
