import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CALLERS, race, rounds } from '../support/race.ts';
import { createTenant, insert } from '../support/tenant.ts';
import {
  api,
  CREATE,
  client,
  database,
  expectMismatch,
  keysOf,
  named,
  setUp,
  tenant,
} from './idempotency-world.ts';

setUp();

describe('a mutation that is repeated with its key', () => {
  it('takes effect once for concurrent requests, which all get the same answer', async () => {
    await rounds(async () => {
      const [name, key] = [randomUUID(), randomUUID()];
      const answers = await race(() => client.ask(CREATE, { name }, key));
      const texts = answers.map((answer) =>
        answer.status === 'fulfilled' ? answer.value.text : String(answer.reason),
      );
      const [row, ...others] = await named(name);
      expect(others).toEqual([]);
      expect([...new Set(texts)].slice(1)).toEqual([]);
      expect(JSON.parse(texts[0] ?? '').data.createCampaign.id).toBe(row?.id);
    });
  });

  it('gets the first answer byte for byte, even if the row has changed', async () => {
    const query = `mutation($name: String!, $resources: JSON!) {
      createCampaign(input: {
        name: $name, resourceAllocation: $resources, budgetAllocation: "1234567890123.4500001"
        startDate: "2026-10-01", targetSegments: ["a", "b"], quests: [{ name: "one" }, { name: "two" }]
      }) {
        id
        campaign {
          name description status budgetAllocation resourceAllocation startDate targetSegments
          totalReach createdAt updatedAt quests { nodes { name createdAt } }
        }
        errors { message }
      }
    }`;
    const resources = JSON.parse(
      '{"\\u0001mark": "\\u0001date 1", "b": [1.5, null, -0, 1e300], "a": {}, "é😀": "\\u2028"}',
    );
    const [name, key] = [randomUUID(), randomUUID()];
    const first = await client.ask(query, { name, resources }, key);
    expect(first.errors).toBeUndefined();
    expect((await client.ask(query, { name, resources }, key)).text).toBe(first.text);
    await database.query("update campaigns set name = 'Another', total_reach = 7 where name = $1", [
      name,
    ]);
    expect((await client.ask(query, { name, resources }, key)).text).toBe(first.text);
    await database.query("delete from campaigns where name = 'Another'");
    expect((await client.ask(query, { name, resources }, key)).text).toBe(first.text);
    expect(await named(name)).toEqual([]);
  });

  it('takes effect once for every kind of mutation', async () => {
    const id = await insert(database, 'campaigns', {
      workspace_id: tenant.workspaceId,
      name: 'Kinds',
      resource_allocation: '{"__proto__": {"x": 1}}',
    });
    const key = randomUUID();
    const query = `mutation($id: UUID!) {
      update: updateCampaign(id: $id, input: { description: "x" }) {
        campaign { updatedAt resourceAllocation }
      }
      upsert: upsertAgentDebate(
        key: { debateId: "d" }, create: { debateId: "d" }, update: { topic: "y" }
      ) { agentDebate { id createdAt topic } }
      many: updateCampaigns(filter: { name: { equals: "Kinds" } }, atMost: 5, input: { name: "Kind" }) {
        affected results { campaign { name updatedAt } }
      }
      bulk: createCampaigns(inputs: [{ name: "Kind" }, { name: "Kind" }]) { results { id } }
      none: deleteCampaigns(filter: { name: { equals: "Later" } }, atMost: 5) { affected }
      delete: deleteCampaign(id: $id) { id campaign { name } errors { message } }
    }`;
    const first = await client.ask(query, { id }, key);
    expect(first.data).toMatchObject({
      many: { affected: 1 },
      none: { affected: 0 },
      delete: { id, errors: [] },
    });
    expect(first.text).toContain('"resourceAllocation":{"__proto__":{"x":1}}');
    await insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name: 'Later' });
    expect((await client.ask(query, { id }, key)).text).toBe(first.text);
    expect(await named('Kind')).toHaveLength(2);
    expect(await named('Later')).toHaveLength(1);
  });

  it('does not update the row that its upsert created', async () => {
    const [id, key] = [randomUUID(), randomUUID()];
    const query = `mutation($id: String!) {
      upsertAgentDebate(
        key: { debateId: $id }, create: { debateId: $id, topic: "Made" }, update: { topic: "Changed" }
      ) {
        agentDebate { topic } errors { message }
      }
    }`;
    const first = await client.ask(query, { id }, key);
    expect((await client.ask(query, { id }, key)).text).toBe(first.text);
    expect(
      await database.query('select topic from agent_debates where debate_id = $1', [id]),
    ).toEqual([{ topic: 'Made' }]);
  });

  it('takes effect again without a key', async () => {
    const name = randomUUID();
    await client.data(CREATE, { name });
    await client.data(CREATE, { name });
    expect(await named(name)).toHaveLength(2);
  });
});

describe('a key', () => {
  it('is refused for other variables, another document or another workspace', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    await client.ask(CREATE, { name }, key);
    await expectMismatch(client.ask(CREATE, { name: 'Other' }, key));
    await expectMismatch(client.ask(CREATE.replace('createdAt', ''), { name }, key));
    await expectMismatch(
      client.ask(
        'mutation { deleteCampaigns(filter: { id: { notIn: [] } }, atMost: 500) { affected } }',
        {},
        key,
      ),
    );
    const second = await createTenant(database);
    await database.query(
      "insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Owner')",
      [tenant.people.Owner, second.workspaceId],
    );
    const elsewhere = await api.as(tenant.people.Owner, second.workspaceId);
    await expectMismatch(elsewhere.ask(CREATE, { name }, key));
    expect(await named(name)).toHaveLength(1);
    expect(await named('Other')).toEqual([]);
  });

  it('serves only one of two different concurrent requests', async () => {
    await rounds(async () => {
      const [name, key] = [randomUUID(), randomUUID()];
      const other = `mutation($name: String!) {
        elsewhere: createCampaign(input: { name: $name }) { id }
      }`;
      const answers = await race((n) => client.ask(n % 2 ? CREATE : other, { name }, key));
      const codes = answers.map((answer) =>
        answer.status === 'fulfilled' ? answer.value.errors?.[0]?.extensions.code : answer.reason,
      );
      expect(codes.filter((code) => code === undefined)).toHaveLength(CALLERS / 2);
      expect(codes.filter((code) => code === 'IDEMPOTENCY_MISMATCH')).toHaveLength(CALLERS / 2);
      expect(await named(name)).toHaveLength(1);
    });
  });

  it('belongs to its caller', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const agentId = await insert(database, 'agent_registry', {
      agent_name: 'scout',
      agent_type: 'researcher',
    });
    await insert(database, 'agent_assignments', {
      workspace_id: tenant.workspaceId,
      agent_id: agentId,
    });
    const callers = [
      client,
      await api.as(tenant.people.Strategist, tenant.workspaceId),
      await api.asAgent('scout', ['campaigns:write'], tenant.workspaceId),
    ];
    for (const caller of [...callers, ...callers]) {
      expect((await caller.ask(CREATE, { name }, key)).errors).toBeUndefined();
    }
    expect(await named(name)).toHaveLength(callers.length);
    const others = await database.rehearse(
      { userId: tenant.people.Strategist, workspaceId: tenant.workspaceId },
      (query) => query('select person from gateway.idempotency_key'),
    );
    expect(others).toEqual([{ person: tenant.people.Strategist }]);
  });

  it.each(['', 'k'.repeat(201), 'schlüssel', 'a\tb'])('cannot be %j', async (key) => {
    const gateway = await client.ask(CREATE, { name: 'Keyed' }, key || ' ');
    expect(gateway.status).toBe(400);
    expect(gateway.errors?.[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      argument: 'idempotency-key',
    });
    expect(await named('Keyed')).toEqual([]);
  });

  it('can have 200 characters', async () => {
    const [name, key] = [randomUUID(), `${randomUUID()} `.padEnd(200, '~')];
    const first = await client.ask(CREATE, { name }, key);
    expect(first.errors).toBeUndefined();
    expect((await client.ask(CREATE, { name }, key)).text).toBe(first.text);
  });

  it('has no effect on a query', async () => {
    const key = randomUUID();
    const answer = await client.ask('{ viewer { id } }', {}, key);
    expect(answer.data).toEqual({ viewer: { id: tenant.people.Owner } });
    expect(await keysOf(key)).toEqual([]);
  });
});
