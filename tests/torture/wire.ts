import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.ts';

/** Bytes after which a connection is cut, on average: in the middle of a message, mostly. */
const CUT_BYTES = 300_000;
const STALL_BYTES = 150_000;
const STALL_MS = 600;
/** How long a client reads nothing, so that its unsent bytes exceed the limit. */
const LONG_STALL_MS = 6_000;

export interface WireStatistics {
  connections: number;
  cuts: number;
  stalls: number;
}

/** A proxy between clients and a gateway, which breaks and halts connections. */
export class Wire {
  readonly statistics: WireStatistics = { connections: 0, cuts: 0, stalls: 0 };
  readonly #random: Random;
  readonly #target: number;
  readonly #server: Server;
  readonly #connections = new Set<() => void>();
  readonly #resuming = new Set<() => void>();
  #isRough = true;

  private constructor(target: number, random: Random) {
    this.#target = target;
    this.#random = random;
    this.#server = createServer({ noDelay: true }, (client) => this.#carry(client));
  }

  static async open(target: number, random: Random): Promise<Wire> {
    const wire = new Wire(target, random);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Passes everything on from now on. */
  calm(): void {
    this.#isRough = false;
    for (const resume of this.#resuming) resume();
  }

  cutAll(): void {
    for (const cut of this.#connections) {
      this.statistics.cuts += 1;
      cut();
    }
  }

  close(): void {
    this.#server.close();
    for (const cut of this.#connections) cut();
  }

  #carry(client: Socket): void {
    this.statistics.connections += 1;
    const gateway = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const cut = () => {
      client.destroy();
      gateway.destroy();
    };
    this.#connections.add(cut);
    for (const socket of [client, gateway]) {
      socket.on('error', cut);
      socket.on('close', () => {
        cut();
        this.#connections.delete(cut);
      });
    }
    client.pipe(gateway);
    this.#carryAnswers(gateway, client, cut);
  }

  #carryAnswers(gateway: Socket, client: Socket, cut: () => void): void {
    let carried = 0;
    const cutAt = this.#random.around(CUT_BYTES);
    let stallAt = this.#random.around(STALL_BYTES);
    gateway.on('data', (data: Buffer) => {
      if (this.#isRough && carried + data.length > cutAt) {
        this.statistics.cuts += 1;
        // What arrives until the client has taken the last of it is lost, too.
        gateway.removeAllListeners('data').resume();
        client.write(data.subarray(0, Math.max(0, cutAt - carried)), cut);
        return;
      }
      carried += data.length;
      const isTaken = client.write(data);
      if (this.#isRough && carried > stallAt) {
        stallAt = carried + this.#random.around(STALL_BYTES);
        this.#stall(gateway);
      } else if (!isTaken) {
        gateway.pause();
        client.once('drain', () => gateway.resume());
      }
    });
  }

  #stall(gateway: Socket): void {
    this.statistics.stalls += 1;
    gateway.pause();
    const resume = () => {
      clearTimeout(timer);
      this.#resuming.delete(resume);
      gateway.resume();
    };
    const mean = this.#random.chance(0.1) ? LONG_STALL_MS : STALL_MS;
    const timer = setTimeout(resume, this.#random.around(mean));
    this.#resuming.add(resume);
  }
}
