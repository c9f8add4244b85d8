import { afterAll, beforeAll, expect } from 'vitest';
import { createDatabase, type Database, type Query } from '../../src/context/database/client.ts';
import { type DatabaseFailure, databaseError } from '../../src/context/database/database-errors.ts';
import { runInSession } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';

export let testDatabase: TestDatabase;

export let database: Database;

/** The same database with short timeouts. */
export let limited: Database;

export let a: Tenant;

export const lost: Error[] = [];

export const inA = <T>(fn: () => Promise<T>) => runInSession(a.settings, fn);

/** Runs `fn` in a's session. Returns what `databaseError` reports about its rejection. */
export function failureOf(fn: () => Promise<unknown>): Promise<DatabaseFailure | null> {
  return inA(fn).then(
    () => expect.unreachable('it should have been rejected'),
    (error) => databaseError(error),
  );
}

/** The process of Postgres that serves the connection of a statement. */
export const pidOf = async (query: Query) =>
  (await query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid;

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    a = await createTenant(testDatabase, 'a');
    await testDatabase.query(`
    create table probe (
      id int primary key, workspace_id uuid references workspaces (id),
      amount int not null constraint amount_is_positive check (amount > 0)
    );
    grant select, insert on probe to authenticated;
    create table closed (id int);
    create table deferred (
      id int references probe (id) deferrable initially deferred
    );
    grant select, insert on deferred to authenticated;
    insert into probe values (1, null, 1);
  `);
    database = createDatabase({
      connectionString: testDatabase.gatewayUrl,
      maxConnections: 2,
      statementTimeoutMs: 30_000,
      acquireTimeoutMs: 30_000,
      onConnectionError: (error) => lost.push(error),
    });
    limited = createDatabase({
      connectionString: testDatabase.gatewayUrl,
      maxConnections: 2,
      statementTimeoutMs: 500,
      acquireTimeoutMs: 1_000,
    });
  });
  afterAll(async () => {
    await database.close();
    await limited.close();
    await testDatabase.close();
  });
}
