import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from './embedded.ts';
import { GATEWAY_SCHEMA, migrate } from './migrator.ts';
import { withConnection } from './migrator-connection.ts';
import { readMigrations } from './migrator-history.ts';

/** Where the functions are committed. */
export const FUNCTIONS_FILE = join(GATEWAY_SCHEMA, 'functions.sql');

const HEADER = `-- Every function and procedure that the migrations make, as Postgres has it in the end, each with its
-- migration and with who may call it. To change one, change its migration, then: npm run db:functions
`;

// By bytes, so that the order is the same under every locale.
const FUNCTIONS = `
  SELECT pronamespace::regnamespace || '.' || proname AS name, pg_get_functiondef(oid) AS definition,
         coalesce((SELECT string_agg(coalesce(nullif(grantee, 0)::regrole::text, 'everybody'), ', '
             ORDER BY nullif(grantee, 0)::regrole::text COLLATE "C" NULLS FIRST)
           FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner),
           'nobody but its owner') AS callers
  FROM pg_proc
  WHERE pronamespace IN ('gateway'::regnamespace, 'public'::regnamespace) AND prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
  ORDER BY pronamespace::regnamespace::text COLLATE "C", proname COLLATE "C",
           pg_get_function_identity_arguments(oid) COLLATE "C"`;

/** Returns the functions of a migrated database in the form in which they are committed. */
export async function printedFunctions(url: string): Promise<string> {
  const migrations = await readMigrations(GATEWAY_SCHEMA);
  const rows = await withConnection(url, async (pool) => {
    // Without a search path names are printed with their schema.
    await pool.query("SET search_path = ''");
    const result = await pool.query<{ name: string; definition: string; callers: string }>(
      FUNCTIONS,
    );
    return result.rows;
  });
  const functions = rows.map(({ name, definition, callers }) => {
    const made = new RegExp(`^CREATE OR REPLACE (FUNCTION|PROCEDURE) ${name}\\(`, 'm');
    const migration = migrations.find(({ script }) => made.test(script))?.name;
    return `-- ${migration}; may be called by ${callers}\n${definition.trimEnd()};\n`;
  });
  return [HEADER, ...functions].join('\n');
}

async function print(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'functions-'));
  try {
    const server = await startEmbeddedPostgres({ dataDir, durable: false });
    try {
      await migrate(server.url());
      await writeFile(FUNCTIONS_FILE, await printedFunctions(server.url()));
    } finally {
      await server.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

if (import.meta.filename === process.argv[1]) await print();
