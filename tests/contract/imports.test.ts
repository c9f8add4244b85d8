import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
/** What applications install: of the gateway it knows the protocol only. */
const CLIENT = fileURLToPath(new URL('../../packages/client/src', import.meta.url));

/** Layers, from the outermost; each may import from itself and from those after it. */
const LAYERS = [
  'main',
  'server',
  'subscriptions',
  'schema',
  'read',
  'sql',
  'resolvers',
  'realtime',
  'context',
  'database',
  'models',
  'env',
];

const files = sourcesIn(SRC).filter((file) => !file.startsWith('generated'));

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

function layerOf(file: string): string {
  return file.split(sep)[0]?.replace(/\.ts$/, '') ?? '';
}

/** What a file imports, in whatever form: types, re-exports and dynamic imports too. */
function importsOf(file: string, folder = SRC): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** The files that it imports, as paths from the folder. */
function innerImports(file: string, folder = SRC): string[] {
  return importsOf(file, folder)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(folder, join(folder, dirname(file), name)));
}

it('there are files to look at, each in a layer', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !LAYERS.includes(layerOf(file)))).toEqual([]);
});

describe('a file imports from its own layer and those below', () => {
  it.each(files)('%s', (file) => {
    const below = LAYERS.slice(LAYERS.indexOf(layerOf(file)));
    // Below all of them is what Prisma generates.
    const allowed = [...below, 'generated'];
    const outside = innerImports(file).filter((name) => !allowed.includes(layerOf(name)));
    // Whoever starts the server offers the demo; no request sees it.
    const demo = layerOf(file) === 'server' ? join('..', 'prisma', 'seed', sep) : SRC;
    expect(outside.filter((name) => !name.startsWith(demo))).toEqual([]);
  });
});

describe('the client runs in a browser, without the gateway', () => {
  const ofClient = sourcesIn(CLIENT);
  it.each(ofClient)('%s', (file) => {
    const outside = innerImports(file, CLIENT).filter((name) => !ofClient.includes(name));
    expect(outside).toEqual([]);
    const packages = importsOf(file, CLIENT).filter((name) => !name.startsWith('.'));
    expect(packages.filter((name) => !name.startsWith('@apollo/client'))).toEqual([]);
  });
});

describe('GraphQL is known in the server and the schema only', () => {
  const inner = files.filter((file) => !['main', 'server', 'schema'].includes(layerOf(file)));
  it.each(inner)('%s', (file) => {
    const graphql = importsOf(file).filter((name) => /graphql|pothos/i.test(name));
    // Subscriptions and reads know operations, but no server and no schema builder.
    const allowed = ['subscriptions', 'read'].includes(layerOf(file)) ? ['graphql'] : [];
    expect(graphql.filter((name) => !allowed.includes(name))).toEqual([]);
  });
});

it('no file imports itself, however far round', () => {
  const imports = new Map(files.map((file) => [file, innerImports(file)]));
  const cycles: string[] = [];
  const finished = new Set<string>();
  const follow = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' > '));
    if (start >= 0 || finished.has(file)) return;
    for (const next of imports.get(file) ?? []) follow(next, [...path, file]);
    finished.add(file);
  };
  for (const file of files) follow(file, []);
  expect(cycles).toEqual([]);
});

describe('the environment is read in one place', () => {
  it.each(files.filter((file) => file !== 'env.ts'))('%s', (file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    expect(text).not.toMatch(/\bprocess\s*(\.\s*env\b|\[)|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/);
    expect(text).not.toMatch(/import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/);
  });
});
