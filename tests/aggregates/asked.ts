import type { Column } from '../../src/generated/catalog.ts';
import { type Case, caseOf } from '../contract/cases.ts';
import type { Check, ColumnCheck } from '../contract/checks.ts';
import type { Random } from '../torture/random.ts';

/** How rows are grouped by a column. */
type How =
  | { kind: 'value' | 'items' | 'path' }
  | { kind: 'bucket'; unit: string; timeZone: string; isDay: boolean }
  | {
      kind: 'part';
      part: 'HOUR_OF_DAY' | 'DAY_OF_WEEK' | 'MONTH_OF_YEAR';
      timeZone: string;
      isDay: boolean;
    }
  | { kind: 'step'; width: string };

export interface AskedKey {
  relation: string | null;
  /** The model that has the column. */
  to: string;
  column: string;
  how: How;
}

export type AskedMeasure =
  | { kind: 'count'; check: Check | null }
  | { kind: 'distinct'; column: string }
  | { kind: 'statistic'; column: string; statistic: string }
  | { kind: 'between'; from: string; to: string; statistic: string };

interface AskedOrder {
  by: number | AskedMeasure;
  direction: 'ASC' | 'DESC';
  nulls: 'FIRST' | 'LAST';
}

/** An aggregate that is asked of the API, and of plain SQL. */
export interface Asked {
  shown: Case;
  check: Check | null;
  keys: AskedKey[];
  measures: AskedMeasure[];
  /** How many rows a group has more than. */
  having: number;
  order: AskedOrder[];
  first: number;
  offset: number;
  totals: boolean;
}

const ZONES = ['UTC', 'Asia/Kolkata', 'America/New_York', 'Pacific/Chatham', 'America/St_Johns'];
const UNITS = ['HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'];
const EXACT = ['sum', 'avg', 'min', 'max', 'stddev', 'p50', 'p90', 'p99', 'percentile(at: 0.37)'];

const isScalar = ({ isList, type }: Column) => !isList && type !== 'Json';
const isText = ({ kind, type, nativeType, isList }: Column) =>
  kind === 'scalar' && type === 'String' && nativeType !== 'Uuid' && !isList;

/** Makes up an aggregate over the rows of a model. */
export function makeAsked(random: Random, shown: Case, checks: readonly ColumnCheck[]): Asked {
  const keys = makeKeys(random, shown);
  const count = 1 + random.below(4);
  const measures = Array.from({ length: count }, () => makeMeasure(random, shown, checks));
  const orders = keys.length > 0 ? random.below(3) : 0;
  const order = Array.from(
    { length: orders },
    (): AskedOrder => ({
      by: random.chance(0.5) ? random.below(keys.length) : orderable(random, measures),
      direction: random.pick(['ASC', 'DESC']),
      nulls: random.pick(['FIRST', 'LAST']),
    }),
  );
  const isListed = keys.some(({ how }) => how.kind === 'items');
  return {
    shown,
    check: random.chance(0.5) ? random.pick(checks) : null,
    keys,
    measures,
    having: keys.length > 0 && random.chance(0.2) ? 1 : 0,
    order,
    first: random.chance(0.3) ? 1 + random.below(3) : 100,
    offset: random.chance(0.2) ? random.below(3) : 0,
    totals: keys.length > 0 && !isListed && random.chance(0.2),
  };
}

/** Percentiles at any place, and between moments, are no orders. */
function orderable(random: Random, measures: readonly AskedMeasure[]): AskedMeasure | number {
  const able = measures.filter(
    (measure) => !('statistic' in measure) || !measure.statistic.startsWith('percentile'),
  );
  return able.length > 0 ? random.pick(able) : 0;
}

function makeKeys(random: Random, shown: Case): AskedKey[] {
  const keys = Array.from({ length: random.below(4) }, () => makeKey(random, shown));
  const known = new Set<string>();
  return keys.filter(({ relation, column, how }) => {
    const name = `${relation}.${column} ${how.kind === 'part'}`;
    return known.has(name) ? false : known.add(name);
  });
}

function makeKey(random: Random, shown: Case): AskedKey {
  const relations = shown.one.filter(([, { columns }]) => columns.length > 0);
  if (relations.length > 0 && random.chance(0.2)) {
    const [relation, { to }] = random.pick(relations);
    // Plain SQL has no items of lists of related rows.
    const able = caseOf(to).comparable.filter(([, { isList }]) => !isList);
    const [column, details] = random.pick(able);
    return { relation, to, column, how: howOf(random, details) };
  }
  const [column, details] = random.pick(shown.comparable);
  return { relation: null, to: shown.name, column, how: howOf(random, details) };
}

function howOf(random: Random, column: Column): How {
  if (column.isList) return { kind: 'items' };
  if (column.type === 'Json') return { kind: 'path' };
  if (column.type === 'DateTime' && random.chance(0.7)) {
    const isDay = column.nativeType === 'Date';
    const timeZone = random.pick(ZONES);
    if (random.chance(0.3)) {
      const part = isDay
        ? 'DAY_OF_WEEK'
        : random.pick(['HOUR_OF_DAY', 'DAY_OF_WEEK', 'MONTH_OF_YEAR'] as const);
      return { kind: 'part', part, timeZone, isDay };
    }
    return { kind: 'bucket', unit: random.pick(isDay ? UNITS.slice(1) : UNITS), timeZone, isDay };
  }
  const isNumber = ['Int', 'BigInt', 'Decimal'].includes(column.type) && column.kind === 'scalar';
  return isNumber && random.chance(0.5)
    ? { kind: 'step', width: random.pick(['2', '10', '1000']) }
    : { kind: 'value' };
}

function makeMeasure(random: Random, shown: Case, checks: readonly ColumnCheck[]): AskedMeasure {
  const kind = random.next();
  if (kind < 0.2) return { kind: 'count', check: random.chance(0.6) ? random.pick(checks) : null };
  if (kind < 0.35) {
    const able = shown.comparable.filter(([, column]) => isScalar(column));
    return { kind: 'distinct', column: random.pick(able)[0] };
  }
  const moments = shown.comparable.filter(
    ([, column]) => column.type === 'DateTime' && column.nativeType !== 'Date',
  );
  if (kind < 0.45 && moments.length > 0) {
    const [from, to] = [random.pick(moments)[0], random.pick(moments)[0]];
    return { kind: 'between', from, to, statistic: random.pick(EXACT) };
  }
  const able = shown.comparable.filter(([, column]) => statisticsOf(column).length > 0);
  const [column, details] = able.length > 0 ? random.pick(able) : [];
  if (!column || !details) return { kind: 'count', check: null };
  return { kind: 'statistic', column, statistic: random.pick(statisticsOf(details)) };
}

function statisticsOf(column: Column): string[] {
  if (!isScalar(column) || column.kind === 'enum') return [];
  if (column.type === 'Boolean') return ['share'];
  if (isText(column) || column.type === 'DateTime') return ['min', 'max'];
  return column.type === 'String' ? [] : EXACT;
}
