import pg from 'pg';
import { agentToken, token } from '../server/support/gateway.ts';
import type { Query } from '../support/database.ts';
import { createTenant, type Role } from '../support/tenant.ts';

/** Sockets are closed when their tokens expire, and resume with the next token. */
const TOKEN_SECONDS = 90;
const AGENT = 'tortured-agent';

/** A subscriber: a person or an agent in a workspace. */
export interface Reader {
  name: string;
  workspaceId: string;
  /** Null for agents. */
  personId: string | null;
  /** The headers of a request, with a short-lived token. */
  headers(): Promise<Record<string, string>>;
}

export interface Workspace {
  id: string;
  people: Record<Role, Reader>;
  agent: Reader;
}

export interface World {
  workspaces: Workspace[];
}

/** Makes two workspaces with people in all roles, and an agent that works in both. */
export async function createWorld(url: string): Promise<World> {
  const client = new pg.Client(url);
  await client.connect();
  const query: Query = async <T extends object>(sql: string, values?: unknown[]) =>
    (await client.query<T & Record<string, unknown>>(sql, values)).rows;
  try {
    await query(
      `insert into agent_registry (agent_name, agent_type) select $1::text, 'intelligence'
       where not exists (select from agent_registry where agent_name = $1)`,
      [AGENT],
    );
    const workspaces = [];
    for (const _ of ['a', 'b']) {
      const tenant = await createTenant({ query } as Parameters<typeof createTenant>[0]);
      const { workspaceId } = tenant;
      await query(
        `insert into agent_assignments (workspace_id, agent_id)
         select $1, id from agent_registry where agent_name = $2`,
        [workspaceId, AGENT],
      );
      const people = Object.entries(tenant.people).map(([role, id]) => [
        role,
        person(role, id, workspaceId),
      ]);
      workspaces.push({
        id: workspaceId,
        people: Object.fromEntries(people) as Workspace['people'],
        agent: agentIn(workspaceId),
      });
    }
    return { workspaces };
  } finally {
    await client.end();
  }
}

function person(role: string, id: string, workspaceId: string): Reader {
  return {
    name: role,
    workspaceId,
    personId: id,
    headers: async () => headersOf(await token({ sub: id, exp: expiry() }), workspaceId),
  };
}

function agentIn(workspaceId: string): Reader {
  const claims = { agent: AGENT, scopes: ['*:read'] };
  return {
    name: 'agent',
    workspaceId,
    personId: null,
    headers: async () => headersOf(await agentToken({ ...claims, exp: expiry() }), workspaceId),
  };
}

function headersOf(bearer: string, workspaceId: string): Record<string, string> {
  return { authorization: `Bearer ${bearer}`, 'x-workspace-id': workspaceId };
}

function expiry(): number {
  return Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
}
