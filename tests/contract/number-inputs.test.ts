import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { created, get, NO_FLOAT, overWebSocket, post, UNHELD } from './number-documents.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
});
afterAll(() => world?.close());

const transports: Record<string, typeof post> = { POST: post, GET: get, WebSocket: overWebSocket };

/** Where a client writes a value of a type; `@` stands for it. */
const places: [place: string, type: string, field: string][] = [
  ...['equals', 'not', 'has', 'lt', 'lte', 'gt', 'gte'].map(
    (operator): [string, string, string] => [
      `JSON ${operator}`,
      'JSON',
      `campaigns(filter: { resourceAllocation: { ${operator}: @ } }) { nodes { id } }`,
    ],
  ),
  ...(
    [
      ['Decimal', 'campaigns', 'budgetAllocation'],
      ['Float', 'trends', 'velocity'],
      ['BigInt', 'campaigns', 'totalReach'],
      ['Int', 'campaigns', 'plannedDurationDays'],
    ] as const
  ).flatMap(([type, root, column]) =>
    ['equals', 'not', 'lt', 'lte', 'gt', 'gte', 'in', 'notIn'].map(
      (operator): [string, string, string] => [
        `${type} ${operator}`,
        type,
        `${root}(filter: { ${column}: { ${operator}: ${/in/i.test(operator) ? '[@]' : '@'} } }) { nodes { id } }`,
      ],
    ),
  ),
  ['JSON of a new row', 'JSON', created('Campaign', 'name: "new", resourceAllocation: @')],
  [
    'JSON inside of a literal',
    'JSON',
    created('Campaign', 'name: "new", resourceAllocation: { a: [@] }'),
  ],
  ['JSON that replaces', 'JSON', updated('resourceAllocation: { replace: @ }')],
  ['JSON of a patch', 'JSON', updated('resourceAllocation: { patch: [{ path: ["a"], set: @ }] }')],
  ['Decimal of a new row', 'Decimal', created('Campaign', 'name: "new", budgetAllocation: @')],
  ['Decimal of a change', 'Decimal', updated('budgetAllocation: @')],
  ['Float of a new row', 'Float', created('Trend', 'topic: "new", velocity: @')],
  ['Int of a new row', 'Int', created('Campaign', 'name: "new", plannedDurationDays: @')],
  ['Int of a page', 'Int', 'campaigns(first: @) { nodes { id } }'],
  [
    'Float of a function',
    'Float',
    'decideExperiment(id: "00000000-0000-4000-8000-000000000000", winner: "a", confidence: @) { errors { message } }',
  ],
];

function updated(input: string): string {
  return `updateCampaigns(filter: { name: { not: "" } }, atMost: 10, input: { ${input} }) { affected results { errors { message } } }`;
}

/** The rows that could be written. */
const state = async () =>
  JSON.stringify(
    await world.database.query(
      'select (select array_agg(c order by id) from campaigns as c) as c, (select array_agg(t order by id) from trends as t) as t',
    ),
  );

const isMutation = (field: string) => /^(create|update|decide)/.test(field);

describe('a number that a double cannot hold is BAD_USER_INPUT', () => {
  const ways = places.flatMap(([place, type, field]) =>
    Object.keys(transports)
      .filter((transport) => transport !== 'GET' || !isMutation(field))
      .map((transport): [string, string, string, string] => [place, transport, type, field]),
  );

  it.each(ways)('%s, in variables by %s', async (_, transport, type, field) => {
    const before = await state();
    const operation = isMutation(field) ? 'mutation' : 'query';
    const document = `${operation}($v: ${type}!) { ${field.replace('@', '$v')} }`;
    // The ways in differ in how they read JSON, not in which numbers they let through.
    const numbers = (type === 'Float' ? NO_FLOAT : UNHELD).slice(0, transport === 'POST' ? 8 : 2);
    for (const number of numbers) {
      const values = type === 'JSON' ? [number, `{"a":[{"b":${number}}]}`] : [number];
      for (const value of values) {
        const told = await transports[transport]?.(world, document, `{"v":${value}}`);
        expect(told?.errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
        expect(told?.data ?? null).toBeNull();
        expect(told?.status).toBeLessThan(500);
        expect(told?.text).toContain(number.slice(0, 10));
      }
    }
    expect(await state()).toBe(before);
  });

  // Whole numbers of these types are read from the document digit by digit.
  const literals = places.filter(([, type]) => !['BigInt', 'Int'].includes(type));
  it.each(literals)('%s, in the document', async (_, type, field) => {
    const before = await state();
    for (const number of type === 'Float' ? NO_FLOAT : UNHELD) {
      const values = type === 'JSON' ? [number, `{ a: [{ b: ${number} }] }`] : [number];
      for (const value of values) {
        const document = `${isMutation(field) ? 'mutation' : 'query'} { ${field.replace('@', value)} }`;
        const { errors, data } = await world.ours.client.ask(document);
        expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
        expect(errors?.[0]?.message).toContain(number.slice(0, 10));
        expect(data ?? null).toBeNull();
      }
    }
    expect(await state()).toBe(before);
  });
});
