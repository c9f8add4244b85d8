import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { initialize, LOG_FILE, PASSWORD_FILE, SUPERUSER } from './embedded-initialization.ts';
import {
  type CommandUser,
  commandUserFor,
  embeddedInstallation,
  exists,
  giveTo,
  type PostgresInstallation,
} from './embedded-installation.ts';
import { readPostmaster, replaceStaleLock } from './embedded-lock.ts';
import {
  AlreadyRunningError,
  EmbeddedPostgresError,
  exitOf,
  runProgram,
} from './embedded-program.ts';

export interface EmbeddedPostgresOptions {
  /** Folder of the gateway's data; the database lives in its `postgres` folder. */
  dataDir: string;
  /** False trades safety against power loss for speed, for tests. Default true. */
  durable?: boolean;
  /** Port on 127.0.0.1. Default: any free one. */
  port?: number;
  /** More server settings, such as `{ max_connections: '200' }`. */
  settings?: Record<string, string>;
  /** A Postgres to use in place of the one that npm installed. */
  installation?: PostgresInstallation;
}

/** A Postgres that answers on 127.0.0.1. */
export interface RunningPostgres {
  pid: number;
  port: number;
  /** Returns the superuser's connection string. Default database: `postgres`. */
  url(database?: string): string;
}

/** A Postgres that this process started. The caller has to stop it, on signals too. */
export interface EmbeddedPostgres extends RunningPostgres {
  /** Ends all sessions, writes everything to disk, and resolves when the server is gone. */
  stop(): Promise<void>;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<void>;
}

/** How long a stopping server, or its last sessions, may hold a folder. */
const RELEASE_MS = 5_000;
/** How long to wait for a live server to stop, in case that its parent was killed. */
const GRACE_MS = 1_000;
/** Shutting down writes a checkpoint; past this it is cut short, and the next start recovers. */
const STOP_MS = 30_000;
const FOLDER_HELD = /lock file|still in use/;
const PORT_HELD = /address already in use/i;

/**
 * Starts Postgres on a folder, which is made if it is missing, and resolves when it accepts
 * connections. The server ends with this process, even if that is killed. Throws
 * AlreadyRunningError, UnsupportedPlatformError or EmbeddedPostgresError.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const installation = options.installation ?? (await embeddedInstallation());
  const dataDir = resolve(options.dataDir);
  const folder = join(dataDir, 'postgres');
  await mkdir(dataDir, { recursive: true });
  if (!(await exists(folder))) await initialize(dataDir, folder, installation, options);
  const commandUser = await commandUserFor(folder);
  await giveTo(commandUser, folder);

  const deadline = Date.now() + RELEASE_MS;
  for (;;) {
    await waitUntilFree(dataDir, folder);
    const port = options.port ?? (await freePort());
    const started = await launch(folder, port, installation, commandUser, options);
    if (!('failure' in started)) return started;
    const transient =
      FOLDER_HELD.test(started.failure) || (!options.port && PORT_HELD.test(started.failure));
    if (!transient || Date.now() > deadline) {
      throw new EmbeddedPostgresError(`Postgres did not start on ${dataDir}:\n${started.failure}`);
    }
    await delay(200);
  }
}

/**
 * Returns the Postgres that another process runs on the folder and that accepts connections, or
 * null.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<RunningPostgres | null> {
  const folder = join(resolve(dataDir), 'postgres');
  const postmaster = await readPostmaster(folder);
  if (postmaster?.status !== 'ready') return null;
  return running(postmaster.pid, postmaster.port, await readPassword(folder));
}

function running(pid: number, port: number, password: string): RunningPostgres {
  const url = (database = 'postgres') =>
    `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  return { pid, port, url };
}

async function readPassword(folder: string): Promise<string> {
  try {
    return (await readFile(join(folder, PASSWORD_FILE), 'utf8')).trim();
  } catch {
    throw new EmbeddedPostgresError(`${folder} is not a database that the gateway made.`);
  }
}

/** Waits for a server that is stopping; throws AlreadyRunningError if it keeps running. */
async function waitUntilFree(dataDir: string, folder: string): Promise<void> {
  const start = Date.now();
  for (;;) {
    const postmaster = await readPostmaster(folder);
    if (!postmaster) return replaceStaleLock(folder);
    const patience = postmaster.status === 'stopping' ? STOP_MS : GRACE_MS;
    if (Date.now() - start > patience) throw new AlreadyRunningError(dataDir, postmaster);
    await delay(50);
  }
}

async function launch(
  folder: string,
  port: number,
  { postgres }: PostgresInstallation,
  commandUser: CommandUser,
  { durable = true, settings }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres | { failure: string }> {
  const password = await readPassword(folder);
  const log = join(folder, LOG_FILE);
  const logStart = await stat(log).then(
    ({ size }) => size,
    () => 0,
  );
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // TCP only: the path of a socket is limited to about 100 bytes, and a data folder may be deep.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A lower level would log failed statements, with their values.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = await runProgram(commandUser, log, postgres, ['-D', folder, ...flags]);
  const guard = stopWithThisProcess(child);
  const exited = exitOf(child).then(() => void guard.kill());

  while (child.exitCode === null && child.signalCode === null) {
    const postmaster = await readPostmaster(folder);
    if (postmaster?.pid === child.pid && postmaster?.status === 'ready') {
      const stop = async () => {
        child.kill('SIGINT');
        const impatient = setTimeout(() => child.kill('SIGQUIT'), STOP_MS);
        await exited;
        clearTimeout(impatient);
      };
      return { ...running(postmaster.pid, port, password), stop, exited };
    }
    await delay(20);
  }
  const text = (await readFile(log)).subarray(logStart).toString().trim();
  return { failure: text || `It ended with ${child.signalCode ?? `code ${child.exitCode}`}.` };
}

/**
 * Makes the server shut down when this process ends, even if it is killed: then the pipe closes.
 */
function stopWithThisProcess(server: ChildProcess): ChildProcess {
  const script = 'read -r _; kill -INT "$1"';
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(server.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the server outlives a killed gateway, which is no reason not to start.
  guard.on('error', () => {});
  return guard;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
