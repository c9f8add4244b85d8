import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import type { Row } from '../support/rows.ts';
import { mutate, readRows } from './mutate.ts';
import { changeOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, SINGLE, type Writable, writableOf, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

const rowsOf = (writable: Writable) =>
  Array.from({ length: SINGLE.includes(writable.name) ? 1 : 3 }, (_, n) =>
    sampleRow(writable, writable.createFields, n, world.around),
  );

const pick = (row: Row | null | undefined, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row?.[name]]));

async function count({ table }: Writable): Promise<number> {
  const [row] = await world.database.query(`select count(*)::int as n from ${table}`);
  return row?.n as number;
}

/** A column with an invalid value: for the gateway or, for a reference, for the database. */
function faultOf(writable: Writable): [field: string, value: unknown] {
  const reference = writable.one.find(
    ([, { columns, to }]) =>
      to !== 'Workspace' && writable.createFields.includes(String(columns.at(-1))),
  );
  const missing = '00000000-0000-4000-8000-000000000000';
  if (reference) {
    const field = String(reference[1].columns.at(-1));
    return [field, columnOf(writable, field).nativeType === 'Uuid' ? missing : 'missing'];
  }
  const text = writable.createFields.find((field) => {
    const { type, kind, nativeType, isList } = columnOf(writable, field);
    return type === 'String' && kind === 'scalar' && nativeType !== 'Uuid' && !isList;
  });
  if (text && !/url$/i.test(text)) return [text, 'a\0b'];
  const json = writable.createFields.find((field) => columnOf(writable, field).type === 'Json');
  return json ? [json, 'a\0b'] : [writable.createFields[0] as string, null];
}

describe('many rows are created together, in their order', () => {
  it.each(writing('create'))('%s', async (_, writable) => {
    await world.clear(writable);
    const inputs = rowsOf(writable);
    const payload = await mutate(world.writerOf(writable), writable, `create${writable.plural}`, {
      inputs,
    });
    expect(payload.affected).toBe(inputs.length);
    expect(payload.results?.map(({ row }) => pick(row, writable.createFields))).toEqual(inputs);
    expect(payload.results?.flatMap(({ errors }) => errors)).toEqual([]);
  });
});

describe('an invalid row fails all rows, or only itself', () => {
  it.each(writing('create'))('%s', async (_, writable) => {
    await world.clear(writable);
    const [field, value] = faultOf(writable);
    const inputs = rowsOf(writable);
    inputs.splice(1, 0, {
      ...sampleRow(writable, writable.createFields, 1, world.around),
      [field]: value,
    });
    const client = world.writerOf(writable);
    const refusal = [{ __typename: 'ValidationError', path: ['inputs', '1', field] }];
    const before = await count(writable);

    const all = await mutate(client, writable, `create${writable.plural}`, { inputs });
    expect(all.affected).toBe(0);
    expect(all.results).toMatchObject(
      inputs.map((_, i) => ({ id: null, row: null, errors: i === 1 ? refusal : [] })),
    );
    expect(await count(writable)).toBe(before);

    const some = await mutate(client, writable, `create${writable.plural}`, {
      inputs,
      atomic: false,
    });
    expect(some.affected).toBe(inputs.length - 1);
    expect(some.results?.[1]).toMatchObject({ id: null, row: null, errors: refusal });
    some.results?.forEach(({ row, errors }, i) => {
      if (i === 1) return;
      expect(errors).toEqual([]);
      expect(pick(row, writable.createFields)).toEqual(inputs[i]);
    });
    expect(await count(writable)).toBe(before + inputs.length - 1);
  });
});

describe('a duplicate in a bulk has the same error as a single one', () => {
  const keyed = writing('create').filter(([name, { createFields }]) => {
    const keys = catalog.models[name]?.uniqueKeys.filter((key) => !key.includes('id')) ?? [];
    const given = new Set([...createFields, 'workspaceId']);
    return createFields.includes('id') || keys.some((key) => key.every((each) => given.has(each)));
  });

  it.each(keyed)('%s', async (_, writable) => {
    await world.clear(writable);
    const client = world.writerOf(writable);
    const input = sampleRow(writable, writable.createFields, 0, world.around);
    const payload = await mutate(client, writable, `create${writable.plural}`, {
      inputs: [input, input, input],
      atomic: false,
    });
    expect(payload.affected).toBe(1);
    const single = await mutate(client, writable, `create${writable.name}`, { input });
    expect(single.errors).toMatchObject([{ __typename: 'ConflictError' }]);
    expect(payload.results?.map(({ errors }) => errors)).toEqual(
      [0, 1, 2].map((i) =>
        i === 0
          ? []
          : single.errors.map((error) => ({
              ...error,
              path: ['inputs', `${i}`, ...error.path.slice(1)],
            })),
      ),
    );
  });
});

describe('many rows are changed, and then deleted, unless there are more than atMost', () => {
  it.each(writing('delete').filter(([name]) => name !== 'Workspace'))(
    '%s',
    async (name, writable) => {
      const client = world.writerOf(writable);
      const ids = (await world.create(writable, SINGLE.includes(name) ? 1 : 3)).sort();
      const filter = { id: { in: ids } };
      const unique = new Set(catalog.models[name]?.uniqueKeys.flat());
      const field = writable.updateFields.find(
        (each) => !unique.has(each) && each !== writable.status,
      ) as string;
      const { value, input } = changeOf(writable, field, 1, world.around);
      const before = await readRows(client, writable, ids);

      for (const dryRun of [true, false]) {
        const bulk = (operation: string, atMost: number) =>
          mutate(client, writable, `${operation}${writable.plural}`, {
            filter,
            atMost,
            dryRun,
            ...(operation === 'update' ? { input } : {}),
          });
        if (ids.length > 1) {
          for (const operation of ['update', 'delete']) {
            const refused = await bulk(operation, ids.length - 1);
            expect(refused.affected).toBe(0);
            expect(refused.results).toMatchObject([
              { id: null, errors: [{ __typename: 'ValidationError', path: ['atMost'] }] },
            ]);
          }
          expect(await readRows(client, writable, ids)).toEqual(before);
        }
        const changed = await bulk('update', ids.length);
        expect(changed.affected).toBe(ids.length);
        expect(changed.results?.map(({ id }) => id)).toEqual(ids);
        for (const { id, row } of changed.results ?? []) {
          const { updatedAt: _, ...same } = before.get(String(id)) as Row;
          expect(row).toMatchObject({ ...same, [field]: value });
        }
        const deleted = await bulk('delete', 100);
        expect(deleted.results?.map(({ id }) => id)).toEqual(ids);
        if (dryRun) expect(await readRows(client, writable, ids)).toEqual(before);
        else {
          expect(deleted.results?.map(({ row }) => row)).toEqual(
            changed.results?.map(({ row }) => row),
          );
          expect(await readRows(client, writable, ids)).toEqual(new Map());
        }
      }
    },
  );
});

describe('visible rows of other people are left out of bulk changes', () => {
  it.each(['UserProfile', 'UserNotification', 'UserAchievement'])('%s', async (name) => {
    const writable = writableOf(name);
    await world.database.query(`update user_achievements set visibility = 'public'`);
    const [field = ''] = writable.updateFields;
    const { value, input } = changeOf(writable, field, 1, world.around);
    const shown = await world.ours.client.data(`{ list: ${writable.root} { nodes { id } } }`);
    const payload = await mutate(world.ours.client, writable, `update${writable.plural}`, {
      filter: { id: { notIn: [] } },
      atMost: 100,
      input,
    });
    const own = await world.database.query<{ id: string }>(
      `select id from ${writable.table} where ${name === 'UserProfile' ? 'id' : 'user_id'} = $1 order by id`,
      [world.ours.ownerId],
    );
    expect(payload.results?.map(({ id, row }) => [id, row?.[field]])).toEqual(
      own.map(({ id }) => [id, value]),
    );
    expect(shown.list.nodes.length).toBeGreaterThanOrEqual(own.length);
  });

  it('shared templates', async () => {
    const writable = writableOf('VisualDesignTemplate');
    const [shared] = await world.database.query<{ id: string }>(
      `insert into visual_design_templates (name) values ('Shared') returning id`,
    );
    const [own] = await world.create(writable);
    const args = { filter: { id: { in: [shared?.id, own] } }, atMost: 2 };
    const client = world.ours.client;
    const changed = await mutate(client, writable, 'updateVisualDesignTemplates', {
      ...args,
      input: { name: 'Changed' },
    });
    expect(changed.results?.map(({ id }) => id)).toEqual([own]);
    const deleted = await mutate(client, writable, 'deleteVisualDesignTemplates', args);
    expect(deleted.results?.map(({ id }) => id)).toEqual([own]);
    expect(await readRows(client, writable, [shared?.id ?? '']).then(({ size }) => size)).toBe(1);
  });
});

describe('bulk mutations have bounds', () => {
  const cohorts = () => writableOf('Cohort');
  it.each([0, -1, 501, 2_147_483_647])('atMost %s', async (atMost) => {
    const payload = await mutate(world.ours.client, cohorts(), 'deleteCohorts', {
      filter: { id: { notIn: [] } },
      atMost,
    });
    expect(payload.results).toMatchObject([
      { errors: [{ __typename: 'ValidationError', path: ['atMost'] }] },
    ]);
  });

  it('501 rows', async () => {
    const inputs = Array.from({ length: 501 }, (_, n) => ({ name: `Cohort ${n}` }));
    const payload = await mutate(world.ours.client, cohorts(), 'createCohorts', { inputs });
    expect(payload.results).toMatchObject([
      { errors: [{ __typename: 'ValidationError', path: ['inputs'] }] },
    ]);
  });

  it('501 rows, with those of relations', async () => {
    const nested = Array.from({ length: 250 }, (_, n) => ({ name: `Quest ${n}` }));
    const campaign = { name: 'Campaign', quests: nested };
    const inputs = [campaign, { name: 'Another', quests: nested.slice(2) }];
    const campaigns = writableOf('Campaign');
    const { client } = world.ours;
    const payload = await mutate(client, campaigns, 'createCampaigns', { inputs, dryRun: true });
    expect(payload).toMatchObject({ affected: 2 });
    const more = await mutate(client, campaigns, 'createCampaigns', {
      inputs: [campaign, campaign],
    });
    expect(more.results).toMatchObject([
      { errors: [{ __typename: 'ValidationError', path: ['inputs'] }] },
    ]);
    const one = await mutate(client, campaigns, 'createCampaign', {
      input: { ...campaign, quests: [...nested, ...nested] },
    });
    expect(one.errors).toMatchObject([
      {
        __typename: 'ValidationError',
        message: expect.stringContaining('those of relations included, not 501'),
        path: ['input'],
      },
    ]);
  });

  it('an empty list', async () => {
    const client = world.ours.client;
    for (const atomic of [true, false]) {
      expect(
        await mutate(client, cohorts(), 'createCohorts', { inputs: [], atomic }),
      ).toMatchObject({
        affected: 0,
        results: [],
      });
    }
    const none = { filter: { id: { in: [] } }, atMost: 1 };
    expect((await mutate(client, cohorts(), 'deleteCohorts', none)).results).toEqual([]);
  });

  it('rows that other rows refer to', async () => {
    const [move] = world.ours.rows.get('moves') ?? [];
    const payload = await mutate(world.ours.client, cohorts(), 'deleteCohorts', {
      filter: { id: { in: [move?.primary_icp_id] } },
      atMost: 1,
    });
    expect(payload.results?.[0]?.errors).toEqual([
      {
        __typename: 'ConflictError',
        message: 'The Cohort is still used by a Move.',
        path: ['filter'],
      },
    ]);
  });
});
