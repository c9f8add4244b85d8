import { columnOf } from '../resolvers/catalog.ts';
import {
  type Condition,
  type Input,
  readComparisons,
  readFilter,
} from '../resolvers/conditions.ts';
import { limits } from '../resolvers/limits.ts';
import { type Measure, measureKey, type Statistic } from './description.ts';
import { PERCENTILES, STATISTICS, type StatisticName, statisticKind } from './kinds.ts';
import { measureColumn } from './measures.ts';
import { refusal } from './refusal.ts';

/** Returns a statistic by its name in the API. */
export function statisticNamed(name: string, at?: unknown): Statistic {
  const percentile = PERCENTILES[name] ?? (name === 'percentile' ? Number(at) : undefined);
  return percentile === undefined ? (name as Exclude<StatisticName, 'percentile'>) : { percentile };
}

/** Throws BAD_USER_INPUT for a measure that there is not, or that is out of bounds. */
export function checkMeasure(model: string, measure: Measure, argument: string): void {
  switch (measure.kind) {
    case 'count':
      readFilter(model, measure.filter);
      return;
    case 'distinct':
      return;
    case 'between':
      for (const [name, column] of [
        ['from', measure.from],
        ['to', measure.to],
      ] as const) {
        if (columnOf(model, column).type === 'DateTime') continue;
        throw refusal(
          `${argument}.${name}`,
          `"${column}" is no moment: there is no time from it to another.`,
        );
      }
      checkPercentile(measure.statistic, argument);
      return;
    case 'statistic': {
      const kind = statisticKind(columnOf(model, measure.column));
      const { statistic } = measure;
      const name = typeof statistic === 'string' ? statistic : 'percentile';
      if (!kind || !STATISTICS[kind][name]) {
        const able = kind ? Object.keys(STATISTICS[kind]).join(', ') : 'none';
        throw refusal(argument, `"${measure.column}" has no ${name}; what it has: ${able}.`);
      }
      checkPercentile(statistic, argument);
    }
  }
}

function checkPercentile(statistic: Statistic, argument: string): void {
  if (typeof statistic === 'string') return;
  const { percentile } = statistic;
  if (percentile >= 0 && percentile <= 1) return;
  throw refusal(`${argument}.at`, 'A percentile is between 0 and 1: 0.5 is the median.');
}

/** Which groups are shown, and the measures that it depends on. */
export interface ReadHaving {
  condition: Condition | null;
  compared: Map<string, Measure>;
}

/** Reads what clients ask of groups. Throws BAD_USER_INPUT with the argument at fault. */
export function readHaving(model: string, given: Input | null | undefined): ReadHaving {
  const reading = new HavingReading(model);
  const condition = given ? reading.read(given, 'having', 0) : null;
  return { condition, compared: reading.compared };
}

class HavingReading {
  readonly #model: string;
  readonly compared = new Map<string, Measure>();

  constructor(model: string) {
    this.#model = model;
  }

  read(given: Input, path: string, depth: number): Condition | null {
    if (depth > limits.maxFilterDepth) {
      throw refusal(path, `Conditions nest at most ${limits.maxFilterDepth} levels.`);
    }
    const parts = Object.entries(given).map(([name, value]) => {
      const at = `${path}.${name}`;
      if (value === null) throw refusal(at, 'A condition cannot be null: leave it out.');
      return this.#part(name, value as Input, at, depth);
    });
    return all(parts);
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
        return { kind: name, parts: parts.filter((part) => part !== null) };
      }
      case 'not': {
        const part = this.read(value as Input, at, depth + 1);
        return part && { kind: 'not', part };
      }
      case 'count':
        return this.#compare({ kind: 'count', filter: null }, value as Input, at);
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
    return readComparisons(key, measureColumn(this.#model, measure), comparisons, path);
  }
}

function all(parts: readonly (Condition | null)[]): Condition | null {
  const said = parts.filter((part) => part !== null);
  return said.length > 1 ? { kind: 'and', parts: said } : (said[0] ?? null);
}
