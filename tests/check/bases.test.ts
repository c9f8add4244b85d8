import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BROKEN, breaking, newRepository, Repository, SCHEMA } from './repository.ts';

let repository: Repository;
const others: Repository[] = [];

beforeEach(() => {
  repository = newRepository();
});
afterEach(() => {
  for (const each of [repository, ...others.splice(0)]) each.remove();
});

function other(made: Repository): Repository {
  others.push(made);
  return made;
}

describe('the base that is found on the default branch', () => {
  it('is the commit before HEAD, so that a committed break is found', async () => {
    const before = repository.git('rev-parse', 'HEAD');
    repository.commit(BROKEN);
    const report = await repository.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.base).toBe(`${before.slice(0, 10)}, the commit before HEAD`);
  });

  it('is the last release, however many commits ago, but never HEAD itself', async () => {
    repository.git('tag', 'v1.0.0');
    repository.git('tag', 'nightly');
    repository.commit(BROKEN);
    repository.commit(BROKEN);
    repository.git('tag', 'v2.0.0');
    const report = await repository.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.base).toBe('v1.0.0, the last release');
  });

  it('is older than what is not committed', async () => {
    repository.write('schema.graphql', BROKEN);
    expect(breaking(await repository.check())).toEqual(['field-removed Query.b']);
  });

  it('is the same in a detached HEAD', async () => {
    repository.commit(BROKEN);
    repository.git('checkout', '--quiet', '--detach');
    const report = await repository.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.base).toContain('the commit before HEAD');
  });

  it('is the same in a clone, whose remote names the default branch', async () => {
    repository.git('branch', '--move', 'main', 'trunk');
    repository.commit(BROKEN);
    const clone = other(repository.clone());
    const report = await clone.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    clone.git('checkout', '--quiet', '-b', 'feature', 'HEAD^');
    clone.commit('type Query {\n  b: Int\n}\n');
    const ofBranch = await clone.check();
    expect(breaking(ofBranch)).toEqual(['field-removed Query.a']);
    expect(ofBranch.base).toContain('the merge base with origin/trunk');
  });
});

it('commits of the default branch that are not pushed are compared with those that are', async () => {
  const clone = other(repository.clone());
  clone.commit(BROKEN);
  clone.commit(BROKEN);
  const report = await clone.check();
  expect(breaking(report)).toEqual(['field-removed Query.b']);
  expect(report.base).toContain('the merge base with origin/main');
});

it('where no default branch is known, that is said', async () => {
  repository.git('branch', '--move', 'main', 'trunk');
  const { base, notes } = await repository.check();
  expect(base).toContain('the commit before HEAD');
  expect(notes).toEqual([expect.stringMatching(/^No default branch is known here/)]);
});

it('the commit in which CI merges a pull request is compared with the target branch', async () => {
  const main = repository.commit(`${SCHEMA}type New { a: Int }\n`);
  repository.git('checkout', '--quiet', '-b', 'feature', 'HEAD^');
  repository.commit(BROKEN);
  repository.git('checkout', '--quiet', '--detach', 'main');
  repository.git('merge', '--quiet', '--no-commit', '--strategy', 'ours', 'feature');
  repository.commit(`${BROKEN}type New { a: Int }\n`);
  const report = await repository.check([], { GITHUB_BASE_REF: 'main' });
  expect(breaking(report)).toEqual(['field-removed Query.b']);
  expect(report.findings).toHaveLength(1);
  expect(report.base).toBe(`${main.slice(0, 10)}, the merge base with main (GITHUB_BASE_REF)`);
});

describe('a base that is named', () => {
  it('is a commit, branch or tag', async () => {
    const commit = repository.git('rev-parse', 'HEAD');
    repository.git('tag', 'old');
    repository.git('branch', 'earlier');
    repository.commit(BROKEN);
    for (const base of [commit, commit.slice(0, 12), 'old', 'earlier', 'HEAD~1']) {
      expect(breaking(await repository.check(['--base', base])), base).toHaveLength(1);
    }
  });

  it('is said to be HEAD itself', async () => {
    const { notes } = await repository.check(['--base', 'HEAD']);
    expect(notes).toEqual([
      'The base is HEAD itself, so that only uncommitted changes are compared.',
    ]);
  });

  it('is a file, and needs no git', async () => {
    rmSync(join(repository.folder, '.git'), { recursive: true });
    repository.write('old.graphql', SCHEMA);
    repository.write('schema.graphql', BROKEN);
    const report = await repository.check(['--base', 'old.graphql']);
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.base).toBe('old.graphql');
  });

  it('may be in a folder of the repository', async () => {
    repository.write('api/schema.graphql', SCHEMA);
    repository.commit(SCHEMA);
    repository.commit(BROKEN);
    const api = new Repository(join(repository.folder, 'api'));
    api.write('schema.graphql', BROKEN);
    const report = await api.check();
    expect(breaking(report)).toEqual(['field-removed Query.b']);
    expect(report.findings.map(({ place }) => place)).toEqual([
      { file: 'schema.graphql', line: 1 },
    ]);
  });
});

describe('the check cannot be made, and says what to do', () => {
  it('in a shallow clone', async () => {
    repository.commit(BROKEN);
    const clone = other(repository.clone('--depth', '1'));
    expect(await clone.problem()).toMatch(/no commit before HEAD here.*git fetch --unshallow/);
    const target = { GITHUB_BASE_REF: 'main' };
    repository.git('checkout', '--quiet', '-b', 'feature');
    repository.commit(BROKEN);
    const feature = other(repository.clone('--depth', '1', '--branch', 'feature'));
    expect(await feature.problem([], target)).toMatch(
      /The branch "main" that GITHUB_BASE_REF names is not in this clone.*git fetch origin/,
    );
    feature.git('fetch', '--quiet', '--depth', '1', 'origin', '+main:refs/remotes/origin/main');
    expect(await feature.problem([], target)).toMatch(/no commit in common here.*fetch-depth: 0/);
    expect(await feature.problem(['--base', 'v1.0.0'])).toMatch(/neither a file.*shallow/);
    const merge = { CI_MERGE_REQUEST_DIFF_BASE_SHA: 'a'.repeat(40) };
    expect(await feature.problem([], merge)).toMatch(/aaaaaaaaaa that CI_MERGE_.* GIT_DEPTH: 0/);
  });

  it('without git', async () => {
    rmSync(join(repository.folder, '.git'), { recursive: true });
    expect(await repository.problem()).toMatch(/no git repository here.*--base <file \| URL>/);
    expect(await repository.problem(['--base', 'main'])).toBe(
      '"main" is no file, and there is no git repository here.',
    );
  });

  it('before the first commit, and at it', async () => {
    const empty = other(new Repository());
    empty.git('init', '--quiet', '--initial-branch', 'main');
    empty.write('schema.graphql', SCHEMA);
    expect(await empty.problem()).toMatch(/no commit yet/);
    empty.commit(SCHEMA);
    expect(await empty.problem()).toMatch(/first commit.*--base HEAD/);
  });

  it('with a base that is not there', async () => {
    expect(await repository.problem(['--base', 'v9'])).toMatch(
      /neither a file nor a commit.*fetch/,
    );
    expect(await repository.problem(['--base', 'old.graphql'])).toMatch(/no file old.graphql/);
    expect(await repository.problem(['--base', ''])).toMatch(/--base is empty/);
    expect(await repository.problem(['--schema', 'api.graphql'])).toMatch(
      /no api.graphql in .*--schema/,
    );
  });

  it('without a branch in common', async () => {
    repository.git('checkout', '--quiet', '--orphan', 'alone');
    repository.commit(BROKEN);
    expect(await repository.problem()).toMatch(/no commit in common here. Merge it, or rebase/);
  });

  it('with a base that does not parse', async () => {
    repository.write('old.graphql', 'type Query {\n  a Int\n}\n');
    expect(await repository.problem(['--base', 'old.graphql'])).toMatch(
      /old.graphql is not valid \(line 2, column 5\): Syntax Error/,
    );
    repository.write('old.graphql', 'type Query { a: Missing }');
    expect(await repository.problem(['--base', 'old.graphql'])).toMatch(/Unknown type "Missing"/);
    repository.write('old.json', '{"data": {"__schema": 1}}');
    expect(await repository.problem(['--base', 'old.json'])).toMatch(
      /no result of an introspection/,
    );
    repository.commit('type Query {');
    repository.commit(SCHEMA);
    expect(await repository.problem()).toMatch(/the commit before HEAD is not valid/);
  });

  it('with code whose schema is not valid', async () => {
    repository.write('schema.graphql', 'type Query {');
    expect(await repository.problem()).toMatch(/The schema of this code is not valid/);
  });
});
