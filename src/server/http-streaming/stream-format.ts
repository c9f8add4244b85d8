import type { Payload, Sink, StreamEnd } from '../../subscriptions/result-stream.ts';
import type { Frame, FrameEncoding, HttpStream } from './http-stream.ts';

/** How the results of one operation are written into a response of their own. */
export interface StreamFormat {
  contentType: string;
  /** The first bytes of a response, so that browsers see it before there is a result. */
  opening: Frame;
  keepAlive: Frame;
  next: FrameEncoding;
  /** The end of a response after which clients do not reconnect; `errors` is a result as JSON. */
  refusal(errors: string): Frame;
}

/** Writes the results of one operation into a response of its own. */
export class ResponseSink implements Sink {
  readonly #stream: HttpStream;
  readonly #format: StreamFormat;

  constructor(stream: HttpStream, format: StreamFormat) {
    this.#stream = stream;
    this.#format = format;
  }

  get unsentBytes(): number {
    return this.#stream.unsentBytes;
  }

  next(payload: Payload): boolean {
    return this.#stream.next(payload, this.#format.next);
  }

  end(reason: StreamEnd): void {
    if (reason.outcome === 'resume') this.#stream.cut();
    else this.#stream.finish(this.#format.refusal(errorsOf(reason)));
  }
}

/** Returns a result, as JSON, with the reason why a stream ends. */
export function errorsOf({ message, code, argument }: StreamEnd): string {
  return JSON.stringify({ errors: [{ message, extensions: { code, argument } }] });
}
