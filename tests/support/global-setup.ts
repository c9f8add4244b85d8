import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrator.ts';
import { testEnv } from './env.ts';
import { databaseUrl, type TestServer } from './server.ts';

const ROOM = 2 * 1024 ** 3;
const FOLDER = 'codex-gateway-test-';

/** Gives the run one Postgres with a migrated database, of which test files get copies. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { server, teardown } = await openTestServer();
  project.provide('testServer', server);
  return teardown;
}

/** Returns a server with a migrated database, and the function that stops it or drops the databases. */
export async function openTestServer(): Promise<{
  server: TestServer;
  teardown: () => Promise<void>;
}> {
  const own = testEnv.serverUrl ? undefined : await startServer();
  const server: TestServer = {
    url: testEnv.serverUrl ?? own?.url ?? '',
    prefix: `test_${randomBytes(4).toString('hex')}_`,
    gatewayPassword: randomBytes(16).toString('hex'),
  };
  const teardown = async () => {
    if (own) await own.remove();
    else await dropDatabases(server);
  };
  try {
    const template = `${server.prefix}migrated`;
    await execute(server.url, `create database ${template}`);
    await migrate(databaseUrl(server.url, template));
    await execute(
      server.url,
      `alter role codex_gateway login password '${server.gatewayPassword}'`,
    );
  } catch (error) {
    await teardown();
    throw error;
  }
  return { server, teardown };
}

async function startServer() {
  const folder = await fastFolder();
  await removeLeftovers(folder);
  const dataDir = await mkdtemp(join(folder, `${FOLDER}${process.pid}-`));
  const discard = () => rm(dataDir, { recursive: true, force: true });
  try {
    const server = await startEmbeddedPostgres({
      dataDir,
      durable: false,
      settings: { max_connections: '300' },
    });
    const remove = async () => {
      await server.stop();
      await discard();
    };
    return { url: server.url(), remove };
  } catch (error) {
    await discard();
    throw error;
  }
}

// In memory, if there is enough: containers often have only 64 MB.
async function fastFolder(): Promise<string> {
  const free = await statfs('/dev/shm').then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return free > ROOM ? '/dev/shm' : tmpdir();
}

// A run that is killed leaves its folder behind, and its server ends by itself.
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid] = name.match(`^${FOLDER}(\\d+)-`) ?? [];
    if (pid && !isAlive(Number(pid)))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function dropDatabases({ url, prefix }: TestServer): Promise<void> {
  const names = await execute(
    url,
    `select datname from pg_database where starts_with(datname, '${prefix}')`,
  );
  for (const { datname } of names) await execute(url, `drop database ${datname} with (force)`);
}

async function execute(url: string, sql: string): Promise<{ datname: string }[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
