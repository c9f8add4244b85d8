import { createHash } from 'node:crypto';
import { explanation, type Report } from '../report.ts';

const SEVERITY = { breaking: 'blocker', dangerous: 'minor', safe: 'info' } as const;

/** Returns a Code Quality report of GitLab, which merge requests show. */
export function gitlab({ findings }: Report, { schemaFile }: { schemaFile: string }): string {
  const issues = findings.map((finding) => ({
    description: [`${finding.path}: ${finding.message}.`, ...explanation(finding)].join(' '),
    check_name: finding.rule,
    fingerprint: createHash('sha256').update(`${finding.rule} ${finding.path}`).digest('hex'),
    severity: finding.approval ? 'info' : SEVERITY[finding.severity],
    location: {
      path: finding.place?.file ?? schemaFile,
      lines: { begin: finding.place?.line ?? 1 },
    },
  }));
  return `${JSON.stringify(issues, null, 2)}\n`;
}
