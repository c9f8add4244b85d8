// Adds the table of docs/adding-a-table.md to a copy of the tree, as the page says, and runs the tests
// that every table has to pass.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const PAGE = 'docs/adding-a-table.md';
/** A fence that names a file: new text for its end, or lines to be inserted behind another one. */
const FENCE = /^```(\w+) (\S+)\n(.*?)^```$/gms;
/** What loops over all tables, and what a table is easily forgotten in. */
const TESTS = [
  'tests/contract/audiences.test.ts',
  'tests/contract/isolation.test.ts',
  'tests/contract/models.test.ts',
  'tests/contract/schema.test.ts',
  'tests/database/audit-log.test.ts',
  'tests/database/change-log.test.ts',
  'tests/database/migration-definitions.test.ts',
  'tests/database/migrations.test.ts',
  'tests/database/seed-story.test.ts',
  'tests/database/tenancy.test.ts',
  'tests/database/verify.test.ts',
  'tests/mutations/generated.test.ts',
  'tests/mutations/roles.test.ts',
];

const { values: options } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, all: { type: 'boolean', default: false } },
});
const tree = mkdtempSync(join(tmpdir(), 'codex-recipe-'));
try {
  copyTree();
  const written = follow(readFileSync(PAGE, 'utf8'));
  for (const [file, lines] of written) print(`${String(lines).padStart(4)} lines in ${file}`);
  const total = [...written.values()].reduce((sum, lines) => sum + lines, 0);
  print(`${String(total).padStart(4)} lines by hand in ${written.size} files`);
  run('npx', 'prisma', 'format');
  run('npm', 'run', '--silent', 'generate');
  run('npm', 'run', '--silent', 'schema:print');
  run('npx', 'tsc', '-p', '.');
  run('npx', 'vitest', 'run', ...(options.all ? [] : TESTS));
  run('npm', 'run', '--silent', 'schema:check', '--', '--base', 'HEAD');
} finally {
  if (options.keep) print(`The tree is kept: ${tree}`);
  else rmSync(tree, { recursive: true, force: true });
}

function copyTree(): void {
  const tracked = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', tracked, { encoding: 'utf8' }).split('\0').filter(existsSync);
  for (const file of files) cpSync(file, join(tree, file));
  symlinkSync(join(process.cwd(), 'node_modules'), join(tree, 'node_modules'));
  // The schema check compares with this commit.
  run('git', 'init', '--quiet');
  run('git', 'add', '--all');
  run(
    'git',
    '-c',
    'user.name=recipe',
    '-c',
    'user.email=recipe@localhost',
    'commit',
    '-qm',
    'Tree',
  );
}

/** Does what the page says; returns how many lines that are not empty went into each file. */
function follow(page: string): Map<string, number> {
  const written = new Map<string, number>();
  for (const [, language, file = '', body = ''] of page.matchAll(FENCE)) {
    const lines = language === 'diff' ? insert(file, body) : append(file, body);
    written.set(file, (written.get(file) ?? 0) + lines);
  }
  return written;
}

function append(file: string, body: string): number {
  const path = join(tree, file);
  mkdirSync(dirname(path), { recursive: true });
  const before = existsSync(path) ? `${readFileSync(path, 'utf8')}\n` : '';
  writeFileSync(path, before + body);
  return body.split('\n').filter((line) => line.trim()).length;
}

function insert(file: string, body: string): number {
  const lines = body.split('\n').filter(Boolean);
  const [context = '', ...rest] = lines.filter((line) => line.startsWith(' '));
  if (rest.length > 0) throw new Error(`A diff of ${PAGE} has more than one line of context`);
  const added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
  const path = join(tree, file);
  const text = readFileSync(path, 'utf8').split('\n');
  const at = text.indexOf(context.slice(1));
  if (at < 0) throw new Error(`${file} has no line "${context.slice(1)}", which ${PAGE} names`);
  text.splice(at + 1, 0, ...added);
  writeFileSync(path, text.join('\n'));
  return added.length;
}

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: tree, stdio: 'inherit' });
  if (status !== 0) throw new Error(`"${[command, ...args].join(' ')}" failed with ${status}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
