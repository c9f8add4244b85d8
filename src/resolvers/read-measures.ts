import { columnOf } from './catalog.ts';
import type { Input } from './conditions.ts';
import type { Measure, Statistic } from './measure.ts';
import type { Direction, Nulls } from './ordering.ts';
import { refusal } from './refusal.ts';
import { PERCENTILES, STATISTICS, type StatisticName, statisticKind } from './statistic-kinds.ts';

/** Returns a statistic by its name in the API. */
export function statisticNamed(name: string, at?: unknown): Statistic {
  const percentile = PERCENTILES[name] ?? (name === 'percentile' ? Number(at) : undefined);
  return percentile === undefined ? (name as Exclude<StatisticName, 'percentile'>) : { percentile };
}

/** Throws BAD_USER_INPUT for a measure that there is not, or that is out of bounds. */
export function checkMeasure(model: string, measure: Measure, argument: string): void {
  switch (measure.kind) {
    case 'count':
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

/** An order by a measure, or by a key, for which there is none. */
export interface MeasureOrder {
  measure: Measure | null;
  direction: Direction;
  nulls: Nulls;
}

/** Reads an order by a count, without its filter, or a statistic. Throws BAD_USER_INPUT. */
export function readMeasureOrder(model: string, given: Input, at: string): MeasureOrder {
  const direction = (given.direction ?? 'asc') as Direction;
  const nulls = (given.nulls ?? 'last') as Nulls;
  const [name = '', more] = ['count', 'key', 'statistic'].filter((each) => given[each] != null);
  if (!name || more) {
    throw refusal(at, 'Each entry orders by one thing: "count", "key" or "statistic".');
  }
  if (name !== 'statistic' && (given.of || given.until)) {
    throw refusal(at, '"of" and "until" go with "statistic".');
  }
  if ((given.statistic === 'percentile') !== (given.at != null)) {
    throw refusal(`${at}.at`, '"at" and "PERCENTILE" go together: 0.5 is the median.');
  }
  if (name === 'key') return { measure: null, direction, nulls };
  if (name === 'count') {
    const measure = { kind: 'count', filter: null } as const;
    return { measure, direction: given.count as Direction, nulls };
  }
  if (!given.of) throw refusal(`${at}.of`, '"statistic" is of a column: give it.');
  const measure = statisticOf(given);
  if (given.at != null) checkPercentile(statisticNamed('percentile', given.at), at);
  checkMeasure(model, measure, `${at}.statistic`);
  return { measure, direction, nulls };
}

function statisticOf({ statistic: name, of, until, at }: Input): Measure {
  const column = of as string;
  if (name === 'distinct') return { kind: 'distinct', column };
  const statistic = statisticNamed(name as string, at);
  return typeof until === 'string'
    ? { kind: 'between', from: column, to: until, statistic }
    : { kind: 'statistic', column, statistic };
}
