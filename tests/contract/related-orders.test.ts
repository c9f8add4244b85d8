import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column, Relation } from '../../src/generated/catalog.ts';
import { isOrderable } from '../../src/resolvers/ordering.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { type Case, caseOf, cases, joinOf, sqlName } from './cases.ts';
import { type Check, disagreements, withNegation } from './checks.ts';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';
import { type List, PAGE, walk } from './walk.ts';

let world: VariedWorld;
let executing: Api;
/** The same person at a gateway that compiles reads, and at one that does not. */
let compiled: Client;
let executed: Client;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 9, accelerated: true });
  await world.writeUnchecked(`update user_achievements set visibility = 'public'`);
  executing = await openApi(world.database, 3, { accelerated: false });
  compiled = world.client;
  executed = await executing.as(world.userId, world.workspaceId);
});
afterAll(async () => {
  await executing?.close();
  await world?.close();
});

/** An entry of `orderBy`, and the same in SQL for a row `a`, without the id. */
interface RelatedOrder {
  entry: string;
  sql: string;
  /** The direction in which ties are broken. */
  direction: 'asc' | 'desc';
}

type Named<T> = [name: string, described: T];

const DIRECTIONS = ['asc', 'desc'] as const;
const NUMBERS = ['Int', 'BigInt', 'Decimal', 'Float'];
const STATISTICS = ['sum', 'avg', 'min', 'max', 'stddev'] as const;
/** The most relations of each kind that are tested of a model. */
const RELATIONS = 2;

const directionOf = (n: number) => DIRECTIONS[n % 2] as 'asc' | 'desc';
const nullsOf = (n: number) => (n % 3 === 0 ? 'first' : 'last');
const upperSnake = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();

/** A value of the related rows, which are `b` in its SQL. */
function ofRelated({ name }: Case, relation: Relation, value: string, where = 'true'): string {
  const { table } = caseOf(relation.to);
  return `(select ${value} from ${table} b where ${joinOf(name, relation)} and ${where})`;
}

/** Some of the relations, other ones for other models. */
function some<T>({ name }: Case, all: readonly T[]): T[] {
  const from = all.length > 0 ? name.length % all.length : 0;
  return [...all.slice(from), ...all.slice(0, from)].slice(0, RELATIONS);
}

function orderByRow(shown: Case, [relation, to]: Named<Relation>, n: number): RelatedOrder {
  const columns = caseOf(to.to).comparable.filter(([, column]) => isOrderable(column));
  const [column] = columns[(n * 5 + shown.name.length) % columns.length] as Named<Column>;
  const [direction, nulls] = [directionOf(n), nullsOf(n)];
  return {
    entry: `{ ${relation}: { ${column}: ${direction.toUpperCase()} }, nulls: ${nulls.toUpperCase()} }`,
    sql: `${ofRelated(shown, to, `b.${sqlName(to.to, column)}`)} ${direction} nulls ${nulls}`,
    direction,
  };
}

/** Columns of related rows: one that may be missing, and one with numbers. */
function columnsOf({ to }: Relation) {
  const plain = caseOf(to).comparable.filter(([, { isList }]) => !isList);
  const optional = plain.find(([, { isRequired, type }]) => !isRequired && type !== 'Json');
  const number = plain.find(([, { type, kind }]) => kind !== 'enum' && NUMBERS.includes(type));
  return { optional: optional?.[0], number };
}

/** Orders by the number of all related rows, by that of some, and by a statistic. */
function ordersByRows(shown: Case, [relation, to]: Named<Relation>, n: number): RelatedOrder[] {
  const [direction, nulls] = [directionOf(n), nullsOf(n)];
  const said = direction.toUpperCase();
  const { optional, number } = columnsOf(to);
  const order = (given: string, value: string, where?: string): RelatedOrder => ({
    entry: `{ ${relation}: { ${given} } }`,
    sql: `${ofRelated(shown, to, value, where)} ${direction} nulls ${nulls}`,
    direction,
  });
  const orders = [order(`count: ${said}`, 'count(*)')];
  if (optional) {
    const isMissing = `b.${sqlName(to.to, optional)} is null`;
    orders.push(
      order(`count: ${said}, filter: { ${optional}: { isNull: true } }`, 'count(*)', isMissing),
    );
  }
  if (number) {
    const [statistic, column] = [STATISTICS[n % 5] as string, sqlName(to.to, number[0])];
    const given = `statistic: ${statistic.toUpperCase()}, of: ${upperSnake(number[0])}`;
    orders.push(
      order(
        `${given}, direction: ${said}, nulls: ${nulls.toUpperCase()}`,
        `${statistic}(b.${column}::numeric)`,
      ),
    );
  }
  return orders;
}

function ordersOf(shown: Case): RelatedOrder[] {
  return [
    ...some(shown, shown.one).map((relation, n) => orderByRow(shown, relation, n)),
    ...some(shown, shown.many).flatMap((relation, n) => ordersByRows(shown, relation, n)),
  ];
}

/** Returns the ids that queries find. */
async function idsInSql(queries: readonly string[]): Promise<string[][]> {
  const sets = queries.map((query, n) => `select ${n} as n, array(${query}) as ids`);
  const rows = await world.readAsClient<{ ids: string[] }>(
    `${sets.join(' union all ')} order by n`,
  );
  return rows.map(({ ids }) => ids);
}

const related = cases.filter(({ one, many }) => one.length + many.length > 0);
const parents = cases.filter(({ many }) => many.length > 0);
const named = (list: readonly Case[]) => list.map((each): Named<Case> => [each.name, each]);

describe('lists are ordered by related rows as in SQL, in both directions', () => {
  it.each(named(related))('%s', async (_, shown) => {
    const orders = ordersOf(shown);
    const expected = await idsInSql(
      orders.map(
        ({ sql, direction }) =>
          `select a.id::text from ${shown.table} a order by ${sql}, a.id ${direction}`,
      ),
    );
    const lists = orders.map(
      ({ entry }): List => ({ field: `${shown.root}(orderBy: [${entry}], @) ${PAGE}`, size: 4 }),
    );
    expect(await walk(compiled, lists, 'forward')).toEqual(expected);
    expect(await walk(compiled, lists, 'backward')).toEqual(expected);
    expect(await walk(executed, lists, 'backward')).toEqual(expected);
  });
});

describe('lists of a row are ordered by related rows as in SQL, in both directions', () => {
  it.each(named(parents))('%s', async (_, shown) => {
    const lists: List[] = [];
    const queries: string[] = [];
    for (const [relation, to] of some(shown, shown.many)) {
      const child = caseOf(to.to);
      const [order] = ordersOf(child).slice(-1);
      if (!order) continue;
      const [parent] = await world.readAsClient<{ id: string }>(
        `select a.id::text from ${shown.table} a order by ${ofRelated(shown, to, 'count(*)')} desc limit 1`,
      );
      const field = `${shown.lookup}(id: "${parent?.id}") { ${relation}(orderBy: [${order.entry}], @) ${PAGE} }`;
      lists.push({ field, path: relation, size: 2 });
      // The parent is `p`, and its related row is `a`, as in the order.
      const joined = joinOf(shown.name, to).replaceAll('a.', 'p.').replaceAll('b.', 'a.');
      queries.push(
        `select a.id::text from ${child.table} a, ${shown.table} p where p.id = '${parent?.id}' and ${joined} order by ${order.sql}, a.id ${order.direction}`,
      );
    }
    const expected = await idsInSql(queries);
    expect(await walk(compiled, lists, 'forward')).toEqual(expected);
    expect(await walk(compiled, lists, 'backward')).toEqual(expected);
    expect(await walk(executed, lists, 'forward')).toEqual(expected);
  });
});

/** Conditions on measures of related rows. */
function measured(shown: Case, [relation, to]: Named<Relation>): Check[] {
  const { optional, number } = columnsOf(to);
  const check = (aggregate: object, value: string, where?: string): Check => ({
    filter: { [relation]: { aggregate } },
    sql: ofRelated(shown, to, value, where),
  });
  const checks = [
    check({ count: { gt: 1 } }, 'count(*) > 1'),
    check({ or: [{ count: { equals: 0 } }, { count: { in: [2] } }] }, 'count(*) in (0, 2)'),
  ];
  if (optional) {
    const column = `b.${sqlName(to.to, optional)}`;
    checks.push(
      check(
        { filter: { [optional]: { isNull: true } }, count: { lte: 1 } },
        'count(*) <= 1',
        `${column} is null`,
      ),
      check(
        { distinct: [{ of: upperSnake(optional), count: { gte: 1 } }] },
        `count(distinct ${column}) >= 1`,
      ),
    );
  }
  if (number) {
    const [name, { type }] = number;
    const column = `b.${sqlName(to.to, name)}`;
    const [sum, least] = [type === 'Float' ? 9 : '9', ['Int', 'Float'].includes(type) ? 5 : '5'];
    // Without a related row it is unknown.
    const values = { [name]: { sum: { lt: sum }, min: { not: least } } };
    checks.push(check({ values }, `sum(${column}) < 9 and min(${column}) <> 5`));
  }
  return checks;
}

describe('lists are filtered by measures of related rows as in SQL', () => {
  it.each(named(parents))('%s', async (_, shown) => {
    const checks = some(shown, shown.many)
      .flatMap((relation) => measured(shown, relation))
      .flatMap(withNegation);
    for (const client of [compiled, executed]) {
      expect(await disagreements({ ...world, client }, shown, checks)).toEqual([]);
    }
  });
});

describe('statements', () => {
  it('are one for compiled lists, and the lists of their rows', async () => {
    const list = `(first: 2, orderBy: [{ alerts: { count: DESC } }], filter: { alerts: { aggregate: { count: { gte: 0 } } } })`;
    const { statements } = await runCounted(
      world,
      `{ campaigns${list} { totalCount nodes { id } } workspaces(first: 1) { nodes { campaigns${list} ${PAGE} } } }`,
    );
    // The other one reads the person's memberships.
    expect(statements).toHaveLength(2);
  });

  it('are two more for executed lists of rows, however many these are', async () => {
    executing.statements();
    const counts: number[] = [];
    for (const first of [4, 9]) {
      const { campaigns } = await executed.data(
        `{ campaigns(first: ${first}) { nodes { alerts(orderBy: [{ notifications: { count: DESC } }]) { nodes { id } } } } }`,
      );
      expect(campaigns.nodes).toHaveLength(first);
      counts.push(executing.statements().length);
    }
    expect(counts).toEqual([4, 4]);
  });
});
