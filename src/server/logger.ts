import { type Logger, pino } from 'pino';
import { currentRequestId } from '../context/request-id.ts';

export type { Logger } from 'pino';

/** Returns the logger of the process: JSON lines on stderr, each with the id of its request. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      serializers: { err: describeError },
      mixin: () => {
        const requestId = currentRequestId();
        return requestId ? { requestId } : {};
      },
    },
    pino.destination(2),
  );
}

/** Errors of drivers carry whole connections, and rows in their details: those stay out. */
function describeError(error: Error) {
  const { type, message, stack, code, constraint } = pino.stdSerializers.err(error);
  return { type, message, stack, code, constraint };
}
