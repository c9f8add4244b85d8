import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ProtocolTap {
  /** The connection string through the tap. */
  url: string;
  /** The types of the messages that clients sent since the last call, without start-up messages. */
  takeMessages(): string;
  close(): Promise<void>;
}

/** A proxy between clients and Postgres that records the type of every message to Postgres. */
export async function openProtocolTap(connectionString: string): Promise<ProtocolTap> {
  const target = new URL(connectionString);
  const sockets = new Set<Socket>();
  let types = '';
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    let pending = Buffer.alloc(0);
    let started = false;
    client.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const header = started ? 1 : 0;
        if (pending.length < header + 4) break;
        const end = header + pending.readInt32BE(header);
        if (pending.length < end) break;
        // A start-up message has no type, and authentication (p) is no statement.
        const type = started ? pending.toString('latin1', 0, 1) : '';
        if (type !== 'p') types += type;
        started = true;
        pending = pending.subarray(end);
      }
    });
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(connectionString);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    takeMessages() {
      const result = types;
      types = '';
      return result;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
