import { z } from 'zod';
import type { Finding, Rule } from './finding.ts';
import { SEVERITIES } from './finding.ts';

const day = z.iso.date({ error: 'must be a day such as 2027-01-31' });
const text = z.string().trim().min(1, { error: 'must not be empty' });

/** What a team decides about findings. Every part of the check may add a key of its own. */
export const policySchema = z.strictObject({
  /** Severities other than those of the rules; `off` leaves the findings out. */
  severities: z.record(z.string(), z.enum([...SEVERITIES, 'off'])).default({}),
  /** Paths that are not checked; `*` stands for any text. */
  ignore: z.array(text).default([]),
  /** Findings that were agreed to. */
  approvals: z
    .array(z.strictObject({ rule: text, path: text, reason: text, author: text, expires: day }))
    .default([]),
});

export type Policy = z.output<typeof policySchema>;
export type Approval = Policy['approvals'][number];

/** A finding, and whether somebody agreed to it. */
export interface DecidedFinding extends Finding {
  /** The approval that lets it through. */
  approval?: Approval;
  /** An approval that no longer does. */
  expired?: Approval;
}

export interface Decision {
  findings: DecidedFinding[];
  notes: string[];
}

/** Returns what remains of the findings by a policy, on a day such as 2026-12-31. */
export function decide(policy: Policy, findings: readonly Finding[], today: string): Decision {
  const used = new Set<Approval>();
  const decided = findings.flatMap((finding): DecidedFinding[] => {
    const severity = policy.severities[finding.rule] ?? finding.severity;
    if (severity === 'off') return [];
    if (policy.ignore.some((pattern) => matches(pattern, finding.path))) return [];
    const approvals = policy.approvals.filter(
      ({ rule, path }) => rule === finding.rule && matches(path, finding.path),
    );
    for (const approval of approvals) used.add(approval);
    const approval = approvals.find(({ expires }) => expires >= today);
    const [expired] = approvals;
    return [
      {
        ...finding,
        severity,
        ...(approval ? { approval } : expired && { expired }),
      },
    ];
  });
  const notes = policy.approvals
    .filter((approval) => !used.has(approval))
    .map(
      ({ rule, path, author }) =>
        `The approval of ${rule} at ${path} by ${author} is not used: remove it.`,
    );
  return { findings: decided, notes };
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(path);
}

/** Returns what is wrong with the names of rules in a policy, each with the nearest right one. */
export function unknownRules(policy: Policy, rules: ReadonlyMap<string, Rule>): string[] {
  const named = [
    ...Object.keys(policy.severities).map((rule) => ({ at: `severities.${rule}`, rule })),
    ...policy.approvals.map(({ rule }, index) => ({ at: `approvals[${index}].rule`, rule })),
  ];
  return named
    .filter(({ rule }) => !rules.has(rule))
    .map(({ at, rule }) => `${at}: there is no rule "${rule}"${meant(rule, [...rules.keys()])}`);
}

/** Returns a question that names the word which was probably meant. */
export function meant(word: string, known: readonly string[]): string {
  const [nearest] = known
    .map((each) => ({ each, steps: distance(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps);
  return nearest && nearest.steps <= Math.max(2, word.length / 2)
    ? `. Did you mean "${nearest.each}"?`
    : '';
}

/** How many characters have to be added, removed or replaced. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
