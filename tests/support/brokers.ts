import { freePort } from './ports.ts';
import { hasProgram, ServerProcess } from './server-process.ts';

const KINDS = {
  nats: {
    binary: 'nats-server',
    arguments: (port: number) => ['-a', '127.0.0.1', '-p', String(port)],
    protocol: 'nats',
  },
  redis: {
    binary: 'redis-server',
    arguments: (port: number) =>
      `--bind 127.0.0.1 --port ${port} --save  --appendonly no`.split(' '),
    protocol: 'redis',
  },
};

export type BrokerKind = keyof typeof KINDS;

/** Whether tests with this broker can run here. If not, they are skipped with a message; in CI they fail. */
export function hasBroker(kind: BrokerKind): boolean {
  return hasProgram(KINDS[kind].binary);
}

/** A NATS or Redis server of the test's own, always at the same address. */
export class BrokerServer extends ServerProcess {
  readonly url: string;

  private constructor(kind: BrokerKind, port: number) {
    const { binary, arguments: args, protocol } = KINDS[kind];
    super([binary, ...args(port)], port);
    this.url = `${protocol}://127.0.0.1:${port}`;
  }

  static async start(kind: BrokerKind): Promise<BrokerServer> {
    const server = new BrokerServer(kind, await freePort());
    await server.start();
    return server;
  }

  /** Stops it from answering, or lets it continue. */
  freeze(isFrozen: boolean): void {
    this.signal(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }
}
