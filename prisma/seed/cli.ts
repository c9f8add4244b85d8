import { parseArgs } from 'node:util';
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrator.ts';
import { directUrl, env } from '../../src/env.ts';
import { type SeedOptions, seed } from './index.ts';

const USAGE = `Usage:
  npm run db:seed -- [--scale N] [--seed N]

  --scale N   add rows for load tests: 10, 100 (about 200,000 alerts), at most 1000; default 1: none
  --seed N    another number gives other ids and figures; default 1

It fills the database of DATABASE_DIRECT_URL or else DATABASE_URL, or without both the embedded one in
DATA_DIR, which has to be empty. Exit code 0: the demo is there; 1: it was not loaded; 2: not understood.
`;

/** The arguments of the command are invalid. */
class UsageError extends Error {}

function readOptions(args: string[]): SeedOptions | null {
  const { values } = parseArgs({
    args,
    options: {
      scale: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  return {
    scale: wholeNumber('--scale', values.scale),
    seed: wholeNumber('--seed', values.seed),
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} must be a whole number.`);
  return Number(text);
}

async function main(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  await onDatabase(async (url) => {
    const started = performance.now();
    const counts = Object.values(await seed(url, { ...options, onProgress: progress() }));
    const rows = counts.reduce((sum, count) => sum + count, 0);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(
      rows === 0
        ? 'The demo data is there already: nothing was changed.\n'
        : `Loaded ${rows.toLocaleString('en')} rows in ${seconds} s.\n`,
    );
  });
}

/** Calls `work` with the configured database; the embedded one is started and migrated if need be. */
async function onDatabase(work: (url: string) => Promise<void>): Promise<void> {
  const url = directUrl(env);
  if (url) return work(url);
  const running = await findEmbeddedPostgres(env.DATA_DIR);
  if (running) return work(running.url());
  const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR });
  try {
    await migrate(server.url());
    await work(server.url());
  } finally {
    await server.stop();
  }
}

/** Returns what shows the progress: a bar on a terminal, else a line for every tenth. */
function progress(): NonNullable<SeedOptions['onProgress']> {
  let shown = -1;
  return (done, total, table) => {
    const percentage = Math.floor((done / total) * 100);
    if (process.stderr.isTTY) {
      const bar = '█'.repeat(Math.floor(percentage / 4)).padEnd(25, '░');
      const line = `\r${bar} ${String(percentage).padStart(3)} %  ${table.padEnd(24)}`;
      process.stderr.write(done === total ? `\r${' '.repeat(line.length)}\r` : line);
    } else if (percentage >= shown + 10 || (done === total && shown < 100)) {
      shown = percentage;
      process.stderr.write(`${percentage} % (${done} of ${total} rows)\n`);
    }
  };
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const unreachable = 'syscall' in error;
  return unreachable ? `The database cannot be reached: ${error.message}` : error.message;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const code = (error as { code?: unknown }).code;
  const misused = error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${describe(error)}\n${misused ? `\n${USAGE}` : ''}`);
  process.exitCode = misused ? 2 : 1;
}
