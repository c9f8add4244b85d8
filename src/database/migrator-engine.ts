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

/** Prisma's schema engine on one database. */
export interface Engine {
  engine: bindings.SchemaEngine;
  /** The files of the Prisma schema. */
  files: bindings.SchemaContainer[];
}

/** Calls `work` with the engine on the pool's database and the Prisma schema in the folder. */
export async function withEngine<T>(
  pool: pg.Pool,
  schemaDir: string,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const [files] = await Promise.all([readSchema(schemaDir), load()]);
  const adapter = await adapt(pool);
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    connect: async () => adapter,
    connectToShadowDb: () => Promise.reject(new MigrationError('There is no shadow database.')),
  });
  const datamodels = files.map(({ path, content }): [string, string] => [path, content]);
  const engine = await bindings.SchemaEngine.new({ datamodels }, () => {}, factory);
  try {
    return await work({ engine, files });
  } finally {
    engine.free();
  }
}

/** Prisma's adapter, which has to read the type "char" of the catalogs for the engine. */
async function adapt(pool: pg.Pool): Promise<SqlDriverAdapter> {
  // The adapter refuses the type, so it sees text instead, and the engine gets the true type.
  const charColumns = new WeakMap<object, number[]>();
  const query = async (config: pg.QueryArrayConfig) => {
    const result = await pool.query(config);
    const chars = result.fields.filter(({ dataTypeID }) => dataTypeID === CHAR);
    for (const field of chars) field.dataTypeID = TEXT;
    charColumns.set(
      result.rows,
      chars.map((field) => result.fields.indexOf(field)),
    );
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

let loaded: Promise<void> | undefined;

/** Compiles the engine, once per process. */
function load(): Promise<void> {
  loaded ??= (async () => {
    const module = createRequire(import.meta.url).resolve(
      '@prisma/schema-engine-wasm/schema_engine_bg',
    );
    const code = await readFile(join(dirname(module), 'schema_engine_bg.wasm'));
    const { instance } = await WebAssembly.instantiate(code, {
      './schema_engine_bg.js': { ...bindings },
    });
    bindings.__wbg_set_wasm(instance.exports);
    (instance.exports.__wbindgen_start as () => void)();
    // The engine leaves the reason of a crash here. The client's engine uses the same place.
    const global = globalThis as { PRISMA_WASM_PANIC_REGISTRY?: object };
    global.PRISMA_WASM_PANIC_REGISTRY ??= {
      set_message(message: string) {
        throw new MigrationError(`Prisma's schema engine gave up: ${message}`);
      },
    };
  })();
  return loaded;
}
