import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate, migrationStatus } from '../database/migrator.ts';
import { withConnection } from '../database/migrator-connection.ts';
import { findOtherMigrations, type MigrationStatus } from '../database/migrator-history.ts';
import { isPooledByTransaction } from '../database/pooling.ts';
import type { Env } from '../env.ts';
import { NotReadyError } from './health.ts';
import { createReadiness, type Readiness } from './readiness.ts';

/** A database that the gateway can serve. */
export interface ServedDatabase {
  /** What requests connect with. */
  connectionString: string;
  readiness: Readiness;
  /** Set for the embedded one. */
  postgres?: EmbeddedPostgres;
}

type Pooling = Pick<Env, 'DATABASE_POOL_MODE' | 'DATABASE_DIRECT_URL'>;

/**
 * Checks that a database is there and up to date, and that the settings fit the poolers on the way.
 * Throws DatabaseUnreachableError, or OtherMigrationsError or NotReadyError with what to do.
 */
export async function openDatabase(
  connectionString: string,
  pooling: Pooling = { DATABASE_POOL_MODE: 'session' },
): Promise<ServedDatabase> {
  const readiness = createReadiness(connectionString, await migrationNames(connectionString));
  try {
    await readiness.check();
    await checkPooling(connectionString, pooling);
    return { connectionString, readiness };
  } catch (error) {
    await readiness.close();
    if (!(error instanceof NotReadyError) || error.check !== 'migrations') throw error;
    const advice = 'npm run db:status shows how far it is, npm run db:migrate completes it.';
    throw new NotReadyError(error.check, `${error.message}\n${advice}`, { cause: error });
  }
}

async function checkPooling(
  connectionString: string,
  { DATABASE_POOL_MODE, DATABASE_DIRECT_URL }: Pooling,
): Promise<void> {
  if (DATABASE_POOL_MODE === 'session' && (await isPooledByTransaction(connectionString))) {
    throw new NotReadyError(
      'pool-mode',
      'DATABASE_URL leads to a pooler in transaction mode. Set DATABASE_POOL_MODE=transaction, or use the pooler in session mode.',
    );
  }
  if (DATABASE_DIRECT_URL === undefined) return;
  await withConnection(DATABASE_DIRECT_URL, async () => {});
  if (await isPooledByTransaction(DATABASE_DIRECT_URL)) {
    throw new NotReadyError(
      'pool-mode',
      'DATABASE_DIRECT_URL leads to a pooler in transaction mode. It must lead to Postgres itself, or to the pooler in session mode.',
    );
  }
}

/** Starts the embedded Postgres, completes its database and loads `scale` times the demo data once. */
export async function startEmbeddedDatabase(
  dataDir: string,
  onProgress: (step: string) => void,
  scale = 1,
): Promise<ServedDatabase & { postgres: EmbeddedPostgres }> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    const owner = postgres.url();
    const statuses = await migrationStatus(owner);
    requireOwn(statuses);
    if (statuses.some(({ state }) => state === 'pending' || state === 'failed')) {
      onProgress('Making the tables');
      await migrate(owner, { onWarning: onProgress });
    }
    const connectionString = await admitGateway(owner, async (client) => {
      if (await isEmpty(client)) {
        onProgress('Loading the demo data');
        const { seed } = await import('../../prisma/seed/index.ts');
        await seed(owner, { scale });
      }
    });
    // As the owner, since nobody else may read the record of migrations.
    const readiness = createReadiness(owner, namesOf(statuses));
    return { connectionString, readiness, postgres };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** The gateway's own login may become `authenticated` and nothing else; its password lasts a run. */
async function admitGateway(
  owner: string,
  prepare: (client: pg.Client) => Promise<void>,
): Promise<string> {
  const client = new pg.Client(owner);
  await client.connect();
  try {
    await prepare(client);
    const password = randomBytes(24).toString('base64url');
    await client.query(`ALTER ROLE codex_gateway LOGIN PASSWORD '${password}'`);
    const url = new URL(owner);
    url.username = 'codex_gateway';
    url.password = password;
    return url.href;
  } finally {
    await client.end();
  }
}

async function isEmpty(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query('SELECT NOT EXISTS (SELECT FROM public.workspaces) AS empty');
  return rows[0]?.empty === true;
}

async function migrationNames(url: string): Promise<string[]> {
  try {
    const statuses = await migrationStatus(url);
    requireOwn(statuses);
    return namesOf(statuses);
  } catch (error) {
    // The login may not read the record, so the tables are checked instead.
    if ((error as { code?: unknown }).code === '42501') return [];
    throw error;
  }
}

function requireOwn(statuses: readonly MigrationStatus[]): void {
  const other = findOtherMigrations(statuses);
  if (other) throw other;
}

/** The migrations that the database should have. A removed one is left in the record only. */
function namesOf(statuses: readonly MigrationStatus[]): string[] {
  return statuses.filter(({ state }) => state !== 'missing').map(({ name }) => name);
}
