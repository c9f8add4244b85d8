import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type BrokerKind, BrokerServer } from '../support/brokers.ts';
import { firstPart } from './broker-protocols.ts';
import { Random } from './random.ts';

/** How long a message is delayed at most, so that others overtake it. */
const HELD_MS = 40;

/** A broker that can be stopped, behind a proxy that loses and reorders messages. */
export class TorturedBroker {
  readonly kind: BrokerKind;
  readonly #server: BrokerServer;
  readonly #wire: Server;
  readonly #sockets = new Set<Socket>();
  /** Decides the outcome of each message. */
  random = new Random('broker');
  /** Called with the outcome of a message. */
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

  /** The settings of gateways that use it. */
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
    this.#shuffle(server, client);
  }

  /** Loses, repeats and delays messages; passes the rest of the protocol on. */
  #shuffle(server: Socket, client: Socket): void {
    let rest = Buffer.alloc(0);
    const say = (bytes: Buffer) => {
      if (!client.destroyed) client.write(bytes);
    };
    server.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      for (let part = firstPart(this.kind, rest); part; part = firstPart(this.kind, rest)) {
        const { bytes, isMessage } = part;
        rest = rest.subarray(bytes.length);
        if (!isMessage) {
          say(bytes);
          continue;
        }
        const [lost, doubled, late] = [0.05, 0.1, 0.2].map((share) => this.random.chance(share));
        this.onEvent(`message ${lost ? 'lost' : doubled ? 'doubled' : late ? 'late' : 'carried'}`);
        if (lost) continue;
        if (late) setTimeout(say, this.random.next() * HELD_MS, bytes);
        else say(bytes);
        if (doubled) setTimeout(say, this.random.next() * HELD_MS, bytes);
      }
    });
  }
}
