import pg from 'pg';
import type { Column } from '../../src/generated/catalog.ts';

/** A condition on a column: the operators that a client sends, and the same in SQL. */
export interface Condition {
  operators: Record<string, unknown>;
  /** True, false, or null if it is unknown. */
  sql: string;
}

const EQUALITY = { equals: '=', not: '<>' };
const COMPARISONS = { lt: '<', lte: '<=', gt: '>', gte: '>=' };
const MISSING_ID = '00000000-0000-4000-8000-000000000000';

const literal = (value: string) => pg.escapeLiteral(value);
const json = (value: unknown) => `${literal(JSON.stringify(value))}::jsonb`;

/** Returns a value of the database, printed as `text`, as the API shows it. */
export function asClient({ kind, type, nativeType }: Column, text: string): unknown {
  if (kind === 'enum') return text.toUpperCase();
  if (type === 'Boolean') return text === 'true';
  if (type === 'Int' || type === 'Float') return Number(text);
  if (type === 'DateTime' && nativeType !== 'Date') return new Date(text).toISOString();
  return text;
}

/**
 * Returns conditions with every operator of a column, whose operands are `stored` values. `c` is the
 * column in SQL. `thorough` adds difficult operands.
 */
export function conditionsOn(
  c: string,
  sqlType: string,
  column: Column,
  stored: readonly (string | string[])[],
  thorough: boolean,
): Condition[] {
  if (column.isList) return listConditions(c, sqlType, stored as string[][], thorough);
  if (column.type === 'Json') return jsonConditions(c, thorough);
  const conditions = scalarConditions(c, sqlType, column, stored as string[]);
  const isText = column.type === 'String' && column.nativeType !== 'Uuid' && column.kind !== 'enum';
  if (isText) conditions.push(...textConditions(c, thorough ? TEXTS : TEXTS.slice(0, 1)));
  if (!column.isRequired) {
    conditions.push(
      { operators: { isNull: true }, sql: `${c} is null` },
      { operators: { isNull: false }, sql: `${c} is not null` },
    );
  }
  return conditions;
}

function scalarConditions(
  c: string,
  sqlType: string,
  column: Column,
  [first = MISSING_ID, ...others]: string[],
): Condition[] {
  const cast = (text: string) => `${literal(text)}::${sqlType}`;
  const compare = ([operator, sign]: [string, string]): Condition => ({
    operators: { [operator]: asClient(column, first) },
    sql: `${c} ${sign} ${cast(first)}`,
  });
  const conditions = Object.entries(EQUALITY).map(compare);
  if (column.type === 'Boolean') return conditions;
  const texts = [first, ...others.slice(-1)];
  const list = texts.map((text) => asClient(column, text));
  const sqlList = texts.map(cast).join(', ');
  conditions.push(
    { operators: { in: list }, sql: `${c} in (${sqlList})` },
    { operators: { in: [] }, sql: 'false' },
    { operators: { notIn: list }, sql: `${c} not in (${sqlList})` },
    { operators: { notIn: [] }, sql: 'true' },
  );
  if (column.kind === 'enum' || column.nativeType === 'Uuid') return conditions;
  return [...conditions, ...Object.entries(COMPARISONS).map(compare)];
}

const TEXTS = ['BETA', 'lph', '%', '_', '\\', 'ÉMI', ''];

function textConditions(c: string, texts: readonly string[]): Condition[] {
  return texts.flatMap((text) => {
    const wanted = `lower(${literal(text)})`;
    return [
      { operators: { contains: text }, sql: `position(${wanted} in lower(${c})) > 0` },
      { operators: { startsWith: text }, sql: `left(lower(${c}), ${text.length}) = ${wanted}` },
      { operators: { endsWith: text }, sql: `right(lower(${c}), ${text.length}) = ${wanted}` },
    ];
  });
}

/** Conditions on a list. Null counts as an empty list. */
function listConditions(
  c: string,
  sqlType: string,
  stored: readonly string[][],
  thorough: boolean,
): Condition[] {
  const array = (items: readonly string[]) => `array[${items.map(literal).join(', ')}]::${sqlType}`;
  const list = `coalesce(${c}, ${array([])})`;
  const full = stored.find(({ length }) => length > 0) ?? [MISSING_ID];
  return [
    ...(thorough ? [full, full.slice(-1), [MISSING_ID]] : [full]).flatMap((items) => [
      { operators: { has: items[0] }, sql: `${list} @> ${array(items.slice(0, 1))}` },
      { operators: { hasSome: items }, sql: `${list} && ${array(items)}` },
      { operators: { hasEvery: items }, sql: `${list} @> ${array(items)}` },
      { operators: { equals: items }, sql: `${list} = ${array(items)}` },
    ]),
    { operators: { hasSome: [] }, sql: 'false' },
    { operators: { hasEvery: [] }, sql: 'true' },
    { operators: { equals: [] }, sql: `cardinality(${list}) = 0` },
    { operators: { isEmpty: true }, sql: `cardinality(${list}) = 0` },
    { operators: { isEmpty: false }, sql: `cardinality(${list}) > 0` },
  ];
}

const PATHS = [['a'], [], ['b', 'c'], ['list'], ['1'], ['no "such", {key}']];

/** Conditions on JSON. JSON's null counts as missing. A comparison with another type is unknown. */
function jsonConditions(c: string, thorough: boolean): Condition[] {
  const some = <T>(all: readonly T[]) => (thorough ? all : all.slice(0, 1));
  return some(PATHS).flatMap((path) => {
    const at = path.length > 0 ? { path } : {};
    const found = path.length > 0 ? `(${c} #> array[${path.map(literal).join(', ')}]::text[])` : c;
    const part = `nullif(${found}, 'null')`;
    const text = `lower(${part} #>> '{}')`;
    const of = (type: string, sql: string) =>
      `case jsonb_typeof(${part}) when ${type} then ${sql} end`;
    const compared = some<unknown>([1, 'Alpha']).flatMap((value) =>
      Object.entries(COMPARISONS).map(([operator, sign]) => ({
        operators: { ...at, [operator]: value },
        sql: of(`jsonb_typeof(${json(value)})`, `${part} ${sign} ${json(value)}`),
      })),
    );
    return [
      ...compared,
      ...some<unknown>([1, 'Alpha', { c: 'Alpha' }, [1, 'two', [3, 4]]]).flatMap((value) => [
        { operators: { ...at, equals: value }, sql: `${part} = ${json(value)}` },
        { operators: { ...at, not: value }, sql: `${part} <> ${json(value)}` },
      ]),
      ...some(['LPH', '100%', '_']).map((wanted) => ({
        operators: { ...at, contains: wanted },
        sql: of(`'string'`, `position(lower(${literal(wanted)}) in ${text}) > 0`),
      })),
      {
        operators: { ...at, startsWith: 'aL' },
        sql: of(`'string'`, `left(${text}, 2) = 'al'`),
      },
      ...some<unknown>(ITEMS).map((value) => ({
        operators: { ...at, has: value },
        sql: of(
          `'array'`,
          `exists (select from jsonb_array_elements(${part}) item where item @> ${json(value)} and jsonb_typeof(item) = jsonb_typeof(${json(value)}))`,
        ),
      })),
      { operators: { ...at, isNull: true }, sql: `${part} is null` },
      { operators: { ...at, isNull: false }, sql: `${part} is not null` },
    ];
  });
}

/** Operands of `has`. An object or list matches an item that contains it. */
const ITEMS = [1, 'two', { deep: true }, {}, [3], []];
