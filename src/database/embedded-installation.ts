import { spawnSync } from 'node:child_process';
import { access, chown, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** The programs of one Postgres, and the arguments that make its initdb choose a UTF-8 locale. */
export interface PostgresInstallation {
  initdb: string;
  postgres: string;
  localeArguments: string[];
}

/** This machine cannot run the embedded Postgres. */
export class UnsupportedPlatformError extends Error {
  override name = 'UnsupportedPlatformError';
  readonly code = 'EMBEDDED_POSTGRES_UNSUPPORTED';

  constructor(reason: string) {
    super(`The embedded Postgres cannot run here: ${reason}. Set DATABASE_URL to use another one.`);
  }
}

/**
 * Returns the Postgres that npm installed for this platform.
 * Throws UnsupportedPlatformError where there is none.
 */
export async function embeddedInstallation(): Promise<PostgresInstallation> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform === 'linux' && !hasGlibc()) {
    throw new UnsupportedPlatformError('its programs need glibc, and this Linux uses another libc');
  }
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new UnsupportedPlatformError(`the optional package ${name} is not installed`);
  }
  return installationIn(dirname(dirname(entry)));
}

/** Returns the Postgres in an unpacked `@embedded-postgres` package, its library links made. */
export async function installationIn(packageFolder: string): Promise<PostgresInstallation> {
  await linkLibraries(packageFolder);
  const bin = join(packageFolder, 'native', 'bin');
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    // The builtin provider sorts the same way everywhere. C.UTF-8 of the libc is missing on macOS.
    localeArguments: ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
  };
}

// npm packages hold no links: an install script makes them, and many installs run no scripts.
async function linkLibraries(packageFolder: string): Promise<void> {
  const list = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const link of links) {
    const target = join(packageFolder, link.target);
    if (await exists(target)) continue;
    await symlink(relative(dirname(link.target), link.source), target).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** The prefix of a command and the user that runs it, so that Postgres does not run as root. */
export interface CommandUser {
  prefix: string[];
  user: { uid: number; gid: number } | undefined;
}

/**
 * Returns how to run Postgres on a folder. Postgres refuses root, so root runs it as the owner of
 * the folder, or in a user namespace where these are allowed and root owns the folder.
 */
export async function commandUserFor(folder: string): Promise<CommandUser> {
  if (process.getuid?.() !== 0) return { prefix: [], user: undefined };
  const { uid, gid } = await stat(folder);
  if (uid !== 0) return { prefix: [], user: { uid, gid } };
  const prefix = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'];
  const [command = '', ...options] = prefix;
  if (spawnSync(command, [...options, 'true']).status === 0) return { prefix, user: undefined };
  return { prefix: [], user: { uid: 65534, gid: 65534 } };
}

/** Makes the user of a command the owner of a folder and everything in it. */
export async function giveTo(commandUser: CommandUser, folder: string): Promise<void> {
  const { user } = commandUser;
  if (!user || (await stat(folder)).uid === user.uid) return;
  for (const entry of await readdir(folder, { recursive: true })) {
    await chown(join(folder, entry), user.uid, user.gid);
  }
  // Last, because a later start reads from its owner whether everything was changed.
  await chown(folder, user.uid, user.gid);
}

/** Whether something is at the path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function hasGlibc(): boolean {
  const { report } = process;
  // Otherwise the report looks up the name of every peer of this process.
  Object.assign(report, { excludeNetwork: true });
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
