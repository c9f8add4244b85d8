import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandUserFor, giveTo, type PostgresInstallation } from './embedded-installation.ts';
import { EmbeddedPostgresError, exitOf, hintFor, runProgram } from './embedded-program.ts';

export const SUPERUSER = 'postgres';
export const PASSWORD_FILE = 'superuser.password';
export const LOG_FILE = 'server.log';
const UNFINISHED_MS = 10 * 60_000;

/** Makes the database in a temporary folder and moves it to its place when it is complete. */
export async function initialize(
  dataDir: string,
  folder: string,
  { initdb, localeArguments }: PostgresInstallation,
  { durable = true }: { durable?: boolean },
): Promise<void> {
  await removeUnfinished(dataDir);
  const workshop = await mkdtemp(join(dataDir, 'postgres.unfinished-'));
  try {
    const data = join(workshop, 'data');
    const password = join(workshop, PASSWORD_FILE);
    await mkdir(data, { mode: 0o700 });
    await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 });
    const commandUser = await commandUserFor(dataDir);
    await giveTo(commandUser, workshop);
    const log = join(workshop, LOG_FILE);
    const child = await runProgram(commandUser, log, initdb, [
      `--pgdata=${data}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-instructions',
      ...localeArguments,
      ...(durable ? [] : ['--no-sync']),
    ]);
    await exitOf(child);
    if (child.exitCode !== 0) {
      throw new EmbeddedPostgresError(
        `The database in ${dataDir} could not be made:\n${await readFile(log, 'utf8')}${hintFor(commandUser)}`,
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
