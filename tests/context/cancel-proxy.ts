import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** The codes in the first message of a connection. */
const CANCEL = 80_877_102;
const TLS = 80_877_103;

/** A proxy in front of Postgres that records and can hold or refuse cancel requests. */
export interface CancelProxy {
  /** The connection string through the proxy; its host is a name, not an address. */
  url: string;
  /** The cancel requests so far, and whether each was encrypted. */
  cancels: { encrypted: boolean }[];
  /** Holds cancel requests from now on. */
  hold(): void;
  /** Passes on the held cancel requests, and holds no more. */
  release(): void;
  /** Refuses cancel requests from now on. */
  refuse(): void;
  close(): Promise<void>;
}

/** Opens a proxy. With a key and a certificate it requires TLS, which Postgres behind it does not use. */
export async function openCancelProxy(
  connectionString: string,
  tls?: { key: string; cert: string },
): Promise<CancelProxy> {
  const target = new URL(connectionString);
  const sockets = new Set<Socket>();
  const cancels: { encrypted: boolean }[] = [];
  let held: (() => void)[] | null = null;
  let isRefusing = false;

  const pass = (client: Duplex, first: Buffer) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.add(upstream);
    upstream.on('error', () => {});
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.write(first);
    client.pipe(upstream).pipe(client);
  };

  const begin = (client: Duplex, encrypted: boolean) => {
    client.on('error', () => {});
    client.once('data', (first: Buffer) => {
      client.pause();
      const code = first.readInt32BE(4);
      if (code === TLS && tls) {
        client.write('S');
        begin(new TLSSocket(client as Socket, { isServer: true, ...tls }), true);
        return;
      }
      if (tls && !encrypted) throw new Error('A connection was not encrypted');
      if (code !== CANCEL) {
        pass(client, first);
        return;
      }
      cancels.push({ encrypted });
      if (isRefusing) client.destroy();
      else if (held) held.push(() => pass(client, first));
      else pass(client, first);
    });
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    begin(socket, false);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const url = new URL(connectionString);
  url.hostname = 'localhost';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cancels,
    hold() {
      held = [];
    },
    release() {
      const requests = held ?? [];
      held = null;
      for (const passOn of requests) passOn();
    },
    refuse() {
      isRefusing = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
