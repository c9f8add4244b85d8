import { apiFindings } from './api/api-changes.ts';
import type { Schemas } from './api/schemas.ts';
import { committedSchema, parsed, readBase } from './base.ts';
import type { CheckOptions } from './check-options.ts';
import { type Finding, found } from './finding.ts';
import { Git } from './git.ts';
import { Places } from './places.ts';
import { decide } from './policy.ts';
import { readPolicy } from './policy-file.ts';
import type { Report } from './report.ts';
import { rules, SCHEMA_FILE_OUTDATED } from './rules.ts';
import type { Source } from './source.ts';
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

/** What every part of the check can read: both schemas, and where they come from. */
export interface Checked extends Schemas, Source {}

/** A part of the check: it looks at one thing, and says what it finds there. */
export type Part = (checked: Checked) => Promise<Finding[]>;

const PARTS: readonly Part[] = [apiFindings, outdatedFile];

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
  const headText = await readHead();
  const checked: Checked = {
    base: before,
    // Both sides as printed: an executable schema differs from its own print in inner values.
    head: base.text === headText ? before : parsed(headText, 'this code'),
    headText,
    folder,
    git,
    commit: base.commit,
    schemaFile,
  };
  const findings = (await Promise.all(PARTS.map((part) => part(checked)))).flat();
  const places = new Places(checked);
  const decision = decide(
    policy,
    findings.map((each) => placed(each, places)),
    today,
  );
  return {
    base: base.description,
    findings: decision.findings.toSorted(
      (a, b) => a.rule.localeCompare(b.rule) || a.path.localeCompare(b.path),
    ),
    notes: [...(base.note ? [base.note] : []), ...decision.notes],
  };
}

async function outdatedFile({ folder, schemaFile, headText }: Source): Promise<Finding[]> {
  const lines = committedSchema(folder, schemaFile)?.split(/\r?\n/);
  const expected = headText.split('\n');
  const at = expected.findIndex((line, index) => line !== lines?.[index]);
  if (!lines || (at < 0 && lines.length === expected.length)) return [];
  const message = `${schemaFile} differs from the schema of the code`;
  const line = at < 0 ? expected.length : at + 1;
  return [
    { ...found(SCHEMA_FILE_OUTDATED, schemaFile, message), place: { file: schemaFile, line } },
  ];
}

/** Nobody looks for the cause of what is safe. */
function placed(finding: Finding, places: Places): Finding {
  const place =
    finding.place ?? (finding.severity === 'safe' ? undefined : places.of(finding.path));
  return place ? { ...finding, place } : finding;
}
