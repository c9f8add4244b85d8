import pg from 'pg';
import { withConnection } from './migrator-connection.ts';
import { requireSession } from './pooling.ts';

// Objects of extensions stay, and so does the schema itself, with the privileges that a hosted
// platform has set on it. The list is made first, because a drop cascades to other objects.
const EMPTY_PUBLIC = `
DO $$
DECLARE
  statement text;
  statements text[] := ARRAY(
    WITH own AS (
      SELECT 'pg_class'::regclass AS catalog, oid, CASE relkind
          WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
          WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE'
        END AS kind, oid::regclass::text AS name
      FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      UNION ALL
      SELECT 'pg_proc'::regclass, oid, 'ROUTINE', oid::regprocedure::text
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL
      SELECT 'pg_type'::regclass, oid, 'TYPE', oid::regtype::text
      FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    )
    SELECT format('DROP %s IF EXISTS %s CASCADE', kind, name) FROM own
    WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = catalog AND objid = own.oid AND deptype = 'e')
  );
BEGIN
  FOREACH statement IN ARRAY statements LOOP
    EXECUTE statement;
  END LOOP;
END $$`;

// That of a hosted platform has more columns and more tables.
const DROP_OWN_AUTH = `
DO $$
BEGIN
  IF (SELECT array_agg(c.relname || '.' || a.attname ORDER BY a.attname)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = to_regnamespace('auth') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND a.attnum > 0 AND NOT a.attisdropped)
    = ARRAY['users.created_at', 'users.email', 'users.id', 'users.raw_user_meta_data']
  THEN
    DROP SCHEMA auth CASCADE;
  END IF;
END $$`;

/**
 * Drops everything in the schemas `public` and `gateway`, and `auth` if the migrations made it: all
 * or nothing. Throws DatabaseUnreachableError or Postgres' error, and NoSessionError if migrations
 * could not run afterwards.
 */
export async function emptyDatabase(url: string): Promise<void> {
  await withConnection(url, async (pool) => {
    await requireSession(url);
    await pool.query(
      // Without a search path names are printed with their schema.
      `BEGIN; SET LOCAL search_path = ''; DROP SCHEMA IF EXISTS gateway CASCADE; ${EMPTY_PUBLIC}; ${DROP_OWN_AUTH}; COMMIT`,
    );
  });
}

/**
 * Drops a database, even with open sessions, and creates it again. Needs a superuser. Throws
 * DatabaseUnreachableError or Postgres' error.
 */
export async function recreateDatabase(url: string): Promise<void> {
  const { database } = new pg.Client(url);
  const other = new URL(url);
  other.pathname = '/template1';
  const name = pg.escapeIdentifier(database ?? '');
  await withConnection(other.href, async (pool) => {
    await pool.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await pool.query(`CREATE DATABASE ${name}`);
  });
}
