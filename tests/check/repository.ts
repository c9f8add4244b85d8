import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readOptions } from '../../src/check/check-options.ts';
import type { Report } from '../../src/check/report.ts';
import { check } from '../../src/check/schema-check.ts';

export const SCHEMA = 'type Query {\n  a: Int\n  b: Int\n}\n';
export const BROKEN = 'type Query {\n  a: Int\n}\n';

/** A folder whose code has the schema that its schema.graphql shows. */
export class Repository {
  readonly folder: string;

  constructor(folder = mkdtempSync(join(tmpdir(), 'schema-check-'))) {
    this.folder = folder;
  }

  git(...args: string[]): string {
    const who = [
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@example.com',
      '-c',
      'protocol.file.allow=always',
    ];
    return execFileSync('git', [...who, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  /** Returns the id of the new commit. */
  commit(schema: string): string {
    this.write('schema.graphql', schema);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'A commit');
    return this.git('rev-parse', 'HEAD');
  }

  async check(
    args: string[] = [],
    variables: Record<string, string> = {},
    today = '2026-12-01',
  ): Promise<Report> {
    return check(readOptions(args), {
      folder: this.folder,
      variables: (name) => variables[name],
      head: async () => readFileSync(join(this.folder, 'schema.graphql'), 'utf8'),
      today,
    });
  }

  /** Returns the message of a check that cannot be made. */
  async problem(args: string[] = [], variables: Record<string, string> = {}): Promise<string> {
    const { base } = await this.check(args, variables).catch((error: Error) => {
      if (error.name !== 'CheckProblem') throw error;
      return { base: error.message };
    });
    return base;
  }

  clone(...options: string[]): Repository {
    const folder = mkdtempSync(join(tmpdir(), 'schema-check-'));
    this.git('clone', '--quiet', ...options, `file://${this.folder}`, folder);
    return new Repository(folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let template: Repository | undefined;

/** Returns a repository with two commits on main. */
export function newRepository(): Repository {
  template ??= makeTemplate();
  const repository = new Repository();
  cpSync(template.folder, repository.folder, { recursive: true });
  return repository;
}

function makeTemplate(): Repository {
  const repository = new Repository();
  repository.git('init', '--quiet', '--initial-branch', 'main');
  repository.commit(SCHEMA);
  repository.commit(SCHEMA);
  process.once('exit', () => repository.remove());
  return repository;
}

/** Returns what the report calls breaking, as `rule path`. */
export function breaking({ findings }: Report): string[] {
  return findings
    .filter(({ severity, approval }) => severity === 'breaking' && !approval)
    .map(({ rule, path }) => `${rule} ${path}`);
}
