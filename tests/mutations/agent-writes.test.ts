import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { models } from '../../src/models/index.ts';
import { scopeOf, writerOf } from '../../src/resolvers/permissions.ts';
import { insert } from '../support/tenant.ts';
import { api, asScout, count, database, register, scout, setUp, tenant } from './agent-world.ts';

setUp();

describe('what an agent writes', () => {
  const CREATE_SIGNAL = `mutation($input: IntelligenceSignalCreateInput!) {
    createIntelligenceSignal(input: $input) {
      intelligenceSignal { sourceAgentId }
      errors { __typename message path }
    }
  }`;
  const signal = {
    signalTitle: 'A new rival',
    sourceType: 'COMPETITOR',
    signalCategory: 'COMPETITOR_ACTIVITY',
  };

  it('has its name, and no person as author', async () => {
    const agent = await asScout('intelligence:write', 'campaigns:write', 'moves:write');
    const { createIntelligenceSignal } = await agent.data(CREATE_SIGNAL, { input: signal });
    expect(createIntelligenceSignal).toEqual({
      intelligenceSignal: { sourceAgentId: scout },
      errors: [],
    });
    const { createCampaign } = await agent.data(`mutation {
      createCampaign(input: { name: "By an agent", quests: [{ name: "A quest" }] }) {
        campaign { createdBy { id } quests { nodes { createdBy { id } } } }
        errors { message }
      }
    }`);
    expect(createCampaign).toEqual({
      campaign: { createdBy: null, quests: { nodes: [{ createdBy: null }] } },
      errors: [],
    });
    const cohort = await insert(database, 'cohorts', {
      workspace_id: tenant.workspaceId,
      name: 'A cohort',
    });
    const { createMove } = await agent.data(
      `mutation($cohort: UUID!) {
        createMove(input: { name: "A move", primaryIcpId: $cohort }) {
          move { createdByAgentName } errors { message }
        }
      }`,
      { cohort },
    );
    expect(createMove).toEqual({ move: { createdByAgentName: 'scout' }, errors: [] });
  });

  it('cannot have the name of another agent', async () => {
    const rival = await register('rival');
    const agent = await asScout('*:write');
    const { createIntelligenceSignal } = await agent.data(CREATE_SIGNAL, {
      input: { ...signal, signalTitle: 'Forged', sourceAgentId: rival },
    });
    expect(createIntelligenceSignal).toMatchObject({
      intelligenceSignal: null,
      errors: [{ __typename: 'ForbiddenError' }],
    });
    expect(
      await database.query("select from intelligence_signals where signal_title = 'Forged'"),
    ).toEqual([]);
  });

  it('is limited to the domains of its scopes', async () => {
    const before = await count('campaigns');
    const create =
      'mutation { createCampaign(input: { name: "No" }) { errors { __typename message } } }';
    for (const scope of ['intelligence:write', 'campaigns:read', '*:read', 'global:write']) {
      const { createCampaign } = await (await asScout(scope)).data(create);
      expect(createCampaign.errors).toEqual([
        { __typename: 'ForbiddenError', message: 'This takes the scope "campaigns:write".' },
      ]);
    }
    expect(await count('campaigns')).toBe(before);
    for (const scope of ['campaigns:write', '*:write']) {
      const { createCampaign } = await (await asScout(scope)).data(create);
      expect(createCampaign.errors).toEqual([]);
    }
  });

  it('cannot be a row that only people write', async () => {
    const agent = await asScout('*:write', 'workspace:write', 'agents:write', 'global:write');
    const mutations = [
      `updateWorkspace(id: "${tenant.workspaceId}", input: { name: "Taken" })`,
      `inviteWorkspaceMember(email: "asha@example.com")`,
      `createAgentAssignment(input: { agentId: "${scout}" })`,
      `updateUserNotifications(filter: { id: { notIn: [] } }, atMost: 1, input: {})`,
    ];
    for (const mutation of mutations) {
      const errors = mutation.startsWith('updateUserN')
        ? 'results { errors { message } }'
        : 'errors { message }';
      const answer = await agent.ask(`mutation { it: ${mutation} { ${errors} } }`);
      expect(answer.text).toMatch(/is not written by agents/);
    }
  });

  it('needs the scopes that the policies of the tables require', async () => {
    const rows = await database.query<{ table: string; domain: string }>(`
      select tablename as table, substring(with_check from 'may_write\\(.*?, ''(\\w+)''') as domain
      from pg_policies where schemaname = 'public' and policyname = 'authenticated_insert'
        and with_check ~ 'may_write\\('`);
    const domains = new Map(rows.map(({ table, domain }) => [table, domain]));
    const models = Object.entries(catalog.models).filter(([name]) => writerOf(name));
    expect(models.length).toBeGreaterThan(40);
    for (const [name, { table }] of models) {
      const domain = domains.get(table);
      expect({ name, scope: scopeOf(name) }).toEqual({
        name,
        scope: domain ? `${domain}:write` : undefined,
      });
    }
  });
});

describe('rows that all workspaces share', () => {
  const asRegistrar = (scope = 'global:write') => api.asAgent('registrar', [scope]);
  const CREATE_AGENT = `mutation($name: String!) {
    createAgent(input: {
      agentName: $name, agentType: CREATIVE, costPerExecution: "0.125",
      capabilities: [{ capabilityName: "write", category: CREATION }]
    }) {
      agent { id agentName costPerExecution capabilities { nodes { capabilityName } } }
      errors { __typename message }
    }
  }`;

  it('can be written with the scope global:write, also by unregistered agents', async () => {
    const registrar = await asRegistrar();
    const { createAgent } = await registrar.data(CREATE_AGENT, { name: 'poet' });
    expect(createAgent).toEqual({
      agent: {
        id: expect.any(String),
        agentName: 'poet',
        costPerExecution: '0.125',
        capabilities: { nodes: [{ capabilityName: 'write' }] },
      },
      errors: [],
    });
    const { upsertAgent, createAgentCapability, deleteAgents } = await registrar.data(
      `mutation($id: UUID!) {
        upsertAgent(
          key: { agentName: "poet" }, update: { purpose: "Verse" }
          create: { agentName: "poet", agentType: CREATIVE }
        ) { id agent { purpose } errors { message } }
        createAgentCapability(input: { agentId: $id, capabilityName: "rhyme", category: CREATION }) {
          errors { message }
        }
        deleteAgents(filter: { agentName: { equals: "poet" } }, atMost: 1) { affected }
      }`,
      { id: createAgent.agent.id },
    );
    expect(upsertAgent).toEqual({
      id: createAgent.agent.id,
      agent: { purpose: 'Verse' },
      errors: [],
    });
    expect(createAgentCapability.errors).toEqual([]);
    expect(deleteAgents.affected).toBe(1);
    expect(await database.query("select from agent_registry where agent_name = 'poet'")).toEqual(
      [],
    );
  });

  it('have keys that clients choose if these are words', async () => {
    const registrar = await asRegistrar();
    for (const model of ['JourneyStage', 'ChannelRole']) {
      const field = model === 'JourneyStage' ? 'journeyStage' : 'channelRole';
      const more = model === 'JourneyStage' ? ', sortOrder: 9' : '';
      const data = await registrar.data(`mutation {
        create${model}(input: { id: "loyal", name: "Loyal"${more} }) { id errors { message } }
        update${model}(id: "loyal", input: { name: "Very loyal" }) {
          ${field} { id name } errors { message }
        }
        delete${model}(id: "loyal") { id errors { message } }
      }`);
      expect(data).toEqual({
        [`create${model}`]: { id: 'loyal', errors: [] },
        [`update${model}`]: { [field]: { id: 'loyal', name: 'Very loyal' }, errors: [] },
        [`delete${model}`]: { id: 'loyal', errors: [] },
      });
    }
    const { createManeuverType } = await registrar.data(
      'mutation { createManeuverType(input: { name: "Feint", category: OFFENSIVE }) { id errors { message } } }',
    );
    expect(createManeuverType).toEqual({ id: expect.any(String), errors: [] });
  });

  it('cannot be written by people, or by agents without the scope', async () => {
    const before = await count('agent_registry');
    const askers = [
      [await api.as(tenant.people.Owner, tenant.workspaceId), /trusted writers only/],
      [await asScout('*:write', 'agents:write'), /takes the scope "global:write"/],
      [await asRegistrar('*:write'), /takes the scope "global:write"/],
    ] as const;
    for (const [client, reason] of askers) {
      const { createAgent } = await client.data(CREATE_AGENT, { name: randomUUID() });
      expect(createAgent).toMatchObject({
        agent: null,
        errors: [{ __typename: 'ForbiddenError' }],
      });
      expect(createAgent.errors[0].message).toMatch(reason);
    }
    expect(await count('agent_registry')).toBe(before);
  });

  it('are also protected by the database', async () => {
    for (const { name } of [...models.values()].filter(({ global }) => global)) {
      const table = catalog.models[name]?.table;
      const attempt = (scopes: string[]) =>
        database.rehearse({ agent: 'scout', scopes, workspaceId: tenant.workspaceId }, (query) =>
          query(`delete from ${table} returning id`),
        );
      const rows = await database.query(`select id from ${table}`);
      expect(await attempt(['*:write', 'agents:write'])).toEqual([]);
      expect(await attempt(['global:write'])).toHaveLength(rows.length);
    }
  });

  it('need a scope that gives no access to a workspace', async () => {
    const nowhere = await asRegistrar();
    const answer = await nowhere.ask('mutation { createCampaign(input: { name: "No" }) { id } }');
    expect(answer.errors?.[0]?.extensions.code).toBe('WORKSPACE_REQUIRED');
  });
});
