import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutPagesEarly } from '../../src/context/database/early-pages.ts';
import type { Relation } from '../../src/generated/catalog.ts';
import { createTenant, insert } from '../support/tenant.ts';
import { type Case, caseOf, cases, joinOf, named } from './cases.ts';
import { createVariedWorld, runCounted, type VariedWorld } from './varied.ts';
import { type Order, orderArgument, orderSql } from './walk.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 8, accelerated: false });
  await world.writeUnchecked(`update user_achievements set visibility = 'public'`);
});
afterAll(() => world?.close());

/** A list of related rows, with their own related rows. */
interface Nested {
  relation: string;
  field: string;
  type: string;
  filter: object;
  /** The ids of the first two rows, in SQL for a row `a`. */
  sql: string;
}

/** SQL for rows `a` and `b`, changed to `b` and `c`. */
const shiftAliases = (sql: string) =>
  sql.replace(/\bb(?=[.\s])/g, 'c').replace(/\ba(?=[.\s])/g, 'b');

/** An order without an index. */
function orderOf({ columns }: Case): Order {
  const text = columns.find(
    ([, { type, kind, nativeType, isList }]) =>
      type === 'String' && kind === 'scalar' && nativeType !== 'Uuid' && !isList,
  );
  return { by: text ? [[text[0], 'DESC', 'FIRST']] : [] };
}

async function someIds({ table }: Case): Promise<string[]> {
  const rows = await world.readAsClient<{ id: string }>(
    `select id::text as id from ${table} order by id`,
  );
  return rows.filter((_, n) => n % 3 !== 1).map(({ id }) => id);
}

const quoted = (ids: readonly string[]) => ids.map((id) => `'${id}'`).join(', ');

/** A filter on a column and a relation, and the same in SQL for a row `a`. */
async function filterOn(shown: Case): Promise<{ filter: object; sql: string }> {
  const few = await someIds(shown);
  const own = `a.id in (${quoted(few)})`;
  const [relation] = shown.one;
  if (!relation) return { filter: { id: { in: few } }, sql: own };
  const [name, to] = relation;
  const target = caseOf(to.to);
  const ids = await someIds(target);
  return {
    filter: { or: [{ id: { in: few } }, { [name]: { id: { in: ids } } }] },
    sql: `(${own} or exists (select from ${target.table} b
      where ${joinOf(shown.name, to)} and b.id in (${quoted(ids)})))`,
  };
}

async function nestedList(parent: Case, relation: string, to: Relation): Promise<Nested> {
  const child = caseOf(to.to);
  const { filter, sql } = await filterOn(child);
  const order = orderOf(child);
  const rows = [...child.one, ...child.many]
    .slice(0, 6)
    .map(([name, { isList }]) =>
      isList ? `${name}(first: 1) { nodes { id } }` : `${name} { id }`,
    );
  return {
    relation,
    field: `${relation}(${orderArgument(order)}first: 2, filter: $nested) { nodes { id ${rows.join(' ')} } }`,
    type: `${child.name}Filter`,
    filter,
    sql: `select b.id::text from ${child.table} b where ${joinOf(parent.name, to)} and ${shiftAliases(sql)}
      order by ${shiftAliases(orderSql(child.name, order))} limit 2`,
  };
}

describe('a page has the rows that SQL finds, whatever relations are selected', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const order = orderOf(shown);
    const { filter, sql } = await filterOn(shown);
    const one = shown.one.map(([name]) => `${name} { id }`).join(' ');
    const lists = shown.many.map(([name, to]) => nestedList(shown, name, to));
    for (const list of [null, ...(await Promise.all(lists))]) {
      const ids = list ? `array(${list.sql})` : 'null';
      const expected = await world.readAsClient<{ id: string; ids: string[] | null }>(
        `select a.id::text as id, ${ids} as ids from ${shown.table} a where ${sql}
         order by ${orderSql(shown.name, order)} limit 3`,
      );
      const { data, statements } = await runCounted(
        world,
        `query ($filter: ${shown.name}Filter ${list ? `$nested: ${list.type}` : ''}) {
          list: ${shown.root}(${orderArgument(order)}first: 3, filter: $filter) {
            nodes { id ${one} ${list?.field ?? ''} }
          }
        }`,
        { filter, nested: list?.filter },
      );
      const page = data.list.nodes.map((row: Record<string, { nodes: { id: string }[] }>) => ({
        id: row.id,
        ids: list ? row[list.relation]?.nodes.map(({ id }) => id) : null,
      }));
      expect(page, list?.field).toEqual(expected);
      for (const sql of statements.map(cutPagesEarly)) expect(unlimited(sql), sql).toEqual([]);
    }
  });
});

/** The lists in a statement that read related rows before they limit the page. */
function unlimited(sql: string): string[] {
  const lists: string[] = sql.match(/\S+ \S+ \/\* root select \*\//g) ?? [];
  const first = sql.match(/ LEFT JOIN LATERAL .* ORDER BY .* LIMIT \$\d+$/g) ?? [];
  return [...lists.filter((end) => !/LIMIT \$\d+ /.test(end)), ...first];
}

it('related rows are read only for the rows of the page', async () => {
  const { database, api } = world;
  const tenant = await createTenant(database);
  const { workspaceId } = tenant;
  const alert = {
    workspace_id: workspaceId,
    alert_type: 'error',
    severity_level: 'high',
    title: 'A',
  };
  for (let n = 0; n < 4; n += 1) {
    const campaign = await insert(database, 'campaigns', {
      workspace_id: workspaceId,
      name: `${n}`,
    });
    for (let m = 0; m < 30; m += 1) {
      await insert(database, 'system_alerts', { ...alert, related_campaign_id: campaign });
    }
  }
  const client = await api.as(tenant.people.Owner, workspaceId);
  api.statements();
  const alerts = (rows: string) => `alerts(first: 2) { nodes { id ${rows} } }`;
  await client.data(`{ campaigns(first: 2, orderBy: [{ field: NAME }]) {
    nodes { id ${alerts(`relatedCampaign { ${alerts('relatedCampaign { name }')} }`)} }
  } }`);
  const sql = api.statements().find((each) => each.includes('JSONB_AGG')) as string;
  // One more row than the page shows whether there is a next page.
  const [plan] = await database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, format json) ${cutPagesEarly(sql).replace(/\$\d+/g, '3')}`,
  );
  expect(readsOf(plan?.['QUERY PLAN'][0].Plan as Plan)).toBeLessThanOrEqual(3 * 3 * 3);
});

interface Plan {
  'Relation Name'?: string;
  'Actual Loops': number;
  Plans?: Plan[];
}

/** The number of reads of the table that is read most often. */
function readsOf({ Plans = [], ...plan }: Plan): number {
  return Math.max(plan['Relation Name'] ? plan['Actual Loops'] : 0, ...Plans.map(readsOf));
}
