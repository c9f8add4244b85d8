import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { testEnv } from './env.ts';
import { freePort } from './ports.ts';

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

const STARTED_MS = 20_000;
/** Ends it with this process, as after a test that failed; where the system can. */
const withParent = isInstalled('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];

/** Whether tests with this broker can run here. Where they cannot, it says so; in CI they fail. */
export function hasBroker(kind: BrokerKind): boolean {
  const { binary } = KINDS[kind];
  const found = isInstalled(binary);
  if (!found) process.stderr.write(`${binary} is not installed: its tests are skipped\n`);
  return found || testEnv.ci;
}

/** A NATS or Redis server of the caller's own, at the same address for good. */
export class BrokerServer {
  readonly url: string;
  readonly #kind: BrokerKind;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(kind: BrokerKind, port: number) {
    this.#kind = kind;
    this.#port = port;
    this.url = `${KINDS[kind].protocol}://127.0.0.1:${port}`;
  }

  static async start(kind: BrokerKind): Promise<BrokerServer> {
    const server = new BrokerServer(kind, await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const { binary, arguments: args } = KINDS[this.#kind];
    const command = [...withParent, binary, ...args(this.#port)];
    const started = spawn(command[0] ?? binary, command.slice(1), { stdio: 'ignore' });
    this.#process = started;
    await once(started, 'spawn');
    for (const end = Date.now() + STARTED_MS; !(await answers(this.#port)); ) {
      if (Date.now() > end || hasEnded(started)) throw new Error(`${binary} did not start`);
      await delay(20);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const stopped = this.#process;
    this.#process = undefined;
    if (!stopped || hasEnded(stopped)) return;
    stopped.kill(signal);
    await once(stopped, 'exit');
  }

  /** Has it answer nobody, or go on with it. */
  freeze(isFrozen: boolean): void {
    this.#process?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }
}

function isInstalled(binary: string): boolean {
  return spawnSync(binary, ['--version']).error === undefined;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isConnected: boolean) => {
      socket.destroy();
      resolve(isConnected);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
