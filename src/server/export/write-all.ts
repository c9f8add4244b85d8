import type { ServerResponse } from 'node:http';
import { GatewayError } from '../../context/errors.ts';
import type { Stop } from '../../context/stop.ts';

/** What a client has to take within the deadline, in bytes. */
const SLICE = 65_536;

/**
 * Writes chunks as fast as the client takes them, and asks for the next one then. Rejects when `stop`
 * comes first, and with TOO_SLOW when the client takes less than 64 KB in `stallMs` milliseconds.
 */
export async function writeAll(
  chunks: AsyncIterable<Buffer | string>,
  response: ServerResponse,
  stop: Stop,
  stallMs: number,
): Promise<void> {
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let at = 0; at < bytes.length; at += SLICE) {
      stop.throwIfStopped();
      if (!response.write(bytes.subarray(at, at + SLICE))) await drained(response, stop, stallMs);
    }
  }
}

function drained(response: ServerResponse, stop: Stop, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => () => {
      clearTimeout(timer);
      unlisten();
      response.off('drain', onDrain);
      done();
    };
    const onDrain = settle(resolve);
    const tooSlow = new GatewayError('TOO_SLOW', 'The client does not read what it asked for.');
    const timer = setTimeout(
      settle(() => reject(tooSlow)),
      stallMs,
    );
    const unlisten = stop.listen((reason) => settle(() => reject(reason))());
    response.once('drain', onDrain);
  });
}
