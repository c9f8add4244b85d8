import { Stop } from '../context/stop.ts';
import type { Payload, Sink, StreamEnd } from './result-stream.ts';

/** The reason why reads for subscribers are no longer needed. */
export const NO_SUBSCRIBERS = new Error('Nobody is subscribed any more');

export const TOO_SLOW: StreamEnd = {
  code: 'TOO_SLOW',
  message:
    'Results arrive faster than you read them. Connect again and resume from your last cursor.',
  outcome: 'resume',
  closeCode: 1013,
};

export const RESTARTED: StreamEnd = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'Changes cannot be read right now. Connect again and resume from your last cursor.',
  outcome: 'resume',
  closeCode: 1012,
};

/** A client that takes results until either side ends the stream. */
export class Subscriber {
  readonly #left = new Stop();
  readonly #sink: Sink;
  readonly #onEnd: (reason: StreamEnd | null) => void;

  constructor(sink: Sink, onEnd: (reason: StreamEnd | null) => void) {
    this.#sink = sink;
    this.#onEnd = onEnd;
  }

  /** Stops when nothing more is delivered to the client. */
  get left(): Stop {
    return this.#left;
  }

  get gone(): boolean {
    return this.#left.reason !== undefined;
  }

  get unsentBytes(): number {
    return this.#sink.unsentBytes;
  }

  deliver(payload: Payload): void {
    if (!this.gone && !this.#sink.next(payload)) this.end(TOO_SLOW);
  }

  /** Ends the stream, for a reason that is sent to the client, or because the client has gone. */
  end(reason: StreamEnd | null): void {
    if (this.gone) return;
    this.#left.stop(NO_SUBSCRIBERS);
    if (reason) this.#sink.end(reason);
    this.#onEnd(reason);
  }
}
