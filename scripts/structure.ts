// Prints the shape of the code: sizes, imports, casts, repeated SQL functions, and with `--copies`
// blocks that were copied.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { cyclesAmong, importsAgainstLayers, layerOf, sourcesIn } from './source-tree.ts';

const LONG_FILE = 300;
const LONG_FUNCTION = 60;
/** A public tool, which npx fetches when copies are asked for. */
const COPIES = ['--yes', 'jscpd@4', 'src', '--ignore', '**/generated/**', '--silent'];

interface Sized {
  name: string;
  lines: number;
}

const src = sourcesIn('src');
const trees = ['src', 'tests', 'scripts', 'packages/client/src'].map((folder) => {
  const files = sourcesIn(folder).map((file) => sized(join(folder, file)));
  return { folder, files, functions: files.flatMap(({ name }) => functionsOf(name)) };
});

for (const { folder, files, functions } of trees) {
  const [file] = longest(files);
  const [func] = longest(functions);
  print(`${folder}: ${files.length} files, ${sum(files)} lines`);
  print(
    `  longest file: ${file?.name}, ${file?.lines}; longest function: ${func?.name}, ${func?.lines}`,
  );
}
for (const layer of ['server', 'subscriptions']) {
  print(
    `src/${layer}: ${sum(src.filter((file) => layerOf(file) === layer).map((file) => sized(join('src', file))))} lines`,
  );
}
list(
  `Files over ${LONG_FILE} lines`,
  trees.flatMap(({ files }) => over(files, LONG_FILE)),
);
list(
  `Functions over ${LONG_FUNCTION} lines`,
  trees.flatMap(({ folder, functions }) =>
    folder === 'tests' ? [] : over(functions, LONG_FUNCTION),
  ),
);
list('Circles of imports', cyclesAmong(src, 'src'));
list(
  'Imports against the layers',
  src.flatMap((file) => importsAgainstLayers(file, 'src').map((name) => `${file} > ${name}`)),
);
list(
  'Casts',
  src.flatMap((file) => matches(join('src', file), /\bas (?:never|unknown as)\b/)),
);
list('SQL functions defined more than once', repeatedFunctions());
if (process.argv.includes('--copies')) {
  print(`\n${spawnSync('npx', COPIES, { encoding: 'utf8' }).stdout.trim()}`);
}

function sized(name: string): Sized {
  return { name, lines: readFileSync(name, 'utf8').split('\n').length - 1 };
}

/** Functions with a name, and methods; a callback belongs to what it is in. */
function functionsOf(file: string): Sized[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: Sized[] = [];
  const look = (node: ts.Node): void => {
    if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.body) {
      const lines = node.getText().split('\n').length;
      found.push({ name: `${file}: ${node.name?.getText() ?? 'default'}`, lines });
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

function matches(file: string, pattern: RegExp): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, n) =>
    pattern.test(line) ? [`${file}:${n + 1} ${line.trim()}`] : [],
  );
}

/** Every migration that defines a function again, for those that have several definitions. */
function repeatedFunctions(): string[] {
  const { stdout: tracked } = spawnSync('git', ['ls-files', 'prisma/migrations/*.sql'], {
    encoding: 'utf8',
  });
  const definitions = new Map<string, number>();
  for (const file of tracked.trim().split('\n')) {
    const script = readFileSync(file, 'utf8');
    for (const [, name = ''] of script.matchAll(/^CREATE (?:OR REPLACE )?FUNCTION ([\w.]+)/gim)) {
      definitions.set(name, (definitions.get(name) ?? 0) + 1);
    }
  }
  return [...definitions].flatMap(([name, times]) =>
    times > 1 ? [`${name}: ${times} times`] : [],
  );
}

function longest(all: readonly Sized[]): Sized[] {
  return all.toSorted((a, b) => b.lines - a.lines);
}

function over(all: readonly Sized[], limit: number): string[] {
  return longest(all).flatMap(({ name, lines }) => (lines > limit ? [`${name}: ${lines}`] : []));
}

function sum(all: readonly Sized[]): number {
  return all.reduce((total, { lines }) => total + lines, 0);
}

function list(title: string, items: readonly string[]): void {
  print(`\n${title}: ${items.length}`);
  for (const item of items) print(`  ${item}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
