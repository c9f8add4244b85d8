import type { Column } from '../generated/catalog.ts';

export type PlainStatistic = 'sum' | 'avg' | 'min' | 'max' | 'stddev' | 'share';

/** Values that have the same statistics. */
export type StatisticKind =
  | 'Int'
  | 'BigInt'
  | 'Decimal'
  | 'Float'
  | 'Text'
  | 'Moment'
  | 'Day'
  | 'Boolean';

const KINDS: Readonly<Record<string, StatisticKind>> = {
  Int: 'Int',
  BigInt: 'BigInt',
  Decimal: 'Decimal',
  Float: 'Float',
  String: 'Text',
  DateTime: 'Moment',
  Boolean: 'Boolean',
};

/** Returns which statistics a column has; undefined for one that has none. */
export function statisticKind(column: Column): StatisticKind | undefined {
  if (column.isList || column.kind === 'enum' || column.nativeType === 'Uuid') return undefined;
  return column.nativeType === 'Date' ? 'Day' : KINDS[column.type];
}

/** Returns a column of which nothing is known but its type, and that its values may be missing. */
export function anonymous(type: string, nativeType?: string): Column {
  const known = { column: '', type, kind: 'scalar', isList: false, isRequired: false } as const;
  return { ...known, hasDefault: false, ...(nativeType ? { nativeType } : {}) };
}

/** A statistic by its name in the API. */
export type StatisticName = PlainStatistic | 'percentile';

const BOUNDS = (type: string, nativeType?: string) => ({
  min: anonymous(type, nativeType),
  max: anonymous(type, nativeType),
});

/** The types of each kind's statistics. */
export const STATISTICS: Readonly<
  Record<StatisticKind, Readonly<Partial<Record<StatisticName, Column>>>>
> = {
  Int: {
    sum: anonymous('BigInt'),
    avg: anonymous('Float'),
    ...BOUNDS('Int'),
    stddev: anonymous('Float'),
    percentile: anonymous('Float'),
  },
  BigInt: {
    sum: anonymous('Decimal'),
    avg: anonymous('Decimal'),
    ...BOUNDS('BigInt'),
    stddev: anonymous('Decimal'),
    percentile: anonymous('Decimal'),
  },
  Decimal: {
    sum: anonymous('Decimal'),
    avg: anonymous('Decimal'),
    ...BOUNDS('Decimal'),
    stddev: anonymous('Decimal'),
    percentile: anonymous('Decimal'),
  },
  Float: {
    sum: anonymous('Float'),
    avg: anonymous('Float'),
    ...BOUNDS('Float'),
    stddev: anonymous('Float'),
    percentile: anonymous('Float'),
  },
  Text: BOUNDS('String'),
  Moment: BOUNDS('DateTime'),
  Day: BOUNDS('DateTime', 'Date'),
  Boolean: { share: anonymous('Float') },
};

/** What groups can be ordered by, beside keys and counts. */
export const ORDERING_STATISTICS = [
  ...['distinct', 'sum', 'avg', 'min', 'max', 'stddev', 'share'],
  ...['p50', 'p90', 'p95', 'p99', 'percentile'],
] as const;

/** The percentiles that have names of their own. */
export const PERCENTILES: Readonly<Record<string, number>> = {
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
};
