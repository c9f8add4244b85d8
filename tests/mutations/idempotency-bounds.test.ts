import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/context/database/client.ts';
import { idempotencyKeys, startUpkeep } from '../../src/server/upkeep.ts';
import { insert } from '../support/tenant.ts';
import {
  api,
  CREATE,
  client,
  database,
  keysOf,
  named,
  setUp,
  tenant,
} from './idempotency-world.ts';

setUp();

describe('the answer is not kept', () => {
  it('of a refusal, which is tried again', async () => {
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

  it('of a bulk without any created row', async () => {
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

  it('of refused fields of a document, but of the others', async () => {
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

  it('of a dry run', async () => {
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

  it('for more than a day', async () => {
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

  it('after it was deleted by upkeep', async () => {
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

describe('a key costs', () => {
  it('two statements, and one if the answer is known', async () => {
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
