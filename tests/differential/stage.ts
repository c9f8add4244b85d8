import { uuidOf } from '../../prisma/seed/random.ts';
import { createVariedWorld } from '../contract/varied.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import type { TestDatabase } from '../support/database.ts';
import type { Random } from '../torture/random.ts';
import type { RawAnswer } from './answers.ts';
import type { Request } from './draft.ts';
import { Material } from './material.ts';
import { plantOddRows } from './odd-rows.ts';

/** A sender of queries. */
export interface Viewer {
  name: string;
  share: number;
  sign(api: Api): Promise<Client>;
}

/** One database, with a gateway that compiles queries and one that executes them. */
export interface Stage {
  material: Material;
  compiled: Api;
  executed: Api;
  viewers: readonly Viewer[];
  close(): Promise<void>;
}

/** Fills a migrated database, the given one or a new one, with rows that differ in every column. */
export async function createStage(database?: TestDatabase): Promise<Stage> {
  const world = await createVariedWorld({
    accelerated: true,
    ...(database ? { database } : {}),
  });
  const { writeUnchecked: write, userId, workspaceId } = world;
  const [other, colleague, stranger] = [
    await secondWorkspace(),
    uuidOf('colleague'),
    uuidOf('stranger'),
  ];
  for (const id of [colleague, stranger]) {
    await write('insert into auth.users (id, email) values ($1, $2)', [id, `${id}@example.com`]);
    await write('insert into user_profiles (id) values ($1) on conflict do nothing', [id]);
  }
  await write(
    `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Viewer')`,
    [colleague, workspaceId],
  );
  await write(`update agent_assignments set assignment_status = 'active'`);
  await write('update agent_registry set is_active = true, deprecated_date = null');
  await plantOddRows(write, world.database.query, { workspaceId, other });
  // A view reads its members.
  await write(`update cohorts set journey_distribution = '{"unaware": 0.5}'`);
  const [agent] = await write<{ name: string }>(
    `select agent_name as name from agent_registry as r join agent_assignments as a
       on a.agent_id = r.id and a.workspace_id = $1 limit 1`,
    [workspaceId],
  );
  const agentName = String(agent?.name);
  await write('analyze');
  const executed = await openApi(world.database, 3, { accelerated: false });

  const person = (name: string, share: number, id: string, workspace?: string): Viewer => ({
    name,
    share,
    sign: (api) => api.as(id, workspace),
  });
  const asAgent = (name: string, share: number, scopes: string[], workspace?: string): Viewer => ({
    name,
    share,
    sign: (api) => api.asAgent(agentName, scopes, workspace),
  });
  return {
    material: await Material.of(world.database.query),
    compiled: world.api,
    executed,
    viewers: [
      person('Owner', 60, userId, workspaceId),
      person('Owner, in another workspace', 6, userId, other),
      person('Owner, no workspace named', 6, userId),
      person('Viewer', 12, colleague, workspaceId),
      person('Viewer, in a foreign workspace', 1, colleague, other),
      person('Viewer, in no workspace', 1, colleague, 'none'),
      person('stranger', 3, stranger),
      asAgent('agent, all scopes', 6, ['*:write', 'billing:read'], workspaceId),
      asAgent('agent, some scopes', 4, ['*:read'], workspaceId),
      asAgent('agent, no scopes', 1, [], workspaceId),
      asAgent('agent, no workspace named', 1, []),
    ],
    async close() {
      await executed.close();
      await world.close();
    },
  };

  async function secondWorkspace(): Promise<string> {
    const [found] = await write<{ id: string }>(
      'select id from workspaces where id <> $1 order by id',
      [workspaceId],
    );
    return String(found?.id);
  }
}

export function pickViewer({ viewers }: Stage, random: Random): Viewer {
  return random.pick(viewers.flatMap((viewer) => Array<Viewer>(viewer.share).fill(viewer)));
}

/** Sends a request as a client. */
export async function send(
  api: Api,
  client: Client,
  { accept, ...body }: Request,
): Promise<RawAnswer> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accept ? { accept } : {}),
      ...client.headers,
    },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
}
