// What the tests and `npm run structure` read of the source: files, layers and imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';

/** Layers of `src`, from the outermost. Each may import from itself and from those after it. */
export const LAYERS = [
  'main',
  'server',
  'subscriptions',
  'check',
  'schema',
  'write',
  'read',
  'aggregate',
  'sql',
  'resolvers',
  'realtime',
  'context',
  'database',
  'models',
  'env',
];

/** Returns the TypeScript files of a folder, without what Prisma generates. */
export function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/(^|\/)(generated|node_modules|dist)\//.test(file))
    .sort();
}

/** Returns the layer of a file or an import, by its path from `src`. */
export function layerOf(file: string): string {
  return file.split(sep)[0]?.replace(/\.ts$/, '') ?? '';
}

/** Returns what a file imports, in every form: types, re-exports and dynamic imports too. */
export function importsOf(file: string, folder: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Returns the files that it imports, as paths from the folder. */
export function innerImports(file: string, folder: string): string[] {
  return importsOf(file, folder)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(folder, join(folder, dirname(file), name)));
}

/** Returns the imports of a file that lead to a layer above its own, or out of `src`. */
export function importsAgainstLayers(file: string, folder: string): string[] {
  // Below all layers is what Prisma generates.
  const allowed = [...LAYERS.slice(LAYERS.indexOf(layerOf(file))), 'generated'];
  // The server offers the demo at its start.
  const demo = layerOf(file) === 'server' ? join('..', 'prisma', 'seed', sep) : folder;
  return innerImports(file, folder).filter(
    (name) => !allowed.includes(layerOf(name)) && !name.startsWith(demo),
  );
}

/** Returns the circles of imports among files, each as a path. */
export function cyclesAmong(files: readonly string[], folder: string): string[] {
  const imports = new Map(files.map((file) => [file, innerImports(file, folder)]));
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
  return cycles;
}
