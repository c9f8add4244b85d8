import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandUserFor, giveTo } from '../../src/database/embedded-installation.ts';
import type { PoolMode } from '../../src/env.ts';
import { freePort } from './ports.ts';
import { hasProgram, isInstalled, ServerProcess } from './server-process.ts';

export const POOL_MODES: readonly PoolMode[] = ['session', 'transaction'];

/** Debian installs it where only root's shell looks. */
const BINARY = isInstalled('pgbouncer') ? 'pgbouncer' : '/usr/sbin/pgbouncer';

/** Whether tests with PgBouncer can run here. If not, they are skipped with a message; in CI they fail. */
export function hasPgBouncer(): boolean {
  return hasProgram(BINARY);
}

/** A PgBouncer of the test's own in front of a Postgres, always at the same address. */
export interface PgBouncer {
  /** Returns the connection string through it. */
  url(connectionString: string): string;
  /** Reloads its settings. */
  reload(): void;
  start(): Promise<void>;
  /** Kills it. */
  kill(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts one with its default settings, except for the mode and the number of connections to
 * Postgres for each login of a database.
 */
export async function startPgBouncer(
  mode: PoolMode,
  connectionStrings: readonly string[],
  poolSize = 20,
): Promise<PgBouncer> {
  const urls = connectionStrings.map((each) => new URL(each));
  const [server] = urls;
  if (!server) throw new TypeError('There is no server to stand before');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'codex-gateway-pgbouncer-'));
  const [settings, logins] = [join(folder, 'pgbouncer.ini'), join(folder, 'userlist.txt')];
  await writeFile(
    settings,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${logins}
pool_mode = ${mode}
default_pool_size = ${poolSize}
`,
  );
  const login = ({ username, password }: URL) =>
    `"${username}" "${decodeURIComponent(password)}"\n`;
  await writeFile(logins, urls.map(login).join(''));
  // It refuses root, as Postgres does.
  const commandUser = await commandUserFor(folder);
  await giveTo(commandUser, folder);
  const command = [...commandUser.prefix, BINARY, '--quiet', settings];
  const bouncer = new ServerProcess(command, port, commandUser.user);
  await bouncer.start();
  return {
    url(connectionString) {
      const url = new URL(connectionString);
      url.host = `127.0.0.1:${port}`;
      return url.href;
    },
    reload: () => bouncer.signal('SIGHUP'),
    start: () => bouncer.start(),
    kill: () => bouncer.stop('SIGKILL'),
    async close() {
      await bouncer.stop('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
