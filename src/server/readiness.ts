import pg from 'pg';
import { catalog } from '../generated/catalog.ts';
import { NotReadyError, type ReadinessCheck } from './health.ts';

export interface Readiness {
  /**
   * Throws NotReadyError while the database is out of reach or lacks migrations of this gateway.
   */
  check: ReadinessCheck;
  close(): Promise<void>;
}

const TIMEOUT_MS = 2_000;

/** Unlike to_regclass, this works for schemas that the role may not use. */
const RELATIONS =
  "SELECT c.oid, c.relnamespace, n.nspname || '.' || c.relname AS name " +
  'FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';

interface Permissions {
  /** Whether the login role may become `authenticated`; null where there is no such role. */
  mayServe: boolean | null;
  /** Whether the record of migrations may be read; null where there is none. */
  recorded: boolean | null;
}

/**
 * Checks the database over a connection of its own, so that busy ones do not make it look absent.
 * `migrations` are the names of those that must have been applied.
 */
export function createReadiness(
  connectionString: string,
  migrations: readonly string[],
): Readiness {
  const pool = new pg.Pool({
    connectionString,
    max: 1,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    application_name: 'codex-gateway-health',
  });
  // The next check reports it.
  pool.on('error', () => {});

  return {
    async check() {
      const permissions = await ask<Permissions>(
        pool,
        `SELECT (SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = 'authenticated') AS "mayServe",
                (SELECT has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT')
                 FROM (${RELATIONS}) AS relation WHERE name = 'public._prisma_migrations') AS recorded`,
      );
      const { mayServe = null, recorded = null } = permissions[0] ?? {};
      if (mayServe === null) throw behind('none of the migrations has been applied');
      const problem = recorded
        ? await problemOfMigrations(pool, migrations)
        : await problemOfTables(pool);
      if (problem) throw behind(problem);
      if (!mayServe) {
        throw new NotReadyError(
          'role',
          'The role that the gateway logs in as may not act for people: GRANT authenticated TO it.',
        );
      }
    },
    close: () => pool.end(),
  };
}

async function ask<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, values)).rows;
  } catch (error) {
    throw new NotReadyError('database', 'The database does not answer.', { cause: error });
  }
}

function behind(problem: string): NotReadyError {
  return new NotReadyError('migrations', `The database is not up to date: ${problem}.`);
}

async function problemOfMigrations(
  pool: pg.Pool,
  migrations: readonly string[],
): Promise<string | null> {
  const rows = await ask<{ name: string; finished: boolean }>(
    pool,
    `SELECT migration_name AS name, bool_or(finished_at IS NOT NULL) AS finished
     FROM public._prisma_migrations WHERE rolled_back_at IS NULL GROUP BY migration_name`,
  );
  const unfinished = rows.filter(({ finished }) => !finished).map(({ name }) => name);
  if (unfinished.length > 0) return `half applied: ${unfinished.join(', ')}`;
  const known = new Set(rows.map(({ name }) => name));
  const pending = migrations.filter((name) => !known.has(name));
  return pending.length > 0 ? `not applied yet: ${pending.join(', ')}` : null;
}

/** Where the record of migrations cannot be read, the tables show how far they got. */
async function problemOfTables(pool: pg.Pool): Promise<string | null> {
  const tables = Object.values(catalog.models).map(({ schema, table }) => `${schema}.${table}`);
  const missing = await ask<{ name: string }>(
    pool,
    `SELECT name FROM unnest($1::text[]) AS name
     WHERE name NOT IN (SELECT name FROM (${RELATIONS}) AS relation)`,
    [tables],
  );
  if (missing.length === 0) return null;
  const names = missing.map(({ name }) => name);
  const others = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `missing tables: ${names.slice(0, 3).join(', ')}${others}`;
}
