import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/context/database/client.ts';
import { idempotencyKeys, startUpkeep } from '../../src/server/upkeep.ts';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { CALLERS, race, rounds } from '../support/race.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: Api;
let tenant: Tenant;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  api = await openApi(database, 10);
  client = await api.as(tenant.people.Owner, tenant.workspaceId);
});

afterAll(async () => {
  await api?.close();
  await database?.close();
});

const CREATE = `mutation($name: String!) {
  createCampaign(input: { name: $name }) { id campaign { id name createdAt } errors { message } }
}`;

const named = (name: string) =>
  database.query<{ id: string }>('select id from campaigns where name = $1 order by id', [name]);

const keysOf = (key: string) =>
  database.query<{ outcome: object }>(
    'select outcome from gateway.idempotency_key where key = $1',
    [key],
  );

async function expectMismatch(answer: Promise<{ errors?: unknown; data?: object | null }>) {
  const { data, errors } = await answer;
  expect(Object.values(data ?? {}).filter((payload) => payload !== null)).toEqual([]);
  expect(errors).toMatchObject([
    { extensions: { code: 'IDEMPOTENCY_MISMATCH', argument: 'idempotency-key' } },
  ]);
}

describe('a mutation that is sent again with its key', () => {
  it('is done once, however many send it at once, and all get the same answer', async () => {
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

  it('is answered byte for byte as the first time, whatever became of the row', async () => {
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

  it('is done once of every kind', async () => {
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

  it('created by upserting, is not updated by it', async () => {
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

  it('without a key is done again', async () => {
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

  it('serves one of two requests that differ and come at once', async () => {
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

  it("is each caller's own", async () => {
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

  it('may be as long as 200 characters', async () => {
    const [name, key] = [randomUUID(), `${randomUUID()} `.padEnd(200, '~')];
    const first = await client.ask(CREATE, { name }, key);
    expect(first.errors).toBeUndefined();
    expect((await client.ask(CREATE, { name }, key)).text).toBe(first.text);
  });

  it('is of no use to a query', async () => {
    const key = randomUUID();
    const answer = await client.ask('{ viewer { id } }', {}, key);
    expect(answer.data).toEqual({ viewer: { id: tenant.people.Owner } });
    expect(await keysOf(key)).toEqual([]);
  });
});

describe('what is not kept', () => {
  it('is a refusal: sent again, it is tried again', async () => {
    const [slug, key] = [randomUUID(), randomUUID()];
    const taken = await insert(database, 'workspaces', { name: 'Taken', slug });
    const query = `mutation($id: UUID!, $slug: String!) {
      updateWorkspace(id: $id, input: { slug: $slug }) { id errors { __typename } }
    }`;
    const variables = { id: tenant.workspaceId, slug };
    const refused = await client.ask(query, variables, key);
    expect(refused.data).toEqual({
      updateWorkspace: { id: null, errors: [{ __typename: 'ConflictError' }] },
    });
    expect(await keysOf(key)).toEqual([]);
    await database.query('delete from workspaces where id = $1', [taken]);
    expect((await client.ask(query, variables, key)).data).toEqual({
      updateWorkspace: { id: tenant.workspaceId, errors: [] },
    });
  });

  it('is a bulk of which no row could be created', async () => {
    const key = randomUUID();
    for (const atomic of [true, false]) {
      const answer = await client.ask(
        `mutation { createCampaigns(atomic: ${atomic}, inputs: [{ name: "x", positioningId: "${randomUUID()}" }]) {
          affected results { errors { __typename } }
        } }`,
        {},
        key,
      );
      expect(answer.data).toEqual({
        createCampaigns: {
          affected: 0,
          results: [{ errors: [{ __typename: 'ValidationError' }] }],
        },
      });
    }
    expect(await keysOf(key)).toEqual([]);
  });

  it('is the refused part of a document; the rest of it is', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const positioning = randomUUID();
    const query = `mutation($name: String!, $positioning: UUID!) {
      first: createCampaign(input: { name: $name, positioningId: $positioning }) {
        id errors { __typename }
      }
      second: createCampaigns(atomic: false, inputs: [
        { name: $name }, { name: $name, plannedDurationDays: 1, positioningId: "${randomUUID()}" }
      ]) { affected results { id errors { __typename message path } } }
    }`;
    const send = () => client.ask(query, { name, positioning }, key);
    const before = await send();
    expect(before.data).toMatchObject({ first: { id: null }, second: { affected: 1 } });
    await insert(database, 'positioning', {
      id: positioning,
      workspace_id: tenant.workspaceId,
      name: 'There now',
      market_segment: 'Everybody',
    });
    const after = await send();
    expect(after.data?.first).toEqual({ id: expect.any(String), errors: [] });
    expect(after.data?.second).toEqual(before.data?.second);
    expect((await send()).text).toBe(after.text);
    expect(await named(name)).toHaveLength(2);
  });

  it('is a dry run', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const query = (dryRun: boolean) =>
      `mutation { createCampaign(dryRun: ${dryRun}, input: { name: "${name}" }) { id } }`;
    const [one, two] = [
      await client.ask(query(true), {}, key),
      await client.ask(query(true), {}, key),
    ];
    expect(one.data).not.toEqual(two.data);
    expect(await keysOf(key)).toEqual([]);
    await client.ask(query(false), {}, key);
    expect(await named(name)).toHaveLength(1);
  });

  it('is what was answered more than a day ago', async () => {
    const [name, key] = [randomUUID(), randomUUID()];
    const age = (interval: string) =>
      database.query(
        'update gateway.idempotency_key set created_at = now() - $2::interval where key = $1',
        [key, interval],
      );
    await client.ask(CREATE, { name }, key);
    await age('23 hours 59 minutes');
    await client.ask(CREATE, { name }, key);
    expect(await named(name)).toHaveLength(1);
    await age('24 hours 1 minute');
    await client.ask(CREATE, { name: `${name} again` }, key);
    expect(await named(`${name} again`)).toHaveLength(1);
  });

  it('is deleted in time', async () => {
    const [old, recent] = [randomUUID(), randomUUID()];
    for (const key of [old, recent]) await client.ask(CREATE, { name: key }, key);
    await database.query(
      "update gateway.idempotency_key set created_at = now() - interval '25 hours' where key = $1",
      [old],
    );
    const gatewayDatabase = createDatabase({ connectionString: database.gatewayUrl });
    const upkeep = startUpkeep([idempotencyKeys(gatewayDatabase)], pino({ enabled: false }), 20);
    try {
      while ((await keysOf(old)).length > 0) await delay(20);
    } finally {
      await upkeep.stop();
      await gatewayDatabase.close();
    }
    expect(await keysOf(recent)).toHaveLength(1);
  });
});

describe('what a key costs', () => {
  it('is two statements, and one when the answer is known', async () => {
    const written = (statements: string[]) =>
      statements.filter((sql) => !/^(BEGIN|COMMIT)|viewer_memberships/.test(sql)).length;
    const [name, key] = [randomUUID(), randomUUID()];
    api.statements();
    await client.ask(CREATE, { name });
    const without = written(api.statements());
    await client.ask(CREATE, { name }, key);
    expect(written(api.statements())).toBe(without + 2);
    await client.ask(CREATE, { name }, key);
    expect(written(api.statements())).toBe(1);
  });
});
