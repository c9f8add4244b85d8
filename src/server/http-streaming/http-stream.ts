import type { ServerResponse } from 'node:http';
import {
  type Encoding,
  MAX_UNSENT_BYTES,
  type Payload,
} from '../../subscriptions/result-stream.ts';

/** A text as bytes and as a chunk of HTTP/1.1. Made once for all connections. */
export interface Frame {
  plain: Buffer;
  chunk: Buffer;
}

/** An encoding, and the same within a chunk of HTTP/1.1. */
export interface FrameEncoding {
  plain: Encoding;
  chunk: Encoding;
}

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** Returns the frame of a text. */
export function frameOf(text: string): Frame {
  const plain = Buffer.from(text);
  return { plain, chunk: chunkOf(plain) };
}

/** Returns the encoding of payloads as the text that `write` makes of them. */
export function frameEncoding(name: string, write: (payload: Payload) => string): FrameEncoding {
  const encode = (payload: Payload) => Buffer.from(write(payload));
  return {
    plain: { name, encode },
    chunk: { name: `${name}, chunked`, encode: (payload) => chunkOf(encode(payload)) },
  };
}

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]);
}

/**
 * A response that lasts as long as its client stays. It is written straight to the connection: the
 * web streams between Yoga and the socket would cost half as much again in memory and in time.
 */
export class HttpStream {
  readonly #response: ServerResponse;
  readonly #form: keyof Frame;

  /** Sends the head of the response, which the caller has written, with the first bytes. */
  constructor(response: ServerResponse, opening: Frame) {
    this.#response = response;
    // An error is followed by `close`, which is handled.
    response.on('error', () => {});
    response.write(opening.plain);
    // From here on chunks are framed already. Node would write each of them in three pieces.
    this.#form = response.chunkedEncoding ? 'chunk' : 'plain';
    response.chunkedEncoding = false;
  }

  /** Bytes that the client has not taken yet, without those in the system's buffers. */
  get unsentBytes(): number {
    return this.#response.writableLength;
  }

  /** Sends a result, behind what begins it. Returns false when too much is unsent already. */
  next(payload: Payload, encoding: FrameEncoding, beginning?: Frame): boolean {
    const bytes = payload.as(encoding[this.#form]);
    const unsent = this.unsentBytes;
    // A single result may exceed the limit: a client with nothing else to read is not slow.
    if (unsent > 0 && unsent + bytes.length > MAX_UNSENT_BYTES) return false;
    if (beginning) this.#write(beginning[this.#form]);
    this.#write(bytes);
    return true;
  }

  /** Sends a few bytes of the protocol, whatever is unsent. Returns true. */
  send(frame: Frame): true {
    this.#write(frame[this.#form]);
    return true;
  }

  /** Ends the response as complete. */
  finish(last?: Frame): void {
    if (last) this.send(last);
    this.#response.end(this.#form === 'chunk' ? LAST_CHUNK : NOTHING);
  }

  /** Cuts the response off and drops what is unsent. Clients then connect again. */
  cut(): void {
    this.#response.destroy();
  }

  #write(bytes: Buffer): void {
    const { destroyed, writableEnded } = this.#response;
    if (!destroyed && !writableEnded) this.#response.write(bytes);
  }
}
