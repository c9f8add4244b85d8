import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
} from '../../src/context/database/client.ts';
import { GatewayError } from '../../src/context/errors.ts';
import { runInSession } from '../../src/context/session.ts';
import { Work } from '../../src/context/work.ts';
import { type Held, holding } from '../server/support/held.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, type Tenant } from './tenants.ts';

export let testDatabase: TestDatabase;

export let tenant: Tenant;

export let sent: string[] = [];

export let database: Database;

export const open = (options: Partial<DatabaseOptions> = {}) =>
  createDatabase({
    connectionString: testDatabase.gatewayUrl,
    maxConnections: 4,
    onStatement: (sql) => sent.push(sql),
    ...options,
  });

export const during = <T>(work: Work, fn: () => Promise<T>) =>
  runInSession(tenant.settings, fn, work);

export const pid = async (at = database) => {
  const [row] = await during(new Work(), () =>
    at.query<{ pid: number }>('select pg_backend_pid() as pid'),
  );
  return row?.pid;
};

/** Resolves to the result or the error, so that a test can await it later. */
export const outcomeOf = (started: Promise<unknown>) => started.catch((error: unknown) => error);

export const held = (test: (held: Held) => Promise<void>) => holding(testDatabase, test);

export const nameOf = async (id = tenant.campaignIds[0]) => {
  const [row] = await testDatabase.query<{ name: string }>(
    'select name from campaigns where id = $1',
    [id],
  );
  return row?.name;
};

export const rename = (name: string) => ({
  where: { id: tenant.campaignIds[0] as string },
  data: { name },
});

export const LIMIT = new GatewayError('TIMEOUT', 'Too long.', { status: 504 });

/** The two reasons why work stops early. */
export const ENDS = [
  ['its client disconnects', (work: Work) => work.leave(), 'CANCELLED'],
  ['it reaches a limit', (work: Work) => work.stop(LIMIT), 'TIMEOUT'],
] as const;

/** Replaces the database handle for the rest of a test. */
export async function reopen(options: Partial<DatabaseOptions>): Promise<void> {
  await database.close();
  database = open(options);
}

/** Registers the hooks that create and close what the tests of a file share. */
export function setUp(): void {
  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    tenant = await createTenant(testDatabase, 'a');
  });
  afterAll(() => testDatabase.close());
  beforeEach(() => {
    sent = [];
    database = open();
  });
  afterEach(() => database.close());
}
