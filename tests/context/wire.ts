import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The connection string by way of the wire. */
  url: string;
  /** Types of the messages that clients sent since the last call, start-up excepted. */
  taken(): string;
  close(): Promise<void>;
}

/** Stands between a client and Postgres and notes the type of every message to the server. */
export async function tapWire(connectionString: string): Promise<Wire> {
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
        // Start-up has no type, and authentication (p) is no statement.
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
    taken() {
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
