import pg from 'pg';
import { catalog } from '../../src/generated/catalog.ts';
import { type Case, caseOf, joinOf, sqlName } from '../contract/cases.ts';
import type { Asked, AskedKey, AskedMeasure } from './asked.ts';

// Says in SQL what an aggregate asks for, without any code of the gateway.

const literal = (text: string) => pg.escapeLiteral(text);

/** A group as plain SQL has it: keys and measures as texts. */
export interface PlainGroup {
  cells: (string | null)[];
  /** Keys that are rolled up. */
  rolled: number;
}

/** Returns the statement for the groups of an aggregate, `where` of which rows `a`, in their order. */
export function plainGroups(asked: Asked, where: string): string {
  const { keys, measures, having, order, first, offset } = asked;
  const page = keys.length > 0 ? ` limit ${first} offset ${offset}` : '';
  const places = keys.map((_, n) => n + 1);
  const expressions = [
    ...keys.map((key, n) => keyText(asked.shown, key, n)),
    ...measures.map((m) => measureText(asked.shown, m)),
  ];
  const columns = expressions.map((e, n) => `${e} as c${n}`);
  const groupBy = keys.length > 0 ? ` group by ${places.join(', ')}` : '';
  const filter = having ? ` having count(*) > ${having}` : '';
  const terms = order.map(
    ({ by, direction, nulls }) =>
      `${typeof by === 'number' ? `c${by}` : measureOrder(asked, by)} ${direction} nulls ${nulls}`,
  );
  const ties = keys.map((_, n) => `c${n} nulls last`);
  const orderBy = keys.length > 0 ? ` order by ${[...terms, ...ties].join(', ')}` : '';
  const inner = `select ${columns.join(', ')} from ${sourceText(asked)} where ${where}${groupBy}${filter}`;
  const shown = expressions.map((_, n) => `(to_json(g.c${n})#>>'{}')::text as c${n}`);
  return `select ${shown.join(', ')}, row_number() over () as place from (select * from (${inner}) i${orderBy}${page}) g order by place`;
}

/** Returns the statement for how many groups there are. */
export function plainTotal({ keys, having, ...asked }: Asked, where: string): string {
  const columns = keys.map((key, n) => `${keyText(asked.shown, key, n)} as c${n}`);
  const groupBy = keys.length > 0 ? ` group by ${keys.map((_, n) => n + 1).join(', ')}` : '';
  const filter = having ? ` having count(*) > ${having}` : '';
  const selected = columns.length > 0 ? columns.join(', ') : 'count(*)';
  return `select count(*)::int as total from (select ${selected} from ${sourceText({ ...asked, keys, having })} where ${where}${groupBy}${filter}) g`;
}

function sourceText({ shown, keys }: Asked): string {
  const joins = keys.flatMap(({ column, relation, how }, n) => {
    if (relation) {
      const to = catalog.models[shown.name]?.relations[relation];
      if (!to) throw new TypeError(`${shown.name} has no ${relation}`);
      const on = joinOf(shown.name, to).replaceAll('b.', `j${n}.`);
      return [` left join ${caseOf(to.to).table} j${n} on ${on}`];
    }
    if (how.kind !== 'items') return [];
    const c = `a.${sqlName(shown.name, column)}`;
    return [` left join lateral (select i from unnest(${c}) i group by i) l${n} on true`];
  });
  return `${shown.table} a${joins.join('')}`;
}

function keyText({ name }: Case, { column, relation, to, how }: AskedKey, n: number): string {
  if (how.kind === 'items') return `l${n}.i`;
  const c = relation ? `j${n}.${sqlName(to, column)}` : `a.${sqlName(name, column)}`;
  switch (how.kind) {
    case 'value':
      return c;
    case 'bucket': {
      const unit = literal(how.unit.toLowerCase());
      return how.isDay
        ? `date_trunc(${unit}, ${c}::timestamp)::date`
        : `date_trunc(${unit}, ${c} at time zone ${literal(how.timeZone)}) at time zone ${literal(how.timeZone)}`;
    }
    case 'part':
      return `extract(${{ HOUR_OF_DAY: 'hour', DAY_OF_WEEK: 'isodow', MONTH_OF_YEAR: 'month' }[how.part]} from ${how.isDay ? c : `${c} at time zone ${literal(how.timeZone)}`})::int`;
    case 'step':
      return `floor(${c}::numeric / ${how.width}) * ${how.width}`;
    case 'path':
      return `case when jsonb_typeof(${c} -> 'a') <> 'null' then ${c} -> 'a' end`;
  }
}

const measureOrder = ({ keys, measures }: Asked, measure: AskedMeasure) =>
  `c${keys.length + measures.indexOf(measure)}`;

function measureText({ name }: Case, measure: AskedMeasure): string {
  const c = (column: string) => `a.${sqlName(name, column)}`;
  switch (measure.kind) {
    case 'count':
      return measure.check
        ? `sum(case when ${measure.check.sql} then 1 else 0 end)::int`
        : 'count(*)::int';
    case 'distinct':
      return `coalesce(cardinality(array_agg(distinct ${c(measure.column)}) filter (where ${c(measure.column)} is not null)), 0)`;
    case 'between': {
      const seconds = `extract(epoch from (${c(measure.to)} - ${c(measure.from)}))`;
      return statisticText(seconds, measure.statistic);
    }
    case 'statistic':
      // Of doubles there is no exact deviation.
      return measure.statistic === 'stddev' && isDouble(name, measure.column)
        ? `sqrt(var_samp(${c(measure.column)}))`
        : statisticText(c(measure.column), measure.statistic);
  }
}

const isDouble = (model: string, column: string) =>
  catalog.models[model]?.columns[column]?.type === 'Float';

const PERCENTILES: Record<string, number> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };

function statisticText(e: string, statistic: string): string {
  const at = PERCENTILES[statistic] ?? /^percentile\(at: (.+)\)$/.exec(statistic)?.[1];
  if (at !== undefined) return `percentile_cont(${at}) within group (order by ${e}::float8)`;
  switch (statistic) {
    case 'share':
      return `avg(case when ${e} then 1.0 when not ${e} then 0.0 end)`;
    case 'avg':
      return `sum(${e}::numeric) / nullif(count(${e}), 0)`;
    case 'stddev':
      return `sqrt(var_samp(${e}::numeric))`;
    default:
      return `${statistic}(${e})`;
  }
}
