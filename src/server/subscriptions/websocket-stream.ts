import type { ExecutionResult } from 'graphql';
import { GatewayError } from '../../context/errors.ts';
import {
  type Encoding,
  type LiveStream,
  MAX_UNSENT_BYTES,
  type Payload,
  type Sink,
  type StreamEnd,
} from './stream.ts';
import type { OpenStream, WebSocketConnection } from './websocket-connection.ts';

const TEXT = 0x01;
const CONTINUATION = 0x80;

/**
 * A `next` message is sent in two fragments: what differs between clients, framed once for each
 * subscription, and what is the same for all, framed once for each result.
 */
const SHARED_FRAGMENT: Encoding = {
  name: 'websocket',
  encode: ({ json }) => frame(CONTINUATION, `${json}}`),
};

function ownFragment(id: string): Buffer {
  return frame(TEXT, `{"id":${JSON.stringify(id)},"type":"next","payload":`);
}

/** A WebSocket frame as servers send it, unmasked. */
function frame(firstByte: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = Buffer.allocUnsafe(2 + extended + length);
  bytes[0] = firstByte;
  bytes[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  bytes.write(text, 2 + extended);
  return bytes;
}

/** Takes the results of one live stream for one subscription of a connection. */
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

type End = IteratorReturnResult<undefined>;

/**
 * A live stream as graphql-ws holds it: it yields nothing, and is done when the stream is. Rejects
 * with what the client is to be told then.
 */
export class LiveSubscription implements AsyncIterableIterator<never>, OpenStream {
  readonly #connection: WebSocketConnection;
  readonly #id: string;
  #stream: LiveStream | null;
  #detach: (() => void) | null = null;
  #settle: ((refusal?: GatewayError) => void) | null = null;

  constructor(connection: WebSocketConnection, id: string, stream: LiveStream) {
    this.#connection = connection;
    this.#id = id;
    this.#stream = stream;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<End> {
    const stream = this.#stream;
    if (!stream) return Promise.resolve(DONE);
    this.#stream = null;
    return new Promise((resolve, reject) => {
      this.#settle = (refusal) => (refusal ? reject(refusal) : resolve(DONE));
      const sink = new WebSocketSink(this.#connection, this.#id, (reason) => this.#ended(reason));
      this.#detach = stream.attach(sink);
    });
  }

  /** What graphql-ws calls when the client wants no more. */
  async return(): Promise<End> {
    this.end();
    return DONE;
  }

  end(): void {
    this.#finish();
  }

  #ended({ code, message, argument, outcome, closeCode = 1012 }: StreamEnd): void {
    if (outcome === 'stop') {
      this.#finish(new GatewayError(code, message, argument ? { argument } : {}));
      return;
    }
    this.#finish();
    if (closeCode === 1013) this.#connection.close(closeCode, message);
    else this.#connection.closeWhenIdle(closeCode, message);
  }

  #finish(refusal?: GatewayError): void {
    const [settle, detach] = [this.#settle, this.#detach];
    this.#stream = null;
    this.#settle = null;
    this.#detach = null;
    this.#connection.delete(this);
    detach?.();
    settle?.(refusal);
  }
}

const DONE: End = { done: true, value: undefined };

/** Any other stream of results, which graphql-ws asks for one after the other. */
export class PulledSubscription implements AsyncIterableIterator<ExecutionResult>, OpenStream {
  readonly #connection: WebSocketConnection;
  readonly #iterator: AsyncIterator<ExecutionResult>;

  constructor(connection: WebSocketConnection, results: AsyncIterable<ExecutionResult>) {
    this.#connection = connection;
    this.#iterator = results[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    try {
      const result = await this.#iterator.next();
      if (result.done) this.#connection.delete(this);
      return result;
    } catch (error) {
      this.#connection.delete(this);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#connection.delete(this);
    await this.#iterator.return?.();
    return DONE;
  }

  end(): void {
    void this.return();
  }
}
