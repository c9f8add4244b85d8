import { resolve } from 'node:path';
import { findEmbeddedPostgres } from '../database/embedded.ts';
import { AlreadyRunningError } from '../database/embedded-program.ts';
import type { Env } from '../env.ts';
import { openDatabase, type ServedDatabase, startEmbeddedDatabase } from './database.ts';
import type { DemoTokenOptions } from './demo/sign-in.ts';
import { assertPortFree } from './port.ts';
import type { RunningGateway } from './serve.ts';

/**
 * Starts the gateway on the database of the settings. Throws errors whose message says what to do.
 */
export async function start(
  env: Env,
  demo: DemoTokenOptions | null,
  onProgress: (step: string) => void,
): Promise<RunningGateway> {
  await assertFree(env);
  // The code is loaded while Postgres starts.
  const [database, code] = await Promise.allSettled([
    env.DATABASE_URL
      ? openDatabase(env.DATABASE_URL, env)
      : startEmbeddedDatabase(env.DATA_DIR, onProgress),
    import('./serve.ts'),
  ]);
  if (database.status === 'rejected') throw database.reason;
  try {
    if (code.status === 'rejected') throw code.reason;
    return await code.value.serve(env, database.value, demo);
  } catch (error) {
    await release(database.value);
    throw error;
  }
}

/** Throws for a port in use before anything is made, unless the gateway of this folder uses it. */
async function assertFree({ HOST, PORT, DATABASE_URL, DATA_DIR }: Env): Promise<void> {
  try {
    await assertPortFree(HOST, PORT);
  } catch (error) {
    const running = DATABASE_URL ? null : await findEmbeddedPostgres(DATA_DIR);
    if (!running) throw error;
    throw new AlreadyRunningError(resolve(DATA_DIR), { ...running, status: 'ready' });
  }
}

async function release({ readiness, postgres }: ServedDatabase): Promise<void> {
  await readiness.close();
  await postgres?.stop();
}
