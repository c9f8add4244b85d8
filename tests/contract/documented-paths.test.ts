import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const FOLDERS = [
  '.ci',
  '.github',
  'bench',
  'docs',
  'packages/client',
  'prisma',
  'scripts',
  'src',
  'tests',
];

/** All files and folders of the tree, each with a slash before it. */
const tree = FOLDERS.flatMap((folder) => {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const own = entries.filter((entry) => !entry.includes('node_modules'));
  return [`/${folder}`, ...own.map((entry) => `/${folder}/${entry}`)];
});

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'tests/README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** A file of ours, with as much of its path as a page names; or a folder, with all of it. */
const PATH =
  /`((?:[\w-]+\/)*[\w.-]+\.(?:ts|mjs|sql|prisma)|(?:src|tests|prisma|scripts)\/[\w/-]+)`/g;

function pathsIn(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(PATH)].map(([, path = '']) => path);
}

describe('every file and folder that a page of the documentation names is there', () => {
  it.each(PAGES)('%s', (page) => {
    const missing = pathsIn(page)
      .map((path) => path.replace(/\/$/, ''))
      .filter((path) => !tree.some((entry) => entry.endsWith(`/${path}`)));
    expect(missing).toEqual([]);
  });
});

it('pages name more than a hundred of them', () => {
  expect(new Set(PAGES.flatMap(pathsIn)).size).toBeGreaterThan(100);
});
