import type { Column } from '../generated/catalog.ts';
import { all, type Condition, type Input } from './conditions.ts';
import { limits } from './limits.ts';
import { type Measure, measureColumn, measureKey } from './measure.ts';
import { checkMeasure, statisticNamed } from './read-measures.ts';
import { refusal } from './refusal.ts';

/** Which groups are shown, and the measures that it depends on. */
export interface ReadHaving {
  condition: Condition | null;
  compared: ReadonlyMap<string, Measure>;
}

/** How the parts of conditions are read that conditions on rows have, too. */
export interface HavingOptions {
  /** Reads comparisons of a measure with this name. */
  compare(name: string, column: Column, comparisons: Input, path: string): Condition | null;
  /** Throws BAD_USER_INPUT for a filter that a count cannot have. */
  checkFilter(filter: Input, path: string): void;
}

/** Reads conditions on measures of rows. Throws BAD_USER_INPUT with the argument at fault. */
export function readHaving(
  model: string,
  given: Input,
  path: string,
  options: HavingOptions,
): ReadHaving {
  const reading = new HavingReading(model, options);
  return { condition: reading.read(given, path, 0), compared: reading.compared };
}

/**
 * Reads conditions on all rows of a relation; null if variables that were not sent leave none. Throws
 * BAD_USER_INPUT with the argument at fault.
 */
export function readMeasured(
  model: string,
  given: Input,
  path: string,
  compare: HavingOptions['compare'],
): { having: Condition; compared: ReadonlyMap<string, Measure> } | null {
  if (Object.keys(given).length === 0) {
    throw refusal(path, 'This needs a condition on related rows, such as count: { gt: 3 }.');
  }
  const checkFilter = (_: Input, at: string) => {
    throw refusal(at, 'One filter, the outermost, says which rows count.');
  };
  const { condition, compared } = readHaving(model, given, path, { compare, checkFilter });
  return condition && { having: condition, compared };
}

class HavingReading {
  readonly #model: string;
  readonly #options: HavingOptions;
  readonly compared = new Map<string, Measure>();

  constructor(model: string, options: HavingOptions) {
    this.#model = model;
    this.#options = options;
  }

  read(given: Input, path: string, depth: number): Condition | null {
    if (depth > limits.maxFilterDepth) {
      throw refusal(path, `Conditions nest at most ${limits.maxFilterDepth} levels.`);
    }
    const missing = Object.entries(given).find(([, value]) => value === null);
    if (missing) {
      throw refusal(`${path}.${missing[0]}`, 'A condition cannot be null: leave it out.');
    }
    const { filter, ...conditions } = given;
    if (filter) this.#checkFilter(filter as Input, conditions, `${path}.filter`);
    const parts = Object.entries(conditions).map(([name, value]) => {
      const at = `${path}.${name}`;
      if (name !== 'count') return this.#part(name, value as Input, at, depth);
      const measure: Measure = { kind: 'count', filter: (filter ?? null) as Input | null };
      return this.#compare(measure, value as Input, at);
    });
    return all(parts);
  }

  #checkFilter(filter: Input, beside: Input, path: string): void {
    this.#options.checkFilter(filter, path);
    const others = ['distinct', 'values', 'between'].filter((name) => name in beside);
    if (beside.count && others.length === 0) return;
    throw refusal(path, '"filter" goes with "count", and with no other measure beside it.');
  }

  #part(
    name: string,
    value: Input | readonly Input[],
    at: string,
    depth: number,
  ): Condition | null {
    const list = Array.isArray(value) ? (value as readonly Input[]) : [value as Input];
    switch (name) {
      case 'and':
      case 'or': {
        const parts = list.map((part, n) => this.read(part, `${at}[${n}]`, depth + 1));
        const said = parts.filter((part) => part !== null);
        // As in filters: an empty list is a condition, a list of empty objects is none.
        return said.length === 0 && parts.length > 0 ? null : { kind: name, parts: said };
      }
      case 'not': {
        const part = this.read(value as Input, at, depth + 1);
        return part && { kind: 'not', part };
      }
      case 'distinct':
        return all(
          list.map(({ of, count }, n) => {
            const measure: Measure = { kind: 'distinct', column: of as string };
            return this.#compare(measure, count as Input, `${at}[${n}].count`);
          }),
        );
      case 'between':
        return all(
          list.map(({ from, to, seconds }, n) => {
            const measure = { kind: 'between', from: from as string, to: to as string } as const;
            return this.#statistics(measure, seconds as Input, `${at}[${n}]`, '.seconds');
          }),
        );
      default:
        return all(
          Object.entries(value).map(([column, statistics]) => {
            const path = `${at}.${column}`;
            if (statistics === null)
              throw refusal(path, 'A condition cannot be null: leave it out.');
            return this.#statistics({ kind: 'statistic', column }, statistics as Input, path, '');
          }),
        );
    }
  }

  #statistics(
    of: { kind: 'statistic'; column: string } | { kind: 'between'; from: string; to: string },
    given: Input,
    path: string,
    inside: string,
  ): Condition | null {
    const parts = Object.entries(given).map(([name, comparisons]) => {
      const at = `${path}${inside}.${name}`;
      if (comparisons === null) throw refusal(at, 'A condition cannot be null: leave it out.');
      const measure: Measure = { ...of, statistic: statisticNamed(name) };
      checkMeasure(this.#model, measure, path);
      return this.#compare(measure, comparisons as Input, at);
    });
    return all(parts);
  }

  #compare(measure: Measure, comparisons: Input, path: string): Condition | null {
    const key = measureKey(measure);
    this.compared.set(key, measure);
    return this.#options.compare(key, measureColumn(this.#model, measure), comparisons, path);
  }
}
