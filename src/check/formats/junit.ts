import type { DecidedFinding } from '../policy.ts';
import { breaks, explanation, ofSeverity, type Report, summary } from '../report.ts';

/** Returns a JUnit report: a test for each finding, which fails if the finding is breaking. */
export function junit(report: Report): string {
  const failures = ofSeverity(report, 'breaking').length;
  const cases = report.findings.map(testCase);
  // Some readers refuse a suite without a test.
  if (cases.length === 0) cases.push('    <testcase classname="schema" name="no changes" />');
  const counts = `tests="${cases.length}" failures="${failures}" errors="0"`;
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="schema check" ${counts}>`,
    `  <testsuite name="schema check" ${counts} skipped="0">`,
    ...cases,
    `    <system-out>${escaped([...report.notes, summary(report)].join('\n'))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')}\n`;
}

function testCase(finding: DecidedFinding): string {
  const { rule, path, message, place, severity } = finding;
  const file = place ? ` file="${escaped(place.file)}" line="${place.line}"` : '';
  const head = `    <testcase classname="schema.${rule}" name="${escaped(path)}"${file}`;
  const text = escaped([`${message}.`, ...explanation(finding)].join('\n'));
  if (breaks({ base: '', findings: [finding], notes: [] })) {
    return `${head}>\n      <failure type="${severity}" message="${escaped(message)}">${text}</failure>\n    </testcase>`;
  }
  return `${head}>\n      <system-out>${severity}: ${text}</system-out>\n    </testcase>`;
}

/** Returns a text for XML, which has no way to write most control characters. */
function escaped(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
