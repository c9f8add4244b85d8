import type pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

const STATEMENT_MS = 30_000;
const CONNECT_MS = 5_000;
/** How long an answer may be late before the connection is given up. */
const ANSWER_GRACE_MS = 5_000;

/** Returns the settings of a connection for the log's statements. */
export function logConnection(connectionString: string): pg.ClientConfig {
  // Parameters of the connection string would replace these, not add to them.
  const given = parseIntoClientConfig(connectionString);
  return {
    ...given,
    options: [given.options, '-c timezone=UTC -c datestyle=ISO'].filter(Boolean).join(' '),
    application_name: 'codex-gateway-feed',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + ANSWER_GRACE_MS,
  };
}

/** Rejects when the signal is aborted before the work is done. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
