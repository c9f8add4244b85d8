import type { ExecutionResult } from 'graphql';
import { Sender } from 'ws';
import { GatewayError } from '../../context/errors.ts';
import { Work } from '../../context/work.ts';
import {
  type Encoding,
  MAX_UNSENT_BYTES,
  type Payload,
  type ResultStream,
  type Sink,
  type StreamEnd,
} from '../../subscriptions/result-stream.ts';
import type { OpenStream, WebSocketConnection } from './websocket-connection.ts';

const FIRST_FRAGMENT = { opcode: 0x1, fin: false };
const LAST_FRAGMENT = { opcode: 0x0, fin: true };

/**
 * A `next` message is sent in two fragments: the part that differs between clients, framed once for each
 * subscription, and the part that is the same for all, framed once for each result.
 */
const SHARED_FRAGMENT: Encoding = {
  name: 'websocket',
  encode: ({ json }) => frame(`${json}}`, LAST_FRAGMENT),
};

function ownFragment(id: string): Buffer {
  return frame(`{"id":${JSON.stringify(id)},"type":"next","payload":`, FIRST_FRAGMENT);
}

/** A WebSocket frame as servers send it, unmasked. */
function frame(text: string, fragment: typeof FIRST_FRAGMENT): Buffer {
  const parts = Sender.frame(Buffer.from(text), { ...fragment, rsv1: false, mask: false });
  // Not of Node's pool, all of which is kept as long as any of it.
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  Buffer.concat(parts).copy(bytes);
  return bytes;
}

/** Takes the results of one result stream for one subscription of a connection. */
class WebSocketSink implements Sink {
  readonly #connection: WebSocketConnection;
  readonly #ownFragment: Buffer;
  readonly #onEnd: (reason: StreamEnd) => void;

  constructor(connection: WebSocketConnection, id: string, onEnd: (reason: StreamEnd) => void) {
    this.#connection = connection;
    this.#ownFragment = ownFragment(id);
    this.#onEnd = onEnd;
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes;
  }

  next(payload: Payload): boolean {
    const shared = payload.as(SHARED_FRAGMENT);
    const { unsentBytes } = this.#connection;
    // A result that is larger than the bound is sent by itself.
    if (unsentBytes > 0 && unsentBytes + shared.length > MAX_UNSENT_BYTES) return false;
    this.#connection.sendShared(this.#ownFragment, shared);
    return true;
  }

  end(reason: StreamEnd): void {
    this.#onEnd(reason);
  }
}

/**
 * The operation that graphql-ws ends when a client completes it. The client then gets nothing more
 * for this id, not even a `complete`, since it may use the id for another operation already.
 */
export class SocketOperation implements AsyncIterableIterator<ExecutionResult> {
  isOver = false;

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    return never();
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.isOver = true;
    return { done: true, value: undefined };
  }
}

/** An operation that has not been answered yet. */
export class PendingOperation extends SocketOperation {
  readonly work = new Work();

  override return(): Promise<IteratorResult<ExecutionResult>> {
    this.work.leave();
    return super.return();
  }
}

/** A promise that never settles. It keeps nothing alive except its own waiters. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/**
 * A result stream as graphql-ws holds it. It yields nothing, and throws the error that ends it for
 * good.
 */
export class StreamedOperation extends SocketOperation implements OpenStream {
  readonly #connection: WebSocketConnection;
  readonly #id: string;
  /** Null once attached, because it holds the whole request. */
  #stream: ResultStream | null;
  #detach: (() => void) | null = null;

  constructor(connection: WebSocketConnection, id: string, stream: ResultStream) {
    super();
    this.#connection = connection;
    this.#id = id;
    this.#stream = stream;
  }

  override next(): Promise<never> {
    if (this.isOver) return never();
    return new Promise((_, reject) => this.#attach(reject));
  }

  override return(): Promise<IteratorResult<ExecutionResult>> {
    this.end();
    return super.return();
  }

  end(): void {
    this.isOver = true;
    this.#connection.delete(this);
    this.#detach?.();
    this.#detach = null;
  }

  #attach(reject: (error: unknown) => void): void {
    const stream = this.#stream;
    this.#stream = null;
    const sink = new WebSocketSink(this.#connection, this.#id, (reason) => {
      this.end();
      if (reason.outcome === 'stop') reject(refusal(reason));
      else this.#connection.resume(reason);
    });
    try {
      this.#detach = stream?.attach(sink) ?? null;
    } catch (error) {
      this.end();
      reject(error);
    }
  }
}

function refusal({ code, message, argument }: StreamEnd): GatewayError {
  return new GatewayError(code, message, argument ? { argument } : {});
}

/** Any other stream of results, which graphql-ws asks for one after the other. */
export class PulledOperation extends SocketOperation implements OpenStream {
  readonly #connection: WebSocketConnection;
  readonly #results: AsyncIterator<ExecutionResult>;

  constructor(connection: WebSocketConnection, results: AsyncIterable<ExecutionResult>) {
    super();
    this.#connection = connection;
    this.#results = results[Symbol.asyncIterator]();
  }

  override async next(): Promise<IteratorResult<ExecutionResult>> {
    if (!this.#connection.isOpen) this.end();
    if (this.isOver) return never();
    try {
      const result = await this.#results.next();
      if (result.done) this.#connection.delete(this);
      return this.isOver ? never() : result;
    } catch (error) {
      this.#connection.delete(this);
      if (this.isOver) return never();
      throw error;
    }
  }

  override return(): Promise<IteratorResult<ExecutionResult>> {
    this.end();
    return super.return();
  }

  end(): void {
    this.isOver = true;
    this.#connection.delete(this);
    // There is nobody to report a failure to.
    this.#results.return?.().catch(() => {});
  }
}
