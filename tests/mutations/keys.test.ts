import { getNamedType, isInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { schema } from '../../src/schema/index.ts';
import { mutate, tryMutation } from './mutate.ts';
import { sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, mutationFields, type Writable, writableOf, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

const models = Object.values(catalog.models).filter((model) => model.columns.id);

/** The only key that is unique across workspaces: the slug. */
const OWN_ADDRESS = 'workspaces_slug_key';

describe('clients cannot choose ids', () => {
  it.each(models.map((model) => [model.table, model] as const))('of %s', (_, model) => {
    const name = Object.keys(catalog.models).find((each) => catalog.models[each] === model) ?? '';
    const isMade = model.columns.id?.nativeType === 'Uuid';
    const inputs = Object.values(schema.getTypeMap()).filter(
      (type) =>
        isInputObjectType(type) &&
        new RegExp(`^${name}(CreateInput|UpdateInput|Key|In[A-Z]\\w+Input)$`).test(type.name),
    );
    for (const input of inputs) {
      const fields = isInputObjectType(input) ? Object.keys(input.getFields()) : [];
      if (isMade) expect(fields, input.name).not.toContain('id');
    }
    // Nor is there an upsert without another key.
    const upsert = mutationFields[`upsert${name}`];
    const key = upsert?.args.find((arg) => arg.name === 'key');
    expect(Boolean(upsert)).toBe(Boolean(key));
    if (key) {
      const type = getNamedType(key.type);
      expect(isInputObjectType(type) && Object.keys(type.getFields()).length > 0).toBe(true);
    }
  });

  it('except for those of dictionaries', () => {
    const named = writing('upsert').filter(([, { keyFields }]) => keyFields.includes('id'));
    expect(named.map(([name]) => name).sort()).toEqual(['ChannelRole', 'JourneyStage']);
  });
});

it('unique keys include the workspace or the person, or belong to shared tables', async () => {
  const constraints = await world.database.query<{
    name: string;
    columns: string[];
    table: string;
  }>(
    `select conname as name, conrelid::regclass::text as table,
            array(select attname::text from pg_attribute where attrelid = conrelid and attnum = any (conkey)) as columns
     from pg_constraint
     where connamespace = 'public'::regnamespace and contype = 'u' and conrelid <> to_regclass('_prisma_migrations')
     union all
     select indexrelid::regclass::text, indrelid::regclass::text,
            array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any (indkey::int2[]))
     from pg_index join pg_class on pg_class.oid = indexrelid
     where indisunique and not indisprimary and relnamespace = 'public'::regnamespace
       and not exists (select from pg_constraint where conindid = indexrelid)`,
  );
  expect(constraints.length).toBeGreaterThan(20);
  const global = new Set(
    Object.values(catalog.models)
      .filter(({ columns, table }) => !columns.workspaceId && table !== 'workspaces')
      .map(({ table }) => table),
  );
  const wide = constraints.filter(
    ({ table, columns }) =>
      !columns.includes('workspace_id') && !columns.includes('user_id') && !global.has(table),
  );
  expect(wide.map(({ name }) => name)).toEqual([OWN_ADDRESS]);
});

/** Tables of workspaces with a unique key that clients give. */
const unique = writing('upsert').filter(([name]) => catalog.models[name]?.columns.workspaceId);

/** References are left out: another workspace's row is refused like a missing one. */
const ownKeys = ({ name, keyFields }: Writable) => {
  const references = Object.values(catalog.models[name]?.relations ?? {}).flatMap(
    ({ columns, to }) => (catalog.models[to]?.columns.workspaceId ? columns : []),
  );
  return keyFields.filter((field) => !references.includes(field));
};

describe('a key that another workspace uses is free', () => {
  const free = unique.filter(([, writable]) => {
    return ownKeys(writable).length === writable.keyFields.length;
  });

  it('in several tables', () => expect(free.length).toBeGreaterThanOrEqual(5));

  it.each(free)('%s', async (name, writable) => {
    await world.clear(writable);
    const theirs = world.theirs.rows.get(writable.table)?.[0] ?? {};
    const key = Object.fromEntries(
      writable.keyFields.map((field) => [field, theirs[columnOf(writable, field).column]]),
    );
    expect(Object.values(key).every(Boolean)).toBe(true);
    const client = world.writerOf(writable);
    const input = { ...sampleRow(writable, writable.requiredFields, 0, world.around), ...key };
    const created = await mutate(client, writable, `create${name}`, { input, dryRun: true });
    expect(created.errors).toEqual([]);
    const args = { key, create: input, update: {} };
    const upserted = await mutate(client, writable, `upsert${name}`, args);
    expect(upserted.errors).toEqual([]);
    expect(upserted.id).not.toBe(theirs.id);
  });
});

it('an id in a key or a new row is refused before any statement', async () => {
  const writable = writableOf('AgentDebate');
  for (const id of [world.theirs.rows.get('agent_debates')?.[0]?.id, world.ours.workspaceId]) {
    for (const args of [
      { key: { id }, create: { debateId: 'd' }, update: {} },
      { key: { debateId: 'd' }, create: { debateId: 'd', id }, update: {} },
    ]) {
      const { status, errors } = await tryMutation(
        world.ours.client,
        writable,
        'upsertAgentDebate',
        args,
      );
      expect({ status, data: errors?.length }).toEqual({ status: expect.any(Number), data: 1 });
      expect(errors?.[0]?.message).toContain('"id" is not defined');
    }
  }
});
