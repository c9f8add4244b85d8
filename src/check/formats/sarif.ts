import type { Rule } from '../finding.ts';
import type { DecidedFinding } from '../policy.ts';
import { approvalText, explanation, type Report, summary } from '../report.ts';

const LEVEL = { breaking: 'error', dangerous: 'warning', safe: 'note' } as const;

interface Options {
  rules: ReadonlyMap<string, Rule>;
  schemaFile: string;
}

/** Returns a SARIF 2.1.0 log, which code scanning of GitHub and others reads. */
export function sarif(report: Report, { rules, schemaFile }: Options): string {
  const ids = [...new Set(report.findings.map(({ rule }) => rule))];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'codex-gateway check',
            rules: ids.map((id) => ruleOf(id, rules.get(id))),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: report.findings.map((finding) => resultOf(finding, ids, schemaFile)),
        properties: { summary: summary(report), notes: report.notes },
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf(id: string, rule: Rule | undefined) {
  return {
    id,
    shortDescription: { text: id.replaceAll('-', ' ') },
    fullDescription: { text: rule?.effect ?? id },
    help: { text: rule?.remedy ?? id },
    defaultConfiguration: { level: LEVEL[rule?.severity ?? 'dangerous'] },
  };
}

function resultOf(finding: DecidedFinding, ids: readonly string[], schemaFile: string) {
  const { rule, path, message, severity, place, approval } = finding;
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: LEVEL[severity],
    message: { text: [`${path}: ${message}.`, ...explanation(finding)].join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(place?.file ?? schemaFile), uriBaseId: '%SRCROOT%' },
          region: { startLine: place?.line ?? 1 },
        },
        logicalLocations: [{ fullyQualifiedName: path }],
      },
    ],
    partialFingerprints: { 'coordinate/v1': `${rule} ${path}` },
    ...(approval && {
      suppressions: [
        { kind: 'external', status: 'accepted', justification: approvalText(finding) },
      ],
    }),
  };
}
