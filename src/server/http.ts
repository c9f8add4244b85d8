import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from './logger.ts';
import { explainListenError } from './port.ts';

export interface HttpServer {
  /** Resolves to the address once connections are taken; rejects with PortInUseError. */
  listen(address: { host: string; port: number }): Promise<{ url: string; port: number }>;
  /**
   * Accepts no more connections, lets running requests finish for `graceMs` (default 10,000), then
   * cuts them off. Safe to call twice.
   */
  close(graceMs?: number): Promise<void>;
}

/** Handles requests that ask for another protocol. */
export interface Upgrades {
  /** Others are answered as if they had not asked for a protocol. */
  accepts(request: IncomingMessage): boolean;
  open(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** Asks clients to disconnect after their running requests. */
  close(): void;
  /** Cuts off those that are left. */
  terminate(): void;
}

const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 20_000;
/** Longer than the idle timeout of common load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
const SWEEP_MS = 50;
/** How often late requests are looked for. */
const LATE_CHECK_MS = 5_000;
/** How much longer than the timeout of a request its connection may stall. */
const STALL_MS = 30_000;

/**
 * Serves a request listener over HTTP. Cuts off clients whose request takes longer than
 * `requestTimeoutMs` to arrive, and those that read nothing of an answer for `stallMs`.
 */
export function createHttpServer(
  handle: (...args: Parameters<RequestListener>) => unknown,
  logger: Logger,
  requestTimeoutMs: number,
  upgrades: Upgrades,
  stallMs = requestTimeoutMs + STALL_MS,
): HttpServer {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(LATE_CHECK_MS, requestTimeoutMs),
    },
    async (request, response) => {
      try {
        await handle(request, response);
      } catch (error) {
        // Node does not check the `host` header.
        const isMalformed = (error as { code?: unknown }).code === 'ERR_INVALID_URL';
        if (!isMalformed) logger.error({ err: error }, 'A request failed outside of GraphQL');
        if (!response.headersSent) response.writeHead(isMalformed ? 400 : 500);
        response.end();
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = stallMs;
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (upgrades.accepts(request)) {
      upgrades.open(request, socket, head);
    } else {
      socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]));
      server.emit('connection', socket);
    }
  });
  let closing: Promise<void> | undefined;

  return {
    async listen({ host, port }) {
      server.listen(port, host);
      await once(server, 'listening').catch((error: unknown) => {
        throw explainListenError(error, host, port);
      });
      const address = server.address() as AddressInfo;
      const name = host.includes(':') ? `[${host}]` : host;
      return { url: `http://${name}:${address.port}`, port: address.port };
    },
    close(graceMs = 10_000) {
      closing ??= closeServer(server, upgrades, graceMs);
      return closing;
    },
  };
}

async function closeServer(server: Server, upgrades: Upgrades, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  upgrades.close();
  // A connection that answers its last request while closing would otherwise be kept alive.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => {
    server.closeAllConnections();
    upgrades.terminate();
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

/**
 * Node hands over every request that offers a change of protocol; Java's client offers HTTP/2 with
 * each. Returns the head of the request that it would be without the offer.
 */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] ?? '';
    if (/^(connection|upgrade|http2-settings)$/i.test(name)) continue;
    lines.push(`${name}: ${rawHeaders[n + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
