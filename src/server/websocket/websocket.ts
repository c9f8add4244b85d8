import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { WORKSPACE_HEADER } from '../../context/workspace.ts';
import { MAX_BODY_BYTES } from '../operation-limits.ts';
import { WebSocketConnection } from './websocket-connection.ts';
import {
  createWebSocketProtocol,
  type SocketExtra,
  type WebSocketProtocolOptions,
} from './websocket-protocol.ts';

const TICK_MS = 1_000;
/** Each socket is pinged once in so many ticks. */
const TICKS_PER_PING = 12;
/** Fragments of one message, at most. Each takes memory until the message is complete. */
const MAX_FRAGMENTS = 1_024;
const MAX_BUFFERED_CHUNKS = 8_192;

export interface WebSocketsOptions extends WebSocketProtocolOptions {
  /** The only path that sockets are opened on. */
  path: string;
  /** How many sockets may be open without having signed in. */
  maxUnauthenticated: number;
}

/** Counts of sockets. */
export interface WebSocketStatistics {
  open: number;
  /** How many have not signed in yet. */
  unauthenticated: number;
  /** How many were closed, by code. */
  closed: Record<string, number>;
}

/** The sockets of a server. */
export interface WebSockets {
  readonly statistics: Readonly<WebSocketStatistics>;
  /** Whether an upgrade request asks for a WebSocket. */
  accepts(request: IncomingMessage): boolean;
  /** Opens a socket, or refuses the request with a status from 400. */
  open(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** Closes each socket with 1001 as soon as what it runs has been answered. Opens no more. */
  close(): void;
  /** Cuts off those that are left. */
  terminate(): void;
}

/** Speaks graphql-transport-ws with each socket of a path. */
export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const { path, maxUnauthenticated } = options;
  const sockets = new Sockets(options);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_BODY_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    perMessageDeflate: false,
    // One message a turn, so that a flood of them does not block other clients.
    allowSynchronousEvents: false,
    handleProtocols,
  });
  return {
    statistics: sockets.statistics,
    accepts: ({ url, headers }) =>
      headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === path,
    open(request, socket, head) {
      sockets.makeRoom(maxUnauthenticated);
      server.handleUpgrade(request, socket, head, (webSocket) =>
        sockets.welcome(webSocket, request, socket),
      );
    },
    close: () => sockets.close(),
    terminate: () => sockets.terminate(),
  };
}

/** The open sockets. */
class Sockets {
  readonly #connections = new Set<WebSocketConnection>();
  /** Oldest first. */
  readonly #unauthenticated = new Set<WebSocketConnection>();
  readonly #protocol: Server<SocketExtra>;
  readonly #maskError: WebSocketsOptions['maskError'];
  readonly statistics: WebSocketStatistics;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #opened = 0;
  #isClosing = false;

  constructor(options: WebSocketsOptions) {
    const unauthenticated = this.#unauthenticated;
    this.#protocol = makeServer(createWebSocketProtocol(options));
    this.#maskError = options.maskError;
    this.statistics = {
      open: 0,
      closed: {},
      get unauthenticated() {
        return unauthenticated.size;
      },
    };
  }

  /** Cuts off a socket that has not signed in, if there are too many of these. */
  makeRoom(maxUnauthenticated: number): void {
    // Clients sign in at once, so the oldest of these is the least likely to do so.
    const [oldest] = this.#unauthenticated;
    if (!oldest || this.#unauthenticated.size < maxUnauthenticated) return;
    this.#unauthenticated.delete(oldest);
    oldest.terminate();
  }

  welcome(webSocket: WebSocket, { headers }: IncomingMessage, socket: Socket): void {
    this.#opened += 1;
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    const slot = this.#opened % TICKS_PER_PING;
    const connection = new WebSocketConnection(webSocket, socket, slot, this.#maskError);
    const { authorization, [WORKSPACE_HEADER]: workspace } = headers;
    const end = this.#protocol.opened(connection, {
      connection,
      headers: { authorization, [WORKSPACE_HEADER]: workspace },
      identified: () => this.#unauthenticated.delete(connection),
    });
    this.#connections.add(connection);
    this.#unauthenticated.add(connection);
    this.statistics.open += 1;
    // A protocol error closes its socket. There is nothing else to do.
    webSocket.on('error', () => {});
    webSocket.on('close', (code, reason) => {
      this.#connections.delete(connection);
      this.#unauthenticated.delete(connection);
      this.#countClosed(code);
      connection.ended();
      void end(code, String(reason));
    });
    if (this.#isClosing) connection.closeWhenIdle(...GOING_AWAY);
  }

  close(): void {
    this.#isClosing = true;
    for (const connection of this.#connections) connection.closeWhenIdle(...GOING_AWAY);
  }

  terminate(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.terminate();
  }

  /** Closes sockets whose token has expired, and pings a part of the others. */
  #tick(): void {
    this.#ticks += 1;
    const now = Date.now();
    for (const connection of this.#connections) {
      const expiresAt = connection.credentials?.identity.expiresAt;
      if (expiresAt && expiresAt.getTime() <= now) {
        connection.closeWhenIdle(CloseCode.Forbidden, 'Token expired');
      }
      if (connection.slot !== this.#ticks % TICKS_PER_PING) continue;
      if (connection.isAlive) connection.ping();
      else connection.terminate();
    }
  }

  #countClosed(code: number): void {
    const { closed } = this.statistics;
    const name = KNOWN_CODES.has(code) ? String(code) : 'other';
    this.statistics.open -= 1;
    closed[name] = (closed[name] ?? 0) + 1;
  }
}

const GOING_AWAY = [1001, 'The gateway is stopping. Connect again.'] as const;

/** Clients may use thousands of codes of their own, which are counted as one. */
const KNOWN_CODES = new Set([
  1000, 1001, 1005, 1006, 1007, 1008, 1009, 1012, 1013, 4400, 4401, 4403, 4406, 4408, 4409, 4429,
  4500,
]);
