import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { type RawData, WebSocket } from 'ws';
import { parseClientJson, restoreNumbers } from '../../context/exact-json.ts';
import type { Release } from '../../context/quotas.ts';
import { currentRequestId, runAsRequest } from '../../context/request-id.ts';
import type { RequestInFlight } from '../../context/request-in-flight.ts';
import { MAX_UNSENT_BYTES, type StreamEnd } from '../../subscriptions/result-stream.ts';
import type { Credentials } from '../server-context.ts';
import { CLOSE_CODES, closeReason } from './close-codes.ts';

/** Answers that may wait for a client, and bytes, if it asks for more than it reads. */
const MAX_WAITING_ANSWERS = 200;
const MAX_WAITING_BYTES = 65_536;
/** Bytes that may come before the socket is signed in: a token and little else. */
const MAX_UNAUTHENTICATED_BYTES = 65_536;
/** How long a client that has not signed in has to answer a close frame. */
const UNAUTHENTICATED_CLOSE_MS = 1_000;

/** A stream of results, which ends by itself or with its connection. */
export interface OpenStream {
  end(): void;
}

/** A client's WebSocket, as graphql-ws speaks its protocol through it. */
export class WebSocketConnection {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #maskError: (error: unknown) => GraphQLError;
  readonly #streams = new Set<OpenStream>();
  /** By the id of the message that began it. */
  readonly #running = new Map<string, RequestInFlight>();
  readonly #releases: Release[] = [];
  #isGone = false;
  #unauthenticatedBytes = 0;
  #waiting = 0;
  #drained: Promise<void> | null = null;
  #closing: { code: number; reason: string } | null = null;
  /** The part of a round in which it is pinged, since pinging all at once would take too long. */
  readonly slot: number;
  #credentials: Credentials | null = null;
  /** Whether anything came from the client since the last ping. */
  isAlive = true;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    slot: number,
    maskError: (error: unknown) => GraphQLError,
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.slot = slot;
    this.#maskError = maskError;
    socket.on('data', this.#countUnauthenticated);
    webSocket.on('pong', () => {
      this.isAlive = true;
    });
  }

  /** Who has signed in on the socket; null before that. */
  get credentials(): Credentials | null {
    return this.#credentials;
  }

  /** Signs the socket in. */
  signIn(credentials: Credentials): void {
    this.#credentials = credentials;
    this.#socket.off('data', this.#countUnauthenticated);
  }

  /** Calls the function once the socket is closed. */
  hold(release: Release): void {
    if (this.#isGone) release();
    else this.#releases.push(release);
  }

  get protocol(): string {
    return this.#webSocket.protocol;
  }

  get isOpen(): boolean {
    return this.#closing === null && this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** How many operations run or stream. */
  get operations(): number {
    return this.#running.size + this.#streams.size;
  }

  onMessage(handle: (text: string) => Promise<void>): void {
    this.#webSocket.on('message', (data, isBinary) => void this.#take(data, isBinary, handle));
  }

  async #take(
    data: RawData,
    isBinary: boolean,
    handle: (text: string) => Promise<void>,
  ): Promise<void> {
    this.isAlive = true;
    if (!this.isOpen) return;
    if (isBinary) {
      this.close(CloseCode.BadRequest, 'Messages are text, not binary.');
      return;
    }
    const id = randomUUID();
    try {
      await runAsRequest(id, () => handle(messageOf(String(data))));
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#finish(id);
    }
  }

  readonly #countUnauthenticated = (data: Buffer): void => {
    this.#unauthenticatedBytes += data.length;
    if (this.#unauthenticatedBytes <= MAX_UNAUTHENTICATED_BYTES) return;
    this.#socket.off('data', this.#countUnauthenticated);
    this.close(1009, `Sign in first, with at most ${MAX_UNAUTHENTICATED_BYTES} bytes.`);
  };

  #refuse(error: unknown): void {
    // A message of a type that only servers send. The error of graphql-ws has no class of its own.
    if (String(error).startsWith('Error: Unexpected message of type')) {
      this.close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    const { message, extensions } = this.#maskError(error);
    const code = String(extensions.code);
    // Clients may want to distinguish this code from others with the same close code.
    const reason = code === 'TOO_MANY_CONNECTIONS' ? `${code}: ${message}` : message;
    this.close(CLOSE_CODES[code] ?? CloseCode.InternalServerError, reason);
  }

  /** Sends an answer; resolves when the kernel has taken it, or the socket is closed. */
  async send(text: string): Promise<void> {
    this.#waiting += 1;
    try {
      if (this.#waiting > MAX_WAITING_ANSWERS && this.unsentBytes > MAX_WAITING_BYTES) {
        this.close(
          1013,
          'Answers arrive faster than you read them. Connect again, and read faster.',
        );
      }
      while (this.#isWritable && this.unsentBytes > MAX_UNSENT_BYTES) await this.#drain();
      if (this.#isWritable) await this.#write(text);
    } finally {
      this.#waiting -= 1;
      this.#closeSoon();
    }
  }

  /** Sends two parts in a row without copying them, since other connections send them too. */
  sendShared(head: Buffer, tail: Buffer): void {
    if (!this.isOpen) return;
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(tail);
    this.#socket.uncork();
  }

  ping(): void {
    this.isAlive = false;
    if (this.isOpen) this.#webSocket.ping();
  }

  /** Counts the operation of the message that is being handled, until its answer has been sent. */
  begin(inFlight: RequestInFlight): void {
    this.#running.set(currentRequestId() ?? '', inFlight);
  }

  /** Stops counting it, because it streams now or its client has left it. */
  executed(): void {
    this.#finish(currentRequestId() ?? '');
  }

  #finish(messageId: string): void {
    this.#running.get(messageId)?.end();
    if (this.#running.delete(messageId)) this.#closeSoon();
  }

  add(stream: OpenStream): void {
    if (this.isOpen) this.#streams.add(stream);
    else stream.end();
  }

  delete(stream: OpenStream): void {
    this.#streams.delete(stream);
  }

  /** Closes the socket at once and ends its streams. Does nothing if it is closed already. */
  close(code: number, reason: string): void {
    this.#webSocket.close(code, closeReason(reason));
    this.endStreams();
    if (!this.#credentials) {
      setTimeout(() => this.terminate(), UNAUTHENTICATED_CLOSE_MS).unref();
    }
  }

  /** Closes the socket so that its client opens another one and resumes there. */
  resume({ closeCode = 1012, message }: StreamEnd): void {
    // A client that reads too slowly would not read answers, either.
    if (closeCode === 1013) this.close(closeCode, message);
    else this.closeWhenIdle(closeCode, message);
  }

  /** Closes the socket as soon as what runs has been answered; takes no more messages. */
  closeWhenIdle(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#closing = { code, reason };
    this.endStreams();
    this.#closeSoon();
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  /** Called when the socket is closed, by either side. */
  ended(): void {
    this.#isGone = true;
    this.endStreams();
    for (const release of this.#releases) release();
    this.#releases.length = 0;
  }

  endStreams(): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const stream of streams) stream.end();
  }

  get #isWritable(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  #write(text: string): Promise<void> {
    return new Promise((resolve) => this.#webSocket.send(restoreNumbers(text), () => resolve()));
  }

  #drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        this.#drained = null;
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
    return this.#drained;
  }

  /** The result of the last execution may still be sent in this turn. */
  #closeSoon(): void {
    if (!this.#closing) return;
    setImmediate(() => {
      if (!this.#closing || this.#running.size > 0 || this.#waiting > 0) return;
      this.close(this.#closing.code, this.#closing.reason);
    });
  }
}

/**
 * Returns the message in the parsed form that graphql-ws accepts. It refuses a text that is no JSON
 * itself.
 */
function messageOf(text: string): string {
  try {
    return parseClientJson(text) as string;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
