import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a server has sent to Postgres. */
export interface Traffic {
  /** Statements executed, those that set or begin something included. */
  statements: number;
  /** How often it waited for Postgres: everything that is sent before an answer comes is one trip. */
  roundTrips: number;
}

/** Stands between a server and Postgres, and counts. */
export interface Wire {
  /** The database's, through here. */
  url: string;
  traffic(): Traffic;
  close(): void;
}

const EXECUTE = 'E'.charCodeAt(0);
const QUERY = 'Q'.charCodeAt(0);
const HEAD_BYTES = 5;

/** Listens for connections to the database of this URL and passes them on. */
export async function tapWire(databaseUrl: string): Promise<Wire> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const traffic: Traffic = { statements: 0, roundTrips: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const postgres = connect({ ...target, noDelay: true });
    const count = countMessages(traffic);
    let isAnswered = true;
    client.on('data', (chunk: Buffer) => {
      if (isAnswered) traffic.roundTrips += 1;
      isAnswered = false;
      count(chunk);
    });
    postgres.on('data', () => {
      isAnswered = true;
    });
    client.pipe(postgres).pipe(client);
    for (const socket of [client, postgres]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        postgres.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    traffic: () => ({ ...traffic }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Reads what a client sends, in pieces of any size. The first message has no type. */
function countMessages(traffic: Traffic): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false;
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (;;) {
      const typeBytes = isStarted ? 1 : 0;
      if (rest.length < HEAD_BYTES) return;
      const length = typeBytes + rest.readInt32BE(typeBytes);
      if (rest.length < length) return;
      if (isStarted && (rest[0] === EXECUTE || rest[0] === QUERY)) traffic.statements += 1;
      isStarted = true;
      rest = rest.subarray(length);
    }
  };
}
