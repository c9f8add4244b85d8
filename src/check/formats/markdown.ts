import type { DecidedFinding } from '../policy.ts';
import { approvalText, approved, breaks, ofSeverity, type Report, summary } from '../report.ts';

/** GitHub takes comments of 65,536 characters; some are left for what is put around. */
const LONGEST = 60_000;

/** Returns the report as a comment on a pull request. */
export function markdown(report: Report): string {
  const title = breaks(report) ? 'The API breaks for clients' : 'The API breaks for no client';
  const parts = [
    `## ${title}`,
    text(summary(report)),
    ...report.notes.map((note) => `> ${text(note)}`),
    ...table('Breaking', ofSeverity(report, 'breaking')),
    ...table('Dangerous', ofSeverity(report, 'dangerous')),
    ...table('Approved', approved(report)),
    ...folded(ofSeverity(report, 'safe')),
  ];
  return `${shortened(parts).join('\n\n')}\n`;
}

function table(title: string, findings: readonly DecidedFinding[]): string[] {
  if (findings.length === 0) return [];
  return [
    `### ${title}`,
    [
      '| Where | What | What breaks, and the safe way |\n| --- | --- | --- |',
      ...findings.map(row),
    ].join('\n'),
  ];
}

function row(finding: DecidedFinding): string {
  const { path, rule, message, effect, remedy, place } = finding;
  const where = [code(path), ...(place ? [code(`${place.file}:${place.line}`)] : [])];
  const approval = approvalText(finding);
  const why = [effect, remedy, ...(approval ? [`**${text(approval)}**`] : [])];
  return `| ${where.join('<br>')} | ${text(message)}<br>${code(rule)} | ${why.join('<br>')} |`;
}

function folded(findings: readonly DecidedFinding[]): string[] {
  if (findings.length === 0) return [];
  const lines = findings.map(({ path, rule }) => `- ${code(path)} ${rule}`);
  return [
    [`<details><summary>${findings.length} safe</summary>`, '', ...lines, '', '</details>'].join(
      '\n',
    ),
  ];
}

/** Returns as many of the lines as a comment may have. */
function shortened(parts: readonly string[]): string[] {
  const whole = parts.join('\n\n');
  if (whole.length <= LONGEST) return [...parts];
  const lines = whole.split('\n');
  let length = 0;
  const shown = lines.findIndex((line) => {
    length += line.length + 1;
    return length > LONGEST;
  });
  const kept = lines.slice(0, shown).join('\n');
  const open = kept.includes('<details>') && !kept.includes('</details>') ? '\n\n</details>' : '';
  return [`${kept}${open}`, `And ${lines.length - shown} lines more: see the log of the check.`];
}

/** Returns a text of which Markdown shows every character, in a cell of a table too. */
function text(value: string): string {
  return value.replace(/[\\`*_[\]<>|#~]/g, '\\$&').replace(/\s+/g, ' ');
}

function code(value: string): string {
  return `\`${value.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
