// Cuts a release: moves the changelog's unreleased part under the new version, sets the version of all
// packages, commits and tags.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const USAGE = `Usage: npm run release -- <version> [--date 2026-12-31]

Run it on a clean main after .ci/run has passed. Pushes nothing: review the commit, then
git push --follow-tags.
`;
const UNRELEASED = '## [Unreleased]';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
    help: { type: 'boolean' },
  },
});

class ReleaseError extends Error {}

try {
  process.stdout.write(values.help ? USAGE : release(positionals[0], values.date));
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** Returns what to do next. Throws ReleaseError where a release cannot be cut. */
function release(version: string | undefined, date: string): string {
  if (!version || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
    throw new ReleaseError(`Name the new version, such as 1.2.0.\n\n${USAGE}`);
  }
  if (git('status', '--porcelain')) throw new ReleaseError('Commit or stash your changes first.');
  if (git('tag', '--list', `v${version}`)) {
    throw new ReleaseError(`There is a tag v${version} already.`);
  }
  requireFrozenMigrations();
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  const changes = changelog.split(`${UNRELEASED}\n`, 2)[1]?.split('\n## [', 1)[0];
  if (!changes?.trim()) throw new ReleaseError(`CHANGELOG.md has nothing under "${UNRELEASED}".`);
  writeFileSync(
    'CHANGELOG.md',
    changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`),
  );
  run(
    'npm',
    'version',
    version,
    '--no-git-tag-version',
    '--workspaces',
    '--include-workspace-root',
  );
  git('commit', '--all', '--message', `Release ${version}`);
  git('tag', '--annotate', `v${version}`, '--message', `Release ${version}`);
  return `Committed and tagged v${version}. Push it: git push --follow-tags\n`;
}

/** Databases have what was released: throws ReleaseError where a migration of the last release changed. */
function requireFrozenMigrations(): void {
  const [last] = git('tag', '--list', 'v*', '--sort=-creatordate').split('\n');
  if (!last) return;
  // All changes but additions.
  const changed = git('diff', '--name-only', '--diff-filter=a', last, '--', 'prisma/migrations');
  if (changed) {
    throw new ReleaseError(
      `Migrations of ${last} are frozen, and these differ:\n${changed}\nRestore them, and put the change into a new migration.`,
    );
  }
}

function git(...args: string[]): string {
  return run('git', ...args);
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' }).trim();
}
