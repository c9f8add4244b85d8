import { randomBytes } from 'node:crypto';
import { access, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns whether a gateway has made its secret in a data folder. */
export async function hasDemoSecret(dataDir: string): Promise<boolean> {
  return access(join(dataDir, 'jwt.secret')).then(
    () => true,
    () => false,
  );
}

/** Returns a secret that signs demo tokens of a data folder, made at its first use. */
export async function demoSecret(dataDir: string, name = 'jwt'): Promise<string> {
  const file = join(dataDir, `${name}.secret`);
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known) return known;
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  // Unlike a rename this keeps what another process has made in the meantime.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  return readFile(file, 'utf8');
}
