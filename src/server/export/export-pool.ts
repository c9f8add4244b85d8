import { SessionPool, type SessionPoolOptions } from '../../context/database/pool.ts';

/** Exports at a time in a process, each of which has a connection of its own. */
export const MOST_EXPORTS = 2;
/** How long an export may take, in milliseconds: until then old versions of rows cannot be removed. */
export const MOST_EXPORT_MS = 3_600_000;

/** Returns the connections for exports. */
export function createExportPool(
  options: Pick<SessionPoolOptions, 'connectionString' | 'onConnectionError' | 'onStatement'>,
): SessionPool {
  return new SessionPool({
    ...options,
    maxConnections: MOST_EXPORTS,
    statementTimeoutMs: MOST_EXPORT_MS,
    timeBudgetMs: MOST_EXPORT_MS,
    preparedStatements: 0,
  });
}
