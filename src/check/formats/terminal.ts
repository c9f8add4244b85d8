import { styleText } from 'node:util';
import type { DecidedFinding } from '../policy.ts';
import { approvalText, approved, breaks, ofSeverity, type Report, summary } from '../report.ts';

/** How many safe changes are listed if nobody asks for all. */
const SAFE_SHOWN = 10;

type Style = Parameters<typeof styleText>[0];
interface Options {
  all: boolean;
  colors: boolean;
}

/** Returns the report for people. What matters most comes last, where terminals and logs end. */
export function terminal(report: Report, { all, colors }: Options): string {
  const paint: Paint = (style, text) =>
    colors ? styleText(style, text, { validateStream: false }) : text;
  const lines = [
    ...section(paint('green', 'Safe'), listed(ofSeverity(report, 'safe'), all, paint)),
    ...section(paint('cyan', 'Approved'), grouped(approved(report), paint)),
    ...section(paint('yellow', 'Dangerous'), grouped(ofSeverity(report, 'dangerous'), paint)),
    ...section(paint('red', 'Breaking'), grouped(ofSeverity(report, 'breaking'), paint)),
    ...report.notes.map((note) => `${paint('cyan', 'Note')}: ${note}`),
    paint(breaks(report) ? 'red' : 'green', summary(report)),
  ];
  return `${lines.join('\n')}\n`;
}

type Paint = (style: Style, text: string) => string;

function section(title: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? [title, ...lines, ''] : [];
}

function listed(findings: readonly DecidedFinding[], all: boolean, paint: Paint): string[] {
  // Descriptions are many, and nobody has to act on them.
  const isDescription = ({ rule }: DecidedFinding) => Number(rule === 'description-changed');
  const ordered = shortestFirst(findings).sort((a, b) => isDescription(a) - isDescription(b));
  const shown = all ? ordered : ordered.slice(0, SAFE_SHOWN);
  const more = findings.length - shown.length;
  return [
    ...shown.map(({ path, rule }) => `  ${path} ${paint('dim', rule)}`),
    ...(more > 0 ? [`  and ${more} more: --all lists them`] : []),
  ];
}

/** What a rule says is said once. The smallest groups come first. */
function grouped(findings: readonly DecidedFinding[], paint: Paint): string[] {
  const groups = new Map<string, DecidedFinding[]>();
  for (const finding of shortestFirst(findings)) {
    groups.set(finding.rule, [...(groups.get(finding.rule) ?? []), finding]);
  }
  const ordered = [...groups.values()].sort((a, b) => a.length - b.length);
  return ordered.flatMap((group) => {
    const [{ rule, effect, remedy } = { rule: '', effect: '', remedy: '' }] = group;
    return [
      `  ${paint('bold', rule)}: ${effect}`,
      `  ${paint('dim', 'Safe way:')} ${remedy}`,
      ...group.flatMap((finding) => detailed(finding, paint)),
    ];
  });
}

function detailed(finding: DecidedFinding, paint: Paint): string[] {
  const { path, message, place } = finding;
  const at = place ? `  ${paint('dim', `${place.file}:${place.line}`)}` : '';
  const approval = approvalText(finding);
  return [
    `    ${paint('bold', path)}${at}`,
    `      ${message}`,
    ...(approval ? [`      ${approval}`] : []),
  ];
}

function shortestFirst(findings: readonly DecidedFinding[]): DecidedFinding[] {
  return findings.toSorted((a, b) => a.path.length - b.path.length || a.path.localeCompare(b.path));
}
