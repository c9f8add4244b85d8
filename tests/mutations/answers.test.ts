import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import type { Data } from '../support/data.ts';
import type { Row } from '../support/rows.ts';
import {
  callsAtOnce,
  costlySelections,
  expectTransactions,
  readAs,
  rehearseAndDo,
  resultsOf,
  withoutIds,
} from './answers.ts';
import { FUNCTION_CALLS } from './function-calls.ts';
import { type Call, documentOf } from './mutate.ts';
import { changeOf, sampleRow } from './samples.ts';
import { CROWDED, createWritingWorld, type WritingWorld } from './world.ts';

import {
  childrenFirst,
  columnOf,
  mutationFields,
  named,
  SINGLE,
  type Writable,
  writableOf,
  writables,
} from './writable.ts';

let world: WritingWorld;
beforeAll(async () => {
  world = await createWritingWorld();
});
afterAll(() => world?.close());

/** Up to three rows that the writer may change, those of the world first: other rows refer to them. */
async function someRows(writable: Writable): Promise<string[]> {
  const { table, operations, isShared } = writable;
  if (!operations.includes('create')) return [await world.some(writable)];
  const { rows, ownerId } = world.ours;
  const planted = (isShared ? [] : (rows.get(table) ?? [])).filter(
    (row) => row.user_id === undefined || row.user_id === ownerId,
  );
  const found = await world.database.query<{ id: string }>(
    `select id from ${table} where id::text = any ($1) order by id limit 3`,
    [planted.map(({ id }) => id)],
  );
  return found.length > 0 ? found.map(({ id }) => id) : world.create(writable);
}

interface Calls {
  changing: Call[];
  creating: Call[];
  /** Whether no two calls are about the same row. */
  areApart: boolean;
}

/** Calls that change rows, and calls that create rows. */
async function callsOf(writable: Writable): Promise<Calls> {
  const { name, plural, operations, createFields, updateFields, keyFields } = writable;
  const inputs = [0, 1, 2].map((n) => sampleRow(writable, createFields, n, world.around));
  // Another row may refer to the same row already.
  const references = Object.values(catalog.models[name]?.relations ?? {}).flatMap(
    ({ columns }) => columns,
  );
  const changed = updateFields
    .filter((field) => ![writable.status, ...references, ...keyFields].includes(field))
    .slice(0, 3);
  const changes = [0, 1, 2].map((n) => {
    const each = changed.map((field) => changeOf(writable, field, n, world.around).input);
    return Object.assign({}, ...each) as Row;
  });
  const ids = await someRows(writable);
  const [one, other = one, third = one] = ids;
  const changing: Call[] = [
    [`update${name}`, { id: one, input: changes[1] }],
    [`update${plural}`, { filter: { id: { in: [other] } }, atMost: 1, input: changes[2] }],
  ];
  if (operations.includes('upsert')) {
    const [found] = await world.database.query<{ row: Row }>(
      `select to_jsonb(t) as row from ${writable.table} as t where id::text = $1`,
      [third],
    );
    const key = Object.fromEntries(
      keyFields.map((field) => [field, found?.row[columnOf(writable, field).column]]),
    );
    changing.push([`upsert${name}`, { key, create: inputs[0], update: changes[0] }]);
  }
  const areApart = ids.length === 3 && !CROWDED.includes(name);
  if (!operations.includes('create')) return { changing, creating: [], areApart };
  const several = SINGLE.includes(name) ? inputs.slice(0, 1) : inputs.slice(1);
  const creating: Call[] = [
    [`create${name}`, { input: inputs[0] }],
    [`create${plural}`, { inputs: several }],
  ];
  return { changing, creating, areApart };
}

const idsOf = (payload: Data) => resultsOf(payload).map(({ id }) => id as string);
const rowsOf = (payload: Data, { lookup }: Writable) =>
  resultsOf(payload).map((result) => result[lookup]);
const errorsOf = (payload: Data) => resultsOf(payload).flatMap(({ errors }) => errors);

/** Calls mutations as dry runs and then really, all in transactions; returns the answers of the second calls. */
async function perform(writable: Writable, calls: Call[], selection: string): Promise<Data[]> {
  world.api.statements();
  const payloads = await rehearseAndDo(world.writerOf(writable), writable, calls, selection);
  expectTransactions(world.api.statements(), calls.length);
  for (const [dry, real] of payloads) expect(withoutIds(dry)).toEqual(withoutIds(real));
  return payloads.map(([, real]) => real);
}

const read = (writable: Writable, ids: string[], selection: string) =>
  readAs(world.writerOf(writable), writable.lookup, ids, selection);

it('every mutation is tested', () => {
  const tried = writables.flatMap(({ name, plural, operations }) =>
    operations.flatMap((each) =>
      each === 'upsert' ? [each + name] : [each + name, each + plural],
    ),
  );
  expect([...tried, ...Object.keys(FUNCTION_CALLS)].sort()).toEqual(
    Object.keys(mutationFields).sort(),
  );
});

describe('a write and its dry run have the same answer as a query after it', () => {
  it.each(named(writables))('%s', async (name, writable) => {
    const { changing, creating, areApart } = await callsOf(writable);
    for (const selection of costlySelections(name)) {
      const atOnce = areApart ? callsAtOnce(selection) : 1;
      for (const calls of [changing, creating]) {
        for (let i = 0; i < calls.length; i += atOnce) {
          if (calls === creating) await world.clear(writable);
          const payloads = await perform(writable, calls.slice(i, i + atOnce), selection);
          expect(payloads.flatMap(errorsOf)).toEqual([]);
          const answered = payloads.flatMap((payload) => rowsOf(payload, writable));
          expect(answered).toEqual(await read(writable, payloads.flatMap(idsOf), selection));
        }
      }
    }
  });
});

describe('an answer that cannot be read rolls the write back, with a message', () => {
  beforeAll(() => world.database.query('revoke select on gateway.audit_log from authenticated'));
  afterAll(() => world.database.query('grant select on gateway.audit_log to authenticated'));

  it.each(named(writables))('%s', async (name, writable) => {
    const { table, plural, operations } = writable;
    const { changing, creating } = await callsOf(writable);
    const id = changing[0]?.[1].id as string;
    const deleting: Call[] = [
      [`delete${name}`, { id }],
      [`delete${plural}`, { filter: { id: { in: [id] } }, atMost: 1 }],
    ];
    const fingerprint = () =>
      world.database.query(`select md5(string_agg(t::text, '' order by id)) from ${table} as t`);
    const fail = async (calls: Call[]) => {
      const before = await fingerprint();
      const { query, variables } = documentOf(writable, calls, 'history { nodes { operation } }');
      const answer = await world.writerOf(writable).ask(query, variables);
      expect(answer.data).toEqual(Object.fromEntries(calls.map((_, i) => [`a${i}`, null])));
      const errors = answer.errors?.map(({ message, path, extensions }) => ({
        at: path?.[0],
        isSaid: message.endsWith('nothing was changed.'),
        extensions,
      }));
      const error = { isSaid: true, extensions: { code: 'FORBIDDEN' } };
      expect(errors).toEqual(calls.map((_, i) => ({ at: `a${i}`, ...error })));
      expect(await fingerprint()).toEqual(before);
    };
    await fail(operations.includes('delete') ? [...changing, ...deleting] : changing);
    await world.clear(writable);
    if (creating.length > 0) await fail(creating);
  });
});

describe('a deletion and its dry run have the same answer as a query before it', () => {
  const deletable = childrenFirst(writables).filter(
    ({ name, operations }) => operations.includes('delete') && name !== 'Workspace',
  );
  it.each(named(deletable))('%s', async (name, writable) => {
    const { lookup, plural, root } = writable;
    const [selection = ''] = costlySelections(name);
    for (const isBulk of [false, true]) {
      const { newest, oldest } = await world
        .writerOf(writable)
        .data(
          `{ newest: ${root}(first: 1) { nodes { id } } oldest: ${root}(last: 1) { nodes { id } } }`,
        );
      const [row] = (isBulk ? oldest : newest).nodes;
      const id = row?.id ?? (await world.create(writable))[0];
      const before = await read(writable, [id], selection);
      const [done] = await perform(
        writable,
        [
          isBulk
            ? [`delete${plural}`, { filter: { id: { in: [id] } }, atMost: 1 }]
            : [`delete${name}`, { id }],
        ],
        selection,
      );
      const isRefused = errorsOf(done).length > 0;
      expect(resultsOf(done)[0]?.[lookup]).toEqual(isRefused ? null : before[0]);
      expect(await read(writable, [id], selection)).toEqual(isRefused ? before : [null]);
    }
  });

  it('Workspace, with all other rows', async () => {
    const { client, workspaceId: id } = world.ours;
    const writable = writableOf('Workspace');
    const answer = async (dryRun: boolean, selection: string) => {
      const call: Call = ['deleteWorkspace', { id, dryRun }];
      const { query, variables } = documentOf(writable, [call], selection);
      return (await client.data(query, variables)).a0;
    };
    const selections = costlySelections('Workspace');
    const before = [];
    for (const selection of selections) {
      before.push(...(await read(writable, [id], selection)));
      expect(await answer(true, selection)).toEqual({ id, workspace: before.at(-1), errors: [] });
    }
    const done = await answer(false, selections[0] ?? '');
    expect(done).toEqual({ id, workspace: before[0], errors: [] });
    expect(await world.database.query('select from workspaces where id = $1', [id])).toEqual([]);
  });
});
