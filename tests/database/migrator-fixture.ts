import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import type { PostgresInstallation } from '../../src/database/embedded-installation.ts';
import { testEnv } from '../support/env.ts';

export interface Cluster {
  /** Makes an empty database and returns its connection string. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a Postgres in a folder of its own. */
export async function startCluster(
  installation?: PostgresInstallation,
  settings?: Record<string, string>,
): Promise<Cluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'migrator-'));
  const server = await startEmbeddedPostgres({
    dataDir,
    durable: false,
    ...(installation && { installation }),
    ...(settings && { settings }),
  });
  let databases = 0;
  return {
    async createDatabase() {
      databases += 1;
      await query(server.url(), `create database db${databases}`);
      return server.url(`db${databases}`);
    },
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/**
 * Returns the Postgres 15 of this machine. Without one it throws in CI; elsewhere it says so and
 * returns undefined, and tests on it are skipped.
 */
export function findPostgres15(): PostgresInstallation | undefined {
  const bin = [
    '/usr/lib/postgresql/15/bin',
    '/opt/homebrew/opt/postgresql@15/bin',
    '/usr/local/opt/postgresql@15/bin',
  ].find(existsSync);
  if (!bin) {
    if (testEnv.ci) throw new Error('Postgres 15 is not installed: its tests cannot run.');
    process.stderr.write('\nSKIPPED: Postgres 15 is not installed, nothing is tested on it.\n\n');
    return undefined;
  }
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    localeArguments: ['--locale=C'],
  };
}

/** Runs statements in one session and returns the rows of the last. */
export async function query(url: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

const SCHEMA = `
generator client {
  provider = "prisma-client"
  output   = "./generated"
}
datasource db {
  provider = "postgresql"
  schemas  = ["public", "auth"]
}`;

const MODELS = `
enum Color {
  red
  green
  @@map("color")
  @@schema("public")
}
model Person {
  id    String @id @db.Uuid
  email String? @db.VarChar(255)
  notes Note[]
  @@map("users")
  @@schema("auth")
}
model Note {
  id       Int     @id
  title    String
  color    Color   @default(red)
  authorId String? @map("author_id") @db.Uuid
  author   Person? @relation(fields: [authorId], references: [id], onDelete: SetNull, onUpdate: NoAction)
  @@unique([title])
  @@index([authorId])
  @@map("notes")
  @@schema("public")
}`;

const TABLES = `
create schema if not exists auth;
create table if not exists auth.users (id uuid primary key, email varchar(255));
create type color as enum ('red', 'green');
create table notes (
  id integer not null constraint notes_pkey primary key,
  title text not null,
  color color not null default 'red',
  author_id uuid constraint notes_author_id_fkey references auth.users on delete set null
);
create unique index notes_title_key on notes (title);
create index notes_author_id_idx on notes (author_id);`;

const TRIGGER = `
create function shout() returns trigger language plpgsql as $$
begin
  new.title := upper(new.title); -- a semicolon; inside
  return new;
end $$;
create trigger shout before insert on notes for each row execute function shout();`;

/** A Prisma schema with migrations, in a folder that tests may change. */
export interface SchemaFolder {
  schemaDir: string;
  write(migration: string, script: string): Promise<void>;
  remove(migration?: string): Promise<void>;
}

/** Writes a schema of two files with the migrations `001_tables` and `002_trigger`. */
export async function createSchemaFolder(): Promise<SchemaFolder> {
  const schemaDir = await mkdtemp(join(tmpdir(), 'schema-'));
  const write = async (migration: string, script: string) => {
    await mkdir(join(schemaDir, 'migrations', migration), { recursive: true });
    await writeFile(join(schemaDir, 'migrations', migration, 'migration.sql'), script);
  };
  await mkdir(join(schemaDir, 'models'));
  await writeFile(join(schemaDir, 'schema.prisma'), SCHEMA);
  await writeFile(join(schemaDir, 'models', 'notes.prisma'), MODELS);
  await write('001_tables', TABLES);
  await write('002_trigger', TRIGGER);
  await writeFile(
    join(schemaDir, 'migrations', 'migration_lock.toml'),
    'provider = "postgresql"\n',
  );
  const remove = (migration = '') =>
    rm(migration ? join(schemaDir, 'migrations', migration) : schemaDir, { recursive: true });
  return { schemaDir, write, remove };
}
