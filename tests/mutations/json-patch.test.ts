import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Client, openApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { race, rounds } from '../support/race.ts';
import { createTenant, insert } from '../support/tenant.ts';
import { mutate, tryMutation } from './mutate.ts';
import { writableOf } from './writable.ts';

let database: TestDatabase;
let api: Api;
let owner: Client;
let campaign: string;
const campaigns = writableOf('Campaign');

beforeAll(async () => {
  database = await createTestDatabase();
  const tenant = await createTenant(database);
  campaign = await insert(database, 'campaigns', {
    workspace_id: tenant.workspaceId,
    name: 'Campaign',
  });
  api = await openApi(database, 10);
  owner = await api.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

type Operation = { path: string[]; set?: unknown; remove?: boolean };

async function store(value: unknown): Promise<void> {
  await database.query('update campaigns set resource_allocation = $2 where id = $1', [
    campaign,
    value === undefined ? null : JSON.stringify(value),
  ]);
}

async function stored(): Promise<unknown> {
  const [row] = await database.query('select resource_allocation as value from campaigns');
  return row?.value;
}

const patch = (...operations: Operation[]) =>
  mutate(owner, campaigns, 'updateCampaign', {
    id: campaign,
    input: { resourceAllocation: { patch: operations } },
  });

const set = (path: string, value: unknown): Operation => ({ path: path.split('.'), set: value });
const remove = (path: string): Operation => ({ path: path.split('.'), remove: true });

describe('a patch changes parts of the stored value', () => {
  const before = { people: { lead: 'Asha', count: 2 }, tools: ['a', 'b'], note: null };
  it.each<[string, unknown, Operation[], unknown]>([
    [
      'sets',
      before,
      [set('people.lead', 'Ravi')],
      { ...before, people: { lead: 'Ravi', count: 2 } },
    ],
    ['sets to null', before, [set('people', null)], { ...before, people: null }],
    ['adds', before, [set('days', 3.5)], { ...before, days: 3.5 }],
    ['removes', before, [remove('people.lead')], { ...before, people: { count: 2 } }],
    ['removes what is not there', before, [remove('x.y'), remove('people.lead.x')], before],
    ['makes missing parents', before, [set('x.y.z', [1])], { ...before, x: { y: { z: [1] } } }],
    [
      'puts an object in the place of null',
      before,
      [set('note.a', 1)],
      { ...before, note: { a: 1 } },
    ],
    ['begins with nothing', undefined, [set('a.b', true)], { a: { b: true } }],
    ['removes from nothing', undefined, [remove('a.b')], null],
    ['changes an item', before, [set('tools.1', 'c')], { ...before, tools: ['a', 'c'] }],
    ['appends an item', before, [set('tools.2', 'c')], { ...before, tools: ['a', 'b', 'c'] }],
    [
      'appends an object',
      before,
      [set('tools.2.x', 1)],
      { ...before, tools: ['a', 'b', { x: 1 }] },
    ],
    ['removes an item', before, [remove('tools.0')], { ...before, tools: ['b'] }],
    ['removes no item', before, [remove('tools.9'), remove('tools.-1'), remove('tools.x')], before],
    ['reaches into the items of a list', [[1], [2]], [set('1.0', 5)], [[1], [5]]],
    [
      'takes keys that look like anything',
      {},
      [set('{a,"b"}', 1), set('-1', 2)],
      { '{a,"b"}': 1, '-1': 2 },
    ],
    ['works in order', {}, [set('a', 1), set('b', 2), remove('a'), set('b', 3)], { b: 3 }],
  ])('%s', async (_, value, operations, expected) => {
    await store(value);
    const payload = await patch(...operations);
    expect(payload.errors).toEqual([]);
    expect(payload.row?.resourceAllocation).toEqual(expected);
    expect(await stored()).toEqual(expected);
  });
});

describe('an invalid patch is refused as a whole', () => {
  const before = { list: [1, 2], text: 'a' };

  it('too many operations', async () => {
    await store(before);
    const operations = Array.from({ length: 1_001 }, () => set('a', 1));
    const { errors } = await tryMutation(owner, campaigns, 'updateCampaign', {
      id: campaign,
      input: { resourceAllocation: { patch: operations } },
    });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: expect.stringMatching(/resourceAllocation\.patch$/),
    });
    expect(await stored()).toEqual(before);
  });

  it.each<[string, Operation[], RegExp, string[]]>([
    ['a position beyond the end', [set('list.3', 1)], /no position "3"/, []],
    ['an invalid position', [set('list.x', 1)], /no position "x"/, []],
    ['a negative position', [set('list.-1', 1)], /no position "-1"/, []],
    ['a key of a text', [set('text.a', 1)], /nothing to hold "a"/, []],
    ['no step', [{ path: [], set: 1 }], /1 to 50 steps/, ['patch', '0']],
    ['both', [{ path: ['a'], set: 1, remove: true }], /either "set" or/, ['patch', '0']],
    ['neither', [set('a', 1), { path: ['a'] }], /either "set" or/, ['patch', '1']],
    ['an invalid character', [set('a', 'b\0')], /U\+0000/, ['patch', '0']],
    ['a step with it', [set('a\0', 'b')], /U\+0000/, ['patch', '0']],
  ])('%s', async (_, operations, message, at) => {
    await store(before);
    const payload = await patch(set('good', 1), ...operations);
    const shifted = at.map((step) => (/\d/.test(step) ? String(Number(step) + 1) : step));
    expect(payload).toMatchObject({
      id: null,
      errors: [
        {
          __typename: 'ValidationError',
          message: expect.stringMatching(message),
          path: ['input', 'resourceAllocation', ...shifted],
        },
      ],
    });
    expect(await stored()).toEqual(before);
  });
});

it('a value is replaced as a whole', async () => {
  await store({ a: 1 });
  const payload = await mutate(owner, campaigns, 'updateCampaign', {
    id: campaign,
    input: { resourceAllocation: { replace: ['new'] } },
  });
  expect(payload.row?.resourceAllocation).toEqual(['new']);
});

it('a bulk patch changes the stored value of each row', async () => {
  await store({ a: 1 });
  const payload = await mutate(owner, campaigns, 'updateCampaigns', {
    filter: { id: { in: [campaign] } },
    atMost: 1,
    input: { resourceAllocation: { patch: [set('b', 2)] }, name: 'Patched' },
  });
  expect(payload.results?.map(({ row }) => [row?.name, row?.resourceAllocation])).toEqual([
    ['Patched', { a: 1, b: 2 }],
  ]);
});

it('concurrent patches of different paths all take effect', async () => {
  await rounds(async () => {
    await store({});
    const payload = await race((caller) => patch(set(`of.caller${caller}`, caller)));
    expect(payload.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await stored()).toEqual({
      of: Object.fromEntries(payload.map((_, caller) => [`caller${caller}`, caller])),
    });
  });
});
