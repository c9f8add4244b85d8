import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** The codes of the messages that a connection begins with. */
const CANCEL = 80_877_102;
const TLS = 80_877_103;

/** What stands before Postgres, as poolers do, and sees who asks it to cancel a statement. */
export interface FrontDoor {
  /** The connection string by way of the door; its host is a name. */
  url: string;
  /** Requests to cancel so far: whether each came encrypted. */
  cancels: { encrypted: boolean }[];
  /** Keeps requests to cancel from now on. */
  hold(): void;
  /** Passes on those that were kept, and no longer keeps any. */
  letGo(): void;
  /** Refuses requests to cancel from now on. */
  refuse(): void;
  close(): Promise<void>;
}

/** Opens a door; with a key and a certificate it insists on TLS, which Postgres behind it has not. */
export async function openFrontDoor(
  connectionString: string,
  tls?: { key: string; cert: string },
): Promise<FrontDoor> {
  const target = new URL(connectionString);
  const sockets = new Set<Socket>();
  const cancels: { encrypted: boolean }[] = [];
  let kept: (() => void)[] | null = null;
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
      else if (kept) kept.push(() => pass(client, first));
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
      kept = [];
    },
    letGo() {
      const requests = kept ?? [];
      kept = null;
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
