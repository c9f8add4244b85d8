import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { directUrl, env } from '../env.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { exists } from './embedded-installation.ts';
import { migrate, migrationStatus, resolveMigration, schemaDrift } from './migrator.ts';
import { NoSessionError } from './migrator-errors.ts';
import { findOtherMigrations, type MigrationStatus } from './migrator-history.ts';
import { emptyDatabase, recreateDatabase } from './migrator-reset.ts';

const USAGE = `Usage:
  npm run db:migrate                              apply the pending migrations
  npm run db:status                               show the migrations, and what else differs
  npm run db:resolve -- <name> --rolled-back      nothing of a failed migration is left: apply it again
  npm run db:resolve -- <name> --applied          it changed everything: continue after it
  npm run db:reset [-- --force]                   delete all data, then apply all migrations

They work on the database of DATABASE_DIRECT_URL or else DATABASE_URL, or without both on the
embedded one in DATA_DIR.
Exit code 0: done, or all is as it should be; 1: db:status found something; 2: it failed.
`;

const databaseUrl = directUrl(env);

/** The arguments make no sense. */
class UsageError extends Error {}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      force: { type: 'boolean' },
      applied: { type: 'boolean' },
      'rolled-back': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [command, ...operands] = positionals;
  if (values.help) {
    print(USAGE);
    return 0;
  }
  if (operands.length !== (command === 'resolve' ? 1 : 0)) throw new UsageError('Not understood.');
  if (
    command !== 'status' &&
    env.DATABASE_POOL_MODE === 'transaction' &&
    !env.DATABASE_DIRECT_URL
  ) {
    throw new NoSessionError();
  }
  switch (command) {
    case 'migrate':
      await onDatabase(apply);
      return 0;
    case 'status':
      if (!databaseUrl && !(await exists(join(env.DATA_DIR, 'postgres')))) {
        throw new Error(`There is no database in ${env.DATA_DIR}: run npm run db:migrate.`);
      }
      return onDatabase(showStatus);
    case 'reset':
      return reset(values.force ?? false);
    case 'resolve': {
      const [name = ''] = operands;
      if (values.applied === values['rolled-back']) {
        throw new UsageError('Say either --applied or --rolled-back.');
      }
      const outcome = values.applied ? 'applied' : 'rolled-back';
      await onDatabase((url) => resolveMigration(url, name, outcome));
      print(`Migration ${name} is recorded as ${outcome}.\n`);
      return 0;
    }
    default:
      throw new UsageError('Not understood.');
  }
}

/**
 * Calls `work` with the configured database. An embedded one is started for that time if it does
 * not run.
 */
async function onDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  if (databaseUrl) return work(databaseUrl);
  const running = await findEmbeddedPostgres(env.DATA_DIR);
  if (running) return work(running.url());
  const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR });
  try {
    return await work(server.url());
  } finally {
    await server.stop();
  }
}

async function apply(url: string): Promise<void> {
  const { applied } = await migrate(url, {
    onWarning: (warning) => process.stderr.write(`Warning: ${warning}\n`),
  });
  print(applied.length ? `Applied:\n  ${applied.join('\n  ')}\n` : 'Nothing to apply.\n');
}

async function showStatus(url: string): Promise<number> {
  const migrations = await migrationStatus(url);
  print(formatTable(migrations));
  const other = findOtherMigrations(migrations);
  if (other) print(`\n${other.message}\n`);
  if (!migrations.every(({ state }) => state === 'applied')) return 1;
  const drift = await schemaDrift(url);
  print(
    drift
      ? `\nThe database is not what the Prisma schema says. To match, it would take:\n\n${drift}\n`
      : '\nThe database is what the Prisma schema says.\n',
  );
  return drift ? 1 : 0;
}

async function reset(force: boolean): Promise<number> {
  if (databaseUrl && !force && !isLocal(databaseUrl)) {
    throw new Error('The database is on another machine. To delete all its data: --force');
  }
  await onDatabase(async (url) => {
    await (databaseUrl ? emptyDatabase(url) : recreateDatabase(url));
    await apply(url);
  });
  return 0;
}

function isLocal(url: string): boolean {
  const { host } = new pg.Client(url);
  return ['localhost', '127.0.0.1', '::1', '[::1]'].includes(host) || host.startsWith('/');
}

function formatTable(migrations: MigrationStatus[]): string {
  const rows = migrations.map(({ name, state, appliedAt }) => [
    name,
    state,
    appliedAt?.toISOString() ?? '',
  ]);
  const table = [['MIGRATION', 'STATE', 'APPLIED'], ...rows];
  const width = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const widths = [width(0), width(1)];
  return table
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function print(text: string): void {
  process.stdout.write(text);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const misused =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  return misused ? `${error.message}\n\n${USAGE.trimEnd()}` : error.message;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = 2;
}
