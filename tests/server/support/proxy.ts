import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy whose connections can be cut and restored. */
export interface DatabaseProxy {
  /** The connection string through the proxy. */
  url: string;
  /** The connection string of the server for new connections. */
  target: string;
  cut(): void;
  restore(): void;
  close(): void;
}

/** Starts a proxy in front of the server of a connection string. */
export async function startProxy(connectionString: string): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((client) => {
    if (!open) return void client.destroy();
    const { port, hostname } = new URL(proxy.target);
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  const url = new URL(connectionString);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const proxy: DatabaseProxy = {
    url: url.href,
    target: connectionString,
    cut,
    restore: () => {
      open = true;
    },
    close: () => {
      cut();
      server.close();
    },
  };
  return proxy;
}
