import { afterAll, beforeAll, expect } from 'vitest';
import { createDatabase, type Database, type Query } from '../../src/context/database/client.ts';
import { type DatabaseFailure, databaseError } from '../../src/context/database/database-errors.ts';
import { runInSession } from '../../src/context/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';

export let testDatabase: TestDatabase;

export let database: Database;

/** The same, which gives statements up soon. */
export let hasty: Database;

export let a: Tenant;

export const lost: Error[] = [];

export const inA = <T>(fn: () => Promise<T>) => runInSession(a.settings, fn);

/** Returns what `databaseError` makes of the rejection of `fn` in a's session. */
export function failureOf(fn: () => Promise<unknown>): Promise<DatabaseFailure | null> {
  return inA(fn).then(
    () => expect.unreachable('it should have been rejected'),
    (error) => databaseError(error),
  );
}

/** Fails as soon as the failed statement is not answered by the connection it ran on. */
export const pidOf = async (query: Query) =>
  (await query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid;

/** Prepares what the tests of a file share. */
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
    hasty = createDatabase({
      connectionString: testDatabase.gatewayUrl,
      maxConnections: 2,
      statementTimeoutMs: 500,
      acquireTimeoutMs: 1_000,
    });
  });
  afterAll(async () => {
    await database.close();
    await hasty.close();
    await testDatabase.close();
  });
}
