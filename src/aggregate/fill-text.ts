import { columnOf } from '../resolvers/catalog.ts';
import type { Comparison, Condition } from '../resolvers/conditions.ts';
import { operandValue } from '../sql/filter.ts';
import { empty, identifier, join, numberLiteral, type Sql, sql } from '../sql/fragment.ts';
import { sqlType } from '../sql/types.ts';
import type { Values } from '../sql/values.ts';
import type { Aggregate, GroupKey } from './description.ts';
import { bucketsSql, keySql, PART_RANGES } from './key-text.ts';
import { type ParentValues, SIDES } from './rows-text.ts';

/** Keys that are filled in for one argument, and for all of them together. */
export const MOST_FILLED = { ofKey: 1_000, together: 10_000 };

/** What is added to the rows of an aggregate so that keys without rows have groups. */
export interface Filling {
  /** Queries with names, in the order in which they depend on each other and on `rows`. */
  queries: readonly Sql[];
  /** Rows without inputs: parents as p0 and keys as k0. */
  rows: Sql;
  /** The number of the key that has too many values, from 1; 0 if none has. */
  excess: Sql;
}

const names = (letter: string, count: number) =>
  Array.from({ length: count }, (_, n) => identifier(`${letter}${n}`));

/** Returns what fills the keys of an aggregate that are to be filled. */
export function fillingOf(
  aggregate: Aggregate,
  parents: ParentValues | null,
  values: Values,
): Filling {
  const { keys } = aggregate;
  const ofParents = names('p', parents?.columns.length ?? 0);
  const filled = keys.flatMap((key, n) => (key.fill ? [{ key, n }] : []));
  const others = keys.flatMap((key, n) => (key.fill ? [] : [identifier(`k${n}`)]));
  const series = filled.map(({ key, n }) => {
    const name = identifier(`s${n}`);
    const fixed = fixedValues(key);
    const rows = fixed ?? seriesSql(aggregate, key, n, parents, values);
    return { n, name, query: sql`${name} as (${rows})`, by: fixed ? [] : ofParents };
  });
  const owners = sql`owners as (${ownersSql(aggregate, parents, ofParents, others, values)})`;
  const columns = [...ofParents, ...others].map((name) => sql`o.${name}`);
  const places = series.map(({ n, name }) => sql`${name}.v as ${identifier(`k${n}`)}`);
  const joins = series.map(({ name, by }) => {
    const same = by.map((p) => sql`${name}.${p} = o.${p}`);
    return sql` join ${name} on ${same.length > 0 ? join(same, ' and ') : sql`true`}`;
  });
  const selected = join([...columns, ...places], ', ');
  const limit = numberLiteral(MOST_FILLED.together + 1);
  const fillers = sql`fillers as (select ${selected} from owners o${join(joins, '')} limit ${limit})`;
  const ordered = [...ofParents, ...names('k', keys.length)];
  return {
    queries: [...series.map(({ query }) => query), owners, fillers],
    rows: sql`select ${join(ordered, ', ')} from fillers`,
    excess: excessSql(series),
  };
}

interface Series {
  n: number;
  name: Sql;
  by: readonly Sql[];
}

function excessSql(series: readonly Series[]): Sql {
  const ofKeys = series.map(({ n, name, by }) => {
    const counts = sql`select count(*) as n from ${name}${grouped(by)}`;
    const most = sql`(select max(n) from (${counts}) c)`;
    return sql`when ${most} > ${numberLiteral(MOST_FILLED.ofKey)} then ${numberLiteral(n + 1)}`;
  });
  const first = numberLiteral((series[0]?.n ?? 0) + 1);
  const all = sql`(select count(*) from fillers)`;
  const together = sql`when ${all} > ${numberLiteral(MOST_FILLED.together)} then ${first}`;
  return sql`case ${join([...ofKeys, together], ' ')} else 0 end`;
}

function grouped(by: readonly Sql[]): Sql {
  return by.length > 0 ? sql` group by ${join(by, ', ')}` : empty;
}

/** Whatever has the filled keys: the other keys that rows have, or parents, or all rows. */
function ownersSql(
  { model }: Aggregate,
  parents: ParentValues | null,
  ofParents: readonly Sql[],
  others: readonly Sql[],
  values: Values,
): Sql {
  if (others.length > 0) {
    const columns = join([...ofParents, ...others], ', ');
    return sql`select distinct ${columns} from rows where side = ${SIDES.current}`;
  }
  return sql`select ${parents ? join(ofParents, ', ') : sql`1`} from ${parentsSql(model, parents, values)}`;
}

/** A row for each parent, or one if there are none. */
function parentsSql(model: string, parents: ParentValues | null, values: Values): Sql {
  if (!parents) return sql`(select 1) u`;
  const lists = parents.columns.map((name, n) => {
    return values.add(parents.values[n], sql`${sqlType(columnOf(model, name))}[]`);
  });
  const columns = names('p', parents.columns.length);
  return sql`unnest(${join(lists, ', ')}) u(${join(columns, ', ')})`;
}

/** All values of a key from the first to the last, as `v`; of each parent, if there are any. */
function seriesSql(
  aggregate: Aggregate,
  key: GroupKey,
  n: number,
  parents: ParentValues | null,
  values: Values,
): Sql {
  const ofParents = names('p', parents?.columns.length ?? 0);
  const k = identifier(`k${n}`);
  const among = sql` filter (where side = ${SIDES.current}${finite(key, k)})`;
  const known = bounds(aggregate, key, values);
  const least = sql`${known?.least ?? sql`min(${k})${among}`} as least`;
  const most = sql`${known?.most ?? sql`max(${k})${among}`} as most`;
  const selected = join([...ofParents, least, most], ', ');
  // Without an aggregate in it, the range does not depend on rows.
  const isKnown = known?.least && known.most;
  const ranges = isKnown
    ? sql`select ${selected} from ${parentsSql(aggregate.model, parents, values)}`
    : sql`select ${selected} from rows${grouped(ofParents)}`;
  const range = { least: sql`least`, most: sql`most` };
  const list =
    key.grouping.kind === 'step'
      ? steps(key, key.grouping.width, values)
      : bucketsSql(key, range, MOST_FILLED.ofKey + 1, values);
  const columns = [...ofParents.map((p) => sql`g.${p}`), sql`v.v`];
  return sql`select ${join(columns, ', ')} from (${ranges}) g cross join lateral (${list}) v`;
}

function finite({ column, grouping }: GroupKey, k: Sql): Sql {
  return column.type === 'DateTime' && grouping.kind === 'bucket'
    ? sql` and isfinite(${k})`
    : empty;
}

/** Values that do not depend on rows. */
function fixedValues({ column, grouping }: GroupKey): Sql | null {
  if (grouping.kind === 'part') {
    const [from, to] = PART_RANGES[grouping.part];
    return sql`select generate_series(${numberLiteral(from)}, ${numberLiteral(to)}) as v`;
  }
  if (column.type === 'Boolean') return sql`select unnest(array[false, true]) as v`;
  if (column.kind !== 'enum') return null;
  return sql`select unnest(enum_range(null::${sqlType(column)})) as v`;
}

function steps({ column }: GroupKey, width: string, values: Values): Sql {
  const step = values.add(width, sql`numeric`);
  const number = sql`trim_scale(generate_series(least::numeric, most::numeric, ${step}))`;
  const value = column.type === 'Float' ? sql`${number}::float8` : number;
  return sql`select ${value} as v limit ${numberLiteral(MOST_FILLED.ofKey + 1)}`;
}

/** The first and the last bucket that the filter leaves room for, where it says so. */
function bounds({ filter }: Aggregate, key: GroupKey, values: Values) {
  if (!filter || key.relation || key.grouping.kind !== 'bucket') return null;
  const own = requiredOf(filter).filter(({ name }) => name === key.name);
  const operand = (operators: readonly string[], before: Sql) => {
    const found = own.find(({ operator }) => operators.includes(operator));
    if (!found) return undefined;
    const value = values.add(operandValue(found), sqlType(found.column));
    // The moment itself is not part of the range.
    const last = found.operator === 'lt' ? sql`(${value} - ${before})` : value;
    return keySql(key, last, values);
  };
  const isDay = key.column.nativeType === 'Date';
  const before = isDay ? sql`1` : sql`interval '1 millisecond'`;
  return { least: operand(['gte', 'gt'], before), most: operand(['lte', 'lt'], before) };
}

/** The comparisons that hold for every row that the condition does. */
function requiredOf(condition: Condition): Comparison[] {
  if (condition.kind === 'and') return condition.parts.flatMap(requiredOf);
  return condition.kind === 'comparison' ? [condition] : [];
}
