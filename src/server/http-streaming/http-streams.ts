import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { settledOrClosed } from '../send-answer.ts';
import { type Frame, HttpStream } from './http-stream.ts';

/** How often a client hears of the server if there is nothing to tell, in seconds. */
const KEEP_ALIVE_SECONDS = 12;
const SECOND_MS = 1_000;

/** What a response that is a stream consists of. */
export interface StreamOptions {
  contentType: string;
  opening: Frame;
  /** What tells a client that the server is there. */
  keepAlive: Frame;
  /** When the token of the client stops being valid. */
  expiresAt: Date;
  /** Called once the head of the response is sent. Returns what to call when the client has gone. */
  begin(stream: HttpStream): () => void;
}

interface OpenStream {
  stream: HttpStream;
  keepAlive: Frame;
  expiresAt: number;
  /** The second, of those between two signs of life, in which it is given one. */
  slot: number;
}

/** All responses of the server that last, on one timer. */
export class HttpStreams {
  readonly #open = new Set<OpenStream>();
  readonly #announced = new WeakMap<Response, StreamOptions>();
  readonly #onSecond = new Set<() => void>();
  readonly #timer = setInterval(() => this.#tick(), SECOND_MS).unref();
  #seconds = 0;
  #closed = false;

  /** Calls `sweep` every second. */
  everySecond(sweep: () => void): void {
    this.#onSecond.add(sweep);
  }

  /** Returns the response that becomes a stream once `begin` has sent its head. */
  respond(options: StreamOptions): Response {
    const response = new Response(null, {
      headers: {
        'content-type': options.contentType,
        // Proxies would collect events in order to compress them, or to fill a buffer.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      },
    });
    this.#announced.set(response, options);
    return response;
  }

  /** Returns what a response of `respond` is to become; undefined for any other response. */
  of(response: Response): StreamOptions | undefined {
    return this.#announced.get(response);
  }

  /** Sends the head of the response and begins its stream, unless the client has gone before that. */
  async begin(
    { status, headers }: Response,
    options: StreamOptions,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    // Requests may follow one another without waiting: this one's turn to be answered comes, or its
    // connection is gone before and nothing was begun.
    if (!response.socket) await settledOrClosed(request.socket, once(response, 'socket'));
    if (this.#closed || request.socket.destroyed) {
      response.destroy();
    } else if (!response.destroyed) {
      response.setHeaders(headers);
      response.writeHead(status);
      // What has read the body, and more than half of the memory, would stay as long as the stream.
      request.removeAllListeners();
      this.#begin(response, options);
    }
  }

  /** Cuts all streams, whose clients come again, and takes no more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const { stream } of this.#open) stream.cut();
  }

  #begin(response: ServerResponse, { opening, keepAlive, expiresAt, begin }: StreamOptions): void {
    const stream = new HttpStream(response, opening);
    // Signs of life are spread over time: those of thousands at once would delay an event.
    const slot = this.#open.size % KEEP_ALIVE_SECONDS;
    const entry = { stream, keepAlive, expiresAt: expiresAt.getTime(), slot };
    this.#open.add(entry);
    const end = begin(stream);
    response.once('close', () => {
      this.#open.delete(entry);
      end();
    });
  }

  #tick(): void {
    this.#seconds = (this.#seconds + 1) % KEEP_ALIVE_SECONDS;
    const now = Date.now();
    for (const { stream, keepAlive, expiresAt, slot } of this.#open) {
      if (expiresAt <= now) stream.cut();
      else if (slot === this.#seconds && stream.unsentBytes === 0) stream.send(keepAlive);
    }
    for (const sweep of this.#onSecond) sweep();
  }
}
