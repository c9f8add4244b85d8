import type { Column, Relation } from '../../src/generated/catalog.ts';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, joinOf, sqlName } from './cases.ts';
import { type Condition, conditionsOn } from './operators.ts';
import type { VariedWorld } from './varied.ts';

/** A filter, and what it says of a row, in SQL: true, false or, where that is unknown, null. */
export interface Check {
  filter: object;
  sql: string;
}

/** What a filter says of the rows of one column, by the kind of comparison that it is. */
export interface ColumnCheck extends Check {
  kind: string;
  column: Column;
}

/** Returns those of the filters that find other rows than SQL does; the rows are `a` to it. */
export async function disagreements(
  world: VariedWorld,
  { name, root, table }: Case,
  checks: readonly Check[],
) {
  if (checks.length === 0) throw new TypeError('There is nothing to compare');
  const told = await askAll(
    world.client,
    checks.map(({ filter }) => ({
      field: `${root}(filter: $0, first: 100) { nodes { id } }`,
      variables: [[`${name}Filter`, filter]],
    })),
  );
  const sets = await world.seen<{ ids: string[] }>(
    `${checks
      .map(
        ({ sql }, n) =>
          `select ${n} as n, array(select a.id::text from ${table} a where ${sql}) as ids`,
      )
      .join(' union all ')} order by n`,
  );
  return checks.flatMap(({ filter, sql }, n) => {
    const { data, error } = told[n] ?? {};
    const found = data?.nodes.map(({ id }: { id: string }) => id).sort();
    const meant = sets[n]?.ids.sort();
    const same = JSON.stringify(found) === JSON.stringify(meant);
    return same ? [] : [{ filter: JSON.stringify(filter), sql, error, found, meant }];
  });
}

/** Returns every comparison that the columns of a model offer, over its rows as `alias`. */
export async function columnChecks(
  world: VariedWorld,
  { name, table, comparable: columns }: Case,
  alias: 'a' | 'b',
): Promise<ColumnCheck[]> {
  const sql = columns.map(([column, { isList }]) => {
    const c = sqlName(name, column);
    return isList ? `array_agg(to_jsonb(${c}))` : `to_jsonb(array_agg(distinct ${c}::text))`;
  });
  const [stored] = await world.seen<{ values: ((string | string[] | null)[] | null)[] }>(
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

/** Part of the kind of comparisons with what other paths into JSON lead to. */
export const ELSEWHERE = 'elsewhere';

function kindOf(column: Column, operators: Condition['operators']): string {
  const { kind, type, nativeType, isList, isRequired } = column;
  const isOwnType = nativeType === 'Uuid' || nativeType === 'Date';
  const of = kind === 'enum' ? kind : `${type} ${isOwnType ? nativeType : ''}`;
  const used = Object.entries(operators).map(([operator, operand]) => {
    if (operator === 'path') return String(operand).match(/^(a|list)$/)?.[0] ?? ELSEWHERE;
    return type === 'Json' ? [operator, operand] : [operator, [operand].flat().length > 0];
  });
  // Every part of a JSON value may be missing.
  return JSON.stringify([of, isList, isRequired && type !== 'Json', used]);
}

const not = ({ filter, sql }: Check): Check => ({ filter: { not: filter }, sql: `not (${sql})` });

/** Returns the check and its negation. */
export const withNegation = (check: Check): Check[] => [check, not(check)];

/** Returns what can be said with a condition on related rows, which are `b` to its SQL. */
export function throughRelation(
  model: string,
  name: string,
  relation: Relation,
  condition: Check,
): Check[] {
  const rows = `from ${caseOf(relation.to).table} b where ${joinOf(model, relation)}`;
  if (!relation.isList) {
    // Of a row that is not there nothing is known.
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

/** A relation, and the comparisons of its rows to be made through it. */
export interface RelationChecks {
  model: Case;
  name: string;
  relation: Relation;
  conditions: ColumnCheck[];
}

/**
 * Shares out the comparisons among all relations, at most so many each: every kind of them is made
 * through a relation to one row, and through one to many.
 */
export async function shareOut(world: VariedWorld, most: number): Promise<RelationChecks[]> {
  const ofModel = new Map<string, ColumnCheck[]>();
  for (const shown of cases) ofModel.set(shown.name, await columnChecks(world, shown, 'b'));
  const taken = new Set<string>();
  return relations.map(([model, name, relation]) => {
    // Where in a JSON value to look is no matter of relations.
    const all = (ofModel.get(relation.to) ?? []).filter(({ kind }) => !kind.includes(ELSEWHERE));
    const conditions: ColumnCheck[] = [];
    for (const check of all) {
      const key = `${relation.isList} ${check.kind}`;
      if (taken.has(key) || conditions.length === most) continue;
      taken.add(key);
      conditions.push(check);
    }
    if (conditions.length === 0) conditions.push(telling(all));
    return { model, name, relation, conditions };
  });
}

/** One whose truth may be unknown, where there is one. */
export function telling(checks: readonly ColumnCheck[]): ColumnCheck {
  const nullable = checks.find(({ column }) => !column.isRequired && !column.isList);
  return (nullable ?? checks[0]) as ColumnCheck;
}

/** Every relation that filters reach through; last those of workspaces, of which one alone has rows. */
export const relations: readonly (readonly [Case, string, Relation])[] = [
  ...cases.filter(({ name }) => name !== 'Workspace'),
  caseOf('Workspace'),
].flatMap((model) =>
  [...model.one, ...model.many].map(([name, relation]) => [model, name, relation] as const),
);
