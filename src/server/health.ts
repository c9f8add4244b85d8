import type { Plugin } from 'graphql-yoga';
import type { Logger } from './logger.ts';
import { jsonResponse } from './responses.ts';

/** Resolves when the server can do its work. Rejects with a NotReadyError that says why not. */
export type ReadinessCheck = () => Promise<void>;

/** Why the server cannot work now, in words that anybody may read. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError';
  readonly check: string;

  constructor(check: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.check = check;
  }
}

/** How long an answer is reused, in milliseconds, so that probes do not load the database. */
const CACHE_MS = 1_000;

/** Serves `/health/live` and `/health/ready`, without a token. */
export function useHealth(checkReadiness: ReadinessCheck, logger: Logger): Plugin {
  let answer: { at: number; failure: Promise<NotReadyError | null> } | undefined;
  let logged: string | undefined;

  const check = async (): Promise<NotReadyError | null> => {
    try {
      await checkReadiness();
      logged = undefined;
      return null;
    } catch (error) {
      const failure =
        error instanceof NotReadyError
          ? error
          : new NotReadyError('server', 'The check itself failed.', { cause: error });
      // Probes come every few seconds. A failure is logged once.
      if (failure.message !== logged) logger.warn({ err: failure }, 'Not ready');
      logged = failure.message;
      return failure;
    }
  };
  const readiness = () => {
    if (!answer || Date.now() - answer.at > CACHE_MS) answer = { at: Date.now(), failure: check() };
    return answer.failure;
  };

  return {
    async onRequest({ url, endResponse }) {
      if (url.pathname === '/health/live') {
        endResponse(jsonResponse(200, { status: 'live' }));
      } else if (url.pathname === '/health/ready') {
        const failure = await readiness();
        endResponse(
          failure
            ? jsonResponse(503, {
                status: 'unavailable',
                check: failure.check,
                message: failure.message,
              })
            : jsonResponse(200, { status: 'ready' }),
        );
      }
    },
  };
}
