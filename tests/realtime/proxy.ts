import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const NOTIFICATION_RESPONSE = 'A'.charCodeAt(0);

/** Stands between clients and a Postgres. */
export interface Proxy {
  /** The connection string with this proxy in it. */
  url: string;
  /** Whether notifications are swallowed, as a transaction pooler does. */
  isDeaf: boolean;
  /** The target of new connections. */
  target: string;
  /** Cuts all connections without a message. */
  cut(): void;
  close(): Promise<void>;
}

/** Starts a proxy to the server of a connection string. */
export async function startProxy(target: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const { hostname, port } = new URL(proxy.target);
    const upstream = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay();
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    let rest: Buffer = Buffer.alloc(0);
    upstream.on('data', (data) => {
      const { passed, unread } = takeMessages(Buffer.concat([rest, data]), proxy.isDeaf);
      rest = unread;
      client.write(passed);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: Proxy = {
    url: url.href,
    isDeaf: false,
    target,
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** Splits what a server sent into whole messages, without notifications, and the rest. */
function takeMessages(data: Buffer, isDeaf: boolean): { passed: Buffer; unread: Buffer } {
  const messages: Buffer[] = [];
  let start = 0;
  while (data.length >= start + 5) {
    const end = start + 1 + data.readInt32BE(start + 1);
    if (data.length < end) break;
    if (!isDeaf || data[start] !== NOTIFICATION_RESPONSE) messages.push(data.subarray(start, end));
    start = end;
  }
  return { passed: Buffer.concat(messages), unread: data.subarray(start) };
}
