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
// Without constraints, as in a table that is older than its constraints.
beforeAll(async () => {
  world = await createVariedWorld({ rows: ROWS, gaps: false });
});
afterAll(() => world?.close());

const NUMBERS = ['NaN', 'Infinity', '-Infinity'];
const BAD_VALUES: Record<string, readonly string[]> = {
  DateTime: ['infinity', '-infinity', '12000-01-01', '0044-03-15 BC'],
  Decimal: NUMBERS,
  Float: NUMBERS,
};

type Bounded = [name: string, column: Column];

const boundedOf = ({ columns }: Case): Bounded[] =>
  columns.filter(([, { type, isList }]) => type in BAD_VALUES && !isList);
const isRequired = ([, { isRequired: required }]: Bounded) => required;

/** Sets columns of one row to different values that the API cannot represent. */
async function setBadValues({ name, table }: Case, id: string, columns: readonly Bounded[], n = 0) {
  const values = columns.map(([column, { type }], i) => {
    const bad = BAD_VALUES[type] as readonly string[];
    return `${sqlName(name, column)} = '${bad[(n + i) % bad.length]}'`;
  });
  await world.writeUnchecked(`update ${table} set ${values.join(', ')} where id::text = $1`, [id]);
}

/** Saves the rows of a table. Returns a function that restores them. */
async function saveRows(table: string): Promise<() => Promise<void>> {
  const [row] = await world.writeUnchecked<{ rows: object[] }>(
    `select coalesce(jsonb_agg(t), '[]') as rows from ${table} as t`,
  );
  return async () => {
    await world.writeUnchecked(`delete from ${table}`);
    await world.writeUnchecked(
      `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(row?.rows)],
    );
  };
}

/** The ids of the rows that the person sees, in order. */
async function idsOf({ table }: Case): Promise<string[]> {
  const rows = await world.readAsClient<{ id: string }>(
    `select id::text as id from ${table} order by 1`,
  );
  return rows.map(({ id }) => id);
}

/** Expects that every error names the table, row and column of the value. */
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
const unquoted = (name: string) => name.replaceAll('"', '');

/** Bad values in these models would hide rows that the request itself needs. */
const isReadable = ({ name }: Case) =>
  !['WorkspaceMember', 'Workspace', 'UserProfile'].includes(name);
const shown = cases.filter((each) => boundedOf(each).length > 0);

describe('a value that the API cannot represent makes only its field null', () => {
  it.each(named(shown))('%s, in optional columns', async (name, each) => {
    const columns = boundedOf(each).filter((column) => !isRequired(column));
    if (columns.length === 0) return;
    const restore = await saveRows(each.table);
    const [id = '', ...others] = await idsOf(each);
    await setBadValues(each, id, columns);
    const answer = await world.client.ask(
      `{ ${each.root}(orderBy: [{ field: ID }]) { nodes { ${fieldsOf(each)} } } }`,
    );
    const names = columns.map(([column]) => unquoted(sqlName(name, column)));
    expectTyped(answer, each.table, id, names);
    expect(answer.errors).toHaveLength(columns.length);
    const { nodes } = (answer.data as Data)[each.root];
    expect(nodes.map((node: Data) => node?.id)).toEqual([id, ...others]);
    for (const [column] of columns) expect(nodes[0][column]).toBeNull();
    await restore();
  });
});

describe('a required value that the API cannot represent makes only its row null', () => {
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
    const restore = await saveRows(each.table);
    const ids = await idsOf(each);
    const id = ids.at(-1) ?? '';
    await setBadValues(each, id, [column], n);
    const [name] = column;
    const field = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
    const answer = await world.client.ask(`{
      byId: ${each.root}(orderBy: [{ field: ID }]) { nodes { id ${name} } edges { cursor node { id ${name} } } }
      byValue: ${each.root}(orderBy: [{ field: ${field} }]) {
        nodes { id } edges { cursor node { id } } pageInfo { hasNextPage startCursor endCursor } totalCount
      }
      one: ${each.lookup}(id: "${id}") { id ${name} }
    }`);
    expectTyped(answer, each.table, id, [unquoted(sqlName(each.name, name))]);
    const { byId, byValue, one } = answer.data as Data;
    expect(one).toBeNull();
    const expected = ids.map((other) => (other === id ? null : other));
    expect(byId.nodes.map((node: Data) => node?.id ?? null)).toEqual(expected);
    expect(byId.edges.map((edge: Data) => edge.node?.id ?? null)).toEqual(expected);
    expect(byId.edges.every(({ cursor }: Data) => typeof cursor === 'string')).toBe(true);
    // All rows are returned, but a row without a position in the order has no cursor.
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
    const restore = await saveRows(each.table);
    const [first = ''] = await idsOf(each);
    // Only the current workspace has visible related rows.
    const id = each.name === 'Workspace' ? world.workspaceId : first;
    await setBadValues(each, id, [column]);
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
      expectTyped(answer, each.table, id, [unquoted(sqlName(each.name, name))]);
      const { nodes } = (answer.data as Data)[from.root];
      expect(nodes.every((node: Data) => node?.id)).toBe(true);
      failures += answer.errors?.length ?? 0;
    }
    expect(failures).toBeGreaterThan(0);
    await restore();
  });

  it('in rows that a list of ids refers to', async () => {
    const [insight, signal] = [caseOf('MarketInsight'), caseOf('IntelligenceSignal')];
    const [, link] = insight.links.find(([name]) => name === 'sourceSignals') ?? [];
    const restore = await saveRows(signal.table);
    const [bad = '', good = ''] = await idsOf(signal);
    await world.writeUnchecked(
      `update ${insight.table} set ${sqlName(insight.name, link?.column ?? '')} = $1`,
      [[bad, good]],
    );
    await setBadValues(
      signal,
      bad,
      boundedOf(signal).filter(([name]) => name === 'createdAt'),
    );
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

it('rows in every list can be null', () => {
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

it('the viewer sees the other memberships if one has a date that cannot be represented', async () => {
  const restore = await saveRows('user_workspaces');
  await world.writeUnchecked(
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

it('an overflow in the database is a typed error of its field', async () => {
  const restore = await saveRows('agent_recommendations');
  await world.writeUnchecked(
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

it('a bad value is a typed error in the answer to a write, which is rolled back', async () => {
  const restore = await saveRows('campaigns');
  const campaign = caseOf('Campaign');
  const [id = ''] = await idsOf(campaign);
  await world.writeUnchecked(`update campaigns set start_date = 'infinity' where id = '${id}'`);
  const answer = await world.client.ask(
    `mutation { updateCampaign(id: "${id}", input: { description: "written" }) { campaign { startDate } errors { message } } }`,
  );
  expectTyped({ ...answer, data: {} }, 'campaigns', id, ['start_date']);
  expect(answer.errors).toHaveLength(1);
  const [row] = await world.readAsClient(
    `select description from campaigns where id::text = '${id}'`,
  );
  expect(row?.description).not.toBe('written');
  await restore();
});

it('a bad value is a typed error in a subscription, which continues', async () => {
  const restore = await saveRows('campaigns');
  const [id = ''] = await idsOf(caseOf('Campaign'));
  const api = await openLiveApi(world.database);
  const listener = listen(api.url, await api.as(world.userId, world.workspaceId));
  const changes = listener.subscribe(
    `subscription { campaignChanged(filter: { id: { equals: "${id}" } }) { node { id name startDate } } }`,
  );
  await listening(api, 1);
  await world.writeUnchecked(
    `update campaigns set start_date = 'infinity', name = 'one' where id::text = $1`,
    [id],
  );
  await world.writeUnchecked(
    `update campaigns set start_date = null, name = 'two' where id::text = $1`,
    [id],
  );
  await expect.poll(() => changes.received().map(({ node }: Data) => node.name)).toContain('two');
  // Both events may show the row after the second change.
  for (const { errors = [] } of changes.results) {
    for (const { extensions } of errors) expect(extensions.code).toBe('UNREPRESENTABLE_VALUE');
  }
  listener.close();
  await api.close();
  await restore();
});
