import { isDeepStrictEqual } from 'node:util';
import type { Relation } from '../../src/generated/catalog.ts';
import { askAll } from '../contract/batch.ts';
import { type Case, cases, joinOf } from '../contract/cases.ts';
import { type ColumnCheck, columnChecks } from '../contract/checks.ts';
import type { VariedWorld } from '../contract/varied.ts';
import type { Data } from '../support/data.ts';
import { Random } from '../torture/random.ts';
import { type Asked, makeAsked } from './asked.ts';
import { fieldOf } from './documents.ts';
import { plainGroups, plainTotal } from './plain-sql.ts';

/** An aggregate that the API answers otherwise than SQL. */
export interface Disagreement {
  index: number;
  field: string;
  variables: unknown;
  error: unknown;
  found: unknown;
  meant: unknown;
  sql: string;
}

/** What was compared. */
export interface Comparison {
  compared: number;
  groups: number;
  nested: number;
  disagreements: Disagreement[];
}

/** Spreads moments over the changes of clocks, and days over the years. */
export async function spreadMoments({ writeUnchecked }: VariedWorld): Promise<void> {
  for (const { table, columns } of cases) {
    const moved = columns.filter(([, { type }]) => type === 'DateTime');
    const set = moved.map(([, { column, nativeType }], n) => {
      const seed = `abs(hashtext(id::text || '${n}'))`;
      return nativeType === 'Date'
        ? `"${column}" = "${column}" + (${seed} % 400)`
        : `"${column}" = timestamptz '2026-03-07 22:00Z' + interval '17 minutes' * (${seed} % 900)`;
    });
    if (set.length > 0) await writeUnchecked(`update ${table} set ${set.join(', ')} where id = id`);
  }
}

/** Makes up aggregates and compares them with SQL: the same ones for the same seed. */
export async function compareAggregates(
  world: VariedWorld,
  { seed, count, models = cases }: { seed: string; count: number; models?: readonly Case[] },
): Promise<Comparison> {
  const checks = new Map<string, ColumnCheck[]>();
  const checksOf = async (shown: Case) => {
    const known = checks.get(shown.name) ?? (await columnChecks(world, shown, 'a'));
    checks.set(shown.name, known);
    return known;
  };
  const result: Comparison = { compared: 0, groups: 0, nested: 0, disagreements: [] };
  for (let index = 0; index < count; index += 1) {
    const random = new Random(`${seed} ${index}`);
    const shown = random.pick(models);
    const parents = cases.flatMap((parent) =>
      parent.many
        .filter(([, { to }]) => to === shown.name)
        .map(([relation, details]): Nesting => ({ parent, relation, details })),
    );
    const asked = makeAsked(random, shown, await checksOf(shown));
    const isNested = parents.length > 0 && random.chance(0.3);
    const found = isNested
      ? await compareNested(world, asked, random.pick(parents))
      : [await compareRoot(world, asked)];
    result.compared += 1;
    result.nested += isNested ? 1 : 0;
    result.groups += found.reduce((sum, { groups }) => sum + groups, 0);
    result.disagreements.push(
      ...found.flatMap(({ wrong }) => (wrong ? [{ index, ...wrong }] : [])),
    );
  }
  return result;
}

interface Outcome {
  groups: number;
  wrong: Omit<Disagreement, 'index'> | null;
}

interface Nesting {
  parent: Case;
  relation: string;
  details: Relation;
}

async function compareRoot(world: VariedWorld, asked: Asked): Promise<Outcome> {
  const { text, variables } = fieldOf(asked);
  const field = `${asked.shown.root}Aggregate${text}`;
  const [told] = await askAll(world.client, [{ field, variables }]);
  return compare(world, asked, whereOf(asked), field, variables, told?.data, told?.error);
}

async function compareNested(
  world: VariedWorld,
  asked: Asked,
  { parent, relation, details }: Nesting,
): Promise<Outcome[]> {
  const { text, variables } = fieldOf(asked);
  const field = `${parent.root}(first: 5) { nodes { id of: ${relation}Aggregate${text} } }`;
  const [told] = await askAll(world.client, [{ field, variables }]);
  if (!told?.data) return [compareNothing(field, variables, told?.error)];
  const join = joinOf(parent.name, details);
  const outcomes: Outcome[] = [];
  for (const { id, of } of told.data.nodes) {
    // Rows are `a` to the aggregate, and its parent is `b`.
    const swapped = join.replace(/\b(a|b)\./g, (_, letter) => (letter === 'a' ? 'b.' : 'a.'));
    const parents = `select from ${parent.table} b where b.id = '${id}' and ${swapped}`;
    const where = `${whereOf(asked)} and exists (${parents})`;
    outcomes.push(await compare(world, asked, where, field, variables, of, told.error));
  }
  return outcomes;
}

const whereOf = ({ check }: Asked) => (check ? `(${check.sql}) is true` : 'true');

function compareNothing(field: string, variables: unknown, error: unknown): Outcome {
  return {
    groups: 0,
    wrong: { field, variables, error, found: null, meant: 'an answer', sql: '' },
  };
}

async function compare(
  world: VariedWorld,
  asked: Asked,
  where: string,
  field: string,
  variables: unknown,
  data: Data,
  error: unknown,
): Promise<Outcome> {
  if (!data) return compareNothing(field, variables, error);
  const rolled = asked.totals ? asked.keys.map((_, n) => n).reverse() : [];
  const sql = plainGroups(asked, where);
  const meant = [...(await plainRows(world, asked, sql))];
  for (const keyCount of rolled) {
    const keys = asked.keys.slice(0, keyCount);
    // Totals follow the same order, by what keys they have.
    const order = asked.order.filter(({ by }) => typeof by !== 'number' || by < keyCount);
    const totals = { ...asked, keys, order, having: 0, first: asked.first, offset: 0 };
    const rows = await plainRows(world, totals, plainGroups(totals, where));
    const missing = asked.keys.length - keyCount;
    for (const row of rows) row.splice(keyCount, 0, ...Array<null>(missing).fill(null));
    meant.push(...rows);
  }
  const [total] = await world.readAsClient<{ total: number }>(plainTotal(asked, where));
  const found = data.groups.map((group: Data) => cellsOf(asked, group));
  const isRight =
    data.totalGroups === total?.total && isAlike(found, meant) && isRolledUp(asked, data.groups);
  const wrong = isRight
    ? null
    : {
        field,
        variables,
        error,
        found: [data.totalGroups, found],
        meant: [total?.total, meant],
        sql,
      };
  return { groups: found.length, wrong };
}

function isRolledUp({ keys }: Asked, groups: Data[]): boolean {
  return groups.every(({ keyCount, isTotal }) => isTotal === keyCount < keys.length);
}

async function plainRows(world: VariedWorld, { keys, measures }: Asked, sql: string) {
  const rows = await world.readAsClient<Record<string, string | null>>(sql);
  return rows.map((row) =>
    [...keys, ...measures].map((_, n): unknown => {
      const cell = row[`c${n}`] ?? null;
      const measure = measures[n - keys.length];
      const isCount = measure?.kind === 'distinct' || measure?.kind === 'count';
      return cell === null && isCount ? '0' : cell;
    }),
  );
}

function cellsOf({ keys, measures }: Asked, group: Data): unknown[] {
  const inside = (value: Data): Data =>
    value !== null && typeof value === 'object' && 'v' in value ? inside(value.v) : value;
  return [
    ...keys.map(({ relation }, n) => (relation ? group[`k${n}`].v.v : group[`k${n}`].v)),
    ...measures.map((_, n) => inside(group[`m${n}`])),
  ];
}

/** Whether the cells of the API say what those of SQL do, which are texts. */
export function isAlike(found: unknown, meant: unknown): boolean {
  if (Array.isArray(found) && Array.isArray(meant)) {
    return found.length === meant.length && found.every((each, n) => isAlike(each, meant[n]));
  }
  if (found === null || meant === null) return found === meant;
  const text = String(meant);
  if (typeof found === 'object') return isDeepStrictEqual(found, JSON.parse(text));
  if (typeof found === 'boolean') return String(found) === text;
  if (String(found) === text || String(found).toLowerCase() === text.toLowerCase()) return true;
  if (/^\d{4}-\d\d-\d\dT/.test(String(found)))
    return Date.parse(String(found)) === Date.parse(text);
  const [a, b] = [Number(found), Number(text)];
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}
