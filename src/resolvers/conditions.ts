import type { Column, Relation } from '../generated/catalog.ts';
import type { Measure } from './measure.ts';

/**
 * A condition of a filter: true, false or, where a value is missing, unknown for a row. `and`, `or`
 * and `not` are those of three-valued logic. A row matches if the whole is true.
 */
export type Condition =
  | { kind: 'and' | 'or'; parts: readonly Condition[] }
  | { kind: 'not'; part: Condition }
  | Comparison
  | RelatedRows
  | MeasuredRows;

/** A comparison of one column. The operators `not` and `notIn` are read as negated ones. */
export interface Comparison {
  kind: 'comparison';
  name: string;
  column: Column;
  operator: string;
  operand: unknown;
  /** The path in a JSON value; empty for the whole value. */
  path: readonly string[];
}

/** A condition on the rows of a relation; `one` is the row of a to-one relation. */
export interface RelatedRows {
  kind: 'related';
  name: string;
  relation: Relation;
  quantifier: 'one' | 'some' | 'every' | 'none';
  /** Null if any row meets it. */
  condition: Condition | null;
}

/** A condition on measures of the rows of a to-many relation. */
export interface MeasuredRows {
  kind: 'measured';
  name: string;
  relation: Relation;
  /** Which of the rows are measured; all, if it is null. */
  filter: Condition | null;
  /** The condition, whose comparisons name what `compared` has. */
  having: Condition;
  compared: ReadonlyMap<string, Measure>;
  /** The argument that asks for it. */
  argument: string;
}

export type Input = Record<string, unknown>;

/** Combines the conditions that are not empty; null when all are. */
export function all(parts: readonly (Condition | null)[]): Condition | null {
  const said = parts.filter((part) => part !== null);
  return said.length > 1 ? { kind: 'and', parts: said } : (said[0] ?? null);
}

/** The comparisons of a condition, in an order that only depends on its shape. */
export function comparisonsOf(condition: Condition | null): Comparison[] {
  switch (condition?.kind) {
    case undefined:
      return [];
    case 'and':
    case 'or':
      return condition.parts.flatMap(comparisonsOf);
    case 'not':
      return comparisonsOf(condition.part);
    case 'comparison':
      return [condition];
    case 'related':
      return comparisonsOf(condition.condition);
    case 'measured':
      return [...comparisonsOf(condition.filter), ...comparisonsOf(condition.having)];
  }
}

/** Whether a condition has a part of one of these kinds. */
export function hasPart(condition: Condition | null, kinds: readonly Condition['kind'][]): boolean {
  if (!condition) return false;
  if (kinds.includes(condition.kind)) return true;
  if (condition.kind === 'not') return hasPart(condition.part, kinds);
  return 'parts' in condition && condition.parts.some((part) => hasPart(part, kinds));
}
