import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  cyclesAmong,
  importsAgainstLayers,
  importsOf,
  innerImports,
  LAYERS,
  layerOf,
  sourcesIn,
} from '../../scripts/source-tree.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
/** The package that applications install. It knows only the protocol of the gateway. */
const CLIENT = fileURLToPath(new URL('../../packages/client/src', import.meta.url));

const files = sourcesIn(SRC);

it('every file belongs to a layer', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !LAYERS.includes(layerOf(file)))).toEqual([]);
});

describe('a file imports only from its own layer and lower ones', () => {
  it.each(files)('%s', (file) => {
    expect(importsAgainstLayers(file, SRC)).toEqual([]);
  });
});

describe('the client imports nothing of the gateway or of Node', () => {
  const ofClient = sourcesIn(CLIENT);
  it.each(ofClient)('%s', (file) => {
    const outside = innerImports(file, CLIENT).filter((name) => !ofClient.includes(name));
    expect(outside).toEqual([]);
    const packages = importsOf(file, CLIENT).filter((name) => !name.startsWith('.'));
    expect(packages.filter((name) => !name.startsWith('@apollo/client'))).toEqual([]);
  });
});

it('only main imports the check, which imports the schema, the models and the settings', () => {
  const layersOf = (file: string) => innerImports(file, SRC).map(layerOf);
  const importers = files.filter((file) => layersOf(file).includes('check')).map(layerOf);
  expect(new Set(importers)).toEqual(new Set(['main', 'check']));
  const imported = files.filter((file) => layerOf(file) === 'check').flatMap(layersOf);
  const allowed = ['check', 'schema', 'models', 'env'];
  expect(imported.filter((layer) => !allowed.includes(layer))).toEqual([]);
});

it('main imports nothing before it knows the command', () => {
  const text = readFileSync(join(SRC, 'main.ts'), 'utf8');
  expect(text).not.toMatch(/^import /m);
});

describe('only the server, the check and the schema import GraphQL libraries', () => {
  const outer = ['main', 'server', 'check', 'schema'];
  const inner = files.filter((file) => !outer.includes(layerOf(file)));
  it.each(inner)('%s', (file) => {
    const graphql = importsOf(file, SRC).filter((name) => /graphql|pothos/i.test(name));
    // Subscriptions, writes and reads may import graphql-js, but no server or schema builder.
    const allowed = ['subscriptions', 'write', 'read'].includes(layerOf(file)) ? ['graphql'] : [];
    expect(graphql.filter((name) => !allowed.includes(name))).toEqual([]);
  });
});

it('imports have no cycles', () => {
  expect(cyclesAmong(files, SRC)).toEqual([]);
});

describe('only env.ts reads the environment', () => {
  it.each(files.filter((file) => file !== 'env.ts'))('%s', (file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    expect(text).not.toMatch(/\bprocess\s*(\.\s*env\b|\[)|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/);
    expect(text).not.toMatch(/import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/);
  });
});
