import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/api.ts';
import { openLiveApi } from '../support/api.ts';
import { perform } from '../support/mutations.ts';
import { askAll } from './batch.ts';
import { cases, named } from './cases.ts';
import { createWorld, type World } from './world.ts';

let world: World;
let client: Client;
beforeAll(async () => {
  world = await createWorld(3);
  client = world.ours.client;
});
afterAll(() => world?.close());

const HISTORY = 'history { nodes { operation changedColumns before after actorId agentName } }';

/** A row of a table that the owner sees. */
async function rowOf(table: string): Promise<{ id: string }> {
  if (table === 'workspaces') return { id: world.ours.workspaceId };
  const { workspaceId, ownerId } = world.ours;
  const [row] = await world.database.as({ userId: ownerId, workspaceId }, (query) =>
    query<{ id: string }>(`select id from ${table} limit 1`),
  );
  if (!row) throw new Error(`The owner sees no row of ${table}`);
  return row;
}

describe('the history of a row starts with its insertion', () => {
  it.each(named(cases))('%s', async (_, { lookup, table, columns }) => {
    const { id } = await rowOf(table);
    const type = columns.some(([name, { nativeType }]) => name === 'id' && nativeType === 'Uuid');
    const { row } = await client.data(
      `query ($id: ${type ? 'UUID' : 'String'}!) { row: ${lookup}(id: $id) { id ${HISTORY} } }`,
      { id },
    );
    const inserted = row.history.nodes.at(-1);
    expect(inserted).toMatchObject({ operation: 'INSERT', before: null, actorId: null });
    expect(inserted.after.id).toBe(id);
    const shown = columns.map(([name]) => name);
    expect(shown).toEqual(expect.arrayContaining(inserted.changedColumns));
    expect(Object.keys(inserted.after).sort()).toEqual([...shown].sort());
  });
});

it('an entry has the changed columns with the names and enum values of the API', async () => {
  const { id } = await rowOf('campaigns');
  await perform(
    client,
    'updateCampaign(id: $id, input: { objective: "More", targetSegments: ["a"] })',
    '{ id }',
    { id: ['UUID!', id] },
  );
  const { campaign } = await client.data(
    `query ($id: UUID!) { campaign(id: $id) { history(first: 1) { nodes {
      operation changedColumns after actor { id } agent { id } occurredAt } } } }`,
    { id },
  );
  expect(campaign.history.nodes).toEqual([
    {
      operation: 'UPDATE',
      changedColumns: ['objective', 'targetSegments'],
      after: { objective: 'More', targetSegments: ['a'] },
      actor: { id: world.ours.ownerId },
      agent: null,
      occurredAt: expect.any(String),
    },
  ]);
});

it('pages continue at a cursor, newest first, during further changes', async () => {
  const { id } = await perform(client, 'createCohort(input: { name: "0" })', '{ id }');
  const rename = (name: string) =>
    perform(client, `updateCohort(id: "${id}", input: { name: "${name}" })`, '{ id }');
  for (const name of ['1', '2', '3', '4']) await rename(name);
  const names: string[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < 4; pages += 1) {
    const { cohort } = await client.data(
      `query ($id: UUID!, $after: String) { cohort(id: $id) { history(first: 2, after: $after) {
        edges { cursor node { after } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`,
      { id, after },
    );
    const { edges, pageInfo } = cohort.history;
    names.push(...edges.map((edge: { node: { after: { name: string } } }) => edge.node.after.name));
    expect(pageInfo.hasPreviousPage).toBe(after !== null);
    expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
    after = pageInfo.endCursor;
    if (!pageInfo.hasNextPage) break;
    await rename(`later ${pages}`);
  }
  expect(names).toEqual(['4', '3', '2', '1', '0']);
});

describe('a cursor of a history', () => {
  beforeAll(async () => {
    const { campaigns } = await client.data('{ campaigns(first: 1) { nodes { id } } }');
    await perform(
      client,
      'updateCampaign(id: $id, input: { objective: "Changed once more" })',
      '{ id }',
      { id: ['UUID!', campaigns.nodes[0].id] },
    );
  });

  const page = async (
    from: Client,
    after: string | null,
    list = 'campaigns',
  ): Promise<{ cursor: string; node: { operation: string } }[]> => {
    const { [list]: found } = await from.data(
      `query ($after: String) { ${list}(first: 1) { nodes { history(first: 1, after: $after) {
        edges { cursor node { operation } } } } } }`,
      { after },
    );
    return found.nodes[0].history.edges;
  };
  const refused = async (from: Client, after: string, list?: string) =>
    expect(page(from, after, list), after).rejects.toThrow(
      /"code":"BAD_USER_INPUT","argument":"after"/,
    );

  it('does not reveal the sequence that all workspaces share', async () => {
    const [first] = await page(client, null);
    const [again] = await page(client, null);
    const [row] = await world.database.query<{ most: string }>(
      'select max(id)::text as most from gateway.audit_log',
    );
    const shown = Buffer.from(String(first?.cursor), 'base64url').toString('latin1');
    expect(shown).not.toContain(row?.most);
    expect(shown).not.toContain(Number(row?.most).toString(16));
    expect(again?.cursor).not.toBe(first?.cursor);
    expect(again?.cursor).toHaveLength(String(first?.cursor).length);
  });

  it('is valid on every replica', async () => {
    const replicas = await Promise.all([1, 2].map(() => openLiveApi(world.database)));
    const [one, other] = await Promise.all(
      replicas.map((api) => api.as(world.ours.ownerId, world.ours.workspaceId)),
    );
    const [first] = await page(one as Client, null);
    expect(first?.node.operation).toBe('UPDATE');
    const here = await page(one as Client, String(first?.cursor));
    const there = await page(other as Client, String(first?.cursor));
    expect(here).toHaveLength(1);
    expect(there.map(({ node }) => node)).toEqual(here.map(({ node }) => node));
    await Promise.all(replicas.map((api) => api.close()));
  });

  it('of another workspace or another type is refused', async () => {
    const [foreign] = await page(world.theirs.client, null);
    await refused(client, String(foreign?.cursor));
    const [ofCohorts] = await page(client, null, 'cohorts');
    await refused(client, String(ofCohorts?.cursor));
  });

  it('that was changed or truncated is refused', async () => {
    const [first] = await page(client, null);
    const bytes = Buffer.from(String(first?.cursor), 'base64url');
    const forged = [...bytes.keys()].map((i) => {
      const copy = Buffer.from(bytes);
      copy[i] = (copy[i] ?? 0) ^ (1 << (i % 8));
      return copy.toString('base64url');
    });
    const cut = [...forged.keys()].map((i) => String(first?.cursor).slice(0, i));
    const list = (after: string) =>
      `campaigns(first: 1) { nodes { history(first: 1, after: "${after}") { nodes { operation } } } }`;
    const results = await askAll(
      client,
      [...forged, ...cut].map((cursor) => ({ field: list(cursor) })),
    );
    expect(results.map(({ error }) => error?.extensions)).toEqual(
      results.map(() => ({ code: 'BAD_USER_INPUT', argument: 'after' })),
    );
  });
});

it.each([
  ['first: -1', 'first'],
  ['first: 101', 'first'],
  ['after: "nonsense"', 'after'],
  ['after: "aGlzdG9yeSAx0000"', 'after'],
])('%s is refused', async (args, argument) => {
  const { errors } = await client.ask(
    `{ cohorts(first: 1) { nodes { history(${args}) { nodes { operation } } } } }`,
  );
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
});

it('takes one statement for the histories of all rows, and one for their actors', async () => {
  await perform(
    client,
    'updateCampaigns(filter: { id: { notIn: [] } }, atMost: 100, input: { objective: "Another" })',
    '{ results { id } }',
  );
  const count = async (first: number) => {
    world.api.statements();
    await client.data(
      `{ campaigns(first: ${first}) { nodes { allowedTransitions history(first: 3) { nodes { after actor { fullName } } } } }
         cohorts(first: ${first}) { nodes { history { nodes { operation } } } } }`,
    );
    return world.api.statements().length;
  };
  // The viewer, campaigns, cohorts, two histories and the actors. The first call caches the status steps.
  await count(1);
  expect(await count(1)).toBe(6);
  expect(await count(3)).toBe(6);
});

it('each of several mutations in a document returns the history up to itself', async () => {
  const { id } = await rowOf('cohorts');
  const data = await client.data(
    `mutation ($id: UUID!) {
      one: updateCohort(id: $id, input: { buyerRole: "First" }) { cohort { ${HISTORY} } }
      two: updateCohort(id: $id, input: { buyerRole: "Second" }) { cohort { ${HISTORY} } }
    }`,
    { id },
  );
  expect(data.one.cohort.history.nodes[0].after).toEqual({ buyerRole: 'First' });
  expect(data.two.cohort.history.nodes[0].after).toEqual({ buyerRole: 'Second' });
});

it("hides the history of another workspace's rows", async () => {
  const { id } = await rowOf('campaigns');
  const { campaign } = await world.theirs.client.data(
    'query ($id: UUID!) { campaign(id: $id) { history { nodes { operation } } } }',
    { id },
  );
  expect(campaign).toBeNull();
  // Members see a workspace from their other workspaces, but not its history.
  await world.database.query(
    "insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Viewer')",
    [world.ours.ownerId, world.theirs.workspaceId],
  );
  const { workspaces } = await world.ours.client.data(
    '{ workspaces { nodes { id history { nodes { operation } } } } }',
  );
  expect(workspaces.nodes).toHaveLength(2);
  for (const { id, history } of workspaces.nodes) {
    expect(history.nodes.length > 0).toBe(id === world.ours.workspaceId);
  }
});
