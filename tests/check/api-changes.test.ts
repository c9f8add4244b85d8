import { ChangeType, diff, directiveUsageFieldAddedFromMeta } from '@graphql-inspector/core';
import {
  BreakingChangeType,
  buildSchema,
  DangerousChangeType,
  findBreakingChanges,
  findDangerousChanges,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { apiFindings, judges } from '../../src/check/api/api-changes.ts';
import { apiRules } from '../../src/check/api/api-rules.ts';
import { directiveCases } from './directive-cases.ts';
import { typeCases } from './type-cases.ts';
import { valueCases } from './value-cases.ts';

const cases = [...typeCases, ...valueCases, ...directiveCases];

const built = (before: string, after: string) => ({
  base: buildSchema(before),
  head: buildSchema(after),
});

describe('a planted change is found with its rule, severity and path', () => {
  it.each(cases)('$change: $rule at $path', async ({ before, after, rule, severity, path }) => {
    const findings = await apiFindings(built(before, after));
    const [first, ...others] = findings.filter((finding) => finding.rule === rule);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ severity, path });
    expect(first?.message).not.toMatch(/undefined|null/);
  });
});

describe('a near miss is not', () => {
  it.each(cases)('$change: $rule at $path', async ({ nearMiss, rule }) => {
    const findings = await apiFindings(built(nearMiss.before, nearMiss.after));
    expect(findings.filter((finding) => finding.rule === rule)).toEqual([]);
  });
});

it('the cases are of all types of change of the library, each as it names it', async () => {
  const seen = new Set<string>();
  for (const { change, before, after } of cases) {
    const { base, head } = built(before, after);
    const types = (await diff(base, head)).map(({ type }) => type);
    if (change) expect(types, `${before} > ${after}`).toContain(change);
    if (change) seen.add(change);
  }
  const missing = Object.values(ChangeType).filter((type) => !seen.has(type));
  // They are about fields of operations, which no schema has.
  expect(missing).toEqual(['DIRECTIVE_USAGE_FIELD_ADDED', 'DIRECTIVE_USAGE_FIELD_REMOVED']);
});

it('changes that only other users of the library report are judged too', () => {
  const { base, head } = built('type Query { a: Int }', 'type Query { a: Int }');
  const meta = {
    addedDirectiveName: 'd',
    fieldName: 'b',
    typeName: 'A',
    directiveRepeatedTimes: 1,
  };
  const { type } = directiveUsageFieldAddedFromMeta({ type: 'DIRECTIVE_USAGE_FIELD_ADDED', meta });
  const rule = judges[type as 'DIRECTIVE_USAGE_FIELD_ADDED'](meta, { base, head });
  expect(rule).toEqual({ rule: 'applied-directive-added', path: 'A.b.@d' });
  const { addedDirectiveName: removedDirectiveName, ...rest } = meta;
  expect(
    judges.DIRECTIVE_USAGE_FIELD_REMOVED({ ...rest, removedDirectiveName }, { base, head }),
  ).toEqual({ rule: 'applied-directive-removed', path: 'A.b.@d' });
});

it('the rules judge these changes otherwise than the library, and no others', async () => {
  const LEVELS = { BREAKING: 'breaking', DANGEROUS: 'dangerous', NON_BREAKING: 'safe' } as const;
  const differences = new Set<string>();
  for (const { change, before, after, rule, severity } of cases) {
    const { base, head } = built(before, after);
    for (const { type, criticality } of await diff(base, head)) {
      const level = LEVELS[criticality.level];
      if (type === change && level !== severity) differences.add(`${rule}: ${level}, ${severity}`);
    }
  }
  expect([...differences].toSorted()).toEqual([
    'applied-directive-argument-changed: safe, dangerous',
    'argument-default-added: dangerous, safe',
    'argument-default-removed: dangerous, breaking',
    'directive-argument-default-added: dangerous, safe',
    'directive-argument-default-removed: dangerous, breaking',
    'directive-argument-with-default-added: breaking, dangerous',
    'directive-repeatable-removed: dangerous, breaking',
    'input-field-default-added: dangerous, safe',
    'input-field-default-removed: dangerous, breaking',
    'optional-argument-added: dangerous, safe',
  ]);
});

it('the cases are of all rules', () => {
  const planted = new Set(cases.map(({ rule }) => rule));
  expect([...apiRules.keys()].filter((rule) => !planted.has(rule))).toEqual([]);
});

describe('what graphql-js finds is found', () => {
  /** graphql-js names no reason; here the clients of today see no difference. */
  const SAFE: string[] = [
    DangerousChangeType.OPTIONAL_ARG_ADDED,
    DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
  ];

  it.each(cases)('$before > $after', async ({ before, after }) => {
    const { base, head } = built(before, after);
    const severities = (await apiFindings({ base, head })).map(({ severity }) => severity);
    const breaking = findBreakingChanges(base, head).filter(
      ({ description }) => !description.startsWith('Standard scalar'),
    );
    if (breaking.length > 0) expect(severities).toContain('breaking');
    const dangerous = findDangerousChanges(base, head).filter(({ type }) => !SAFE.includes(type));
    if (dangerous.length > 0) expect(severities).not.toEqual(severities.map(() => 'safe'));
  });

  it('and so are the schemas that differ in all of its kinds of change', () => {
    const kinds = cases.flatMap(({ before, after }) =>
      findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ type }) => type),
    );
    expect(new Set(kinds)).toEqual(new Set(Object.values(BreakingChangeType)));
  });
});

it('equal schemas differ in nothing, whatever the order of their parts', async () => {
  const before =
    'type Query { b(y: Int, x: Int): Int a: E } enum E { A B } input I { b: Int a: Int }';
  const after =
    'input I { a: Int b: Int } enum E { B A } type Query { a: E b(x: Int, y: Int): Int }';
  expect(await apiFindings(built(before, after))).toEqual([]);
});

it('a new type is one finding, whatever it has', async () => {
  const after = `type Query { a: Int }
    "New" type A { "New" b("New" c: Int! = 1 @deprecated): E @deprecated } "New" enum E { "New" A }`;
  const findings = await apiFindings(built('type Query { a: Int }', after));
  expect(findings.map(({ path }) => path)).toEqual(['A', 'E']);
});
