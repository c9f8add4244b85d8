import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { testEnv } from './env.ts';

const STARTED_MS = 20_000;
/** Ends it with this process, for example after a failed test, if the system supports that. */
const withParent = isInstalled('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];

/** Whether tests with this program can run here. If not, they are skipped with a message; in CI they fail. */
export function hasProgram(binary: string): boolean {
  const found = isInstalled(binary);
  if (!found) process.stderr.write(`${binary} is not installed: its tests are skipped\n`);
  return found || testEnv.ci;
}

/** A server of the test's own, which may stop and start again. */
export class ServerProcess {
  readonly #command: readonly string[];
  readonly #port: number;
  readonly #user: { uid?: number; gid?: number };
  #process: ChildProcess | undefined;

  /** It listens at `port` of 127.0.0.1 once it has started; `user` is the user that runs it. */
  constructor(command: readonly string[], port: number, user: { uid?: number; gid?: number } = {}) {
    this.#command = command;
    this.#port = port;
    this.#user = user;
  }

  async start(): Promise<void> {
    const [program = '', ...args] = [...withParent, ...this.#command];
    const started = spawn(program, args, { stdio: 'ignore', ...this.#user });
    this.#process = started;
    await once(started, 'spawn');
    for (const end = Date.now() + STARTED_MS; !(await answers(this.#port)); ) {
      if (Date.now() > end || hasEnded(started)) {
        throw new Error(`${this.#command.join(' ')} did not start`);
      }
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

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }
}

/** Whether there is such a program. */
export function isInstalled(binary: string): boolean {
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
