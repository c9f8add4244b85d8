import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';
import { MigrationError } from './migrator-errors.ts';

/** Types of the system catalogs, by their number. */
const CHAR = 18;
const TEXT = 25;

/** A statement that Postgres refused. */
export interface Refusal {
  sql: string;
  error: Error & Partial<pg.DatabaseError>;
}

/** Prisma's schema engine on one database. */
export interface Engine {
  engine: bindings.SchemaEngine;
  /** The files of the Prisma schema. */
  files: bindings.SchemaContainer[];
  /** The last statement that Postgres refused: the engine's own errors say less. */
  lastRefusal(): Refusal | undefined;
}

/** Calls `work` with the engine on the pool's database and the Prisma schema in the folder. */
export async function withEngine<T>(
  pool: pg.Pool,
  schemaDir: string,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const [files] = await Promise.all([readSchema(schemaDir), load()]);
  let refusal: Refusal | undefined;
  const adapter = await adapt(pool, (refused) => {
    refusal = refused;
  });
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    connect: async () => adapter,
    connectToShadowDb: () => Promise.reject(new MigrationError('There is no shadow database.')),
  });
  const datamodels = files.map(({ path, content }): [string, string] => [path, content]);
  const engine = await bindings.SchemaEngine.new({ datamodels }, () => {}, factory);
  try {
    return await work({ engine, files, lastRefusal: () => refusal });
  } finally {
    engine.free();
  }
}

/** Prisma's adapter, mended for what the engine asks of it. */
async function adapt(
  pool: pg.Pool,
  onRefusal: (refusal: Refusal) => void,
): Promise<SqlDriverAdapter> {
  // It knows no type "char", which the catalogs use: it is shown text, the engine told the truth.
  const charColumns = new WeakMap<object, number[]>();
  const query = async (config: pg.QueryArrayConfig) => {
    // Several statements in one text have several results.
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await pool
      .query(config)
      .catch((error) => {
        onRefusal({ sql: config.text, error });
        throw error;
      });
    if (!Array.isArray(result)) {
      const chars = result.fields.filter(({ dataTypeID }) => dataTypeID === CHAR);
      for (const field of chars) field.dataTypeID = TEXT;
      charColumns.set(
        result.rows,
        chars.map((field) => result.fields.indexOf(field)),
      );
    }
    return result;
  };
  const adapter = await new PrismaPg(Object.assign(Object.create(pool), { query })).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  return Object.assign(adapter, {
    async queryRaw(params: SqlQuery) {
      const result = await queryRaw(params);
      for (const column of charColumns.get(result.rows) ?? []) {
        result.columnTypes[column] = ColumnTypeEnum.Character;
      }
      return result;
    },
    // Whole: the adapter would split at semicolons, and function bodies have those.
    async executeScript(sql: string) {
      await adapter.executeRaw({ sql, args: [], argTypes: [] });
    },
  });
}

/** Returns the files of a Prisma schema that is spread over a folder. */
async function readSchema(schemaDir: string): Promise<bindings.SchemaContainer[]> {
  const names = await readdir(schemaDir, { recursive: true });
  const paths = names
    .filter((name) => name.endsWith('.prisma'))
    .map((name) => join(schemaDir, name));
  return Promise.all(
    paths.sort().map(async (path) => ({ path, content: await readFile(path, 'utf8') })),
  );
}

/** The engine does not stop its timer for the lock, which would keep the process for ten seconds. */
function detachedTimers(): Record<string, unknown> {
  const names = Object.keys(bindings).filter((name) => name.startsWith('__wbg_setTimeout_'));
  const start = (run: () => void, ms: number) => setTimeout(run, ms).unref();
  return Object.fromEntries(names.map((name) => [name, start]));
}

let loaded: Promise<void> | undefined;

/** Compiles the engine, once a process. */
function load(): Promise<void> {
  loaded ??= (async () => {
    const module = createRequire(import.meta.url).resolve(
      '@prisma/schema-engine-wasm/schema_engine_bg',
    );
    const code = await readFile(join(dirname(module), 'schema_engine_bg.wasm'));
    const { instance } = await WebAssembly.instantiate(code, {
      './schema_engine_bg.js': { ...bindings, ...detachedTimers() },
    });
    bindings.__wbg_set_wasm(instance.exports);
    (instance.exports.__wbindgen_start as () => void)();
    // Where the engine leaves its last words; the client's engine uses the same place.
    const global = globalThis as { PRISMA_WASM_PANIC_REGISTRY?: object };
    global.PRISMA_WASM_PANIC_REGISTRY ??= {
      set_message(message: string) {
        throw new MigrationError(`Prisma's schema engine gave up: ${message}`);
      },
    };
  })();
  return loaded;
}
