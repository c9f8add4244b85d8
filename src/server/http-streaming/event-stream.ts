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

/** What follows the id of the operation. */
const RESULT = frameEncoding('sse, of several', ({ json }) => `${json}}\n\n`);

/** What may wait until the client opens the stream. */
const MAX_EARLY = 1_000;

/** Sends something. Returns false when too much is unsent already. */
type Send = (stream: HttpStream) => boolean;

/** The one response through which a client is told the results of several operations. */
export class EventStream {
  readonly token = randomBytes(24).toString('base64url');
  readonly #operations = new Map<string, StreamOperation>();
  #stream: HttpStream | null = null;
  /** What there was to tell before the client opened the stream. */
  #early: Send[] | null = [];
  #earlyBytes = 0;
  readonly #onClose: () => void;

  /** `onClose` is called once the stream can be used no more. */
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

  /** Begins to tell. Returns what to call when the client has gone. */
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

  /** Ends an operation, and tells the client. Does nothing if there is none of this id. */
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

  /** Ends all operations; the client has to come again for them. */
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
  /** Whether it runs: what goes wrong before concerns the request alone. */
  begun = false;
  /** Ends with the operation, not with the request that began it: the answer is told elsewhere. */
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

  /** The stream that it goes to has its place already. */
  admit(): void {}

  answer(live: ResultStream): Response {
    // The client may have ended it while it began.
    if (!this.#ended) this.#detach = live.attach(this);
    return accepted();
  }

  /** Tells the only result of an operation, as JSON. */
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
