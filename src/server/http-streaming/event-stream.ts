import { randomBytes } from 'node:crypto';
import { Work } from '../../context/work.ts';
import {
  MAX_UNSENT_BYTES,
  Payload,
  type ResultStream,
  type Sink,
  type StreamEnd,
} from '../../subscriptions/result-stream.ts';
import type { ResultTransport } from '../server-context.ts';
import { type Frame, frameEncoding, frameOf, type HttpStream } from './http-stream.ts';
import { errorsOf } from './stream-format.ts';

/** The rest of an event, after the id of the operation. */
const RESULT = frameEncoding('sse, of several', ({ json }) => `${json}}\n\n`);

/** Bytes that may wait until the client opens the stream. */
const MAX_EARLY = 1_000;

/** Sends something. Returns false when too much is unsent already. */
type Send = (stream: HttpStream) => boolean;

/** One response that carries the results of several operations to a client. */
export class EventStream {
  readonly token = randomBytes(24).toString('base64url');
  readonly #operations = new Map<string, StreamOperation>();
  #stream: HttpStream | null = null;
  /** Events from before the client opened the stream. */
  #early: Send[] | null = [];
  #earlyBytes = 0;
  readonly #onClose: () => void;

  /** `onClose` is called once the stream is no longer usable. */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  get isOpen(): boolean {
    return this.#stream !== null;
  }

  /** How many operations it has. */
  get size(): number {
    return this.#operations.size;
  }

  get unsentBytes(): number {
    return this.#stream?.unsentBytes ?? this.#earlyBytes;
  }

  has(operationId: string): boolean {
    return this.#operations.has(operationId);
  }

  /** Opens the stream. Returns a function to call when the client has gone. */
  open(stream: HttpStream): () => void {
    if (this.#stream || !this.#early) {
      stream.cut();
      return () => {};
    }
    this.#stream = stream;
    const isSent = this.#early.every((send) => send(stream));
    this.#early = null;
    if (!isSent) this.close();
    return () => this.close();
  }

  /** Adds an operation, whose id must be a new one. */
  add(operationId: string): StreamOperation {
    const operation = new StreamOperation(this, operationId);
    this.#operations.set(operationId, operation);
    return operation;
  }

  /**
   * Ends an operation and reports that to the client. Does nothing if there is no operation with
   * this id.
   */
  complete(operationId: string): void {
    if (!this.drop(operationId)) return;
    const frame = frameOf(`event: complete\ndata: ${JSON.stringify({ id: operationId })}\n\n`);
    if (this.#stream) this.#stream.send(frame);
    else this.#early?.push((stream) => stream.send(frame));
  }

  /** Ends an operation. Returns whether there was one. */
  drop(operationId: string): boolean {
    this.#operations.get(operationId)?.leave();
    return this.#operations.delete(operationId);
  }

  next(payload: Payload, beginning: Frame): boolean {
    if (this.#stream) return this.#stream.next(payload, RESULT, beginning);
    this.#earlyBytes += Buffer.byteLength(payload.json);
    if (!this.#early || this.#early.length > MAX_EARLY || this.#earlyBytes > MAX_UNSENT_BYTES) {
      return false;
    }
    this.#early.push((stream) => stream.next(payload, RESULT, beginning));
    return true;
  }

  /** Ends all operations. The client has to send them again. */
  close(): void {
    this.#early = null;
    this.#stream?.cut();
    for (const operation of this.#operations.values()) operation.leave();
    this.#operations.clear();
    this.#onClose();
  }
}

/** An operation whose results go to an event stream. */
export class StreamOperation implements Sink, ResultTransport {
  /** Whether it runs. Before that, errors belong to the request only. */
  begun = false;
  /**
   * Ends with the operation rather than the request that began it, because the answer goes to the
   * stream.
   */
  readonly work = new Work();
  readonly #events: EventStream;
  readonly #id: string;
  readonly #beginning: Frame;
  #ended = false;
  #detach: (() => void) | null = null;

  constructor(events: EventStream, id: string) {
    this.#events = events;
    this.#id = id;
    this.#beginning = frameOf(`event: next\ndata: {"id":${JSON.stringify(id)},"payload":`);
  }

  get unsentBytes(): number {
    return this.#events.unsentBytes;
  }

  /** Its event stream is counted already. */
  assertRoom(): void {}

  answer(results: ResultStream): Response {
    // The client may have ended it while it began.
    if (!this.#ended) this.#detach = results.attach(this);
    return accepted();
  }

  /** Sends the only result of an operation, as JSON. */
  answerOnce(json: string): Response {
    if (!this.#ended) {
      if (this.next(new Payload(json))) this.#events.complete(this.#id);
      else this.#events.close();
    }
    return accepted();
  }

  next(payload: Payload): boolean {
    return this.#events.next(payload, this.#beginning);
  }

  end(reason: StreamEnd): void {
    this.#detach = null;
    if (reason.outcome === 'resume') this.#events.close();
    else this.answerOnce(errorsOf(reason));
  }

  /** Ends it before it began. */
  cancel(): void {
    this.#events.drop(this.#id);
  }

  /** Stops listening. */
  leave(): void {
    this.#ended = true;
    this.work.leave();
    this.#detach?.();
    this.#detach = null;
  }
}

function accepted(): Response {
  return new Response(null, { status: 202 });
}
