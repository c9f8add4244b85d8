import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { created, get, NO_FLOAT, overWebSocket, post, UNHELD } from './number-documents.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
});
afterAll(() => world?.close());

const transports: Record<string, typeof post> = { POST: post, GET: get, WebSocket: overWebSocket };

/** Fields with a value of a type in place of `@`. */
const inputs: [name: string, type: string, field: string][] = [
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

/** All rows that the mutations could change. */
const state = async () =>
  JSON.stringify(
    await world.database.query(
      'select (select array_agg(c order by id) from campaigns as c) as c, (select array_agg(t order by id) from trends as t) as t',
    ),
  );

const isMutation = (field: string) => /^(create|update|decide)/.test(field);

describe('a number that a double cannot hold is refused with BAD_USER_INPUT', () => {
  const variables = inputs.flatMap(([name, type, field]) =>
    Object.keys(transports)
      .filter((transport) => transport !== 'GET' || !isMutation(field))
      .map((transport): [string, string, string, string] => [name, transport, type, field]),
  );

  it.each(variables)('%s, in variables by %s', async (_, transport, type, field) => {
    const before = await state();
    const operation = isMutation(field) ? 'mutation' : 'query';
    const document = `${operation}($v: ${type}!) { ${field.replace('@', '$v')} }`;
    // Transports differ only in how they read JSON, so two numbers are enough for the others.
    const numbers = (type === 'Float' ? NO_FLOAT : UNHELD).slice(0, transport === 'POST' ? 8 : 2);
    for (const number of numbers) {
      const values = type === 'JSON' ? [number, `{"a":[{"b":${number}}]}`] : [number];
      for (const value of values) {
        const answer = await transports[transport]?.(world, document, `{"v":${value}}`);
        expect(answer?.errors?.map(({ extensions }) => extensions.code)).toEqual([
          'BAD_USER_INPUT',
        ]);
        expect(answer?.data ?? null).toBeNull();
        expect(answer?.status).toBeLessThan(500);
        expect(answer?.text).toContain(number.slice(0, 10));
      }
    }
    expect(await state()).toBe(before);
  });

  // BigInt and Int read integers in a document exactly, so these are not refused.
  const literals = inputs.filter(([, type]) => !['BigInt', 'Int'].includes(type));
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
