import type { Env } from '../env.ts';
import { openDatabase, type ServedDatabase, startEmbeddedDatabase } from './database.ts';
import type { DemoTokenOptions } from './demo/sign-in.ts';
import { assertPortFree } from './port.ts';
import type { RunningGateway } from './serve.ts';

/**
 * Starts the gateway on the database of the settings. Everything that takes long happens at once:
 * Postgres starts while the code is loaded. Throws errors whose message says what to do.
 */
export async function start(
  env: Env,
  demo: DemoTokenOptions | null,
  onProgress: (step: string) => void,
): Promise<RunningGateway> {
  const [database, code, port] = await Promise.allSettled([
    env.DATABASE_URL
      ? openDatabase(env.DATABASE_URL)
      : startEmbeddedDatabase(env.DATA_DIR, onProgress),
    import('./serve.ts'),
    assertPortFree(env.HOST, env.PORT),
  ]);
  // A gateway that runs on the same folder holds the port too: the folder explains more.
  if (database.status === 'rejected') throw database.reason;
  try {
    if (code.status === 'rejected') throw code.reason;
    if (port.status === 'rejected') throw port.reason;
    return await code.value.serve(env, database.value, demo);
  } catch (error) {
    await release(database.value);
    throw error;
  }
}

async function release({ readiness, postgres }: ServedDatabase): Promise<void> {
  await readiness.close();
  await postgres?.stop();
}
