import { type ErrorCode, GatewayError } from '../context/errors.ts';

/** How a transport writes one result down. The name keys the bytes that all its clients share. */
export interface Encoding {
  name: string;
  encode(payload: Payload): Buffer;
}

/** The result of one execution, for all subscribers of a group; encoded once for each transport. */
export class Payload {
  /** The execution result as JSON. */
  readonly json: string;
  /** Where a client resumes after this result; undefined for results that are no changes. */
  readonly cursor: string | undefined;
  /** When its change was written. */
  readonly occurredAt: Date | undefined;
  #encoded: Map<string, Buffer> | undefined;

  constructor(json: string, cursor?: string, occurredAt?: Date) {
    this.json = json;
    this.cursor = cursor;
    this.occurredAt = occurredAt;
  }

  /** Returns the bytes in an encoding, the same ones for every caller. */
  as(encoding: Encoding): Buffer {
    this.#encoded ??= new Map();
    let bytes = this.#encoded.get(encoding.name);
    if (!bytes) {
      bytes = encoding.encode(this);
      this.#encoded.set(encoding.name, bytes);
    }
    return bytes;
  }
}

/** Why the server ends a stream. */
export interface StreamEnd {
  code: ErrorCode;
  message: string;
  argument?: string;
  /**
   * What the client does next: `resume` by connecting again with its last cursor (a transport closes
   * the connection for that), or `stop`, since the same request would be refused.
   */
  outcome: 'resume' | 'stop';
  /** The close code of a WebSocket that is closed for it. */
  closeCode?: 1001 | 1012 | 1013 | 4403;
}

/** A client's end of a stream. */
export interface Sink {
  /**
   * Takes a result; never waits. Returns false when more bytes than the bound are unsent: the stream
   * is ended then.
   */
  next(payload: Payload): boolean;
  /** Bytes not sent yet: a replay waits for its client, new changes do not. */
  readonly unsentBytes: number;
  /** The last call: no more results will come. */
  end(reason: StreamEnd): void;
}

/**
 * What subscribing results in: the transports hand it a sink. Not iterable, so that Yoga's plugins
 * leave it as it is.
 */
export interface ResultStream {
  /** Starts sending; called once. Returns what the transport calls when its client has gone. */
  attach(sink: Sink): () => void;
}

/**
 * Returns what `attach` returns. If it throws a GatewayError, the client gets that error as the
 * end of its stream, since the same request would fail again.
 */
export function attachOrRefuse(sink: Sink, attach: () => () => void): () => void {
  try {
    return attach();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    sink.end(refusedFor(error));
    return () => {};
  }
}

/** Returns the end of a stream whose client should not repeat the request. */
export function refusedFor({ code, message, argument }: GatewayError): StreamEnd {
  return { code, message, outcome: 'stop', ...(argument ? { argument } : {}) };
}

/** Whether the result of a subscription is a stream. */
export function isResultStream(result: unknown): result is ResultStream {
  return typeof (result as Partial<ResultStream> | null)?.attach === 'function';
}

/** How many bytes may be unsent to a client. */
export const MAX_UNSENT_BYTES = 1_048_576;
