import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  embeddedInstallation,
  exists,
  giveTo,
  type Identity,
  identityFor,
  type PostgresInstallation,
} from './embedded-installation.ts';
import { type Postmaster, readPostmaster, replaceStaleLock } from './embedded-lock.ts';

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

const SUPERUSER = 'postgres';
const PASSWORD_FILE = 'superuser.password';
const LOG_FILE = 'server.log';
/** How long a stopping server, or its last sessions, may hold a folder. */
const RELEASE_MS = 5_000;
/** How long to wait for a live server to stop, in case that its parent was killed. */
const GRACE_MS = 1_000;
/** Shutting down writes a checkpoint; past this it is cut short, and the next start recovers. */
const STOP_MS = 30_000;
const UNFINISHED_MS = 10 * 60_000;
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
  const identity = await identityFor(folder);
  await giveTo(identity, folder);

  const deadline = Date.now() + RELEASE_MS;
  for (;;) {
    await waitUntilFree(dataDir, folder);
    const port = options.port ?? (await freePort());
    const started = await launch(folder, port, installation, identity, options);
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

/** Makes the database in a temporary folder and moves it to its place when it is complete. */
async function initialize(
  dataDir: string,
  folder: string,
  { initdb, localeArguments }: PostgresInstallation,
  { durable = true }: EmbeddedPostgresOptions,
): Promise<void> {
  await removeUnfinished(dataDir);
  const workshop = await mkdtemp(join(dataDir, 'postgres.unfinished-'));
  try {
    const data = join(workshop, 'data');
    const password = join(workshop, PASSWORD_FILE);
    await mkdir(data, { mode: 0o700 });
    await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 });
    const identity = await identityFor(dataDir);
    await giveTo(identity, workshop);
    const log = join(workshop, LOG_FILE);
    const child = await run(identity, log, initdb, [
      `--pgdata=${data}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-instructions',
      ...localeArguments,
      ...(durable ? [] : ['--no-sync']),
    ]);
    await exit(child);
    if (child.exitCode !== 0) {
      throw new EmbeddedPostgresError(
        `The database in ${dataDir} could not be made:\n${await readFile(log, 'utf8')}${hintFor(identity)}`,
      );
    }
    await rename(password, join(data, PASSWORD_FILE));
    await rename(data, folder).catch((error) => {
      // Another process was quicker. Its database serves as well.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Removes the remains of initialisations that were killed. Younger ones may still be running. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith('postgres.unfinished-')) continue;
    const path = join(dataDir, name);
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > UNFINISHED_MS) await rm(path, { recursive: true, force: true });
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
  identity: Identity,
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
  const child = await run(identity, log, postgres, ['-D', folder, ...flags]);
  const guard = stopWithThisProcess(child);
  const exited = exit(child).then(() => void guard.kill());

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

/** Runs a program with its output added to a file. Throws if it cannot be run at all. */
async function run(
  { prefix, user }: Identity,
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

function hintFor({ user }: Identity): string {
  if (!user) return '';
  return (
    `\nPostgres refuses root, so it runs as user ${user.uid}, who must be able to enter the folders ` +
    'of the data and of the program. Start the gateway as another user, or set DATABASE_URL.'
  );
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

async function exit(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
