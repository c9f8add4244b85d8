import pg from 'pg';
import { openUncheckedWriter } from '../contract/unchecked-writer.ts';
import type { Query } from '../support/database.ts';
import type { Row } from '../support/rows.ts';
import { databaseUrl, type TestServer } from '../support/server.ts';

/** Makes a database again, as a copy of one without connections. */
export async function copyDatabase(server: TestServer, from: string, to: string): Promise<void> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    await client.query(`drop database if exists ${to} with (force)`);
    await client.query(`create database ${to} template ${from} strategy file_copy`);
  } finally {
    await client.end();
  }
}

/** Runs with a connection that is closed afterwards: a database in use cannot be copied. */
export async function usingDatabase<T>(
  server: TestServer,
  name: string,
  run: (query: Query) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(databaseUrl(server.url, name));
  await client.connect();
  try {
    return await run(
      async <R extends object>(sql: string, values?: unknown[]) =>
        (await client.query<R & Row>(sql, values)).rows,
    );
  } finally {
    await client.end();
  }
}

/** Deletes a workspace, and people who are members of no other, without a trace. */
export async function deleteTenant(
  url: string,
  workspaceId: string,
  people: string[],
): Promise<void> {
  const writer = await openUncheckedWriter(url);
  try {
    const holders = await writer.write<{ name: string; column: string }>(
      `select c.oid::regclass::text as name, attname as column from pg_class as c
       join pg_attribute on attrelid = c.oid and attname in ('workspace_id', 'user_id')
       where relkind = 'r' and relnamespace in ('public'::regnamespace, 'gateway'::regnamespace)`,
    );
    const keys = [
      ...holders,
      ...['workspaces', 'user_profiles', 'auth.users'].map((name) => ({ name, column: 'id' })),
    ];
    for (const { name, column } of keys) {
      await writer.write(`delete from ${name} where ${column}::text = any ($1)`, [
        [workspaceId, ...people],
      ]);
    }
  } finally {
    await writer.close();
  }
}
