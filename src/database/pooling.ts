import pg from 'pg';
import { NoSessionError } from './migrator-errors.ts';

const TIMEOUT_MS = 2_000;
/** A busy pooler may give each of two clients a connection that the other one did not have. */
const ATTEMPTS = 5;

/** Throws NoSessionError if `isPooledByTransaction` is sure that there is no session. */
export async function requireSession(connectionString: string): Promise<void> {
  if (await isPooledByTransaction(connectionString)) throw new NoSessionError();
}

/**
 * Whether a pooler in transaction mode is in between. True is certain: one connection served two
 * clients, or two connections served one client. False may be wrong if the pooler is busy or the
 * database is out of reach.
 */
export async function isPooledByTransaction(connectionString: string): Promise<boolean> {
  const [first, second] = [createClient(connectionString), createClient(connectionString)];
  try {
    await first.connect();
    const before = await backendOf(first);
    // Without a pooler the server has sent its own process id.
    if ((first as { processID?: number }).processID === before.pid) return false;
    await second.connect();
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const other = await backendOf(second);
      const after = await backendOf(first);
      if (isSame(other, before) || !isSame(after, before)) return true;
    }
    return false;
  } catch {
    return false;
  } finally {
    for (const client of [first, second]) void client.end().catch(() => {});
  }
}

/** The Postgres process that runs a statement. */
interface Backend {
  pid: number;
  /** When its server started, in case there are several servers. */
  server: string;
}

async function backendOf(client: pg.Client): Promise<Backend> {
  const { rows } = await client.query<Backend>(
    'SELECT pg_backend_pid() AS pid, pg_postmaster_start_time()::text AS server',
  );
  const [backend] = rows;
  if (!backend) throw new TypeError('There is no backend');
  return backend;
}

function isSame(a: Backend, b: Backend): boolean {
  return a.pid === b.pid && a.server === b.server;
}

function createClient(connectionString: string): pg.Client {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  // The next statement fails.
  client.on('error', () => {});
  return client;
}
