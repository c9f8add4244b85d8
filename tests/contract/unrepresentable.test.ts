import { getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Column, catalog } from '../../src/generated/catalog.ts';
import { schema } from '../../src/schema/index.ts';
import type { Answer } from '../server/support/gateway.ts';
import { openLiveApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { listen, listening } from '../support/subscribe.ts';
import { type Case, caseOf, cases, named, sqlName } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

const ROWS = 3;

let world: VariedWorld;
/** Without the constraints that keep such values out, as a table may be from before there were any. */
beforeAll(async () => {
  world = await createVariedWorld({ rows: ROWS, gaps: false });
});
afterAll(() => world?.close());

const MOMENTS = ['infinity', '-infinity', '12000-01-01', '0044-03-15 BC'];
const NUMBERS = ['NaN', 'Infinity', '-Infinity'];

const BAD: Record<string, readonly string[]> = {
  DateTime: MOMENTS,
  Decimal: NUMBERS,
  Float: NUMBERS,
};

type Bounded = [name: string, column: Column];

const boundedOf = ({ columns }: Case): Bounded[] =>
  columns.filter(([, { type, isList }]) => type in BAD && !isList);
const isRequired = ([, { isRequired: required }]: Bounded) => required;

/** Sets columns of one row to values that the API cannot show, each to another one. */
async function spoil({ name, table }: Case, id: string, columns: readonly Bounded[], n = 0) {
  const values = columns.map(([column, { type }], i) => {
    const bad = BAD[type] as readonly string[];
    return `${sqlName(name, column)} = '${bad[(n + i) % bad.length]}'`;
  });
  await world.plant(`update ${table} set ${values.join(', ')} where id::text = $1`, [id]);
}

/** Saves a table's rows, and returns what puts them back. */
async function saved(table: string): Promise<() => Promise<void>> {
  const [row] = await world.plant<{ rows: object[] }>(
    `select coalesce(jsonb_agg(t), '[]') as rows from ${table} as t`,
  );
  return async () => {
    await world.plant(`delete from ${table}`);
    await world.plant(
      `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(row?.rows)],
    );
  };
}

/** The ids that the person sees, in order. */
async function idsOf({ table }: Case): Promise<string[]> {
  const rows = await world.seen<{ id: string }>(`select id::text as id from ${table} order by 1`);
  return rows.map(({ id }) => id);
}

/** That every error says where the value is, and nothing else went wrong. */
function expectTyped(
  { status, errors = [], data }: Answer,
  table: string,
  id: string,
  names: string[],
) {
  expect(status).toBe(200);
  expect(data).toBeTruthy();
  for (const { extensions } of errors) {
    expect(extensions).toEqual({
      code: 'UNREPRESENTABLE_VALUE',
      table,
      row: id,
      column: expect.stringMatching(`^(${names.join('|')})$`),
    });
  }
}

const fieldsOf = ({ columns }: Case) => columns.map(([column]) => column).join(' ');
const quiet = (name: string) => name.replaceAll('"', '');

/** A value of one row must not hide the row of the person that reads it. */
const isReadable = ({ name }: Case) =>
  !['WorkspaceMember', 'Workspace', 'UserProfile'].includes(name);
const shown = cases.filter((each) => boundedOf(each).length > 0);

describe('a value that the API cannot show fails its field alone', () => {
  it.each(named(shown))('%s, where it may be missing', async (name, each) => {
    const columns = boundedOf(each).filter((column) => !isRequired(column));
    if (columns.length === 0) return;
    const restore = await saved(each.table);
    const [id = '', ...others] = await idsOf(each);
    await spoil(each, id, columns);
    const answer = await world.client.ask(
      `{ ${each.root}(orderBy: [{ field: ID }]) { nodes { ${fieldsOf(each)} } } }`,
    );
    const names = columns.map(([column]) => quiet(sqlName(name, column)));
    expectTyped(answer, each.table, id, names);
    expect(answer.errors).toHaveLength(columns.length);
    const { nodes } = (answer.data as Data)[each.root];
    expect(nodes.map((node: Data) => node?.id)).toEqual([id, ...others]);
    for (const [column] of columns) expect(nodes[0][column]).toBeNull();
    await restore();
  });
});

describe('a value that has to be there fails its row alone', () => {
  const required = shown.flatMap((each) =>
    boundedOf(each)
      .filter(isRequired)
      .map((column, n): [string, Case, Bounded, number] => [
        `${each.name}.${column[0]}`,
        each,
        column,
        n,
      ]),
  );

  it.each(required)('%s, in lists, edges and cursors', async (_, each, column, n) => {
    const restore = await saved(each.table);
    const ids = await idsOf(each);
    const id = ids.at(-1) ?? '';
    await spoil(each, id, [column], n);
    const [name] = column;
    const field = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
    const answer = await world.client.ask(`{
      byId: ${each.root}(orderBy: [{ field: ID }]) { nodes { id ${name} } edges { cursor node { id ${name} } } }
      byValue: ${each.root}(orderBy: [{ field: ${field} }]) {
        nodes { id } edges { cursor node { id } } pageInfo { hasNextPage startCursor endCursor } totalCount
      }
      one: ${each.lookup}(id: "${id}") { id ${name} }
    }`);
    expectTyped(answer, each.table, id, [quiet(sqlName(each.name, name))]);
    const { byId, byValue, one } = answer.data as Data;
    expect(one).toBeNull();
    const wanted = ids.map((other) => (other === id ? null : other));
    expect(byId.nodes.map((node: Data) => node?.id ?? null)).toEqual(wanted);
    expect(byId.edges.map((edge: Data) => edge.node?.id ?? null)).toEqual(wanted);
    expect(byId.edges.every(({ cursor }: Data) => typeof cursor === 'string')).toBe(true);
    // Every row is there; the one that has no place in the order has no cursor.
    expect(byValue.totalCount).toBe(ids.length);
    expect(byValue.nodes.map((node: Data) => node.id).sort()).toEqual([...ids].sort());
    const edges = byValue.edges.filter((edge: Data) => edge !== null);
    expect(edges.map((edge: Data) => edge.node.id)).not.toContain(id);
    expect(edges).toHaveLength(ids.length - 1);
    expect(byValue.pageInfo.hasNextPage).toBe(false);
    await restore();
  });

  const relationsTo = (from: Case, to: Case) =>
    [...from.one, ...from.many].filter(([, relation]) => relation.to === to.name);
  const related = shown.filter((each) =>
    cases.some((from) => from !== each && isReadable(from) && relationsTo(from, each).length > 0),
  );
  it.each(named(related))('%s, in related rows', async (_, each) => {
    const [column] = boundedOf(each).filter(isRequired);
    if (!column) return;
    const restore = await saved(each.table);
    const [first = ''] = await idsOf(each);
    // Others are not the current one, which alone leads anywhere.
    const id = each.name === 'Workspace' ? world.workspaceId : first;
    await spoil(each, id, [column]);
    const [name] = column;
    let failures = 0;
    for (const from of cases.filter(isReadable)) {
      const relations = relationsTo(from, each);
      if (relations.length === 0) continue;
      const fields = relations.map(([field, { isList }]) =>
        isList ? `${field} { nodes { id ${name} } }` : `${field} { id ${name} }`,
      );
      const answer = await world.client.ask(
        `{ ${from.root} { nodes { id ${fields.join(' ')} } } }`,
      );
      expectTyped(answer, each.table, id, [quiet(sqlName(each.name, name))]);
      const { nodes } = (answer.data as Data)[from.root];
      expect(nodes.every((node: Data) => node?.id)).toBe(true);
      failures += answer.errors?.length ?? 0;
    }
    expect(failures).toBeGreaterThan(0);
    await restore();
  });

  it('in the rows that a list of ids names', async () => {
    const [insight, signal] = [caseOf('MarketInsight'), caseOf('IntelligenceSignal')];
    const [, link] = insight.links.find(([name]) => name === 'sourceSignals') ?? [];
    const restore = await saved(signal.table);
    const [bad = '', good = ''] = await idsOf(signal);
    await world.plant(
      `update ${insight.table} set ${sqlName(insight.name, link?.column ?? '')} = $1`,
      [[bad, good]],
    );
    await world.plant(`update ${signal.table} set created_at = 'infinity' where id::text = $1`, [
      bad,
    ]);
    const answer = await world.client.ask(
      '{ marketInsights { nodes { id sourceSignals { id createdAt } } } }',
    );
    expectTyped(answer, signal.table, bad, ['created_at']);
    for (const node of (answer.data as Data).marketInsights.nodes) {
      expect(node.sourceSignals.map((row: Data) => row?.id ?? null)).toEqual([null, good]);
    }
    await restore();
  });
});

it('rows of every list can be null', () => {
  const hasRows = (name: string) =>
    Object.hasOwn(catalog.models, name.replace(/Edge$/, '')) || name === 'ViewerMembership';
  const required = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => String(field.type).includes('!]'))
        .filter((field) => hasRows(getNamedType(field.type).name))
        .map((field) => `${type.name}.${field.name}: ${field.type}`),
    );
  expect(required).toEqual([]);
});

describe('whoever asks', () => {
  it('sees the other memberships when one has no moment', async () => {
    const restore = await saved('user_workspaces');
    await world.plant(
      `update user_workspaces set joined_at = 'infinity' where user_id = $1 and workspace_id <> $2`,
      [world.userId, world.workspaceId],
    );
    const answer = await world.client.ask('{ viewer { id memberships { joinedAt } } }');
    expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(
      Array.from({ length: ROWS - 1 }, () => 'UNREPRESENTABLE_VALUE'),
    );
    const { memberships } = (answer.data as Data).viewer;
    expect(memberships.filter((membership: Data) => membership !== null)).toHaveLength(1);
    await restore();
  });
});

describe('what the database cannot add up', () => {
  it('is a typed error of its field', async () => {
    const restore = await saved('agent_recommendations');
    await world.plant(
      'update agent_recommendations set confidence_score = 1e308, agent_id = (select min(agent_id) from agent_recommendations)',
    );
    const answer = await world.client.ask(
      '{ viewer { id workspace { agentRecommendationSummaries { averageConfidence } } } campaigns { totalCount } }',
    );
    expect(answer.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'UNREPRESENTABLE_VALUE' },
    ]);
    expect((answer.data as Data).campaigns.totalCount).toBe(ROWS);
    await restore();
  });
});

describe('a row that is written or told of', () => {
  it('is a typed error in the answer to a write, which is rolled back', async () => {
    const restore = await saved('campaigns');
    const campaign = caseOf('Campaign');
    const [id = ''] = await idsOf(campaign);
    await world.plant(`update campaigns set start_date = 'infinity' where id::text = $1`, [id]);
    const answer = await world.client.ask(
      `mutation { updateCampaign(id: "${id}", input: { description: "written" }) { campaign { startDate } errors { message } } }`,
    );
    expectTyped({ ...answer, data: {} }, 'campaigns', id, ['start_date']);
    expect(answer.errors).toHaveLength(1);
    const [row] = await world.seen(`select description from campaigns where id::text = '${id}'`);
    expect(row?.description).not.toBe('written');
    await restore();
  });

  it('is a typed error in a subscription, which goes on', async () => {
    const restore = await saved('campaigns');
    const [id = ''] = await idsOf(caseOf('Campaign'));
    const api = await openLiveApi(world.database);
    const listener = listen(api.url, await api.as(world.userId, world.workspaceId));
    const told = listener.subscribe(
      `subscription { campaignChanged(filter: { id: { equals: "${id}" } }) { node { id name startDate } } }`,
    );
    await listening(api, 1);
    await world.plant(
      `update campaigns set start_date = 'infinity', name = 'one' where id::text = $1`,
      [id],
    );
    await world.plant(`update campaigns set start_date = null, name = 'two' where id::text = $1`, [
      id,
    ]);
    await expect.poll(() => told.received().map(({ node }: Data) => node.name)).toContain('two');
    // Both changes may be told as the row is after the second one.
    for (const { errors = [] } of told.results) {
      for (const { extensions } of errors) expect(extensions.code).toBe('UNREPRESENTABLE_VALUE');
    }
    listener.close();
    await api.close();
    await restore();
  });
});
