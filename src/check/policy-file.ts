import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import { CheckProblem } from './check-problem.ts';
import type { Rule } from './finding.ts';
import { meant, type Policy, policySchema, unknownRules } from './policy.ts';

const NAMES = ['check.config.ts', 'check.config.js', 'check.config.mjs', 'check.config.json'];
const KEYS = [
  ...Object.keys(policySchema.shape),
  ...Object.keys(policySchema.shape.approvals.unwrap().element.shape),
];

/** Returns the policy of a folder, or of the file that is named. Throws CheckProblem. */
export async function readPolicy(
  folder: string,
  named: string | undefined,
  rules: ReadonlyMap<string, Rule>,
): Promise<Policy> {
  const file = named === undefined ? findPolicy(folder) : resolve(folder, named);
  if (file === undefined) return policySchema.parse({});
  if (!existsSync(file)) throw new CheckProblem(`There is no policy file ${named} in ${folder}.`);
  const result = policySchema.safeParse(await load(file));
  const problems = result.success
    ? unknownRules(result.data, rules)
    : result.error.issues.flatMap(describeIssue);
  if (!result.success || problems.length > 0) {
    throw new CheckProblem(`Fix ${file}:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  }
  return result.data;
}

function findPolicy(folder: string): string | undefined {
  const present = NAMES.filter((name) => existsSync(join(folder, name)));
  if (present.length > 1) {
    throw new CheckProblem(`There are ${present.join(' and ')}: keep one of them.`);
  }
  return present[0] && join(folder, present[0]);
}

async function load(file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(readFileSync(file, 'utf8'));
    const module: { default?: unknown } = await import(pathToFileURL(file).href);
    if (module.default !== undefined) return module.default;
  } catch (error) {
    const unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason =
      unknown === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'this version of Node does not load TypeScript. Write check.config.js or check.config.json.'
        : `${error instanceof Error ? error.message : error}`;
    throw new CheckProblem(`${file} cannot be loaded: ${reason}`);
  }
  throw new CheckProblem(`${file} exports no policy: write "export default { ... }".`);
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  const place = at.join('').replace(/^\./, '') || 'the policy';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${place}: there is no "${key}"${meant(key, KEYS)}`);
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const sent = typeof issue.input === 'string' ? meant(issue.input, values) : '';
    return [`${place}: must be one of ${values.join(', ')}${sent}`];
  }
  return [`${place}: ${issue.message}`];
}
