import { spawnSync } from 'node:child_process';
import { CheckProblem } from './check-problem.ts';

/** Git in one folder. A command that fails returns undefined: its reason depends on who asks. */
export class Git {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns what a command prints; undefined if it fails. Throws CheckProblem without git. */
  read(...args: string[]): string | undefined {
    const { error, status, stdout, stderr } = spawnSync('git', args, {
      cwd: this.#folder,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (error && 'code' in error && error.code === 'ENOENT') {
      throw new CheckProblem(
        'git is not installed. Install it, or name a base that needs none: --base <file | URL>.',
      );
    }
    if (status === 0) return stdout;
    if (stderr?.includes('dubious ownership')) {
      throw new CheckProblem(
        `git does not read the repository of another user. Allow it: git config --global --add safe.directory '${this.#folder}'`,
      );
    }
    return undefined;
  }

  /** Returns the first line of what a command prints; undefined if it fails or prints nothing. */
  line(...args: string[]): string | undefined {
    return this.read(...args)?.split('\n', 1)[0] || undefined;
  }

  /** Returns the id of a commit; undefined if there is none of this name. */
  commit(name: string): string | undefined {
    return this.line('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`);
  }

  isShallow(): boolean {
    return this.line('rev-parse', '--is-shallow-repository') === 'true';
  }
}
