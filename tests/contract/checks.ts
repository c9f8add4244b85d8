import type { Column, Relation } from '../../src/generated/catalog.ts';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, joinOf, sqlName } from './cases.ts';
import { type Condition, conditionsOn } from './operators.ts';
import type { VariedWorld } from './varied.ts';

/** A filter, and its condition on a row in SQL: true, false, or null if it is unknown. */
export interface Check {
  filter: object;
  sql: string;
}

/** A check of one column, with the kind of its comparison. */
export interface ColumnCheck extends Check {
  kind: string;
  column: Column;
}

/** Returns the filters that find other rows than their SQL, in which a row is `a`. */
export async function disagreements(
  world: VariedWorld,
  { name, root, table }: Case,
  checks: readonly Check[],
) {
  if (checks.length === 0) throw new TypeError('There is nothing to compare');
  const results = await askAll(
    world.client,
    checks.map(({ filter }) => ({
      field: `${root}(filter: $0, first: 100) { nodes { id } }`,
      variables: [[`${name}Filter`, filter]],
    })),
  );
  const sets = await world.readAsClient<{ ids: string[] }>(
    `${checks
      .map(
        ({ sql }, n) =>
          `select ${n} as n, array(select a.id::text from ${table} a where ${sql}) as ids`,
      )
      .join(' union all ')} order by n`,
  );
  return checks.flatMap(({ filter, sql }, n) => {
    const { data, error } = results[n] ?? {};
    const found = data?.nodes.map(({ id }: { id: string }) => id).sort();
    const expected = sets[n]?.ids.sort();
    const same = JSON.stringify(found) === JSON.stringify(expected);
    return same ? [] : [{ filter: JSON.stringify(filter), sql, error, found, expected }];
  });
}

/** Returns every comparison of a model's columns, with its rows as `alias` in SQL. */
export async function columnChecks(
  world: VariedWorld,
  { name, table, comparable: columns }: Case,
  alias: 'a' | 'b',
): Promise<ColumnCheck[]> {
  const sql = columns.map(([column, { isList }]) => {
    const c = sqlName(name, column);
    return isList ? `array_agg(to_jsonb(${c}))` : `to_jsonb(array_agg(distinct ${c}::text))`;
  });
  const [stored] = await world.readAsClient<{ values: ((string | string[] | null)[] | null)[] }>(
    `select jsonb_build_array(${sql.join(', ')}) as values from ${table}`,
  );
  const first = (isList: boolean) =>
    columns.find(([, column]) => isText(column) && column.isList === isList)?.[0];
  const thorough = [first(false), first(true), 'demographics', 'positions'];
  return columns.flatMap(([column, details], i) => {
    const known = (stored?.values[i] ?? []).filter((value) => value !== null);
    const type = world.sqlTypes.get(`${table}.${details.column}`) as string;
    return conditionsOn(
      `${alias}.${sqlName(name, column)}`,
      type,
      details,
      known,
      thorough.includes(column),
    ).map(({ operators, sql }) => ({
      filter: { [column]: operators },
      sql,
      kind: kindOf(details, operators),
      column: details,
    }));
  });
}

function isText({ type, nativeType }: Column): boolean {
  return type === 'String' && nativeType !== 'Uuid';
}

/** Part of the kind of a comparison with a path into JSON other than the first ones. */
export const OTHER_PATH = 'elsewhere';

function kindOf(column: Column, operators: Condition['operators']): string {
  const { kind, type, nativeType, isList, isRequired } = column;
  const isOwnType = nativeType === 'Uuid' || nativeType === 'Date';
  const of = kind === 'enum' ? kind : `${type} ${isOwnType ? nativeType : ''}`;
  const used = Object.entries(operators).map(([operator, operand]) => {
    if (operator === 'path') return String(operand).match(/^(a|list)$/)?.[0] ?? OTHER_PATH;
    return type === 'Json' ? [operator, operand] : [operator, [operand].flat().length > 0];
  });
  // Any part of a JSON value may be missing.
  return JSON.stringify([of, isList, isRequired && type !== 'Json', used]);
}

const not = ({ filter, sql }: Check): Check => ({ filter: { not: filter }, sql: `not (${sql})` });

/** Returns the check and its negation. */
export const withNegation = (check: Check): Check[] => [check, not(check)];

/** Returns all checks with a condition on related rows, which are `b` in its SQL. */
export function throughRelation(
  model: string,
  name: string,
  relation: Relation,
  condition: Check,
): Check[] {
  const rows = `from ${caseOf(relation.to).table} b where ${joinOf(model, relation)}`;
  if (!relation.isList) {
    // Without a related row, the condition is unknown.
    return withNegation(condition).flatMap(({ filter, sql }) =>
      withNegation({ filter: { [name]: filter }, sql: `(select ${sql} ${rows})` }),
    );
  }
  const some = ({ filter, sql }: Check) => ({
    filter: { [name]: { some: filter } },
    sql: `exists (select ${rows} and (${sql}) is true)`,
  });
  const none = ({ filter, sql }: Check) => ({
    filter: { [name]: { none: filter } },
    sql: `not exists (select ${rows} and (${sql}) is true)`,
  });
  const every = ({ filter, sql }: Check) => ({
    filter: { [name]: { every: filter } },
    sql: `not exists (select ${rows} and (${sql}) is not true)`,
  });
  return [
    ...[some, none, every].map((quantified) => quantified(condition)).flatMap(withNegation),
    ...withNegation(every(not(condition))),
  ];
}

/** A relation, and the conditions on its rows to test. */
export interface RelationChecks {
  model: Case;
  name: string;
  relation: Relation;
  conditions: ColumnCheck[];
}

/**
 * Distributes the comparisons over all relations, at most `most` for each. Every kind of comparison is
 * tested in a relation to one row and in a relation to many.
 */
export async function distributeChecks(
  world: VariedWorld,
  most: number,
): Promise<RelationChecks[]> {
  const ofModel = new Map<string, ColumnCheck[]>();
  for (const shown of cases) ofModel.set(shown.name, await columnChecks(world, shown, 'b'));
  const taken = new Set<string>();
  return relations.map(([model, name, relation]) => {
    // Paths into JSON work the same in all relations.
    const all = (ofModel.get(relation.to) ?? []).filter(({ kind }) => !kind.includes(OTHER_PATH));
    const conditions: ColumnCheck[] = [];
    for (const check of all) {
      const key = `${relation.isList} ${check.kind}`;
      if (taken.has(key) || conditions.length === most) continue;
      taken.add(key);
      conditions.push(check);
    }
    if (conditions.length === 0) conditions.push(preferNullable(all));
    return { model, name, relation, conditions };
  });
}

/** Returns a check that may be unknown, if there is one. */
export function preferNullable(checks: readonly ColumnCheck[]): ColumnCheck {
  const nullable = checks.find(({ column }) => !column.isRequired && !column.isList);
  return (nullable ?? checks[0]) as ColumnCheck;
}

/** Every relation that filters can use. Those of workspaces come last: only one workspace has rows. */
export const relations: readonly (readonly [Case, string, Relation])[] = [
  ...cases.filter(({ name }) => name !== 'Workspace'),
  caseOf('Workspace'),
].flatMap((model) =>
  [...model.one, ...model.many].map(([name, relation]) => [model, name, relation] as const),
);
