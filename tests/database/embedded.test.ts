import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type EmbeddedPostgresOptions,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/database/embedded.ts';
import { embeddedInstallation, installationIn } from '../../src/database/embedded-installation.ts';
import { AlreadyRunningError, EmbeddedPostgresError } from '../../src/database/embedded-program.ts';
import { eventually } from '../support/eventually.ts';

const root = process.getuid?.() === 0;
let dataDir: string;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'embedded-'));
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}) {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, ...options });
  cleanups.push(() => server.stop());
  return server;
}

async function query(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('start and stop', () => {
  test('data outlives a restart', async () => {
    const first = await start();
    await query(first.url(), 'create table kept as select 42 as answer');
    await first.stop();
    expect(alive(first.pid)).toBe(false);
    const second = await start();
    expect(await query(second.url(), 'select answer from kept')).toEqual([[42]]);
  });

  test('text folds by Unicode, time is UTC, and the connection needs the password', async () => {
    const { url } = await start();
    expect(await query(url(), `select lower('ÄÖ'), current_setting('timezone')`)).toEqual([
      ['äö', 'UTC'],
    ]);
    const wrong = new URL(url());
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(dataDir, 'postgres', 'superuser.password'))).mode & 0o777).toBe(0o600);
  });

  test('it is durable by default', async () => {
    const { url } = await start({ durable: true });
    expect(
      await query(
        url(),
        `select setting from pg_settings
         where name in ('fsync', 'full_page_writes', 'synchronous_commit')`,
      ),
    ).toEqual([['on'], ['on'], ['on']]);
  });

  test('settings are passed on', async () => {
    const { url } = await start({ settings: { max_connections: '17' } });
    expect(await query(url(), 'show max_connections')).toEqual([['17']]);
  });

  test('stopping twice is fine, and stopping ends open sessions', async () => {
    const server = await start();
    const client = new pg.Client(server.url());
    const errors: string[] = [];
    client.on('error', ({ message }) => errors.push(message));
    await client.connect();
    const ended = new Promise<void>((done) => client.once('end', done));
    await Promise.all([server.stop(), server.stop()]);
    await server.exited;
    await ended;
    expect(errors).toContain('terminating connection due to administrator command');
  });

  test('a long path works', async () => {
    const { url } = await start({ dataDir: join(dataDir, 'deep'.repeat(40)) });
    expect(await query(url(), 'select 1')).toEqual([[1]]);
  });

  test('the error names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    cleanups.push(async () => other.close());
    const { port } = other.address() as { port: number };
    await expect(start({ port })).rejects.toThrow(/Address already in use/);
  });

  test.runIf(root)("root starts it as the folder's owner", async () => {
    await chown(dataDir, 65534, 65534);
    await chmod(dataDir, 0o755);
    const { url, pid } = await start();
    expect(await query(url(), 'select 1')).toEqual([[1]]);
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65534/m);
    expect((await stat(join(dataDir, 'postgres'))).uid).toBe(65534);
  });
});

describe('one server a folder', () => {
  test('the error of a second start names the first one', async () => {
    const first = await start();
    const error = await start().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AlreadyRunningError);
    expect(error).toMatchObject({ pid: first.pid, port: first.port });
    expect(String(error)).toContain(`process ${first.pid}, port ${first.port}`);
    expect(await query(first.url(), 'select 1')).toEqual([[1]]);
  });

  test('one of two concurrent first starts wins', async () => {
    const outcomes = await Promise.allSettled([start(), start()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: expect.any(AlreadyRunningError),
    });
    expect(await readdir(dataDir)).toEqual(['postgres']);
  });

  test('a server is found only while it runs', async () => {
    expect(await findEmbeddedPostgres(dataDir)).toBeNull();
    const server = await start();
    const found = await findEmbeddedPostgres(dataDir);
    expect(found?.url('template1')).toBe(server.url('template1'));
    await server.stop();
    expect(await findEmbeddedPostgres(dataDir)).toBeNull();
  });

  test('a start waits for a server that is stopping', async () => {
    const first = await start();
    const stopped = first.stop();
    const second = await start();
    await stopped;
    expect(await query(second.url(), 'select 1')).toEqual([[1]]);
  });
});

describe('accidents', () => {
  test('a killed server recovers', async () => {
    const first = await start({ durable: true });
    await query(first.url(), 'create table kept as select 42 as answer');
    process.kill(first.pid, 'SIGKILL');
    const second = await start({ durable: true });
    await first.exited;
    expect(await query(second.url(), 'select answer from kept')).toEqual([[42]]);
  });

  test('a lock file with the process id of another program is replaced', async () => {
    const first = await start();
    await first.stop();
    const bystander = spawn('sleep', ['60']);
    cleanups.push(async () => bystander.kill());
    const lock = [bystander.pid, join(dataDir, 'postgres'), 0, first.port, '', '127.0.0.1', ''];
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), lock.join('\n'));
    expect(await query((await start()).url(), 'select 1')).toEqual([[1]]);
  });

  test.each(['SIGKILL', 'SIGINT'] as const)(
    'a parent ended by %s leaves no server',
    async (signal) => {
      const parent = spawn(process.execPath, ['--import', 'tsx', '--eval', parentScript()], {
        cwd: dirname(fileURLToPath(import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const pid = Number(await firstLine(parent));
      expect(alive(pid)).toBe(true);
      parent.kill(signal);
      await eventually(() => alive(pid)).toBe(false);
      // It shut down cleanly: a crash would leave the file.
      expect(await readdir(join(dataDir, 'postgres'))).not.toContain('postmaster.pid');
    },
  );

  test('a start ignores the remains of an interrupted initialization', async () => {
    const real = await embeddedInstallation();
    const initdb = join(dataDir, 'initdb');
    await writeFile(initdb, '#!/bin/sh\necho half way\nexit 1\n', { mode: 0o755 });
    const broken = start({ installation: { ...real, initdb } });
    await expect(broken).rejects.toThrow(/could not be made:\nhalf way/);
    expect(await readdir(dataDir)).toEqual(['initdb']);
    await mkdir(join(dataDir, 'postgres.unfinished-killed', 'data'), { recursive: true });
    expect(await query((await start()).url(), 'select 1')).toEqual([[1]]);
  });

  test('a folder of another kind is refused, with the reason', async () => {
    await mkdir(join(dataDir, 'postgres'));
    await expect(start()).rejects.toThrow(EmbeddedPostgresError);
    await expect(start()).rejects.toThrow(/not a database that the gateway made/);
  });

  test('the error contains the output of Postgres', async () => {
    await expect(start({ settings: { no_such_setting: '1' } })).rejects.toThrow(
      /did not start .*unrecognized configuration parameter "no_such_setting"/s,
    );
  });

  function parentScript(): string {
    const launcher = new URL('../../src/database/embedded.ts', import.meta.url).href;
    return `import(${JSON.stringify(launcher)}).then(async ({ startEmbeddedPostgres }) => {
      const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
      process.stdout.write(server.pid + '\\n');
    });`;
  }

  async function firstLine(child: ChildProcess): Promise<string> {
    const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    return String(chunk);
  }
});

test('library links are made at start if no install script made them', async () => {
  const real = dirname(dirname(dirname((await embeddedInstallation()).postgres)));
  const list = JSON.parse(await readFile(join(real, 'native', 'pg-symlinks.json'), 'utf8'));
  const links = new Set<string>(list.map(({ target }: { target: string }) => target));
  const lib = join(dataDir, 'package', 'native', 'lib');
  await mkdir(lib, { recursive: true });
  await symlink(join(real, 'native', 'pg-symlinks.json'), join(lib, '..', 'pg-symlinks.json'));
  for (const name of await readdir(join(real, 'native', 'lib'))) {
    if (links.has(`native/lib/${name}`)) continue;
    await symlink(join(real, 'native', 'lib', name), join(lib, name));
  }
  const missing = join(lib, 'libpq.so.5');
  await expect(lstat(missing)).rejects.toThrow(/ENOENT/);

  await Promise.all([1, 2].map(() => installationIn(join(dataDir, 'package'))));
  expect(await readlink(missing)).toBe(await readlink(join(real, 'native', 'lib', 'libpq.so.5')));
  for (const link of links) await stat(join(dataDir, 'package', link));
});
