// Starts the gateway as the environment says, and stops it on a signal.
import { UnsupportedPlatformError } from '../database/embedded-installation.ts';
import { EmbeddedPostgresError } from '../database/embedded-program.ts';
import { MigrationError } from '../database/migrator-errors.ts';
import { EnvironmentError, env } from '../env.ts';
import { demoTokenOptions } from './demo/settings.ts';
import { firstDemoPerson, signDemoToken } from './demo/sign-in.ts';
import { NotReadyError } from './health.ts';
import { PortInUseError } from './port.ts';
import type { RunningGateway } from './serve.ts';
import { start } from './start.ts';

/** Errors whose message is all that there is to say. */
const EXPLAINED = [
  EmbeddedPostgresError,
  EnvironmentError,
  MigrationError,
  NotReadyError,
  PortInUseError,
  UnsupportedPlatformError,
];
/** One Ctrl-C reaches this process twice when npm passes it on: only a later one is a second. */
const SAME_SIGNAL_MS = 500;

// Nobody may be reading any more: that is no reason to stop.
process.stdout.on('error', () => {});

const print = (text: string) => void process.stdout.write(`${text}\n`);

try {
  const demo = await demoTokenOptions(env);
  const gateway = await start(env, demo, (step) => print(`${step} ...`));
  print(`The gateway answers at ${gateway.url}/graphql`);
  if (demo) print(welcome(gateway.url, (await signDemoToken(firstDemoPerson, demo)).token));
  stopOnSignals(gateway);
  gateway.databaseLost.then(() => fail('The embedded Postgres has ended: see its server.log.'));
} catch (error) {
  const explained = EXPLAINED.some((kind) => error instanceof kind);
  fail(explained ? (error as Error).message : error);
}

function welcome(url: string, token: string): string {
  const { name, email } = firstDemoPerson;
  return `
Signed in as ${name} (${email}) for a day with this token:
${token}

A first query:
curl ${url}/graphql -H 'content-type: application/json' \\
  -H 'authorization: Bearer ${token}' \\
  -d '{"query":"{ viewer { email workspace { name } } campaigns(first: 3) { nodes { name status } } }"}'

GraphiQL: open ${url}/graphql in a browser.  Stop with Ctrl-C.`;
}

function stopOnSignals(gateway: RunningGateway): void {
  let stoppedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppedAt === undefined) {
      stoppedAt = Date.now();
      print('\nFinishing what is running; Ctrl-C once more ends at once.');
      gateway.stop().then(() => process.exit(0), fail);
    } else if (Date.now() - stoppedAt > SAME_SIGNAL_MS) {
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
}

function fail(reason: unknown): never {
  const text = reason instanceof Error ? reason.stack : reason;
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
