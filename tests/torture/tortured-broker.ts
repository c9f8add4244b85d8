import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type BrokerKind, BrokerServer } from '../support/brokers.ts';
import { Random } from './random.ts';

/** How long a message is held back at most, for others to overtake it. */
const HELD_MS = 40;
const LINE_END = '\r\n';

/** A broker that can be stopped, and the way to it, on which messages get lost and out of order. */
export class TorturedBroker {
  readonly kind: BrokerKind;
  readonly #server: BrokerServer;
  readonly #wire: Server;
  readonly #sockets = new Set<Socket>();
  /** Decides what becomes of messages. */
  random = new Random('broker');
  /** Called with what becomes of a message. */
  onEvent: (event: string) => void = () => {};

  private constructor(kind: BrokerKind, server: BrokerServer) {
    this.kind = kind;
    this.#server = server;
    this.#wire = createServer({ noDelay: true }, (client) => this.#carry(client));
  }

  static async start(kind: BrokerKind): Promise<TorturedBroker> {
    const broker = new TorturedBroker(kind, await BrokerServer.start(kind));
    broker.#wire.listen(0, '127.0.0.1');
    await once(broker.#wire, 'listening');
    return broker;
  }

  /** The settings of gateways that meet there. */
  get env(): Record<string, string> {
    const { port } = this.#wire.address() as AddressInfo;
    const url = `${this.kind}://127.0.0.1:${port}`;
    return this.kind === 'nats' ? { NATS_URL: url } : { REDIS_URL: url };
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async restart(): Promise<void> {
    await this.#server.stop('SIGKILL');
    await this.#server.start();
  }

  freeze(isFrozen: boolean): void {
    this.#server.freeze(isFrozen);
  }

  async stop(): Promise<void> {
    this.#wire.close();
    this.cut();
    this.#server.freeze(false);
    await this.#server.stop('SIGKILL');
  }

  #carry(client: Socket): void {
    const server = connect({ port: Number(new URL(this.#server.url).port), host: '127.0.0.1' });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server);
    // Of the protocol of Redis only its breaking off is tried.
    if (this.kind === 'redis') server.pipe(client);
    else this.#shuffle(server, client);
  }

  /** Loses, doubles and delays messages; the rest of the protocol comes as it is. */
  #shuffle(server: Socket, client: Socket): void {
    let rest = Buffer.alloc(0);
    const say = (part: Buffer) => {
      if (!client.destroyed) client.write(part);
    };
    server.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      for (let part = firstPart(rest); part; part = firstPart(rest)) {
        rest = rest.subarray(part.length);
        if (!part.subarray(0, 4).equals(Buffer.from('MSG '))) {
          say(part);
          continue;
        }
        const [lost, doubled, late] = [0.05, 0.1, 0.2].map((share) => this.random.chance(share));
        this.onEvent(`message ${lost ? 'lost' : doubled ? 'doubled' : late ? 'late' : 'carried'}`);
        if (lost) continue;
        if (late) setTimeout(say, this.random.next() * HELD_MS, part);
        else say(part);
        if (doubled) setTimeout(say, this.random.next() * HELD_MS, part);
      }
    });
  }
}

/** The first part of what NATS says: a line, and what belongs to it. */
function firstPart(bytes: Buffer): Buffer | null {
  const end = bytes.indexOf(LINE_END);
  if (end < 0) return null;
  const line = bytes.toString('latin1', 0, end);
  const payload = line.startsWith('MSG ') ? Number(line.split(' ').at(-1)) + LINE_END.length : 0;
  const length = end + LINE_END.length + payload;
  return bytes.length >= length ? bytes.subarray(0, length) : null;
}
