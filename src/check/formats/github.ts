import type { DecidedFinding } from '../policy.ts';
import { approved, explanation, ofSeverity, type Report, summary } from '../report.ts';

/** Returns commands that GitHub Actions shows as annotations, at the lines that caused findings. */
export function github(report: Report, { schemaFile }: { schemaFile: string }): string {
  const annotation = (level: string) => (finding: DecidedFinding) => {
    const { file, line } = finding.place ?? { file: schemaFile, line: 1 };
    const title = property(`${finding.rule}: ${finding.path}`);
    const text = data([`${finding.message}.`, ...explanation(finding)].join('\n'));
    return `::${level} file=${property(file)},line=${line},title=${title}::${text}`;
  };
  return [
    ...ofSeverity(report, 'breaking').map(annotation('error')),
    ...ofSeverity(report, 'dangerous').map(annotation('warning')),
    ...approved(report).map(annotation('notice')),
    ...report.notes.map((note) => `::notice::${data(note)}`),
    `${summary(report)}\n`,
  ].join('\n');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
