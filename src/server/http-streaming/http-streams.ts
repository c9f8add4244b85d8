import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { settledOrClosed } from '../send-answer.ts';
import { type Frame, HttpStream } from './http-stream.ts';

/** Seconds between heartbeats on a stream without results. */
const KEEP_ALIVE_SECONDS = 12;
const SECOND_MS = 1_000;

/** What a response that is a stream consists of. */
export interface StreamOptions {
  contentType: string;
  opening: Frame;
  /** The heartbeat. */
  keepAlive: Frame;
  /** When the token of the client stops being valid. */
  expiresAt: Date;
  /**
   * Called once the head of the response is sent. Returns a function to call when the client has
   * gone.
   */
  begin(stream: HttpStream): () => void;
}

interface OpenStream {
  stream: HttpStream;
  keepAlive: Frame;
  expiresAt: number;
  /** The second, within the interval of heartbeats, in which this stream gets its own. */
  slot: number;
}

/** All streaming responses of the server. They share one timer. */
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

  /** Returns the stream for a response made by `respond`; undefined for any other response. */
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
    // Requests on one connection may be pipelined. Either this one's turn to be answered comes, or
    // its connection closes first and nothing was begun.
    if (!response.socket) await settledOrClosed(request.socket, once(response, 'socket'));
    if (this.#closed || request.socket.destroyed) {
      response.destroy();
    } else if (!response.destroyed) {
      response.setHeaders(headers);
      response.writeHead(status);
      // Else the listeners that read the body stay as long as the stream. They are more than half
      // of its memory.
      request.removeAllListeners();
      this.#begin(response, options);
    }
  }

  /** Cuts all streams and accepts no more. Clients then connect again. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const { stream } of this.#open) stream.cut();
  }

  #begin(response: ServerResponse, { opening, keepAlive, expiresAt, begin }: StreamOptions): void {
    const stream = new HttpStream(response, opening);
    // Heartbeats are spread over time. Thousands at once would delay an event.
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
