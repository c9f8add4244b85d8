import pg from 'pg';
import { NoSessionError } from './migrator-errors.ts';

const TIMEOUT_MS = 2_000;
/** A busy pooler may give each of two clients a connection that the other one did not have. */
const ATTEMPTS = 5;

/** Throws NoSessionError where `isPooledByTransaction` is sure that there is no session to be had. */
export async function requireSession(connectionString: string): Promise<void> {
  if (await isPooledByTransaction(connectionString)) throw new NoSessionError();
}

/**
 * Whether a pooler gives its connections to the database away for a transaction at a time. True is
 * certain: one connection served two clients, or two connections served one client. False may be
 * wrong where the pooler is busy, and is the answer where the database cannot be reached.
 */
export async function isPooledByTransaction(connectionString: string): Promise<boolean> {
  const [first, second] = [createClient(connectionString), createClient(connectionString)];
  try {
    await first.connect();
    const before = await backendOf(first);
    // Without a pooler the server has said so itself.
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

/** The process of Postgres that runs a statement. */
interface Backend {
  pid: number;
  /** When its server started, in case that there are several. */
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
  // The statement that follows fails.
  client.on('error', () => {});
  return client;
}
