import type { GraphQLSchema } from 'graphql';
import { apiFindings } from './api/api-changes.ts';
import { type Base, committedSchema, parsed, readBase } from './base.ts';
import type { CheckOptions } from './check-options.ts';
import { type Finding, found } from './finding.ts';
import { Git } from './git.ts';
import { Places } from './places.ts';
import { decide } from './policy.ts';
import { readPolicy } from './policy-file.ts';
import type { Report } from './report.ts';
import { rules, SCHEMA_FILE_OUTDATED } from './rules.ts';
import type { Variables } from './variables.ts';

/** Where a check is made. */
export interface Surroundings {
  folder: string;
  variables: Variables;
  /** Returns the text of the schema that is checked. */
  head: () => Promise<string>;
  /** Today, such as 2026-12-31. */
  today: string;
}

/** What every part of the check can read. */
export interface Checked {
  base: GraphQLSchema;
  head: GraphQLSchema;
}

/** A part of the check: it looks at one thing, and says what it finds there. */
export type Part = (checked: Checked) => Promise<Finding[]>;

const PARTS: readonly Part[] = [apiFindings];

/** Returns what is different from the base, and what the policy makes of it. Throws CheckProblem. */
export async function check(
  { base: named, schema: schemaFile, config, token }: CheckOptions,
  { folder, variables, head: readHead, today }: Surroundings,
): Promise<Report> {
  const git = new Git(folder);
  const policy = await readPolicy(folder, config, rules);
  const base = await readBase({
    folder,
    git,
    variables,
    base: named,
    token: token ?? variables('SCHEMA_CHECK_TOKEN'),
    schemaFile,
  });
  const before = parsed(base.text, base.description);
  const head = await readHead();
  const findings = [
    ...(await differences(base, before, head)),
    ...outdatedFile(committedSchema(folder, schemaFile), head, schemaFile),
  ];
  const { commit, description } = base;
  const places = new Places({ folder, git, commit, schemaFile, head });
  const decision = decide(
    policy,
    findings.map((each) => placed(each, places)),
    today,
  );
  return {
    base: description,
    findings: decision.findings.toSorted(
      (a, b) => a.rule.localeCompare(b.rule) || a.path.localeCompare(b.path),
    ),
    notes: [...(base.note ? [base.note] : []), ...decision.notes],
  };
}

async function differences(base: Base, before: GraphQLSchema, head: string): Promise<Finding[]> {
  const checked = {
    base: before,
    // Both sides as printed: an executable schema differs from its own print in inner values.
    head: base.text === head ? before : parsed(head, 'this code'),
  };
  return (await Promise.all(PARTS.map((part) => part(checked)))).flat();
}

function outdatedFile(file: string | undefined, head: string, name: string): Finding[] {
  if (file === undefined || file.trim() === head.trim()) return [];
  const at = file.split('\n');
  const line = head.split('\n').findIndex((each, index) => each !== at[index]);
  const message = `${name} differs from the schema of the code`;
  const place = { file: name, line: Math.max(1, line + 1) };
  return [{ ...found(SCHEMA_FILE_OUTDATED, name, message), place }];
}

/** Nobody looks for the cause of what is safe. */
function placed(finding: Finding, places: Places): Finding {
  const place =
    finding.place ?? (finding.severity === 'safe' ? undefined : places.of(finding.path));
  return place ? { ...finding, place } : finding;
}
