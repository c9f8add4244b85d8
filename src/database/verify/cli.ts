import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { directUrl, env } from '../../env.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../embedded.ts';
import { exists } from '../embedded-installation.ts';
import { formatResults } from './format.ts';
import { type Result, verify } from './verify.ts';

const USAGE = `Usage: npm run db:verify [-- --json] [--all]

Checks the database of DATABASE_DIRECT_URL or else DATABASE_URL, or without both the embedded one in
DATA_DIR; nothing in it is changed. Exit code 0: every check passes; 1: one fails; 2: they could not be made.

  --json  print the results for programs
  --all   print every problem, not only the first five of a check
`;

async function verifyConfigured(): Promise<Result[]> {
  const url = directUrl(env);
  if (url) return verify(url);
  if (!(await exists(join(env.DATA_DIR, 'postgres')))) {
    throw new Error(
      `There is no database in ${env.DATA_DIR}. Run npm run db:migrate, or set DATABASE_URL.`,
    );
  }
  const running = await findEmbeddedPostgres(env.DATA_DIR);
  if (running) return verify(running.url());
  const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR });
  try {
    return await verify(server.url());
  } finally {
    await server.stop();
  }
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, all: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const results = await verifyConfigured();
  const passed = results.every((result) => result.passed);
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ passed, checks: results }, null, 2)}\n`
      : formatResults(results, values.all ? Number.POSITIVE_INFINITY : 5),
  );
  return passed ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = 2;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    return `${error.message}\n\n${USAGE}`;
  }
  // If every address of a host refuses, the message is empty and the single errors have the
  // reasons.
  const parts = error instanceof AggregateError ? error.errors : [error];
  return parts.map((part) => (part instanceof Error ? part.message : String(part))).join('\n');
}
