import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { insert } from '../support/tenant.ts';
import {
  api,
  asScout,
  assign,
  database,
  other,
  register,
  scout,
  setUp,
  tenant,
} from './agent-world.ts';

setUp();

describe('an agent as the viewer', () => {
  it('is shown as an agent, not as a person', async () => {
    const agent = await asScout('intelligence:write', '*:read');
    const { viewer } = await agent.data(`{ viewer {
      id email role scopes agent { id agentName } profile { id } memberships { role }
      workspace { id }
    } }`);
    expect(viewer).toEqual({
      id: null,
      email: null,
      role: null,
      scopes: ['intelligence:write', '*:read'],
      agent: { id: scout, agentName: 'scout' },
      profile: null,
      memberships: [],
      workspace: { id: tenant.workspaceId },
    });
  });

  it('is null for a person', async () => {
    const person = await api.as(tenant.people.Viewer, tenant.workspaceId);
    const { viewer } = await person.data('{ viewer { id agent { id } scopes } }');
    expect(viewer).toEqual({ id: tenant.people.Viewer, agent: null, scopes: null });
  });

  it('reads its workspace with any scope, and must name it', async () => {
    await insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name: 'Ours' });
    await insert(database, 'campaigns', { workspace_id: other.workspaceId, name: 'Theirs' });
    const agent = await asScout('alerts:read');
    const { campaigns } = await agent.data('{ campaigns { nodes { name } } }');
    expect(campaigns.nodes).toEqual([{ name: 'Ours' }]);

    const nowhere = await api.asAgent('scout', ['*:read']);
    const answer = await nowhere.ask('{ viewer { workspace { id } } campaigns { totalCount } }');
    expect(answer.errors?.[0]?.extensions).toEqual({
      code: 'WORKSPACE_REQUIRED',
      argument: 'x-workspace-id',
    });
    expect(answer.errors?.[0]?.message).toMatch(/An agent names its workspace/);
  });
});

describe('an agent may act in a workspace', () => {
  const refusedTo = async (name: string, workspaceId: string, scopes = ['*:write']) => {
    const agent = await api.asAgent(name, scopes, workspaceId);
    const answer = await agent.ask('{ viewer { scopes } }');
    expect(answer.status).toBe(403);
    expect(answer.errors?.[0]?.extensions).toEqual({
      code: 'FORBIDDEN',
      argument: 'x-workspace-id',
    });
    return answer.text;
  };

  it('with an active assignment; other workspaces seem not to exist', async () => {
    const elsewhere = await refusedTo('scout', other.workspaceId);
    expect(await refusedTo('scout', randomUUID())).toBe(elsewhere);
  });

  it.each(['paused', 'completed', 'failed', 'archived'])(
    'but not with one that is %s',
    async (status) => {
      await assign(await register(`agent ${status}`), tenant.workspaceId, status);
      await refusedTo(`agent ${status}`, tenant.workspaceId);
    },
  );

  it('while it is active in the registry', async () => {
    await assign(await register('retired', false), tenant.workspaceId);
    await refusedTo('unheard of', tenant.workspaceId);
    for (const workspaceId of [tenant.workspaceId, undefined]) {
      const agent = await api.asAgent('retired', ['*:read', 'global:write'], workspaceId);
      const answer = await agent.ask('{ viewer { scopes } }');
      expect(answer.status).toBe(403);
      expect(answer.errors?.[0]).toMatchObject({
        message: 'The agent is retired: it is inactive in the registry.',
        extensions: { code: 'FORBIDDEN' },
      });
    }
  });

  it('if it has a scope', async () => {
    await refusedTo('scout', tenant.workspaceId, []);
  });

  it('until the assignment ends', async () => {
    const id = await assign(await register('leaving'), tenant.workspaceId);
    const agent = await api.asAgent('leaving', ['*:read'], tenant.workspaceId);
    expect((await agent.ask('{ viewer { scopes } }')).status).toBe(200);
    await database.query(
      "update agent_assignments set assignment_status = 'paused' where id = $1",
      [id],
    );
    await refusedTo('leaving', tenant.workspaceId);
  });

  it('if the header is a UUID', async () => {
    const agent = await api.asAgent('scout', ['*:read'], 'nonsense');
    const answer = await agent.ask('{ viewer { scopes } }');
    expect(answer.status).toBe(400);
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
