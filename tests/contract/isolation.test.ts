import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOrderable } from '../../src/resolvers/ordering.ts';
import { upperSnake } from '../../src/schema/model/columns.ts';
import type { Client } from '../support/api.ts';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, named, sqlName } from './cases.ts';
import { openUncheckedWriter, type UncheckedWriter } from './unchecked-writer.ts';
import { createWorld, type Side, type World } from './world.ts';

let world: World;
let writer: UncheckedWriter;
let us: Client;
beforeAll(async () => {
  world = await createWorld(4);
  writer = await openUncheckedWriter(world.database.url);
  us = world.ours.client;
  for (const shown of cases) await addForeignReferences(shown);
});
afterAll(async () => {
  await writer?.close();
  await world?.close();
});

/** The ids of the rows that belong to one side; none for tables that all workspaces share. */
function idsOf({ name, table, tenancy }: Case, side: Side): string[] {
  const rows = side.rows.get(table) ?? [];
  if (name === 'Workspace') return [side.workspaceId];
  if (name === 'UserProfile') {
    return (side.rows.get('user_workspaces') ?? []).map(({ user_id }) => String(user_id));
  }
  return tenancy === 'other' ? [] : rows.map(({ id }) => String(id));
}

const foreignTo = (shown: Case) => idsOf(shown, world.theirs);
const isPrivate = ({ name, tenancy }: Case) =>
  tenancy !== 'other' || name === 'Workspace' || name === 'UserProfile';
const nodeIdOf = ({ name }: Case, id: string) => Buffer.from(`${name}:${id}`).toString('base64');

/** A filter on foreign rows, and one that must find the same rows. */
interface Expectation {
  filter: object;
  same: object;
}

/** Makes rows of each workspace refer to rows of the other one, as only a superuser can. */
async function addForeignReferences(shown: Case): Promise<void> {
  const { name, table } = shown;
  const [ours] = idsOf(shown, world.ours);
  const [theirs] = idsOf(shown, world.theirs);
  if (shown.tenancy === 'other' || !ours || !theirs) return;
  const set = (column: string, id: string, value: unknown) =>
    writer.write(`update ${table} set ${sqlName(name, column)} = $2 where id = $1`, [id, value]);
  for (const [, { to, columns, references }] of shown.one) {
    const column = columns.find((each) => each !== 'workspaceId');
    const [target, own] = [foreignTo(caseOf(to))[0], idsOf(caseOf(to), world.ours)[0]];
    if (!column || !target || !own || !references.includes('id')) continue;
    await set(column, ours, target);
    await set(column, theirs, own);
  }
  for (const [, { to, by, column }] of shown.links) {
    const stored = by
      ? [await agentName()]
      : [foreignTo(caseOf(to))[0], idsOf(caseOf(to), world.ours)[0]];
    const values = [stored[0], stored.at(-1), randomUUID(), stored.at(-1)];
    const isList = shown.columns.some(([each, { isList }]) => each === column && isList);
    await set(column, ours, isList ? values : stored[0]);
  }
}

async function agentName(): Promise<string> {
  return String(world.ours.rows.get('agent_registry')?.[0]?.agent_name);
}

/** Every `id` in an answer, at any depth. */
function idsIn(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.flatMap(idsIn);
  if (answer === null || typeof answer !== 'object') return [];
  return Object.entries(answer).flatMap(([key, value]) =>
    key === 'id' ? [String(value)] : idsIn(value),
  );
}

describe("another workspace's row gives the same answer as a row that does not exist", () => {
  it.each(named(cases.filter(isPrivate)))('%s', async (_, shown) => {
    const { name, lookup, root } = shown;
    const random = randomUUID();
    for (const foreign of foreignTo(shown)) {
      const operation = (id: string) =>
        us.ask(
          `query ($id: UUID!, $nodeId: ID!, $filter: ${name}Filter) {
            ${lookup}(id: $id) { id }
            node(nodeId: $nodeId) { nodeId }
            nodes(nodeIds: [$nodeId, $nodeId]) { nodeId }
            ${root}(filter: $filter) { totalCount nodes { id } pageInfo { hasNextPage startCursor } }
          }`,
          { id, nodeId: nodeIdOf(shown, id), filter: { id: { in: [id] } } },
        );
      const answer = await operation(foreign);
      expect(answer.data).toEqual({
        [lookup]: null,
        node: null,
        nodes: [null, null],
        [root]: {
          totalCount: 0,
          nodes: [],
          pageInfo: { hasNextPage: false, startCursor: null },
        },
      });
      expect(answer.text).toBe((await operation(random)).text);
    }
    expect(foreignTo(shown)).not.toEqual([]);
  });
});

describe("no list in any order shows or counts another workspace's rows", () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const { root, comparable, table } = shown;
    const orders = comparable
      .filter(([, column]) => isOrderable(column))
      .flatMap(([name]) => [
        `${upperSnake(name)}, direction: ASC`,
        `${upperSnake(name)}, direction: DESC`,
      ]);
    const results = await askAll(us, [
      { field: `${root} { totalCount nodes { id } }` },
      ...orders.map((order) => ({
        field: `${root}(first: 100, orderBy: [{ field: ${order} }]) { nodes { id } }`,
      })),
    ]);
    const visible = await world.database.as(
      { userId: world.ours.ownerId, workspaceId: world.ours.workspaceId },
      (query) => query<{ id: string }>(`select id::text as id from ${table}`),
    );
    const expectedIds = visible.map(({ id }) => id).sort();
    expect(expectedIds).not.toEqual([]);
    expect(expectedIds.filter((id) => foreignTo(shown).includes(id))).toEqual([]);
    expect(results[0]?.data.totalCount).toBe(expectedIds.length);
    for (const { data } of results) expect(idsIn(data).sort()).toEqual(expectedIds);
  });
});

describe("a filter on related rows ignores another workspace's rows", () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const { name, root } = shown;
    const related = [...shown.one, ...shown.many].filter(([, { to }]) => isPrivate(caseOf(to)));
    const all = { id: { notIn: [] } };
    const filters = related.flatMap(([relation, { to, isList }]): Expectation[] => {
      const foreign = { id: { in: foreignTo(caseOf(to)) } };
      return isList
        ? [
            { filter: { [relation]: { some: foreign } }, same: { id: { in: [] } } },
            { filter: { [relation]: { none: foreign } }, same: all },
            { filter: { [relation]: { every: { not: foreign } } }, same: all },
          ]
        : [
            { filter: { [relation]: foreign }, same: { id: { in: [] } } },
            // Without a related row, a condition and its negation are unknown.
            { filter: { not: { [relation]: foreign } }, same: { [relation]: all } },
          ];
    });
    const field = `${root}(filter: $0, first: 100) { totalCount nodes { id } }`;
    const ask = (filter: object) => ({
      field,
      variables: [[`${name}Filter`, filter] as [string, unknown]],
    });
    const results = await askAll(
      us,
      filters.map(({ filter }) => ask(filter)),
    );
    const expected = await askAll(
      us,
      filters.map(({ same }) => ask(same)),
    );
    expect(results.map(({ data, error }) => error ?? data)).toEqual(
      expected.map(({ data }) => data),
    );
  });
});

describe("no relation shows or counts another workspace's rows", () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const fields = [
      ...[...shown.one, ...shown.people, ...shown.links].map(([name]) => `${name} { id }`),
      ...shown.many.map(([name]) => `${name} { totalCount nodes { id } edges { node { id } } }`),
      ...(shown.name === 'StrategyInsight'
        ? ['source { ... on Campaign { id } ... on Move { id } ... on Cohort { id } }']
        : []),
    ];
    // A workspace has fifty lists, so a page of workspaces would cost too much.
    const page = shown.name === 'Workspace' ? '(first: 1)' : '';
    const { nodes } = (
      await us.data(`{ list: ${shown.root}${page} { nodes { id ${fields.join(' ')} } } }`)
    ).list;
    const foreign = new Set(cases.flatMap(foreignTo));
    expect(idsIn(nodes).filter((id) => foreign.has(id))).toEqual([]);
    for (const node of nodes) {
      for (const [name] of shown.many) {
        expect(node[name].totalCount, name).toBe(node[name].nodes.length);
        expect(node[name].edges.length, name).toBe(node[name].nodes.length);
      }
    }
    // Every field shows something for at least one row, so there were references to follow.
    const shownOnce = [...shown.one, ...shown.many, ...shown.links].filter(([name]) =>
      nodes.some((node: Record<string, unknown>) => idsIn(node[name]).length > 0),
    );
    expect(shownOnce.map(([name]) => name)).toEqual(
      [...shown.one, ...shown.many, ...shown.links].map(([name]) => name),
    );
  });
});

describe('a stored list of ids keeps order and duplicates, without missing and foreign rows', () => {
  const lists = cases.flatMap((shown) =>
    shown.links
      .filter(([, { column }]) => shown.columns.find(([name]) => name === column)?.[1].isList)
      .map(([name, { to, by }]): [string, Case, string, string, boolean] => [
        `${shown.name}.${name}`,
        shown,
        name,
        to,
        Boolean(by),
      ]),
  );
  it.each(lists)('%s', async (_, shown, name, to, byName) => {
    const [row] = idsOf(shown, world.ours);
    const field = byName ? 'agentName' : 'id';
    const data = await us.data(`{ row: ${shown.lookup}(id: "${row}") { ${name} { ${field} } } }`);
    const own = byName ? await agentName() : idsOf(caseOf(to), world.ours)[0];
    // The list has a foreign row (for names our own), our own, a missing one, and our own again.
    expect(data.row[name].map((each: Record<string, string>) => each[field])).toEqual(
      byName ? [own, own, own] : [own, own],
    );
  });
});

describe('without a workspace, only tables that all workspaces share can be read', () => {
  let outsider: Client;
  let member: Client;
  beforeAll(async () => {
    const [stranger, both] = [randomUUID(), randomUUID()];
    await writer.write('insert into auth.users (id) values ($1), ($2)', [stranger, both]);
    await writer.write(
      `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Owner'), ($1, $3, 'Owner')`,
      [both, world.ours.workspaceId, world.theirs.workspaceId],
    );
    outsider = await world.api.as(stranger);
    member = await world.api.as(both);
  });
  it.each(named(cases))('%s', async (_, shown) => {
    const id = idsOf(shown, world.ours)[0] ?? String(world.ours.rows.get(shown.table)?.[0]?.id);
    const requests = [
      { field: `${shown.root} { nodes { id } }` },
      { field: `${shown.root} { totalCount }` },
      { field: `node(nodeId: "${nodeIdOf(shown, id)}") { nodeId }` },
      { field: `${shown.lookup}(id: "${id}") { id }` },
    ];
    for (const client of [outsider, member]) {
      const results = await askAll(client, requests);
      const needed = shown.tenancy === 'workspace';
      expect(results.map(({ error }) => error?.extensions.code)).toEqual(
        requests.map(() => (needed ? 'WORKSPACE_REQUIRED' : undefined)),
      );
      const advice = client === outsider ? /not a member of any/ : /x-workspace-id/;
      if (needed) expect(results[0]?.error?.message).toMatch(advice);
      if (shown.tenancy === 'shared or workspace') expect(idsIn(results)).toEqual([]);
    }
  });
});

it('a foreign workspace is refused like one that does not exist', async () => {
  const [theirs, none] = await Promise.all(
    [world.theirs.workspaceId, randomUUID()].map(async (id) =>
      (await world.api.as(world.ours.ownerId, id)).ask('{ campaigns { totalCount } }'),
    ),
  );
  expect(theirs?.status).toBe(403);
  expect(theirs?.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  expect([none?.status, none?.text]).toEqual([theirs?.status, theirs?.text]);
});
