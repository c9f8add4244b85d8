import type { GatewayError } from '../context/errors.ts';
import type { Column, Relation } from '../generated/catalog.ts';
import { modelOf } from './catalog.ts';
import {
  all,
  type Comparison,
  type Condition,
  type Input,
  type RelatedRows,
} from './conditions.ts';
import { limits } from './limits.ts';
import { readMeasured } from './read-having.ts';
import { refusal } from './refusal.ts';
import { valueProblem } from './value-problem.ts';

export interface ReadingOptions {
  /**
   * Refuse a filter with an empty object. In a write, a variable that was not sent must not add
   * rows.
   */
  complete?: boolean;
}

/**
 * Reads a client's filter on a model; null when it has no condition. Throws BAD_USER_INPUT with the
 * path of the part that is too deep, too long, or null. A null could mean "no filter" or "is null",
 * for which there is `isNull`.
 */
export function readFilter(
  model: string,
  filter: Input | null | undefined,
  { complete = false }: ReadingOptions = {},
): Condition | null {
  if (filter == null) return null;
  return new Reading(complete).filter(model, filter, 'filter', { depth: 0, isRelated: false });
}

/** Reads a filter on the rows of a relation, which can follow no other one; `path` is its argument. */
export function readRelatedFilter(
  model: string,
  filter: Input | null | undefined,
  path: string,
): Condition | null {
  if (filter == null) return null;
  return new Reading(false).filter(model, filter, path, { depth: 0, isRelated: true });
}

/**
 * Reads comparisons of a value that is no column of a row, but is of the same type as this one. Throws
 * BAD_USER_INPUT like `readFilter`.
 */
export function readComparisons(
  name: string,
  column: Column,
  comparisons: Input,
  path: string,
): Condition | null {
  return new Reading(false).column(name, column, comparisons, path);
}

interface Level {
  depth: number;
  /** Whether the filter is on rows of a relation. */
  isRelated: boolean;
}

/** Why a filter is refused where rows are not looked for by a query. */
export const ONLY_IN_QUERIES =
  'Only queries choose rows by how many rows they have: filter a list, and take the ids.';

type Quantifier = RelatedRows['quantifier'];

/** Operators that negate another one. */
const NEGATED: Record<string, string> = { not: 'equals', notIn: 'in' };
/** Operators that the operand false negates. */
const YES_OR_NO = new Set(['isNull', 'isEmpty']);

class Reading {
  readonly #complete: boolean;
  #conditions = 0;
  #values = 0;

  constructor(complete: boolean) {
    this.#complete = complete;
  }

  filter(model: string, filter: Input, path: string, level: Level): Condition | null {
    if (level.depth > limits.maxFilterDepth) {
      throw refusal(
        path,
        `A filter nests at most ${limits.maxFilterDepth} levels of and, or and not.`,
      );
    }
    const parts = this.#given(filter, path).map(([name, value]) =>
      this.#part(model, name, value, `${path}.${name}`, level),
    );
    return all(parts);
  }

  #part(model: string, name: string, given: unknown, path: string, level: Level): Condition | null {
    const deeper = { ...level, depth: level.depth + 1 };
    if (name === 'and' || name === 'or') {
      return this.#list(model, name, given as readonly Input[], path, deeper);
    }
    const value = given as Input;
    if (name === 'not') {
      const part = this.filter(model, value, path, deeper);
      return part && { kind: 'not', part };
    }
    const { columns, relations } = modelOf(model);
    const column = columns[name];
    if (column) return this.column(name, column, value, path);
    if (level.isRelated) throw refusal(path, 'A filter can follow only one relation.');
    const relation = relations[name] as Relation;
    const inside = { ...level, isRelated: true };
    if (!relation.isList) return this.#related(name, relation, 'one', value, path, inside);
    const quantified = this.#given(value, path).map(([quantifier, given]) => {
      const [filter, at] = [given as Input, `${path}.${quantifier}`];
      return quantifier === 'aggregate'
        ? this.#measured(name, relation, filter, at, inside)
        : this.#related(name, relation, quantifier as Quantifier, filter, at, inside);
    });
    return all(quantified);
  }

  #list(
    model: string,
    kind: 'and' | 'or',
    filters: readonly Input[],
    path: string,
    level: Level,
  ): Condition | null {
    if (filters.length === 0 && this.#complete) throw emptied(path);
    const parts = filters.map((filter, i) => this.filter(model, filter, `${path}[${i}]`, level));
    const said = parts.filter((part) => part !== null);
    // An empty list is a condition; a list of empty objects is none.
    return said.length === 0 && filters.length > 0 ? null : { kind, parts: said };
  }

  #measured(
    name: string,
    relation: Relation,
    given: Input,
    path: string,
    level: Level,
  ): Condition | null {
    if (this.#complete) throw refusal(path, ONLY_IN_QUERIES);
    const { filter, ...having } = Object.fromEntries(this.#given(given, path));
    const read = readMeasured(relation.to, having, path, (...comparison) =>
      this.column(...comparison),
    );
    if (!read) return null;
    const among = filter
      ? this.filter(relation.to, filter as Input, `${path}.filter`, level)
      : null;
    return { kind: 'measured', name, relation, filter: among, ...read, argument: path };
  }

  #related(
    name: string,
    relation: Relation,
    quantifier: Quantifier,
    filter: Input,
    path: string,
    level: Level,
  ): Condition | null {
    const condition = this.filter(relation.to, filter, path, level);
    // A filter written as {} matches any row. One that became empty is left out.
    if (condition === null && Object.keys(filter).length > 0) return null;
    return { kind: 'related', name, relation, quantifier, condition };
  }

  column(name: string, column: Column, given: Input, path: string): Condition | null {
    const { path: steps = [], ...operators } = Object.fromEntries(this.#given(given, path));
    if (column.type === 'Json') this.#bound(`${path}.path`, steps);
    const entries = Object.entries(operators);
    if (entries.length === 0 && this.#complete) throw emptied(path);
    this.#count(entries.length, path);
    const comparisons = entries.map(([operator, operand]) => {
      const at = `${path}.${operator}`;
      this.#bound(at, operand);
      if (column.type === 'Json' && isUnsent(operand)) {
        if (this.#complete) throw emptied(at);
        return null;
      }
      if (column.type === 'Json') assertComparable(operator, operand, at);
      return comparison(name, column, operator, operand, steps as readonly string[]);
    });
    return all(comparisons);
  }

  /** The fields that the client filled in; a null is refused. */
  #given(input: Input, path: string): [string, unknown][] {
    const entries = Object.entries(input);
    const missing = entries.find(([, value]) => value === null);
    if (missing) {
      throw refusal(
        `${path}.${missing[0]}`,
        'A filter cannot contain null: leave the field out, or use isNull.',
      );
    }
    if (entries.length === 0) {
      if (this.#complete) throw emptied(path);
      // An empty condition costs as much as any other.
      this.#count(1, path);
    }
    return entries;
  }

  #count(conditions: number, path: string): void {
    this.#conditions += conditions;
    if (this.#conditions > limits.maxFilterConditions) {
      throw refusal(path, `A filter has at most ${limits.maxFilterConditions} comparisons.`);
    }
  }

  #countValues(values: number, path: string): void {
    this.#values += values;
    if (this.#values > limits.maxFilterValues) {
      throw refusal(
        path,
        `A filter lists at most ${limits.maxFilterValues} values, in all lists together.`,
      );
    }
  }

  #bound(path: string, operand: unknown, depth = 0): void {
    if (depth > limits.maxJsonDepth) {
      throw refusal(path, `JSON nests at most ${limits.maxJsonDepth} levels.`);
    }
    if (Array.isArray(operand)) {
      this.#countValues(operand.length, path);
      for (const [i, value] of operand.entries()) this.#bound(`${path}[${i}]`, value, depth + 1);
      return;
    }
    if (typeof operand === 'string' && operand.length > limits.maxFilterStringLength) {
      throw refusal(
        path,
        `A filter's text has at most ${limits.maxFilterStringLength} characters.`,
      );
    }
    // No column stores such a value, so no row can match.
    const problem = valueProblem(operand);
    if (problem) throw refusal(path, problem);
    if (operand !== null && typeof operand === 'object' && !(operand instanceof Date)) {
      const entries = Object.entries(operand);
      this.#countValues(entries.length, path);
      for (const [name, value] of entries) {
        this.#bound(path, name);
        this.#bound(`${path}.${name}`, value, depth + 1);
      }
    }
  }
}

function comparison(
  name: string,
  column: Column,
  operator: string,
  operand: unknown,
  path: readonly string[],
): Condition {
  const is = (operator: string, operand: unknown): Comparison => ({
    kind: 'comparison',
    name,
    column,
    operator,
    operand,
    path,
  });
  const opposite = NEGATED[operator];
  if (opposite) return { kind: 'not', part: is(opposite, operand) };
  if (YES_OR_NO.has(operator) && operand === false)
    return { kind: 'not', part: is(operator, true) };
  return is(operator, operand);
}

const ORDER = new Set(['lt', 'lte', 'gt', 'gte']);

function assertComparable(operator: string, operand: unknown, path: string): void {
  if (ORDER.has(operator) && typeof operand !== 'number' && typeof operand !== 'string') {
    throw refusal(path, 'Only numbers and texts have an order.');
  }
}

/** Whether a part of a JSON value is a variable that was not sent. */
function isUnsent(value: unknown): boolean {
  if (value === undefined) return true;
  return value !== null && typeof value === 'object' && Object.values(value).some(isUnsent);
}

function emptied(path: string): GatewayError {
  return refusal(
    path,
    'The filter of a write needs a condition here: was a variable not sent? Nothing was done.',
  );
}
