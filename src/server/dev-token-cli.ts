import { parseArgs } from 'node:util';
import { GatewayError } from '../context/errors.ts';
import { EnvironmentError, env } from '../env.ts';
import { demoTokenOptions } from './demo/settings.ts';
import { findDemoPerson, signDemoToken } from './demo/sign-in.ts';

try {
  const { values } = parseArgs({ options: { email: { type: 'string' } } });
  const options = await demoTokenOptions(env);
  if (!options) {
    throw new EnvironmentError(
      'Demo people sign in to the embedded database, so without DATABASE_URL; or, with ' +
        'DEMO_SIGN_IN=true and JWT_SECRET, to a database on this machine.',
    );
  }
  const { token } = await signDemoToken(findDemoPerson(values.email), options);
  process.stdout.write(`${token}\n`);
} catch (error) {
  const { message } = error as Error;
  const isRefusal = error instanceof GatewayError || error instanceof EnvironmentError;
  process.stderr.write(
    isRefusal ? `${message}\n` : `${message}\nUsage: npm run dev:token -- --email E\n`,
  );
  process.exitCode = 1;
}
