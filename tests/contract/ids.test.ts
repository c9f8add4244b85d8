import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll } from './batch.ts';
import { type Case, cases, named } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 2, gaps: false });
});
afterAll(() => world?.close());

const nodeId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString('base64');
const isUuid = ({ columns }: Case) =>
  columns.some(([name, { nativeType }]) => name === 'id' && nativeType === 'Uuid');

async function idOf({ table }: Case): Promise<string> {
  const [row] = await world.readAsClient<{ id: string }>(`select id from ${table} limit 1`);
  if (!row) throw new Error(`The person sees no row of ${table}`);
  return row.id;
}

describe('node and nodes return the same row as the look-up, in upper and lower case', () => {
  it.each(named(cases))('%s', async (name, shown) => {
    const id = await idOf(shown);
    const written = isUuid(shown) ? [id, id.toUpperCase()] : [id];
    for (const text of written) {
      const results = await askAll(world.client, [
        { field: `${shown.lookup}(id: "${text}") { id nodeId }` },
        { field: `node(nodeId: "${nodeId(name, text)}") { nodeId ... on ${name} { id } }` },
        { field: `nodes(nodeIds: ["${nodeId(name, text)}"]) { nodeId ... on ${name} { id } }` },
      ]);
      const row = { id, nodeId: nodeId(name, id) };
      expect(results).toEqual([{ data: row }, { data: row }, { data: [row] }]);
    }
  });
});

describe('an invalid node id is refused', () => {
  it.each(named(cases))('%s', async (name, shown) => {
    const wrong = isUuid(shown)
      ? ['', 'x', `${await idOf(shown)}}`, ` ${await idOf(shown)}`, '\0', '1e999999999']
      : ['\0', 'a\0b', `${await idOf(shown)}\0`];
    const results = await askAll(
      world.client,
      wrong.flatMap((id) => [
        { field: `node(nodeId: "${nodeId(name, id)}") { nodeId }` },
        { field: `nodes(nodeIds: ["${nodeId(name, id)}"]) { nodeId }` },
      ]),
    );
    expect(results.map(({ error }) => error?.extensions)).toEqual(
      wrong.flatMap(() => [
        { code: 'BAD_USER_INPUT', argument: 'nodeId' },
        { code: 'BAD_USER_INPUT', argument: 'nodeIds[0]' },
      ]),
    );
  });

  it.each(['__proto__', 'constructor', 'toString', 'AuthUser', 'Query', 'Campaigns', ''])(
    'of the type "%s"',
    async (type) => {
      const id = await idOf(cases.find(({ name }) => name === 'Campaign') as Case);
      const { errors } = await world.client.ask(
        `{ node(nodeId: "${nodeId(type, id)}") { nodeId } }`,
      );
      expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'nodeId' });
    },
  );
});

describe('a text id with U+0000 is refused', () => {
  it.each(named(cases.filter((shown) => !isUuid(shown))))('%s', async (_, { lookup }) => {
    const { errors } = await world.client.ask(
      `query ($id: String!) { ${lookup}(id: $id) { id } }`,
      { id: 'a\0' },
    );
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'id' });
  });
});
