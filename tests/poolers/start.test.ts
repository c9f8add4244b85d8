import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseUnreachableError } from '../../src/database/migrator-errors.ts';
import { readEnv } from '../../src/env.ts';
import { NotReadyError } from '../../src/server/health.ts';
import { start } from '../../src/server/start.ts';
import { run } from '../server/support/process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { hasPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

const SECRET = 'a secret of the tests, 32 bytes or more';

/** The timeout of tests that start several programs. */
const LONG_MS = 120_000;

/** Runs a script of the project to its end. Returns its exit code and output. */
async function outcome(script: string, env: Record<string, string>, ...args: string[]) {
  const program = run(script, { PORT: '0', JWT_SECRET: SECRET, ...env }, args);
  const code = await program.ends();
  return { code, output: program.stdout() + program.stderr() };
}

describe.runIf(hasPgBouncer())('behind PgBouncer', () => {
  let database: TestDatabase;
  let other: TestDatabase;
  let byTransaction: PgBouncer;
  let bySession: PgBouncer;
  beforeAll(async () => {
    database = await createTestDatabase();
    other = await createTestDatabase();
    const logins = [database.url, database.gatewayUrl];
    byTransaction = await startPgBouncer('transaction', logins);
    bySession = await startPgBouncer('session', logins);
  });
  afterAll(async () => {
    await byTransaction?.close();
    await bySession?.close();
    await database?.close();
    await other?.close();
  });

  it(
    'refuses to start in session mode if the pooler is in transaction mode',
    async () => {
      const DATABASE_URL = byTransaction.url(database.gatewayUrl);
      const { code, output } = await outcome('src/main.ts', { DATABASE_URL });
      expect(output).toBe(
        'DATABASE_URL leads to a pooler in transaction mode. Set DATABASE_POOL_MODE=transaction, or use the pooler in session mode.\n',
      );
      expect(code).toBe(1);
    },
    LONG_MS,
  );

  it('refuses to start if DATABASE_DIRECT_URL leads to a pooler, another database or nowhere', async () => {
    for (const [DATABASE_DIRECT_URL, error] of [
      [byTransaction.url(database.gatewayUrl), NotReadyError],
      [other.gatewayUrl, NotReadyError],
      ['postgresql://me@127.0.0.1:1/none', DatabaseUnreachableError],
    ] as const) {
      const settings = {
        DATABASE_URL: byTransaction.url(database.gatewayUrl),
        DATABASE_POOL_MODE: 'transaction',
        DATABASE_DIRECT_URL,
        JWT_SECRET: SECRET,
        PORT: '0',
        LOG_LEVEL: 'silent',
      };
      const failure = await start(readEnv(settings), null, () => {}).catch((reason) => reason);
      expect(failure).toBeInstanceOf(error);
      expect(failure.message).toMatch(
        /^DATABASE_DIRECT_URL leads to|^Cannot use the database 127\.0\.0\.1:1\/none/,
      );
    }
  });

  const COMMANDS = [
    ['src/database/migrate-cli.ts', 'migrate', /^Applied:\n {2}000_roles_and_identity\n/],
    ['src/database/migrate-cli.ts', 'migrate', /^Nothing to apply/],
    ['src/database/migrate-cli.ts', 'status', /is what the Prisma schema says/],
    ['src/database/verify/cli.ts', '--all', /All \d+ checks passed/],
  ] as const;

  it.each(['in session mode', 'by a direct connection in transaction mode'])(
    'migrates an empty database, shows its status and verifies it %s',
    async (way) => {
      const empty = await createTestDatabase('empty');
      const env =
        way === 'in session mode'
          ? { DATABASE_URL: bySession.url(empty.url) }
          : {
              DATABASE_URL: byTransaction.url(empty.url),
              DATABASE_POOL_MODE: 'transaction',
              DATABASE_DIRECT_URL: empty.url,
            };
      for (const [script, command, expected] of COMMANDS) {
        const { code, output } = await outcome(script, env, command);
        expect(output).toMatch(expected);
        expect(code).toBe(0);
      }
      await empty.close();
    },
    LONG_MS,
  );

  it.each([{}, { DATABASE_POOL_MODE: 'transaction' }])(
    'refuses to migrate in transaction mode without a direct connection: %j',
    async (mode) => {
      const empty = await createTestDatabase('empty');
      const env = { DATABASE_URL: byTransaction.url(empty.url), ...mode };
      for (const command of [
        ['migrate'],
        ['reset', '--force'],
        ['resolve', '000_roles_and_identity', '--applied'],
      ]) {
        const { code, output } = await outcome('src/database/migrate-cli.ts', env, ...command);
        expect(output).toBe(
          'Migrations need a session of their own, which a pooler in transaction mode does not give. Set DATABASE_DIRECT_URL to Postgres itself, or to the pooler in session mode.\n',
        );
        expect(code).toBe(2);
      }
      expect(await empty.query(`select from pg_tables where schemaname = 'public'`)).toEqual([]);
      await empty.close();
    },
    LONG_MS,
  );

  it(
    'seeds, shows the status and verifies in transaction mode',
    async () => {
      const env = {
        DATABASE_URL: byTransaction.url(database.url),
        DATABASE_POOL_MODE: 'transaction',
      };
      const seed = ['prisma/seed/cli.ts', '--scale=1', /Loaded [\d,]+ rows/] as const;
      for (const [script, command, expected] of [seed, ...COMMANDS.slice(2)]) {
        const { code, output } = await outcome(script, env, command);
        expect(output).toMatch(expected);
        expect(code).toBe(0);
      }
    },
    LONG_MS,
  );
});
