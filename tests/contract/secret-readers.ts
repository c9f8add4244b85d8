import { randomUUID } from 'node:crypto';
import type { Client } from '../support/api.ts';
import type { Actor } from '../support/database.ts';
import type { Stage, Subscriber } from './changes.ts';
import type { World } from './world.ts';

/** The value of each guarded column of the subject. */
export const MARK = `secret ${randomUUID()}`;
export const AGENT = 'an agent';
const SUBJECT = 'the subject';

export interface Reader {
  /** Whether it may read the guarded columns. */
  mayRead: boolean;
  client: Client;
  actor: Actor;
  subscribers: Subscriber[];
}

/** Creates an agent with secrets, the subject, and all kinds of readers. */
export async function openReaders(
  { database, api, ours }: World,
  stage: Stage,
): Promise<{ subjectId: string; readers: Record<string, Reader> }> {
  const { query } = database;
  const { workspaceId } = ours;
  const [subject] = await query<{ id: string }>(
    `insert into agent_registry (agent_name, agent_type, system_prompt, model_config)
     values ($1, 'researcher', $2, jsonb_build_object('key', $2::text, 'exact', 1234567890123456789.5)) returning id`,
    [SUBJECT, MARK],
  );
  const subjectId = subject?.id ?? '';
  for (const name of [AGENT, SUBJECT]) {
    await query(
      `insert into agent_registry (agent_name, agent_type) values ($1, 'researcher') on conflict do nothing`,
      [name],
    );
    await query(
      `insert into agent_assignments (workspace_id, agent_id) select $1, id from agent_registry where agent_name = $2`,
      [workspaceId, name],
    );
  }
  await query(`insert into agent_messages (workspace_id, type, origin) values ($1, 'ask', $2)`, [
    workspaceId,
    SUBJECT,
  ]);
  await query(
    `insert into agent_capabilities (agent_id, capability_name, category) values ($1, 'ask', 'research')`,
    [subjectId],
  );
  const person = async (role: string | null): Promise<Reader> => {
    const userId = randomUUID();
    await query('insert into auth.users (id) values ($1)', [userId]);
    if (role) {
      await query(
        'insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, $3::member_role)',
        [userId, workspaceId, role],
      );
    }
    const here = role ? workspaceId : undefined;
    return {
      mayRead: role === 'Owner',
      client: await api.as(userId, here),
      actor: { userId, workspaceId: here },
      subscribers: [
        await stage.as(userId, here),
        ...(here ? [await stage.asMembers(userId, here)] : []),
      ],
    };
  };
  const agent = async (name: string, scopes: string[], here?: string): Promise<Reader> => ({
    mayRead: scopes.includes('global:write'),
    client: await api.asAgent(name, scopes, here),
    actor: { agent: name, scopes, workspaceId: here },
    subscribers: [await stage.asAgent(name, scopes, here)],
  });
  const readers: Record<string, Reader> = {};
  for (const role of ['Owner', 'Strategist', 'Creator', 'Analyst', 'Viewer']) {
    readers[role] = await person(role);
  }
  readers['a person without a workspace'] = await person(null);
  readers['an agent with all scopes of a workspace'] = await agent(
    AGENT,
    ['*:read', '*:write', 'billing:read'],
    workspaceId,
  );
  readers['the agent itself'] = await agent(SUBJECT, ['*:read', '*:write'], workspaceId);
  readers['a trusted writer'] = await agent(AGENT, ['global:write'], workspaceId);
  readers['a trusted writer without a workspace'] = await agent('registrar', ['global:write']);
  return { subjectId, readers };
}
