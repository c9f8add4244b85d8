import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOrderable } from '../../src/resolvers/ordering.ts';
import { type Case, caseOf, cases, joinOf, named } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';
import { type List, type Order, orderArgument, orderSql, PAGE, readPages, walk } from './walk.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 9 });
  await world.writeUnchecked(`update user_achievements set visibility = 'public'`);
  // The person's own membership comes first, where no test removes it.
  await world.writeUnchecked(`update user_workspaces set joined_at = now() where user_id = $1`, [
    world.userId,
  ]);
});
afterAll(() => world?.close());

/** Returns the ids that plain SQL finds, in each order. */
async function idsInSql({ name, table }: Case, orders: readonly Order[]): Promise<string[][]> {
  const sets = orders.map(
    (order, n) =>
      `select ${n} as n, array(select a.id::text from ${table} a order by ${orderSql(name, order)}) as ids`,
  );
  const rows = await world.readAsClient<{ ids: string[] }>(
    `${sets.join(' union all ')} order by n`,
  );
  return rows.map(({ ids }) => ids);
}

const DIRECTIONS = [
  ['ASC', 'LAST'],
  ['DESC', 'FIRST'],
  ['ASC', 'FIRST'],
  ['DESC', 'LAST'],
] as const;

/** The default order, and one for each kind of column, with all directions and positions of nulls. */
function ordersOf({ comparable: columns }: Case): Order[] {
  const orderable = columns.filter(([, column]) => isOrderable(column));
  const kinds = new Map(
    orderable.map(([name, { type, kind, nativeType, isRequired }]) => [
      `${kind === 'enum' ? kind : type} ${nativeType} ${isRequired}`,
      name,
    ]),
  );
  const single = [...kinds.values()].map((column, i): Order => {
    const [direction, nulls] = DIRECTIONS[i % 4] as (typeof DIRECTIONS)[number];
    return { by: [[column, direction, nulls]] };
  });
  const [first, second, third] = [...kinds.values()].slice(-3);
  const mixed: Order[] =
    first && second && third
      ? [
          {
            by: [
              [third, 'DESC', 'FIRST'],
              [first, 'ASC', 'LAST'],
              [second, 'DESC', 'LAST'],
            ],
          },
        ]
      : [];
  return [{ by: [] }, ...single, ...mixed];
}

function listOf({ root }: Case, order: Order): List {
  return { field: `${root}(${orderArgument(order)}@) ${PAGE}`, size: 3 };
}

describe('pages in both directions have the same rows as SQL, in the same order', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const orders = ordersOf(shown);
    const expected = await idsInSql(shown, orders);
    const lists = orders.map((order) => listOf(shown, order));
    expect(await walk(world.client, lists, 'forward')).toEqual(expected);
    expect(await walk(world.client, lists, 'backward')).toEqual(expected);
  });
});

describe('lists can be ordered by every column in every direction', () => {
  // Together these models have every kind of column.
  it.each(named(['Campaign', 'AgentDebate', 'UserStats', 'AutopaySubscription'].map(caseOf)))(
    '%s',
    async (_, shown) => {
      const orders = shown.comparable
        .filter(([, column]) => isOrderable(column))
        .flatMap(([column]) =>
          DIRECTIONS.map(([direction, nulls]): Order => ({ by: [[column, direction, nulls]] })),
        );
      const expected = await idsInSql(shown, orders);
      const lists = orders.map((order) => listOf(shown, order));
      expect(await walk(world.client, lists, 'forward')).toEqual(expected);
      expect(await walk(world.client, lists, 'backward')).toEqual(expected);
    },
  );
});

/** Tables with one row for each workspace, so with no second page. */
const SINGLE = ['MetaLearnerState', 'GlobalStrategy'];

describe('rows inserted or deleted between pages cause no duplicate or missing rows', () => {
  const many = cases.filter(({ name }) => !SINGLE.includes(name));
  it.each(named(many))('%s', async (_, shown) => {
    const { table } = shown;
    const list = listOf(shown, { by: [] });
    for (const direction of ['forward', 'backward'] as const) {
      const [all = []] = await idsInSql(shown, [{ by: [] }]);
      expect(all.length).toBeGreaterThanOrEqual(7);
      const inOrder = direction === 'forward' ? all : all.toReversed();
      const [r0, r1, r2, r3, r4, ...rest] = inOrder as [string, string, string, string, string];
      const later = await removeRows(table, [r1, r4]);
      const [page] = await readPages(world.client, [list], direction, [null]);
      const ids = page.edges.map(({ node }: Connection['edges'][number]) => node.id);
      expect(direction === 'forward' ? ids : ids.reverse()).toEqual([r0, r2, r3]);

      const cursor = direction === 'forward' ? page.pageInfo.endCursor : page.pageInfo.startCursor;
      const gone = await removeRows(table, [r3]);
      await later();
      const [next] = await readPages(world.client, [{ ...list, size: 100 }], direction, [cursor]);
      const others = next.edges.map(({ node }: Connection['edges'][number]) => node.id);
      expect(direction === 'forward' ? others : others.reverse()).toEqual([r4, ...rest]);
      await gone();
    }
  });
});

/** Deletes rows of a table. Returns a function that inserts them again. */
async function removeRows(table: string, ids: readonly string[]): Promise<() => Promise<void>> {
  const taken = await world.writeUnchecked<{ row: object }>(
    `delete from ${table} a where id::text = any($1) returning to_json(a)::text as row`,
    [ids],
  );
  return async () => {
    for (const { row } of taken) {
      await world.writeUnchecked(
        `insert into ${table} select * from json_populate_record(null::${table}, $1)`,
        [row],
      );
    }
  };
}

interface Connection {
  edges: { node: { id: string } }[];
}

describe('a relation has separate pages for each parent', () => {
  const parents = cases.filter(({ many }) => many.length > 0);
  it.each(named(parents))('%s', async (_, shown) => {
    const size = shown.name === 'Workspace' ? 4 : 1;
    const lists: List[] = [];
    const expected: string[][] = [];
    for (const [relation, to] of shown.many) {
      const child = caseOf(to.to);
      const order = orderSql(to.to, { by: [] }).replaceAll('a.', 'b.');
      const families = await world.readAsClient<{ id: string; children: string[] }>(
        `select a.id::text as id, array(
           select b.id::text from ${child.table} b where ${joinOf(shown.name, to)} order by ${order}
         ) as children from ${shown.table} a`,
      );
      const { nodes } = (
        await world.client.data(
          `{ list: ${shown.root}(first: 100) { nodes { id ${relation}(first: ${size}) ${PAGE} } } }`,
        )
      ).list;
      const firsts = nodes.map((node: Record<string, Connection>) => [
        node.id,
        node[relation]?.edges.map((edge) => edge.node.id),
      ]);
      expect(Object.fromEntries(firsts), relation).toEqual(
        Object.fromEntries(families.map(({ id, children }) => [id, children.slice(0, size)])),
      );
      const [largest] = families.sort((a, b) => b.children.length - a.children.length);
      lists.push({
        field: `${shown.lookup}(id: "${largest?.id}") { ${relation}(@) ${PAGE} }`,
        path: relation,
        size,
      });
      expected.push(largest?.children ?? []);
    }
    expect(await walk(world.client, lists, 'forward')).toEqual(expected);
    expect(await walk(world.client, lists, 'backward')).toEqual(expected);
  });
});
