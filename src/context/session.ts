import { AsyncLocalStorage } from 'node:async_hooks';
import { Work } from './work.ts';

/**
 * The sender and the workspace that statements run for. The policies of the database read nothing
 * else.
 */
export interface SessionSettings {
  role: 'authenticated';
  /** The verified claims of the token: `sub` is the person; an agent has `agent` and `scopes`. */
  claims: { sub?: string; role: string; [claim: string]: unknown };
  /** The current workspace; without one, tenant tables show nothing. */
  workspaceId?: string;
}

/** The settings of the running request, frozen, with the values sent along with each statement. */
export interface Session extends Readonly<SessionSettings> {
  readonly parameters: readonly [role: string, claims: string, workspaceId: string];
  /** The request that the statements belong to. */
  readonly work: Work;
}

/** Thrown for a statement outside `runInSession`; it never reached the database. */
export class SessionRequiredError extends Error {
  override readonly name = 'SessionRequiredError';

  constructor() {
    super('A database statement was issued outside runInSession');
  }
}

const storage = new AsyncLocalStorage<Session>();

/**
 * Runs `fn` so that every statement it issues runs with these settings, and returns its result.
 * Settings are copied: changing them afterwards has no effect. The statements are part of `work`,
 * or a request of their own.
 */
export function runInSession<T>(
  settings: SessionSettings,
  fn: () => T | PromiseLike<T>,
  work = new Work(),
): Promise<T> {
  // Prisma's promises start when awaited: awaiting here keeps a returned one inside the session.
  return storage.run(createSession(settings, work), async () => await fn());
}

/** Returns a session for statements that are given it, rather than issued in `runInSession`. */
export function createSession(settings: SessionSettings, work: Work): Session {
  const parameters = [
    settings.role,
    JSON.stringify(settings.claims),
    settings.workspaceId ?? '',
  ] as const;
  return Object.freeze({ ...settings, parameters, work });
}

/** Returns the running session. Throws `SessionRequiredError` outside of one. */
export function currentSession(): Session {
  const session = storage.getStore();
  if (!session) throw new SessionRequiredError();
  return session;
}
