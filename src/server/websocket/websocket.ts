import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { WORKSPACE_HEADER } from '../../context/workspace.ts';
import { MAX_BODY_BYTES } from '../operation-limits.ts';
import { WebSocketConnection } from './websocket-connection.ts';
import { createWebSocketProtocol, type WebSocketProtocolOptions } from './websocket-protocol.ts';

const TICK_MS = 1_000;
/** Each socket is asked once in so many ticks whether it is still there. */
const TICKS_PER_PING = 12;
/** Pieces that a message may come in; each costs memory of its own until the message is whole. */
const MAX_FRAGMENTS = 1_024;
const MAX_BUFFERED_CHUNKS = 8_192;

export interface WebSocketsOptions extends WebSocketProtocolOptions {
  /** The only path that sockets are opened on. */
  path: string;
  /** How many sockets may not have said yet whose they are. */
  maxUnauthenticated: number;
}

/** What became of sockets so far. */
export interface WebSocketStatistics {
  open: number;
  /** How many have not said yet whose they are. */
  unauthenticated: number;
  /** How many were closed, by code. */
  closed: Record<string, number>;
}

/** The sockets of a server. */
export interface WebSockets {
  readonly statistics: Readonly<WebSocketStatistics>;
  /** Whether a request to change the protocol asks for a socket. */
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
  const { path, maskError, maxUnauthenticated } = options;
  const connections = new Set<WebSocketConnection>();
  /** Oldest first. */
  const unauthenticated = new Set<WebSocketConnection>();
  const statistics = {
    open: 0,
    closed: {} as Record<string, number>,
    get unauthenticated() {
      return unauthenticated.size;
    },
  };
  const protocol = makeServer(createWebSocketProtocol(options));
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_BODY_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    perMessageDeflate: false,
    // One message a turn: a flood of them leaves turns to others.
    allowSynchronousEvents: false,
    handleProtocols,
  });
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;
  let opened = 0;
  let closing = false;

  const tick = () => {
    ticks += 1;
    const now = Date.now();
    for (const connection of connections) {
      const expiresAt = connection.credentials?.identity.expiresAt;
      if (expiresAt && expiresAt.getTime() <= now) {
        connection.closeWhenIdle(CloseCode.Forbidden, 'Token expired');
      }
      if (connection.slot !== ticks % TICKS_PER_PING) continue;
      if (connection.isAlive) connection.ping();
      else connection.terminate();
    }
  };

  const welcome = (webSocket: WebSocket, { headers }: IncomingMessage, socket: Socket) => {
    opened += 1;
    timer ??= setInterval(tick, TICK_MS).unref();
    const connection = new WebSocketConnection(
      webSocket,
      socket,
      opened % TICKS_PER_PING,
      maskError,
    );
    const { authorization, [WORKSPACE_HEADER]: workspace } = headers;
    const end = protocol.opened(connection, {
      connection,
      headers: { authorization, [WORKSPACE_HEADER]: workspace },
      identified: () => unauthenticated.delete(connection),
    });
    connections.add(connection);
    unauthenticated.add(connection);
    statistics.open += 1;
    // What a client does wrong closes its socket; nothing else has to be done.
    webSocket.on('error', () => {});
    webSocket.on('close', (code, reason) => {
      connections.delete(connection);
      unauthenticated.delete(connection);
      statistics.open -= 1;
      const name = KNOWN_CODES.has(code) ? String(code) : 'other';
      statistics.closed[name] = (statistics.closed[name] ?? 0) + 1;
      connection.ended();
      void end(code, String(reason));
    });
    if (closing) connection.closeWhenIdle(...GOING_AWAY);
  };

  return {
    statistics,
    accepts: ({ url, headers }) =>
      headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === path,
    open(request, socket, head) {
      // Clients sign in at once: who has not done so for longest is the least likely to.
      const [oldest] = unauthenticated;
      if (oldest && unauthenticated.size >= maxUnauthenticated) {
        unauthenticated.delete(oldest);
        oldest.terminate();
      }
      server.handleUpgrade(request, socket, head, (webSocket) =>
        welcome(webSocket, request, socket),
      );
    },
    close() {
      closing = true;
      for (const connection of connections) connection.closeWhenIdle(...GOING_AWAY);
    },
    terminate() {
      clearInterval(timer);
      for (const connection of connections) connection.terminate();
    },
  };
}

const GOING_AWAY = [1001, 'The gateway is stopping. Connect again.'] as const;

/** Clients may close with codes of their own, and there are thousands. */
const KNOWN_CODES = new Set([
  1000, 1001, 1005, 1006, 1007, 1008, 1009, 1012, 1013, 4400, 4401, 4403, 4406, 4408, 4409, 4429,
  4500,
]);
