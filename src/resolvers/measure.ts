import type { Column } from '../generated/catalog.ts';
import { columnOf } from './catalog.ts';
import {
  anonymous,
  type PlainStatistic,
  STATISTICS,
  type StatisticKind,
  statisticKind,
} from './statistic-kinds.ts';

/** A percentile is between 0 and 1. */
export type Statistic = PlainStatistic | { percentile: number };

/** A count or a statistic of rows. */
export type Measure =
  | { kind: 'count'; filter: Record<string, unknown> | null }
  | { kind: 'distinct'; column: string }
  | { kind: 'statistic'; column: string; statistic: Statistic }
  /** Of the seconds from one moment to another. */
  | { kind: 'between'; from: string; to: string; statistic: Statistic };

/** Returns a name that is equal for equal measures only. */
export function measureKey(measure: Measure): string {
  return JSON.stringify(measure, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

const COUNT: Column = { ...anonymous('Int'), isRequired: true };

/** Returns the type of a measure. Throws TypeError for one that the column does not have. */
export function measureColumn(model: string, measure: Measure): Column {
  if (measure.kind === 'count' || measure.kind === 'distinct') return COUNT;
  const kind = measure.kind === 'between' ? 'Float' : kindOf(model, measure.column);
  const { statistic } = measure;
  const type = STATISTICS[kind][typeof statistic === 'string' ? statistic : 'percentile'];
  if (!type) throw new TypeError(`${model} has no such statistic: ${measureKey(measure)}`);
  return type;
}

/** Returns which statistics a column has. Throws TypeError if it has none. */
export function kindOf(model: string, column: string): StatisticKind {
  const kind = statisticKind(columnOf(model, column));
  if (!kind) throw new TypeError(`${model}.${column} has no statistics`);
  return kind;
}
