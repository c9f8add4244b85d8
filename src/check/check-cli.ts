import { styleText } from 'node:util';
import { variable } from '../env.ts';
import { readOptions, USAGE } from './check-options.ts';
import { CheckProblem } from './check-problem.ts';
import { formatted } from './formats/formats.ts';
import { schemaOfCode } from './head.ts';
import { breaks } from './report.ts';
import { rules } from './rules.ts';
import { check } from './schema-check.ts';

/** Runs the command with its arguments, and returns its exit code. */
export async function runCheck(args: string[]): Promise<number> {
  // Readers such as head stop before the end.
  process.stdout.on('error', () => {});
  try {
    const options = readOptions(args);
    if (options.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const report = await check(options, {
      folder: process.cwd(),
      variables: variable,
      head: () => schemaOfCode((step) => process.stderr.write(`${step} ...\n`)),
      today: new Date().toISOString().slice(0, 10),
    });
    process.stdout.write(
      formatted(report, options.format, {
        all: options.all,
        colors: styleText('red', '?', { stream: process.stdout, validateStream: true }) !== '?',
        rules,
        schemaFile: options.schema,
      }),
    );
    return breaks(report) ? 1 : 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const explained = error instanceof CheckProblem ? reason : `The check failed: ${reason}`;
    process.stderr.write(`${explained}\n`);
    return 2;
  }
}
