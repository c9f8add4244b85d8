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

describe('only the server and the schema import GraphQL libraries', () => {
  const inner = files.filter((file) => !['main', 'server', 'schema'].includes(layerOf(file)));
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
