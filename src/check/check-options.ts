import { parseArgs } from 'node:util';
import { CheckProblem } from './check-problem.ts';
import { FORMATS, type Format } from './formats/formats.ts';
import { meant } from './policy.ts';

export const USAGE = `Usage: codex-gateway check [options]

Compares the schema of this code with an earlier one, and says what breaks for clients.

  --base <base>      what to compare with: a commit, branch or tag, a file (GraphQL, or the JSON of
                     an introspection), or the URL of an endpoint. If left out, it is found: for a
                     pull request in CI, and on a branch, the merge base with the target; on the
                     default branch the last release, else the commit before HEAD
  --schema <file>    the committed schema (default: schema.graphql)
  --config <file>    the policy (default: check.config.ts, .js, .mjs or .json, if there is one)
  --format <format>  ${FORMATS.join(', ')} (default: terminal)
  --json             the same as --format json
  --all              list all safe changes too
  --token <token>    for an endpoint; better in the variable SCHEMA_CHECK_TOKEN
  --help             show this

Exit code 0: nothing breaks; 1: something does; 2: the check could not be made.
`;

export interface CheckOptions {
  base: string | undefined;
  schema: string;
  config: string | undefined;
  format: Format;
  all: boolean;
  token: string | undefined;
  help: boolean;
}

const OPTIONS = {
  base: { type: 'string' },
  schema: { type: 'string', default: 'schema.graphql' },
  config: { type: 'string' },
  format: { type: 'string', default: 'terminal' },
  json: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  token: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Returns what the arguments of the command say. Throws CheckProblem. */
export function readOptions(args: string[]): CheckOptions {
  const { base, schema, config, format, json, all, token, help } = parse(args);
  const shown = json ? 'json' : format;
  if (!isFormat(shown)) {
    throw new CheckProblem(
      `There is no format "${shown}"${meant(shown, FORMATS) || `: use ${FORMATS.join(', ')}.`}`,
    );
  }
  if (base === '') throw new CheckProblem('--base is empty: leave it out, and the base is found.');
  return { base, schema, config, format: shown, all, token, help };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ', 1)[0] : String(error);
    const unknown = /'(--[\w-]+)'/.exec(reason ?? '')?.[1];
    const hint = unknown
      ? meant(
          unknown,
          Object.keys(OPTIONS).map((name) => `--${name}`),
        )
      : '';
    throw new CheckProblem(`${reason}${hint || '.'}\n\n${USAGE}`);
  }
}

function isFormat(name: string): name is Format {
  return FORMATS.some((format) => format === name);
}
