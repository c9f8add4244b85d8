import pg from 'pg';
import { DatabaseUnreachableError } from './migrator-errors.ts';

const CONNECT_MS = 10_000;

/**
 * Calls `work` with a pool of one connection, which it closes afterwards. Advisory locks and the
 * like last for the whole session. Warnings of Postgres go to `onWarning`. Throws
 * DatabaseUnreachableError where it cannot connect.
 */
export async function withConnection<T>(
  url: string,
  work: (pool: pg.Pool) => Promise<T>,
  onWarning?: (warning: string) => void,
): Promise<T> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_MS,
  });
  // The next query reports a lost connection. Without a listener the event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('notice', (notice) => warn(notice, onWarning)));
  try {
    await connect(pool, url);
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** A notice that Postgres sends besides the results of statements. */
interface Notice {
  severity?: string | undefined;
  message?: string | undefined;
  hint?: string | undefined;
}

function warn({ severity, message = '', hint }: Notice, onWarning?: (warning: string) => void) {
  if (severity === 'WARNING') onWarning?.(hint ? `${message}\n  ${hint}` : message);
}

async function connect(pool: pg.Pool, url: string): Promise<void> {
  try {
    const client = await pool.connect();
    client.release();
  } catch (error) {
    throw new DatabaseUnreachableError(`Cannot use the database ${place(url)}: ${reason(error)}`);
  }
}

function place(url: string): string {
  try {
    const { host, port, database } = new pg.Client(url);
    return `${host}:${port}/${database}`;
  } catch {
    return 'that DATABASE_URL names';
  }
}

function reason(error: unknown): string {
  // A name with several addresses fails with an error for each address, and no message of its own.
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ');
  return error instanceof Error ? error.message : String(error);
}
