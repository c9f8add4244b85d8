import type { TypeOfChangeType } from '@graphql-inspector/core';
import type { Severity } from '../../src/check/finding.ts';

/** A planted change, and a similar one that the rule has nothing to say about. */
export interface ApiCase {
  /** The type that graphql-inspector gives it; null where it sees nothing. */
  change: TypeOfChangeType | null;
  before: string;
  after: string;
  rule: string;
  severity: Severity;
  path: string;
  nearMiss: { before: string; after: string };
}

/** The texts may leave Query out. */
export function planted(
  change: TypeOfChangeType | null,
  [before, after]: readonly [string, string],
  [severity, rule, path]: readonly [Severity, string, string],
  /** What it is changed to instead; or both sides. */
  nearMiss: string | readonly [string, string],
): ApiCase {
  const [missBefore, missAfter] = typeof nearMiss === 'string' ? [before, nearMiss] : nearMiss;
  return {
    change,
    before: withQuery(before),
    after: withQuery(after),
    rule,
    severity,
    path,
    nearMiss: { before: withQuery(missBefore), after: withQuery(missAfter) },
  };
}

function withQuery(text: string): string {
  return /type Query|schema /.test(text) ? text : `type Query { a: Int } ${text}`;
}
