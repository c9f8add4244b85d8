#!/usr/bin/env node
// Each command loads only what it needs.
const USAGE = `Usage:
  codex-gateway          start the gateway
  codex-gateway check    compare the schema with an earlier one: see codex-gateway check --help
`;

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  await import('./server/run-server.ts');
} else if (command === 'check') {
  // Whatever ends the process before the check is done, the check could not be made.
  process.exitCode = 2;
  const { runCheck } = await import('./check/check-cli.ts');
  process.exitCode = await runCheck(args);
} else {
  process.stderr.write(
    command === '--help' ? USAGE : `There is no command "${command}".\n\n${USAGE}`,
  );
  process.exitCode = command === '--help' ? 0 : 2;
}
