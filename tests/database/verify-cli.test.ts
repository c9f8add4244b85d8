import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKS } from '../../src/database/verify/verify.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

async function cli(variables: Record<string, string>, ...options: string[]) {
  const args = ['--import', 'tsx', 'src/database/verify/cli.ts', ...options];
  const run = promisify(execFile)(process.execPath, args, { cwd: root, env: variables });
  const { stdout, stderr, code } = await run.then(
    (output) => ({ ...output, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  expect(stderr).not.toMatch(/^ +at /m);
  return { stdout, stderr, code };
}

test('passes for an intact database, and fails for a broken one', async () => {
  const DATABASE_URL = database.url;
  const sound = await cli({ DATABASE_URL });
  expect(sound).toMatchObject({ code: 0, stderr: '' });
  expect(sound.stdout.match(/^ {2}PASS {2}/gm)).toHaveLength(CHECKS.length);
  expect(sound.stdout).toMatch(new RegExp(`\nAll ${CHECKS.length} checks passed.\n$`));
  // As in the documentation.
  const page = await readFile(`${root}/docs/operations.md`, 'utf8');
  const shown = page.match(/^( {2}PASS {2}|All \d+ checks).*$/gm) ?? [];
  expect(shown).toHaveLength(3);
  for (const line of shown) expect(sound.stdout.split('\n')).toContain(line);

  await database.query(`
    alter table moves no force row level security;
    create index on campaigns (workspace_id);`);
  const broken = await cli({ DATABASE_URL });
  expect(broken).toMatchObject({ code: 1, stderr: '' });
  expect(broken.stdout).toContain('  FAIL  row-security');
  expect(broken.stdout).toContain('- public.moves is not forced');

  const json = await cli({ DATABASE_URL }, '--json');
  expect(json.code).toBe(1);
  const report = JSON.parse(json.stdout);
  expect(report.passed).toBe(false);
  expect(report.checks).toHaveLength(CHECKS.length);
  expect(report.checks.filter(({ passed }: { passed: boolean }) => !passed)).toMatchObject([
    { id: 'no-drift' },
    { id: 'indexes-needed' },
    { id: 'row-security', problems: ['public.moves is not forced'] },
  ]);
  // Three processes, each of which loads Prisma's engine.
}, 120_000);

test('reports a missing or unreachable database, and a misspelt option', async () => {
  expect(await cli({ DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/none' })).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^Cannot use the database 127\.0\.0\.1:1\/none: (?!.*secret)/),
  });
  expect(await cli({ DATA_DIR: '/nowhere' })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^There is no database in \/nowhere\. Run npm run db:migrate/),
  });
  expect(await cli({ DATA_DIR: '/nowhere' }, '--jason')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--jason.*Usage: npm run db:verify/s),
  });
});
