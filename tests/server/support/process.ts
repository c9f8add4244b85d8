import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Program {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when standard output matches; rejects if the program ends before. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves to its exit code, null if a signal ended it. */
  ends(): Promise<number | null>;
}

/** Runs a script of the project with only these settings. */
export function run(script: string, env: Record<string, string>, args: string[] = []): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: ROOT,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr.on('data', (data) => {
    output.stderr += data;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ends: () => ended,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output.stdout);
          if (match) resolve(match);
        };
        child.stdout.on('data', look);
        look();
        ended.then(() =>
          reject(new Error(`Ended without a match: ${output.stdout}${output.stderr}`)),
        );
      }),
  };
}

/** The gateways that one test file starts. */
export class Gateways {
  readonly #programs: Program[] = [];

  start(env: Record<string, string>): Program {
    const program = run('src/main.ts', { PORT: '0', ...env });
    this.#programs.push(program);
    return program;
  }

  /** Kills all gateways. Resolves when they have ended. */
  async kill(): Promise<void> {
    for (const { child } of this.#programs) child.kill('SIGKILL');
    await Promise.all(this.#programs.map((program) => program.ends()));
  }
}
