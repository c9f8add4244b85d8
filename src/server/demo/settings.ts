import pg from 'pg';
import { type Env, EnvironmentError } from '../../env.ts';
import { demoSecret } from './secret.ts';
import type { DemoTokenOptions } from './sign-in.ts';

const LOCAL_HOST = /^(localhost|127(\.\d+){3}|::1|\/.*)$/;

/**
 * Returns how demo tokens are signed, or null where demo people cannot sign in. They can on the
 * embedded database and, with DEMO_SIGN_IN, on another database of this machine. Throws
 * EnvironmentError if DEMO_SIGN_IN is set anywhere else.
 */
export async function demoTokenOptions(env: Env): Promise<DemoTokenOptions | null> {
  if (env.DATABASE_URL) {
    if (!env.DEMO_SIGN_IN) return null;
    if (!isLocalDatabase(env.DATABASE_URL)) {
      throw new EnvironmentError(
        'DEMO_SIGN_IN works with a database on this machine only: unset it.',
      );
    }
    if (!env.JWT_SECRET) throw new EnvironmentError('DEMO_SIGN_IN needs JWT_SECRET too.');
  }
  const serviceSecret =
    env.SERVICE_JWT_SECRET ??
    (env.DATABASE_URL ? undefined : await demoSecret(env.DATA_DIR, 'service-jwt'));
  return {
    secret: env.JWT_SECRET ?? (await demoSecret(env.DATA_DIR)),
    ...(serviceSecret ? { serviceSecret } : {}),
    audience: env.JWT_AUDIENCE,
    ...(env.JWT_ISSUER ? { issuer: env.JWT_ISSUER } : {}),
  };
}

function isLocalDatabase(url: string): boolean {
  // As the driver reads it: a parameter `host` takes the place of the host before the path.
  return LOCAL_HOST.test(new pg.Client(url).host);
}
