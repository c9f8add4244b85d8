import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
});
afterAll(() => world?.close());

/** JSON with members that mean something special to JavaScript or Prisma. */
const MEMBERS = [
  '{"__proto__": {"a": 1}}',
  '{"__proto__": null, "constructor": {"prototype": {"a": 1}}}',
  '{"a": [{"__proto__": [1, {"__proto__": "x"}]}]}',
  '{"$type": "Json", "value": "{\\"a\\": 1}"}',
  '{"$type": "Raw", "value": 1}',
  '{"$type": ["DateTime"]}',
  '{"a": {"$type": "DateTime", "value": "never"}}',
  '{"prisma__type": "param", "prisma__value": {"name": "%1", "type": "String"}}',
  '{"prisma__type": "generatorCall", "prisma__value": {"name": "uuid", "args": [4]}}',
  '{"__prismaRawParameters__": true, "values": "[1]"}',
  '{"toJSON": "x", "toString": 1, "valueOf": null, "hasOwnProperty": false}',
  '{"d": [1], "e": 0, "s": 1, "toFixed": "x"}',
  '{"set": {"a": 1}}',
  '{"_ref": "name", "_container": "Campaign"}',
  '{"": {"": ""}, " ": 1, "a.b": 2, "ключ": "значение"}',
  '[{"__proto__": 1}, [], {}]',
];

/** Sends a document with variables as a JSON text. */
async function ask(document: string, variables: string) {
  const { api, ours } = world;
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { ...ours.client.headers, 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(document)},"variables":${variables}}`,
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text);
  if (errors) throw new Error(text);
  return { data, text };
}

async function stored(id: unknown) {
  const [row] = await world.database.query<{ same: boolean; json: string }>(
    'select resource_allocation::text as json from campaigns where id = $1',
    [id],
  );
  return row?.json;
}

/** The JSON as Postgres writes it. */
async function normalized(json: string) {
  const [row] = await world.database.query<{ json: string }>('select $1::jsonb::text as json', [
    json,
  ]);
  return row?.json;
}

const compact = (json = '') => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
const read = 'id campaign { resourceAllocation } errors { message }';
const campaign = () => String(world.ours.rows.get('campaigns')?.[0]?.id);

describe('all members of a JSON value are kept', () => {
  it.each(MEMBERS)('%s in a new row and in the answer', async (json) => {
    const { data, text } = await ask(
      `mutation($v: JSON!) { createCampaign(input: { name: "a", resourceAllocation: $v }) { ${read} } }`,
      `{"v":${json}}`,
    );
    const { id, errors } = data.createCampaign;
    expect(errors).toEqual([]);
    expect(await stored(id)).toBe(await normalized(json));
    expect(compact(text)).toContain(`"resourceAllocation":${compact(await normalized(json))}`);
  });

  it.each(MEMBERS)('%s as the new value of a column', async (json) => {
    const { data } = await ask(
      `mutation($v: JSON!, $id: UUID!) { updateCampaign(id: $id, input: { resourceAllocation: { replace: $v } }) { ${read} } }`,
      `{"v":${json},"id":"${campaign()}"}`,
    );
    expect(data.updateCampaign.errors).toEqual([]);
    expect(await stored(campaign())).toBe(await normalized(json));
  });

  it.each(MEMBERS)('%s in a patch', async (json) => {
    await world.database.query(`update campaigns set resource_allocation = '{}'`);
    const { data } = await ask(
      `mutation($v: JSON!, $id: UUID!) { updateCampaign(id: $id, input: { resourceAllocation: { patch: [{ path: ["__proto__", "x"], set: $v }] } }) { ${read} } }`,
      `{"v":${json},"id":"${campaign()}"}`,
    );
    expect(data.updateCampaign.errors).toEqual([]);
    expect(await stored(campaign())).toBe(await normalized(`{"__proto__": {"x": ${json}}}`));
  });

  it.each(MEMBERS)('%s as an argument of a function', async (json) => {
    const { data, text } = await ask(
      `mutation($v: JSON!, $id: UUID!) { logMove(moveId: $id, date: "2026-05-05", actionsCompleted: 1, metrics: $v) { id moveLog { metricsSnapshot } errors { message } } }`,
      `{"v":${json},"id":"${world.ours.rows.get('moves')?.[0]?.id}"}`,
    );
    expect(data.logMove.errors).toEqual([]);
    expect(text).toContain(`"metricsSnapshot":${compact(await normalized(json))}`);
  });

  it.each(MEMBERS)('%s in filters', async (json) => {
    await world.database.query('update campaigns set resource_allocation = $1', [json]);
    const { data } = await ask(
      `query($v: JSON!) {
        equal: campaigns(filter: { resourceAllocation: { equals: $v } }) { totalCount }
        other: campaigns(filter: { resourceAllocation: { not: $v } }) { totalCount }
      }`,
      `{"v":${json}}`,
    );
    expect(data.equal.totalCount).toBeGreaterThan(0);
    expect(data.other.totalCount).toBe(0);
  });

  it('in a literal in the document, with variables inside of it', async () => {
    const { data } = await ask(
      `mutation($v: JSON!, $none: Int) {
        createCampaign(input: { name: "b", resourceAllocation: {
          __proto__: { a: 1, __proto__: $v, none: $none }, constructor: [$v], b: null
        } }) { ${read} }
      }`,
      '{"v":{"__proto__":2}}',
    );
    expect(await stored(data.createCampaign.id)).toBe(
      await normalized(
        '{"__proto__": {"a": 1, "__proto__": {"__proto__": 2}}, "constructor": [{"__proto__": 2}], "b": null}',
      ),
    );
  });
});

describe('a value that JSON does not have is refused', () => {
  it.each([
    [
      'an enum value',
      'query { campaigns(filter: { resourceAllocation: { equals: { a: NAME } } }) { totalCount } }',
      '{}',
    ],
    [
      'a BigInt',
      'query($v: BigInt!) { campaigns(filter: { resourceAllocation: { equals: { a: [$v] } } }) { totalCount } }',
      '{"v":"42"}',
    ],
    [
      'a DateTime',
      'query($v: DateTime!) { campaigns(filter: { resourceAllocation: { equals: { a: $v } } }) { totalCount } }',
      '{"v":"2026-01-01T00:00:00Z"}',
    ],
  ])('%s', async (_, document, variables) => {
    await expect(ask(document, variables)).rejects.toThrow(/BAD_USER_INPUT/);
  });
});
