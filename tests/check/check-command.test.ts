import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOutdated } from '../../src/check/head.ts';
import { newRepository, type Repository } from './repository.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src/main.ts');

let repository: Repository;
beforeAll(() => {
  repository = newRepository();
});
afterAll(() => repository.remove());

/** Runs the program as it is installed, in the folder of a project. */
function run(args: string[], env: Record<string, string> = {}) {
  const node = ['--import', import.meta.resolve('tsx'), MAIN, ...args];
  // Nothing that a CI service says about this run.
  const { PATH = '' } = process.env;
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: repository.folder, env: { PATH, ...env } };
    execFile(process.execPath, node, options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

it('the command compares the gateway with the file, and fails where a field is gone', async () => {
  const schema = readFileSync(join(ROOT, 'schema.graphql'), 'utf8');
  const before = schema.replace('\ntype Campaign implements Node {', '$&\n  old: Int');
  repository.write('schema.graphql', before);
  repository.write('check.config.ts', 'export default { ignore: ["None"] as string[] };');
  const { code, stdout, stderr } = await run(['check', '--base', 'schema.graphql', '--json']);
  expect(stderr).toBe('');
  const { findings } = JSON.parse(stdout);
  expect(findings).toMatchObject([
    { rule: 'field-removed', path: 'Campaign.old', severity: 'breaking' },
    { rule: 'schema-file-outdated', place: { file: 'schema.graphql' } },
  ]);
  expect(code).toBe(1);
});

it('what cannot be checked is 2, with a message and no stack', async () => {
  const runs = await Promise.all([
    run(['check', '--base', 'missing.graphql']),
    run(['check', '--bas', 'main']),
    run(['check', '--format', 'jnit']),
    run(['check'], { NODE_ENV: 'production' }),
    run(['chek']),
  ]);
  expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
  const messages = [/no file missing/, /mean "--base"/, /mean "junit"/, /DATABASE_URL/, /"chek"/];
  for (const [index, { stdout, stderr }] of runs.entries()) {
    expect(stderr).toMatch(messages[index] ?? '');
    expect(stderr + stdout).not.toMatch(/^ +at /m);
    expect(stdout).toBe('');
  }
});

it('help is 0', async () => {
  const { code, stdout } = await run(['check', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: codex-gateway check/);
});

describe('generated code', () => {
  let folder: string;
  const GENERATED = 'src/generated/prisma/internal/class.ts';
  const CATALOG = 'src/generated/catalog.ts';
  const GENERATOR = 'prisma/catalog-generator.mjs';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'schema-check-'));
    const parts = ['prisma.config.ts', 'prisma/schema.prisma', 'prisma/models', GENERATOR];
    for (const part of [...parts, GENERATED, CATALOG]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is out of date as soon as a model or a generator is another one, or as it is not there', () => {
    const model = join(folder, 'prisma/models/campaigns.prisma');
    const text = readFileSync(model, 'utf8');
    expect(isOutdated(folder)).toBe(false);
    writeFileSync(model, text.replaceAll('  ', '   '));
    expect(isOutdated(folder)).toBe(false);
    writeFileSync(model, text.replace('objective             String?', 'objective String'));
    expect(isOutdated(folder)).toBe(true);
    writeFileSync(model, text.replace('in words', 'in numbers'));
    expect(isOutdated(folder)).toBe(true);
    writeFileSync(model, text);
    utimesSync(join(folder, GENERATOR), new Date(), new Date(Date.now() + 60_000));
    expect(isOutdated(folder)).toBe(true);
    utimesSync(join(folder, GENERATOR), new Date(), new Date(0));
    expect(isOutdated(folder)).toBe(false);
    rmSync(join(folder, GENERATED));
    expect(isOutdated(folder)).toBe(true);
  });

  it('is never made in a built gateway, which has no generator', () => {
    rmSync(join(folder, 'prisma.config.ts'));
    expect(isOutdated(folder)).toBe(false);
  });
});
