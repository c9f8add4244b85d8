import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FORMATS, type Format, formatted } from '../../src/check/formats/formats.ts';
import type { DecidedFinding } from '../../src/check/policy.ts';
import { breaks, type Report } from '../../src/check/report.ts';
import { rules } from '../../src/check/rules.ts';

/** Everything that some format has a meaning for. */
const ODD = 'a|b <c> & "d" `e` %f, g: ::h\u0001 *i*\nj';

const finding = (severity: DecidedFinding['severity'], path: string): DecidedFinding => ({
  rule: 'field-removed',
  severity,
  path,
  message: ODD,
  effect: 'It breaks.',
  remedy: 'Do not.',
});
const approval = {
  rule: 'field-removed',
  path: 'A.c',
  reason: ODD,
  author: 'Asha',
  expires: '2027-01-31',
};
const report: Report = {
  base: 'main',
  findings: [
    {
      ...finding('breaking', 'A.b'),
      place: { file: 'src/models/a b.ts', line: 3 },
      expired: approval,
    },
    { ...finding('breaking', 'A.c'), approval },
    finding('dangerous', 'A.d(e:)'),
    finding('safe', 'A.f'),
  ],
  notes: [ODD],
};
const NOTHING: Report = { base: 'main', findings: [], notes: [] };
const options = { all: false, colors: false, rules, schemaFile: 'schema.graphql' };
const write = (format: Format, from = report) => formatted(from, format, options);

describe.each(FORMATS)('%s', (format) => {
  it('ends with one line break, whatever there is to show', () => {
    for (const each of [report, NOTHING]) expect(write(format, each)).toMatch(/[^\n]\n$/);
  });

  it('names all that has to be looked at', () => {
    for (const path of ['A.b', 'A.c', 'A.d(e:)']) {
      expect(write(format).replaceAll('%3A', ':')).toContain(path);
    }
  });
});

it('SARIF has the structure of its specification', () => {
  const text = z.strictObject({ text: z.string().min(1) });
  const level = z.enum(['none', 'note', 'warning', 'error']);
  const rule = z.strictObject({
    id: z.string(),
    shortDescription: text,
    fullDescription: text,
    help: text,
    defaultConfiguration: z.strictObject({ level }),
  });
  const location = z.strictObject({
    physicalLocation: z.strictObject({
      artifactLocation: z.strictObject({
        uri: z.string().regex(/^[^\s\\:]+$/),
        uriBaseId: z.string(),
      }),
      region: z.strictObject({ startLine: z.int().min(1) }),
    }),
    logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string() })),
  });
  const suppression = z.strictObject({
    kind: z.enum(['inSource', 'external']),
    status: z.enum(['accepted', 'underReview', 'rejected']),
    justification: z.string(),
  });
  const result = z.strictObject({
    ruleId: z.string(),
    ruleIndex: z.int().min(0),
    level,
    message: text,
    locations: z.array(location).min(1),
    partialFingerprints: z.record(z.string(), z.string()),
    suppressions: z.array(suppression).optional(),
  });
  const run = z.strictObject({
    tool: z.strictObject({
      driver: z.strictObject({ name: z.string(), rules: z.array(rule) }),
    }),
    columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
    results: z.array(result),
    properties: z.record(z.string(), z.unknown()),
  });
  const log = z.strictObject({
    $schema: z.url(),
    version: z.literal('2.1.0'),
    runs: z.array(run).min(1),
  });
  expect(log.parse(JSON.parse(write('sarif', NOTHING))).runs[0]?.results).toEqual([]);
  const [only] = log.parse(JSON.parse(write('sarif'))).runs;
  expect(only?.results.map((each) => each.level)).toEqual(['error', 'error', 'warning', 'note']);
  expect(only?.results.map((each) => each.suppressions?.length ?? 0)).toEqual([0, 1, 0, 0]);
  for (const each of only?.results ?? []) {
    expect(only?.tool.driver.rules[each.ruleIndex]?.id).toBe(each.ruleId);
  }
});

describe('JUnit', () => {
  /** Returns the tags in order; fails if they are not well-formed and closed. */
  function tagsOf(xml: string): string[] {
    const open: string[] = [];
    const names: string[] = [];
    const rest = xml.replace(
      /<\/?([\w-]+)((?:\s[\w]+="[^"<]*")*)\s*(\/?)>/g,
      (tag, name, _, end) => {
        if (tag.startsWith('</')) expect(open.pop()).toBe(name);
        else names.push(name);
        if (!tag.startsWith('</') && !end) open.push(name);
        return '';
      },
    );
    expect(open).toEqual([]);
    expect(rest.replace('<?xml version="1.0" encoding="UTF-8"?>', '')).not.toMatch(
      /[<>]|&(?!(amp|lt|gt|quot);)|[^\n -\uffff]/,
    );
    return names;
  }

  it('is well-formed, and has a test for each finding', () => {
    const xml = write('junit');
    const tags = tagsOf(xml);
    expect(tags.slice(0, 2)).toEqual(['testsuites', 'testsuite']);
    expect(tags.filter((tag) => tag === 'testcase')).toHaveLength(4);
    // Approved findings do not fail.
    expect(tags.filter((tag) => tag === 'failure')).toHaveLength(1);
    expect(xml).toContain('tests="4" failures="1" errors="0"');
  });

  it('has a test without any finding too', () => {
    expect(tagsOf(write('junit', NOTHING)).filter((tag) => tag === 'testcase')).toHaveLength(1);
  });
});

it('GitHub gets an annotation in one line for each finding that matters', () => {
  const lines = write('github').trimEnd().split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(
    /^::error file=src\/models\/a b.ts,line=3,title=field-removed%3A A.b::a\|b .* %25f, g: ::h/,
  );
  expect(lines[1]).toMatch(/^::warning file=schema.graphql,line=1,title=[^:,]*::/);
  expect(lines[2]).toMatch(/^::notice file=/);
  expect(lines[3]).toMatch(/^::notice::/);
});

it('GitLab gets issues with the keys of Code Quality, each with a fingerprint of its own', () => {
  const issues = z
    .array(
      z.strictObject({
        description: z.string(),
        check_name: z.string(),
        fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
        severity: z.enum(['info', 'minor', 'major', 'critical', 'blocker']),
        location: z.strictObject({
          path: z.string(),
          lines: z.strictObject({ begin: z.int().min(1) }),
        }),
      }),
    )
    .parse(JSON.parse(write('gitlab')));
  expect(new Set(issues.map(({ fingerprint }) => fingerprint)).size).toBe(4);
  expect(issues.map(({ severity }) => severity)).toEqual(['blocker', 'info', 'minor', 'info']);
});

describe('Markdown', () => {
  it('keeps its tables, whatever the texts contain', () => {
    const rows = write('markdown')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(4);
  });

  it('fits into a comment', () => {
    const many = Array.from({ length: 4_000 }, (_, index) =>
      finding('breaking', `LongName.b${index}`),
    );
    const safe = many.map((each) => ({ ...each, severity: 'safe' as const }));
    for (const findings of [many, safe]) {
      const text = write('markdown', { ...report, findings });
      expect(text.length).toBeLessThan(65_000);
      expect(text.slice(-100)).toMatch(/And \d+ lines more/);
      expect(text.split('<details>').length).toBe(text.split('</details>').length);
    }
  });
});

describe('the terminal', () => {
  it('shows what is breaking last, and colors only if it may', () => {
    const text = write('terminal');
    const order = [
      'Safe',
      'Approved',
      'Dangerous',
      'Breaking',
      '1 breaking, 1 dangerous, 1 safe, 1 approved',
    ];
    const at = order.map((title) => text.indexOf(title));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at).not.toContain(-1);
    expect(text).not.toContain('\u001b');
    expect(formatted(report, 'terminal', { ...options, colors: true })).toContain('\u001b[31m');
  });

  it('lists a few safe changes, and all only if asked; descriptions come last', () => {
    const findings = Array.from({ length: 50 }, (_, index) => ({
      ...finding('safe', `A.b${index}`),
      rule: index < 40 ? 'description-changed' : 'field-added',
    }));
    const text = write('terminal', { ...report, findings });
    expect(text.match(/A\.b4\d field-added/g)).toHaveLength(10);
    expect(text).toContain('and 40 more');
    const all = formatted({ ...report, findings }, 'terminal', { ...options, all: true });
    expect(all.match(/A\.b\d/g)).toHaveLength(50);
  });
});

it('JSON has everything', () => {
  expect(JSON.parse(write('json'))).toEqual({ breaking: breaks(report), ...report });
});
