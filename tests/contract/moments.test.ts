import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from './cases.ts';
import { createWorld, type World } from './world.ts';

const AT = '2026-03-01T09:30:00.759Z';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
  await world.database.query('update campaigns set created_at = $1', [AT]);
});
afterAll(() => world?.close());

/** Documents with a DateTime in place of `@`. */
const DOCUMENTS = {
  ...Object.fromEntries(
    ['equals', 'not', 'lt', 'lte', 'gt', 'gte', 'in', 'notIn'].map((operator) => [
      `the filter ${operator}`,
      `query { campaigns(filter: { createdAt: { ${operator}: ${/in/i.test(operator) ? '[@]' : '@'} } }) { totalCount } }`,
    ]),
  ),
  'a new row':
    'mutation { createTrend(input: { topic: "a", expiryDate: @ }) { id errors { message } } }',
  'a condition': `mutation { updateTrends(filter: { createdAt: { gt: @ } }, atMost: 1, input: { topic: "b" }) { affected } }`,
};

async function ask(document: string, moment: string, inVariables: boolean) {
  const written = document.replace('@', inVariables ? '$v' : `"${moment}"`);
  const headed = inVariables ? written.replace(/^(query|mutation)/, '$1($v: DateTime!)') : written;
  return world.ours.client.ask(headed, inVariables ? { v: moment } : {});
}

describe.each(Object.entries(DOCUMENTS))('a DateTime in %s', (_, document) => {
  it.each([
    '2026-03-01T09:30:00.7595Z',
    '2026-03-01T09:30:00.759500Z',
    '2026-03-01T09:30:00.759000001+05:30',
    '2026-03-01t09:30:00.000000000000000000009z',
  ])('more precise than milliseconds is refused: %s', async (moment) => {
    for (const inVariables of [true, false]) {
      const { errors, data } = await ask(document, moment, inVariables);
      expect(data ?? null).toBeNull();
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
      expect(errors?.[0]?.message).toMatch(/milliseconds/);
    }
  });

  it('with zeros after the milliseconds is accepted', async () => {
    for (const inVariables of [true, false]) {
      const { errors } = await ask(document, '2026-03-01T15:00:00.759000000+05:30', inVariables);
      expect(errors).toBeUndefined();
    }
  });
});

it('every timestamp column has the precision of the API, milliseconds', () => {
  const others = cases.flatMap(({ table, columns }) =>
    columns
      .filter(([, { type, nativeType }]) => type === 'DateTime' && nativeType !== 'Date')
      .filter(([, { nativeArguments }]) => nativeArguments?.join() !== '3')
      .map(([name]) => `${table}.${name}`),
  );
  expect(others).toEqual([]);
});

it('filters compare a DateTime to the millisecond', async () => {
  const count = async (operator: string, moment: string) => {
    const query = `{ campaigns(filter: { createdAt: { ${operator}: "${moment}" } }) { totalCount } }`;
    return (await world.ours.client.data(query)).campaigns.totalCount;
  };
  expect(await count('lt', '2026-03-01T09:30:00.760Z')).toBe(1);
  expect(await count('lt', AT)).toBe(0);
  expect(await count('lte', AT)).toBe(1);
  expect(await count('equals', '2026-03-01T09:30:00.759000Z')).toBe(1);
});
