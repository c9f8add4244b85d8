import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { CommandUser } from './embedded-installation.ts';
import type { Postmaster } from './embedded-lock.ts';

/** The embedded Postgres could not be started; the message says why. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
  readonly code: string = 'EMBEDDED_POSTGRES_FAILED';
}

/** Another process runs a Postgres on this folder. */
export class AlreadyRunningError extends EmbeddedPostgresError {
  override name = 'AlreadyRunningError';
  override readonly code = 'EMBEDDED_POSTGRES_RUNNING';
  readonly pid: number;
  readonly port: number;

  constructor(dataDir: string, { pid, port }: Postmaster) {
    super(
      `A Postgres is already running on ${dataDir} (process ${pid}, port ${port}). ` +
        'Stop the gateway that started it, or choose another DATA_DIR.',
    );
    this.pid = pid;
    this.port = port;
  }
}

/** Runs a program with its output added to a file. Throws if it cannot be run at all. */
export async function runProgram(
  { prefix, user }: CommandUser,
  log: string,
  program: string,
  args: string[],
): Promise<ChildProcess> {
  const [command = program, ...rest] = [...prefix, program, ...args];
  const output = await open(log, 'a', 0o600);
  try {
    const child = spawn(command, rest, {
      // A process group of its own: Ctrl-C must reach Postgres after the gateway has drained.
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', output.fd, output.fd],
      ...user,
    });
    await once(child, 'spawn');
    return child;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `${program} cannot be run: ${(error as Error).message}.${hintFor({ prefix, user })}`,
    );
  } finally {
    await output.close();
  }
}

/** Returns what to do where a program may not enter its folders; empty unless root runs it. */
export function hintFor({ user }: CommandUser): string {
  if (!user) return '';
  return (
    `\nPostgres refuses root, so it runs as user ${user.uid}, who must be able to enter the folders ` +
    'of the data and of the program. Start the gateway as another user, or set DATABASE_URL.'
  );
}

/** Resolves when the process has ended. */
export async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
