import type { Severity } from './finding.ts';
import type { DecidedFinding } from './policy.ts';

/** The result of a check, as all formats show it. */
export interface Report {
  /** What the schema was compared with. */
  base: string;
  findings: readonly DecidedFinding[];
  /** What readers should know besides. */
  notes: readonly string[];
}

/** Returns the findings of one severity, those that somebody agreed to apart. */
export function ofSeverity({ findings }: Report, severity: Severity): DecidedFinding[] {
  return findings.filter((finding) => finding.severity === severity && !finding.approval);
}

/** Returns the findings that were agreed to. */
export function approved({ findings }: Report): DecidedFinding[] {
  return findings.filter(({ approval }) => approval);
}

/** Whether the report is a reason to stop. */
export function breaks(report: Report): boolean {
  return ofSeverity(report, 'breaking').length > 0;
}

/** Returns one sentence with the numbers. */
export function summary(report: Report): string {
  const counts = [
    `${ofSeverity(report, 'breaking').length} breaking`,
    `${ofSeverity(report, 'dangerous').length} dangerous`,
    `${ofSeverity(report, 'safe').length} safe`,
  ];
  const agreed = approved(report).length;
  if (agreed > 0) counts.push(`${agreed} approved`);
  return `${counts.join(', ')}; compared with ${report.base}.`;
}

/** Returns what an approval that applies, or no longer does, says of a finding. */
export function approvalText({ approval, expired }: DecidedFinding): string | undefined {
  if (approval) {
    return `Approved by ${approval.author} until ${approval.expires}: ${approval.reason}`;
  }
  return (
    expired &&
    `The approval by ${expired.author} expired on ${expired.expires}. Its reason was: ${expired.reason}`
  );
}

/** Returns all that there is to say of a finding, a line each. */
export function explanation(finding: DecidedFinding): string[] {
  const approval = approvalText(finding);
  return [
    `What breaks: ${finding.effect}`,
    `Safe way: ${finding.remedy}`,
    ...(approval ? [approval] : []),
  ];
}
