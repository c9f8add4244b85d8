import { numberLiteral, type Sql, sql, textLiteral } from '../sql/fragment.ts';
import type { Values } from '../sql/values.ts';
import type { Grouping, GroupKey, MomentUnit } from './description.ts';

type Bucket = Extract<Grouping, { kind: 'bucket' }>;

/** Returns the key of a row as SQL, from the value that it is made of. */
export function keySql({ grouping, column }: GroupKey, e: Sql, values: Values): Sql {
  const isDay = column.nativeType === 'Date';
  switch (grouping.kind) {
    case 'value':
    case 'items':
      return e;
    case 'path':
      // JSON's null is a missing value to clients.
      return sql`nullif(${e} #> ${values.add([...grouping.path], sql`text[]`)}, 'null')`;
    case 'bucket':
      return isDay ? dayBucket(grouping, e) : momentBucket(grouping, e, values);
    case 'part': {
      const local = isDay ? e : localMoment(e, grouping.timeZone, values);
      return sql`extract(${sql`${rawPart(grouping.part)}`} from ${local})::int`;
    }
    case 'step': {
      const width = values.add(grouping.width, sql`numeric`);
      const start = sql`trim_scale(floor(${e}::numeric / ${width}) * ${width})`;
      return column.type === 'Float' ? sql`${start}::float8` : start;
    }
  }
}

const PARTS = { hour: sql`hour`, isodow: sql`isodow`, month: sql`month` };
const rawPart = (part: keyof typeof PARTS) => PARTS[part];

/** The values that a part of a moment can have. */
export const PART_RANGES = { hour: [0, 23], isodow: [1, 7], month: [1, 12] } as const;

function localMoment(e: Sql, timeZone: string, values: Values): Sql {
  return sql`(${e} at time zone ${values.add(timeZone, sql`text`)})`;
}

function momentBucket({ unit, timeZone, weekStart }: Bucket, e: Sql, values: Values): Sql {
  if (timeZone === 'UTC' && (unit !== 'week' || weekStart === 1)) {
    // Looking the zone up for each row takes longer than to change the type twice.
    return sql`(date_trunc(${textLiteral(unit)}, ${e} at time zone 'UTC') at time zone 'UTC')`;
  }
  const zone = values.add(timeZone, sql`text`);
  if (unit !== 'week' || weekStart === 1) {
    return sql`date_trunc(${textLiteral(unit)}, ${e}, ${zone})`;
  }
  const days = sql`interval '1 day' * ${numberLiteral(weekStart - 1)}`;
  const week = sql`date_trunc('week', (${e} at time zone ${zone}) - ${days}) + ${days}`;
  return sql`((${week}) at time zone ${zone})`;
}

function dayBucket({ unit, weekStart }: Bucket, e: Sql): Sql {
  const days = numberLiteral(unit === 'week' ? weekStart - 1 : 0);
  return sql`(date_trunc(${textLiteral(unit)}, (${e} - ${days})::timestamp)::date + ${days})`;
}

const STEPS: Readonly<Record<MomentUnit, Sql>> = {
  hour: sql`interval '1 hour'`,
  day: sql`interval '1 day'`,
  week: sql`interval '7 days'`,
  month: sql`interval '1 month'`,
  quarter: sql`interval '3 months'`,
  year: sql`interval '1 year'`,
};

/**
 * Returns a query for the buckets from one to another as `v`, at most so many, or a few more than that
 * if there are more.
 */
export function bucketsSql(
  key: GroupKey,
  range: { least: Sql; most: Sql },
  limit: number,
  values: Values,
): Sql {
  const { grouping, column } = key;
  if (grouping.kind !== 'bucket') throw new TypeError(`${key.name} has no buckets`);
  const { least, most } = range;
  const step = STEPS[grouping.unit];
  if (column.nativeType === 'Date') {
    const days = sql`generate_series(${least}::timestamp, ${most}::timestamp, ${step})::date`;
    return sql`select ${days} as v limit ${numberLiteral(limit)}`;
  }
  if (grouping.unit === 'hour') {
    // Where clocks change by half an hour, hours begin half an hour later from then on.
    const halves = sql`generate_series(${least}, ${most} + interval '59 minutes', interval '30 minutes')`;
    const moments = sql`select ${halves} as s limit ${numberLiteral(2 * limit)}`;
    return sql`select distinct ${keySql(key, sql`s`, values)} as v from (${moments}) h where ${keySql(key, sql`s`, values)} <= ${most}`;
  }
  const [from, to] = [least, most].map((moment) => localMoment(moment, grouping.timeZone, values));
  const local = sql`select generate_series(${from as Sql}, ${to as Sql}, ${step}) as s limit ${numberLiteral(limit)}`;
  const moment = localMoment(sql`s`, grouping.timeZone, values);
  // A day that a zone has left out begins when the next one does.
  return sql`select distinct ${keySql(key, moment, values)} as v from (${local}) d`;
}
