import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayError } from '../context/errors.ts';
import { EnvironmentError, env } from '../env.ts';
import { hasDemoSecret } from './demo/secret.ts';
import { demoTokenOptions } from './demo/settings.ts';
import { findDemoPerson, signAgentToken, signDemoToken } from './demo/sign-in.ts';

const USAGE = `Usage: npm run dev:token -- --email ADDRESS
       npm run dev:token -- --agent NAME --scopes intelligence:write,alerts:write`;

try {
  const { values } = parseArgs({
    options: {
      email: { type: 'string' },
      agent: { type: 'string' },
      scopes: { type: 'string', default: '*:read' },
    },
  });
  if (!env.DATABASE_URL && !env.JWT_SECRET && !(await hasDemoSecret(env.DATA_DIR))) {
    throw new EnvironmentError(
      `No gateway has run on the data folder ${resolve(env.DATA_DIR)}, so it would accept no token ` +
        'from here. Set DATA_DIR to the folder that your gateway uses, or run npm start first.',
    );
  }
  const options = await demoTokenOptions(env);
  if (!options) {
    throw new EnvironmentError(
      'Demo people sign in to the embedded database, so without DATABASE_URL; or, with ' +
        'DEMO_SIGN_IN=true and JWT_SECRET, to a database on this machine.',
    );
  }
  const token = values.agent
    ? await signAgentToken(values.agent, values.scopes.split(','), options)
    : (await signDemoToken(findDemoPerson(values.email), options)).token;
  process.stdout.write(`${token}\n`);
} catch (error) {
  const { message } = error as Error;
  const isRefusal = error instanceof GatewayError || error instanceof EnvironmentError;
  process.stderr.write(isRefusal ? `${message}\n` : `${message}\n${USAGE}\n`);
  process.exitCode = 1;
}
