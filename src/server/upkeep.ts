import type { Database } from '../context/database/client.ts';
import { runInSession, type SessionSettings } from '../context/session.ts';
import type { PostgresFeed } from '../realtime/postgres-feed.ts';
import { forgetOldEntries } from '../resolvers/history.ts';
import { expireInvitations } from '../resolvers/invitations.ts';
import { forgetOldKeys } from '../resolvers/writes/idempotent-writes.ts';
import type { Logger } from './logger.ts';

/** The session of the gateway's own statements, which see no tenant's rows. */
export const NOBODY: SessionSettings = {
  role: 'authenticated',
  claims: { role: 'authenticated' },
};

/** Data that the gateway keeps for a limited time. */
export interface ExpiringData {
  name: string;
  deleteOld(): Promise<unknown>;
}

export function idempotencyKeys(database: Database): ExpiringData {
  return {
    name: 'idempotency keys',
    deleteOld: () => runInSession(NOBODY, () => forgetOldKeys(database)),
  };
}

/** Entries of the audit log that have been kept long enough. */
export function auditEntries(database: Database): ExpiringData {
  return {
    name: 'audit entries',
    deleteOld: () => runInSession(NOBODY, () => forgetOldEntries(database)),
  };
}

/** Invitations that were not answered in time, and old settled ones. */
export function invitations(database: Database): ExpiringData {
  return {
    name: 'invitations',
    deleteOld: () => runInSession(NOBODY, () => expireInvitations(database)),
  };
}

/** The change log, of which `retentionMs` are kept. */
export function changes(feed: PostgresFeed, retentionMs: number): ExpiringData {
  return { name: 'changes', deleteOld: () => feed.trim(retentionMs) };
}

const HOUR_MS = 60 * 60 * 1000;

/** Deletes expired data, at intervals until it is stopped. */
export function startUpkeep(
  expiring: readonly ExpiringData[],
  logger: Logger,
  intervalMs = HOUR_MS,
): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = Promise.all(
      expiring.map(({ name, deleteOld }) =>
        deleteOld().catch((error: unknown) =>
          logger.warn({ err: error }, `Old ${name} could not be deleted`),
        ),
      ),
    );
  }, intervalMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
