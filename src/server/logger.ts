import { type Logger, pino } from 'pino';
import { currentRequestId } from './request-id.ts';

export type { Logger } from 'pino';

/** Returns the logger of the process: JSON lines on stderr, each with the id of its request. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      mixin: () => {
        const requestId = currentRequestId();
        return requestId ? { requestId } : {};
      },
    },
    pino.destination(2),
  );
}
