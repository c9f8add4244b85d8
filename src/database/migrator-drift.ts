import type {
  SchemaContainer,
  SchemaEngine,
  SchemaFilter,
} from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';
import { HISTORY_TABLE } from './migrator-history.ts';

/** The schema that the migrations own; tables of models elsewhere are the platform's. */
const OWN = 'public';

/** Returns the tables and enums of the database, in the form `schema.name`. */
export async function listObjects(pool: pg.Pool): Promise<SchemaFilter> {
  const { rows } = await pool.query<{ name: string; isEnum: boolean }>(
    `SELECT n.nspname || '.' || c.relname AS name, false AS "isEnum"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND c.relname <> $1
     UNION ALL
     SELECT n.nspname || '.' || t.typname, true
     FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e'`,
    [HISTORY_TABLE],
  );
  return {
    externalTables: rows.flatMap(({ name, isEnum }) => (isEnum ? [] : name)),
    externalEnums: rows.flatMap(({ name, isEnum }) => (isEnum ? name : [])),
  };
}

/**
 * Returns the changes that would make the database match the Prisma schema, '' if there are none.
 */
export async function findDrift(
  pool: pg.Pool,
  engine: SchemaEngine,
  files: SchemaContainer[],
  configDir: string,
): Promise<string> {
  const nothing: SchemaFilter = { externalTables: [], externalEnums: [] };
  const diff = { exitCode: null, from: { tag: 'empty' as const } };
  const to = { tag: 'schemaDatamodel' as const, files };
  const script = await engine.diff({ ...diff, to, script: true, filters: nothing });
  const modelled = parseObjects(script.stdout ?? '');
  const platform = modelled.tables.filter(({ schema }) => schema !== OWN);

  const live = await listObjects(pool);
  const names = ({ tables, enums }: Objects) =>
    new Set([...tables, ...enums].map(({ schema, name }) => `${schema}.${name}`));
  const ours = names(modelled);
  const isForeign = (name: string) => !ours.has(name) || !name.startsWith(`${OWN}.`);
  const filters: SchemaFilter = {
    externalTables: [
      ...live.externalTables.filter(isForeign),
      ...platform.map(({ schema, name }) => `${schema}.${name}`),
    ],
    externalEnums: live.externalEnums.filter(isForeign),
  };
  const from = { tag: 'schemaDatasource' as const, files, configDir };
  const own = await engine.diff({ exitCode: null, from, to, script: false, filters });
  const differences = own.stdout?.includes('No difference detected') ? '' : (own.stdout ?? '');
  const missing = await findMissingColumns(pool, platform);
  return [differences.trim(), ...missing].filter(Boolean).join('\n');
}

interface Table {
  schema: string;
  name: string;
  columns: { name: string; type: string }[];
}

interface Objects {
  tables: Table[];
  enums: { schema: string; name: string }[];
}

/** Reads the tables and enums from the script with which the engine creates a schema. */
function parseObjects(script: string): Objects {
  const create = /^CREATE (?:TABLE|TYPE) (?:"([^"]+)"\.)?"([^"]+)" (?:AS ENUM|\(\n(.*?)^\);)/gms;
  const objects: Objects = { tables: [], enums: [] };
  for (const [, schema = OWN, name = '', body] of script.matchAll(create)) {
    if (body === undefined) objects.enums.push({ schema, name });
    else objects.tables.push({ schema, name, columns: parseColumns(body) });
  }
  return objects;
}

function parseColumns(body: string): Table['columns'] {
  const column = /^ {4}"([^"]+)" (.+?)(?: NOT NULL| DEFAULT |,?$)/gm;
  return [...body.matchAll(column)].map(([, name = '', type = '']) => ({ name, type }));
}

/** Returns a line for each column that is missing or has another type. */
async function findMissingColumns(pool: pg.Pool, tables: Table[]): Promise<string[]> {
  const wanted = tables.flatMap(({ schema, name, columns }) =>
    columns.map((column) => ({ schema, table: name, ...column })),
  );
  const { rows } = await pool.query<{ line: string }>(
    `SELECT format('[*] %s.%s needs a column %s of type %s', w.schema, w."table", w.name, w.type) AS line
     FROM json_to_recordset($1) AS w (schema text, "table" text, name text, type text)
     WHERE NOT EXISTS (
       SELECT FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = w.schema AND c.relname = w."table" AND a.attname = w.name
         AND NOT a.attisdropped AND a.atttypid = to_regtype(w.type))`,
    [JSON.stringify(wanted)],
  );
  return rows.map(({ line }) => line);
}
