import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/models/index.ts';
import type { Client } from '../support/api.ts';
import type { TestDatabase } from '../support/database.ts';
import { caseOf } from './cases.ts';
import { createWorld, type World } from './world.ts';

const AGENT = 'accountant';
const READERS = ['Owner', 'agent with billing:read'];
const OTHERS = ['Viewer', 'Analyst', 'Creator', 'Strategist', 'agent without', 'stranger'];

let world: World;
const clients: Record<string, Client> = {};
beforeAll(async () => {
  world = await createWorld();
  const { database, api, ours, theirs } = world;
  clients.Owner = ours.client;
  clients.stranger = theirs.client;
  for (const role of ['Viewer', 'Analyst', 'Creator', 'Strategist']) {
    clients[role] = await api.as(await join(database, role), ours.workspaceId);
  }
  await database.query(
    `with agent as (insert into agent_registry (agent_name, agent_type) values ($1, 'researcher') returning id)
     insert into agent_assignments (workspace_id, agent_id) select $2, id from agent`,
    [AGENT, ours.workspaceId],
  );
  const scopes = ['*:read', '*:write', 'billing:write', 'global:write'];
  clients['agent without'] = await api.asAgent(AGENT, scopes, ours.workspaceId);
  clients['agent with billing:read'] = await api.asAgent(AGENT, ['billing:read'], ours.workspaceId);
});
afterAll(() => world?.close());

async function join({ query }: TestDatabase, role: string): Promise<string> {
  const id = randomUUID();
  await query('insert into auth.users (id) values ($1)', [id]);
  await query('insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3)', [
    id,
    world.ours.workspaceId,
    role,
  ]);
  return id;
}

/** Reads rows of a model in every possible way. Returns what each way shows. */
async function readAllWays(model: string, client: Client): Promise<Record<string, unknown>> {
  const { lookup, root, table } = caseOf(model);
  const { ours } = world;
  const id = String(ours.rows.get(table)?.[0]?.id);
  const nodeId = Buffer.from(`${model}:${id}`).toString('base64');
  const data = await client.data(
    `query ($id: UUID!, $nodeId: ID!, $workspace: UUID!) {
      list: ${root} { totalCount nodes { id } }
      one: ${lookup}(id: $id) { id history { nodes { operation } } }
      node(nodeId: $nodeId) { nodeId }
      nodes(nodeIds: [$nodeId]) { nodeId }
      related: workspaces { nodes { ${root} { totalCount nodes { id } } } }
      filtered: workspaces(filter: { ${root}: { some: {} } }) { totalCount }
      excluded: workspaces(filter: { id: { equals: $workspace }, ${root}: { none: {} } }) { totalCount }
      viewer { permissions { type read } }
    }`,
    { id, nodeId, workspace: ours.workspaceId },
  );
  const related = data.related.nodes.find(
    (each: { [root: string]: { totalCount: number } }) => each[root]?.totalCount,
  )?.[root];
  const isTheirs = client === clients.stranger;
  return {
    // The stranger sees rows of their own workspace, which are not counted here.
    list: isTheirs ? 0 : data.list.totalCount,
    rows: isTheirs ? 0 : data.list.nodes.length,
    one: data.one?.id ?? null,
    history: data.one?.history.nodes.length ?? null,
    node: data.node,
    nodes: data.nodes[0],
    related: isTheirs ? 0 : (related?.totalCount ?? 0),
    filtered: isTheirs ? 0 : data.filtered.totalCount,
    // Without visible rows, the filter `none` matches. A stranger does not see the workspace either.
    excluded: isTheirs ? 1 : data.excluded.totalCount,
    permission:
      isTheirs || data.viewer.permissions.find(({ type }: { type: string }) => type === model).read,
  };
}

const billing = [...models.values()].filter((each) => each.billing).map(({ name }) => name);

describe.each(billing)('%s', (model) => {
  it.each(READERS)('can be read by %s', async (name) => {
    const { table } = caseOf(model);
    const id = world.ours.rows.get(table)?.[0]?.id;
    const nodeId = Buffer.from(`${model}:${id}`).toString('base64');
    expect(await readAllWays(model, clients[name] as Client)).toEqual({
      ...{ list: 2, rows: 2, one: id, history: 1, node: { nodeId }, nodes: { nodeId } },
      ...{ related: 2, filtered: 1, excluded: 0, permission: true },
    });
  });

  it.each(OTHERS)('is hidden from %s', async (name) => {
    expect(await readAllWays(model, clients[name] as Client)).toEqual({
      ...{ list: 0, rows: 0, one: null, history: null, node: null, nodes: null },
      ...{ related: 0, filtered: 0, excluded: 1, permission: name === 'stranger' },
    });
  });
});
