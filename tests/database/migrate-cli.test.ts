import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { query } from './migrator-fixture.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cli-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

async function cli(command: string, variables: Record<string, string> = {}) {
  const args = ['--import', 'tsx', 'src/database/migrate-cli.ts', ...command.split(' ')];
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir, ...variables };
  const run = promisify(execFile)(process.execPath, args, { cwd: root, env });
  const { stdout, stderr, code } = await run.then(
    (output) => ({ ...output, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  expect(stderr).not.toMatch(/^ +at /m);
  return { stdout, stderr, code };
}

/** Runs something on the embedded database while no command runs. */
async function onServer<T>(work: (server: EmbeddedPostgres) => Promise<T>): Promise<T> {
  const server = await startEmbeddedPostgres({ dataDir, durable: false });
  return work(server).finally(() => server.stop());
}

test('the embedded database is made, shown, changed and reset', async () => {
  expect(await cli('status')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/There is no database in/),
  });
  expect(await readdir(dataDir)).toEqual([]);

  const first = await cli('migrate');
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Applied:\n {2}000_roles_and_identity\n/),
  });
  expect(await cli('migrate')).toMatchObject({ code: 0, stdout: 'Nothing to apply.\n' });
  expect(await cli('status')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^MIGRATION +STATE +APPLIED\n000_roles_and_identity +applied +2\d{3}-.*what the Prisma schema says\.\n$/s,
    ),
  });

  // A server that another process runs is used, and keeps running.
  await onServer(async ({ url }) => {
    await query(url(), 'alter table public.cohorts add surprise int');
    expect(await cli('status')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/Removed column `surprise`/),
    });
    expect(await cli('reset')).toMatchObject({ code: 0, stdout: first.stdout });
    expect(await cli('status')).toMatchObject({ code: 0 });
    await query(
      url(),
      "delete from _prisma_migrations where migration_name = '000_roles_and_identity'",
    );
    expect(await cli('status')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^000_roles_and_identity +pending$/m),
    });
    expect(await cli('resolve 000_roles_and_identity --applied')).toMatchObject({ code: 0 });
    expect(await cli('status')).toMatchObject({ code: 0 });

    await query(
      url(),
      "update _prisma_migrations set checksum = '' where migration_name = '017_alerts'",
    );
    const advice = /Changed since they were applied: 017_alerts\nMake it again: npm run db:reset/;
    expect(await cli('status')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(advice),
    });
    expect(await cli('migrate')).toMatchObject({ code: 2, stderr: expect.stringMatching(advice) });
    expect(await cli('reset')).toMatchObject({ code: 0, stdout: first.stdout });
  });
}, 180_000);

test('DATABASE_URL has precedence, and needs --force for a reset on another machine', async () => {
  const elsewhere = { DATABASE_URL: 'postgresql://user:secret@db.invalid:5432/codex' };
  const refused = await cli('reset', elsewhere);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/on another machine.*--force\n$/),
  });
  const forced = await cli('reset --force', elsewhere);
  expect(forced).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/db\.invalid:5432\/codex: getaddrinfo/),
  });
  expect(forced.stderr).not.toContain('secret');
});

test.each([
  '',
  'reste',
  'migrate now',
  'resolve',
  'resolve 000_roles_and_identity',
  'migrate --fast',
])('"%s" prints the usage', async (command) => {
  expect(await cli(command)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/\n\nUsage:\n/),
  });
});
