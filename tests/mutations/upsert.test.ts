import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import type { Row } from '../support/rows.ts';
import { done, mutate, tryMutation } from './mutate.ts';
import { changeOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, type Writable, writableOf, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

/** Dictionaries, whose ids are names that clients choose. */
const DICTIONARIES = ['ChannelRole', 'JourneyStage'];

/** The unique keys of a table within a workspace, without ids that the database makes. */
function keysOf({ name }: Writable): string[][] {
  const keys = (catalog.models[name]?.uniqueKeys ?? []).map((key) =>
    key.filter((column) => column !== 'workspaceId'),
  );
  const others = keys.filter((key) => key.length > 0 && key.join() !== 'id');
  return DICTIONARIES.includes(name) ? [['id'], ...others] : others;
}

const pick = (row: Row, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row[name]]));

async function count({ table }: Writable): Promise<number> {
  const [row] = await world.database.query(`select count(*)::int as n from ${table}`);
  return row?.n as number;
}

describe('an upsert by each unique key creates, and then changes the same row', () => {
  const perKey = writing('upsert').flatMap(([name, writable]) =>
    keysOf(writable).map((key): [string, Writable, string[]] => [
      `${name} by ${key.join(' and ')}`,
      writable,
      key,
    ]),
  );
  it.each(perKey)('%s', async (_, writable, key) => {
    const { name, createFields, updateFields, keyFields } = writable;
    expect([...keyFields].sort()).toEqual([...new Set(keysOf(writable).flat())].sort());
    await world.clear(writable);
    const before = await count(writable);
    const client = world.writerOf(writable);
    const create = sampleRow(writable, createFields, 0, world.around);
    const named = pick({ ...sampleRow(writable, ['id'], 0, world.around), ...create }, key);
    const field = updateFields.find(
      (each) => !key.includes(each) && each !== writable.status,
    ) as string;
    const { value, input } = changeOf(writable, field, 1, world.around);
    const upsert = () =>
      mutate(client, writable, `upsert${name}`, { key: named, create, update: input });

    const created = done(await upsert());
    expect(pick(created.row as Row, [...key, ...createFields])).toEqual({ ...create, ...named });
    const updated = done(await upsert());
    expect(updated.id).toBe(created.id);
    expect(updated.row).toMatchObject({ ...create, ...named, [field]: value });
    expect(await count(writable)).toBe(before + 1);
  });
});

describe('an upsert names the wrong argument', () => {
  const writable = writableOf('AgentAssignment');
  const run = (args: object) =>
    tryMutation(world.ours.client, writable, 'upsertAgentAssignment', {
      create: { agentId: '00000000-0000-4000-8000-000000000000' },
      update: {},
      ...args,
    });
  const id = '00000000-0000-4000-8000-000000000001';

  it.each([
    ['no key', {}],
    ['half of a key', { agentId: id }],
  ])('%s', async (_, key) => {
    const { errors } = await run({ key });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'key' });
  });

  it.each<[string, object, string[]]>([
    [
      'a missing row in the key',
      { key: { agentId: id, assignedToCampaignId: id } },
      ['key', 'agentId'],
    ],
  ])('%s', async (_, args, path) => {
    await world.clear(writable);
    const { data } = await run(args);
    const payload = data?.a0 as { errors: { __typename: string; path: string[] }[] } | undefined;
    const [error] = payload?.errors ?? [];
    expect(error?.__typename).toBe('ValidationError');
    const either = [path, [path[0], 'assignedToCampaignId']];
    expect(either).toContainEqual(error?.path);
  });

  it('of a change to the existing row', async () => {
    const [assigned] = await world.create(writable);
    const { rows } = world.ours;
    const campaign = rows.get('campaigns')?.[0]?.id;
    const [row] = await world.database.query<{ agentId: string }>(
      `update agent_assignments set assigned_to_campaign_id = $2 where id = $1 returning agent_id as "agentId"`,
      [assigned, campaign],
    );
    const key = { agentId: row?.agentId, assignedToCampaignId: campaign };
    const { data } = await run({ key, update: { agentId: null } });
    expect(data?.a0).toMatchObject({ errors: [{ path: ['update', 'agentId'] }] });
  });

  it('an impossible key is refused', async () => {
    const agents = writableOf('AgentTrustScore');
    const create = sampleRow(agents, agents.requiredFields, 0, world.around);
    const payload = await mutate(world.ours.client, agents, 'upsertAgentTrustScore', {
      key: { agentId: 'a\0b' },
      create,
      update: {},
    });
    expect(payload.errors).toMatchObject([
      { __typename: 'ValidationError', path: ['key', 'agentId'] },
    ]);
  });
});

it('the samples differ, so that updates change something', () => {
  for (const [, writable] of writing('upsert')) {
    for (const field of writable.updateFields) {
      if (columnOf(writable, field).kind === 'enum') continue;
      const [one, other] = [0, 1].map((n) => changeOf(writable, field, n, world.around).value);
      expect(one, `${writable.name}.${field}`).not.toEqual(other);
    }
  }
});
