import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalog } from '../../src/generated/catalog.ts';
import { type LiveApi, openLiveApi } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { listen, listening, TRANSPORTS } from '../support/subscribe.ts';
import { type Case, cases, named, sqlName } from './cases.ts';
import { createWorld, type World } from './world.ts';

/** Numbers that JavaScript would print with other digits, and a string that looks like one. */
const ODD = `{
  "big": 12345678901234567890, "id": 750727362669608961, "money": 1.10, "whole": 1.0, "less": -0.50,
  "tiny": 0.00000012345678901234567890, "huge": 100000000000000000000000, "safe": 9007199254740991,
  "list": [1.10, [2.00, {"__proto__": {"deep": 9007199254740993}}], 3], "text": "12345678901234567890"
}`;
/** The same for columns whose numbers must add up to 1. */
const SHARES = '{"one": 0.50, "two": 0.500000000000000000001, "__proto__": 0.000}';
const CHECKED = ['decision_criteria', 'journey_distribution'];

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
  for (const { table, name } of withJson) {
    const values = jsonOf(name).map((column) => {
      const c = sqlName(name, column);
      return `${c} = '${CHECKED.some((shares) => c === `"${shares}"`) ? SHARES : ODD}'`;
    });
    await world.database.query(`update ${table} set ${values.join(', ')}`);
  }
});
afterAll(() => world?.close());

const jsonOf = (model: string) =>
  (cases.find(({ name }) => name === model)?.columns ?? [])
    .filter(([, { type }]) => type === 'Json')
    .map(([column]) => column);
const withJson = cases.filter(({ name }) => jsonOf(name).length > 0);

/** The JSON without the spaces that Postgres writes between the parts. */
const compact = (json: string) => json.replaceAll(': ', ':').replaceAll(', ', ',');

/** The JSON columns of a row, as the answer must contain them. */
async function written({ name, table }: Case, where = ''): Promise<string> {
  const columns = jsonOf(name).map((column) => `${sqlName(name, column)}::text as "${column}"`);
  const [row] = await world.database.query<Record<string, string>>(
    `select ${columns.join(', ')} from ${table} ${where} limit 1`,
  );
  return Object.entries(row ?? {})
    .map(([column, json]) => `"${column}":${compact(json)}`)
    .join(',');
}

/** Sends a document whose answer must contain the text. */
async function expectText(document: string, text: string) {
  const answer = await world.ours.client.ask(document);
  expect(answer.errors).toBeUndefined();
  expect(compact(answer.text)).toContain(`{${text}}`);
  expect(answer.text).not.toContain('\\u0000');
}

describe('numbers in JSON keep their digits', () => {
  it.each(named(withJson))('%s in its list, its look-up and as a node', async (name, shown) => {
    const text = await written(shown);
    expect(text).toMatch(/12345678901234567890|0\.500000000000000000001/);
    const columns = jsonOf(name).join(' ');
    const { root, lookup } = shown;
    await expectText(
      `{ list: ${root} { nodes { ${columns} } edges { node { ${columns} } } } }`,
      text,
    );
    const { list } = await world.ours.client.data(`{ list: ${root} { nodes { id nodeId } } }`);
    const [{ id, nodeId }] = list.nodes;
    await expectText(`{ ${lookup}(id: "${id}") { ${columns} } }`, text);
    await expectText(`{ node(nodeId: "${nodeId}") { ... on ${name} { ${columns} } } }`, text);
  });

  const related = cases.flatMap((from) =>
    [...from.one, ...from.many]
      // There is one row of each table, so it is related to no other row of its table.
      .filter(([, { to }]) => jsonOf(to).length > 0 && to !== from.name)
      .map(([field, relation]): [string, Case, string, string, boolean] => [
        `${from.name}.${field}`,
        from,
        field,
        relation.to,
        relation.isList,
      ]),
  );
  it.each(related)('%s as a relation', async (_, { root }, field, to, isList) => {
    const target = cases.find(({ name }) => name === to) as Case;
    const columns = jsonOf(to).join(' ');
    const selection = isList ? `{ nodes { ${columns} } }` : `{ ${columns} }`;
    const answer = await world.ours.client.ask(`{ ${root} { nodes { ${field} ${selection} } } }`);
    expect(answer.errors).toBeUndefined();
    expect(compact(answer.text)).toContain(`{${await written(target)}}`);
    expect(answer.text).not.toContain('\\u0000');
  });
});

it('no column is a list of JSON, in which numbers would lose digits', () => {
  const lists = Object.values(catalog.models).flatMap(({ table, columns }) =>
    Object.entries(columns)
      .filter(([, { type, isList }]) => isList && type === 'Json')
      .map(([name]) => `${table}.${name}`),
  );
  expect(lists).toEqual([]);
});

describe('numbers in histories keep their digits', () => {
  it('in columns other than JSON', async () => {
    await world.database.query(
      `update campaigns set budget_allocation = 12345678901234567890.10, total_reach = 9007199254740993`,
    );
    const answer = await world.ours.client.ask(
      '{ campaigns { nodes { history(first: 1) { nodes { after } } } } }',
    );
    expect(answer.text).toContain('"budgetAllocation":12345678901234567890.10');
    expect(answer.text).toContain('"totalReach":9007199254740993');
  });
});

describe('numbers in the answer to a write keep their digits', () => {
  const read = 'campaign { resourceAllocation } errors { message }';
  const idOf = () => String(world.ours.rows.get('campaigns')?.[0]?.id);
  const update = (dryRun: boolean, change: string) =>
    `mutation { updateCampaign(id: "${idOf()}", dryRun: ${dryRun}, input: { ${change} }) { ${read} } }`;

  it.each([true, false])(
    'in the unchanged parts of a patched value, dry run: %s',
    async (dryRun) => {
      const change = 'resourceAllocation: { patch: [{ path: ["big"], set: 7 }] }';
      const expected = compact(ODD.replace(/\s+/g, ' ')).replace('12345678901234567890', '7');
      const answer = await world.ours.client.ask(update(dryRun, change));
      for (const part of expected.matchAll(/"\w+":-?[\d.]+(?=,)/g)) {
        expect(answer.text).toContain(part[0]);
      }
    },
  );

  it('when the mutation is sent again with its idempotency key', async () => {
    const key = randomUUID();
    const ask = () => world.ours.client.ask(update(false, 'description: "x"'), {}, key);
    const first = await ask();
    expect(first.text).toContain('750727362669608961');
    expect((await ask()).text).toBe(first.text);
  });
});

describe('numbers in events keep their digits', () => {
  let api: LiveApi;
  beforeAll(async () => {
    api = await openLiveApi(world.database);
  });
  afterAll(() => api?.close());

  it.each(TRANSPORTS)('over %s, in whole results and in patches', async (transport) => {
    const client = await api.as(world.ours.ownerId, world.ours.workspaceId);
    const listener = listen(api.url, client, transport);
    const [id] = (world.ours.rows.get('campaigns') ?? []).map((row) => row.id);
    const live = `campaign(id: "${id}") { resourceAllocation }`;
    listener.subscribe('subscription { campaignChanged { node { resourceAllocation } } }');
    listener.subscribe(`query @live { ${live} }`);
    listener.subscribe(`query @live(patch: true) { ${live} }`);
    await listening(api, 3);
    const [big, next] = [0, 4].map(
      (n) => `1234567890123456789${n + TRANSPORTS.indexOf(transport)}`,
    ) as [string, string];
    const json = `{"odd": [1.10, ${big}, 0.30]}`;
    // The second live query gets patches after its first result.
    await eventually(() =>
      listener.raw().match(/"campaign":\{"resourceAllocation":/g),
    ).toHaveLength(2);
    await world.database.query('update campaigns set resource_allocation = $1 where id = $2', [
      json,
      id,
    ]);
    await expect
      .poll(() => listener.raw())
      .toContain(`{"node":{"resourceAllocation":${compact(json)}}}`);
    await expect
      .poll(() => listener.raw())
      .toContain(`{"campaign":{"resourceAllocation":${compact(json)}}}`);
    await expect.poll(() => listener.raw()).toMatch(new RegExp(`"patch":.*${big}`));
    // In JavaScript, the next value is equal to the last one.
    await world.database.query('update campaigns set resource_allocation = $1 where id = $2', [
      json.replace(big, next),
      id,
    ]);
    await expect.poll(() => listener.raw()).toContain(`"value":${next}}`);
    expect(listener.raw()).not.toContain('\\u0000');
    listener.close();
    await listening(api, 0);
  });
});
