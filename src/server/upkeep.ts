import type { Database } from '../context/database/client.ts';
import { runInSession, type SessionSettings } from '../context/session.ts';
import type { PostgresFeed } from '../realtime/postgres-feed.ts';
import { forgetOldEntries } from '../resolvers/history.ts';
import { expireInvitations } from '../resolvers/invitations.ts';
import { forgetOldKeys } from '../resolvers/writes/idempotent-writes.ts';
import type { Logger } from './logger.ts';

/** The session of the gateway's own statements: they see no rows of anybody. */
export const NOBODY: SessionSettings = {
  role: 'authenticated',
  claims: { role: 'authenticated' },
};

/** Something that the gateway keeps for a time only. */
export interface Perishable {
  name: string;
  deleteOld(): Promise<unknown>;
}

export function idempotencyKeys(database: Database): Perishable {
  return {
    name: 'idempotency keys',
    deleteOld: () => runInSession(NOBODY, () => forgetOldKeys(database)),
  };
}

/** Entries of the audit log that are past the time for which they are kept. */
export function auditEntries(database: Database): Perishable {
  return {
    name: 'audit entries',
    deleteOld: () => runInSession(NOBODY, () => forgetOldEntries(database)),
  };
}

/** Invitations that nobody answered in time, and settled ones that are past their time. */
export function invitations(database: Database): Perishable {
  return {
    name: 'invitations',
    deleteOld: () => runInSession(NOBODY, () => expireInvitations(database)),
  };
}

/** The change log, of which `retentionMs` are kept. */
export function changes(feed: PostgresFeed, retentionMs: number): Perishable {
  return { name: 'changes', deleteOld: () => feed.trim(retentionMs) };
}

const HOUR_MS = 60 * 60 * 1000;

/** Deletes what is past its time, now and then until it is stopped. */
export function startUpkeep(
  perishables: readonly Perishable[],
  logger: Logger,
  intervalMs = HOUR_MS,
): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = Promise.all(
      perishables.map(({ name, deleteOld }) =>
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
