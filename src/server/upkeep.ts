import type { Database } from '../context/database/client.ts';
import { runInSession, type SessionSettings } from '../context/session.ts';
import { forgetOldKeys } from '../resolvers/writes/idempotency.ts';
import type { Logger } from './logger.ts';

/** The session of the gateway's own statements: they see no rows of anybody. */
export const NOBODY: SessionSettings = {
  role: 'authenticated',
  claims: { role: 'authenticated' },
};

const HOUR_MS = 60 * 60 * 1000;

/** Deletes what the gateway keeps for a time only, now and then until it is stopped. */
export function startUpkeep(
  database: Database,
  logger: Logger,
  intervalMs = HOUR_MS,
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = runInSession(NOBODY, () => forgetOldKeys(database)).catch((error: unknown) =>
      logger.warn({ err: error }, 'Old idempotency keys could not be deleted'),
    );
  }, intervalMs).unref();
  return {
    stop() {
      clearInterval(timer);
      return running;
    },
  };
}
