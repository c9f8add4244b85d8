import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './logger.ts';
import { explainListenError } from './port.ts';

export interface HttpServer {
  /** Resolves to the address once connections are taken; rejects with PortInUseError. */
  listen(address: { host: string; port: number }): Promise<{ url: string; port: number }>;
  /**
   * Takes no more connections, lets running requests finish for `graceMs` (default 10,000), then
   * cuts them off. Safe to call twice.
   */
  close(graceMs?: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 20_000;
/** Longer than the idle timeout of common load balancers: they must be the ones that hang up. */
const KEEP_ALIVE_MS = 65_000;
const SWEEP_MS = 50;

/** Serves a request listener over HTTP. */
export function createHttpServer(
  handle: (...args: Parameters<RequestListener>) => unknown,
  logger: Logger,
  requestTimeoutMs: number,
): HttpServer {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    async (request, response) => {
      try {
        await handle(request, response);
      } catch (error) {
        logger.error({ err: error }, 'A request failed outside of GraphQL');
        if (!response.headersSent) response.writeHead(500);
        response.end();
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
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
      closing ??= closeServer(graceMs);
      return closing;
    },
  };

  async function closeServer(graceMs: number): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    // A connection that answers its last request while closing would otherwise be kept alive.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  }
}
