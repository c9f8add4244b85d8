import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../support/rows.ts';
import { type Call, done, mutate, mutateAll, readRows } from './mutate.ts';
import { sampleOf, sampleRow } from './samples.ts';
import { createWritingWorld, type WritingWorld } from './world.ts';
import { columnOf, named, SINGLE, writables, writing } from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

const asRead = (row: Row | null | undefined, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row?.[name]]));

/** Everything in the database that a write may change. */
async function footprint(table: string): Promise<Row | undefined> {
  const [row] = await world.database.query(
    `select (select md5(string_agg(t::text, '' order by t::text)) from ${table} as t) as rows,
            (select max(id) from gateway.audit_log) as log`,
  );
  return row;
}

describe('a dry run returns the result, and changes nothing', () => {
  it.each(named(writables))('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const id = await world.some(writable);
    await world.clear(writable);
    const [again] = writable.operations.includes('create') ? await world.create(writable) : [id];
    const before = await footprint(writable.table);
    const [field = ''] = writable.updateFields;
    const value = sampleOf(writable, field, 1, world.around);
    const change = columnOf(writable, field).type === 'Json' ? { replace: value } : value;
    const input = { [field]: change };
    if (writable.operations.includes('create') && !SINGLE.includes(name)) {
      const row = sampleRow(writable, writable.createFields, 1, world.around);
      const payload = await mutate(client, writable, `create${name}`, { input: row, dryRun: true });
      done(payload);
      expect(asRead(payload.row, writable.createFields)).toEqual(row);
    }
    const changed = await mutate(client, writable, `update${name}`, {
      id: again,
      input,
      dryRun: true,
    });
    done(changed);
    expect(changed.row?.[field]).toEqual(value);
    if (writable.operations.includes('delete') && name !== 'Workspace') {
      done(await mutate(client, writable, `delete${name}`, { id: again, dryRun: true }));
    }
    expect(await footprint(writable.table)).toEqual(before);
  });
});

describe('a change with an outdated ifUnmodifiedSince is a conflict', () => {
  const versioned = writing('update').filter(([, { columns }]) =>
    columns.some(([column]) => column === 'updatedAt'),
  );
  it.each(versioned)('%s', async (name, writable) => {
    const client = world.writerOf(writable);
    const id = await world.some(writable);
    const [field = ''] = writable.updateFields;
    const value = (n: number) => {
      const sample = sampleOf(writable, field, n, world.around);
      return columnOf(writable, field).type === 'Json' ? { replace: sample } : sample;
    };
    const update = (n: number, ifUnmodifiedSince?: unknown): Call => [
      `update${name}`,
      { id, input: { [field]: value(n) }, ifUnmodifiedSince },
    ];
    const [first] = await mutateAll(client, writable, [update(0)]);
    const seen = first?.row?.updatedAt;
    const [won, lost] = await mutateAll(client, writable, [update(1, seen), update(0, seen)]);
    done(won);
    expect(lost).toMatchObject({
      id: null,
      errors: [{ __typename: 'ConflictError', path: ['ifUnmodifiedSince'] }],
    });
    expect((await readRows(client, writable, [id])).get(id)).toEqual(won?.row);
    if (!writable.operations.includes('delete') || name === 'Workspace') return;
    const [kept, gone] = await mutateAll(client, writable, [
      [`delete${name}`, { id, ifUnmodifiedSince: seen }],
      [`delete${name}`, { id, ifUnmodifiedSince: won?.row?.updatedAt }],
    ]);
    expect(kept?.errors).toMatchObject([{ __typename: 'ConflictError' }]);
    done(gone);
  });
});

describe('a missing row is not found', () => {
  it.each(writing('update'))('%s', async (name, writable) => {
    const payload = await mutate(world.writerOf(writable), writable, `update${name}`, {
      id: randomUUID(),
      input: {},
    });
    expect(payload.errors).toMatchObject([{ __typename: 'NotFoundError', path: ['id'] }]);
  });
});

it('several mutations in a document run in order, in separate transactions', async () => {
  const { data, errors } = await world.ours.client.ask(`mutation {
    first: createCampaign(input: { name: "First" }) { campaign { name } errors { message } }
    refused: createCampaign(input: { name: "Refused", positioningId: "${randomUUID()}" }) { id errors { path } }
    failed: upsertAgentDebate(key: {}, create: { debateId: "d", topic: "Failed" }, update: {}) { id }
    last: createCampaign(input: { name: "Last" }) { campaign { name } }
  }`);
  expect(data).toEqual({
    first: { campaign: { name: 'First' }, errors: [] },
    refused: { id: null, errors: [{ path: ['input', 'positioningId'] }] },
    failed: null,
    last: { campaign: { name: 'Last' } },
  });
  expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
    [['failed'], 'BAD_USER_INPUT'],
  ]);
  const names = ['First', 'Refused', 'Failed', 'Last'];
  const kept = await world.database.query(
    'select name from campaigns where name = any ($1) order by created_at',
    [names],
  );
  expect(kept).toEqual([{ name: 'First' }, { name: 'Last' }]);
});
