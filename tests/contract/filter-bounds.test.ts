import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { cases, named } from './cases.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(1);
});
afterAll(() => world?.close());

const find = (filter: unknown) =>
  world.ours.client.ask(
    'query ($filter: CampaignFilter) { campaigns(filter: $filter) { totalCount } }',
    { filter },
  );
const list = (length: number, value: unknown = {}) => Array.from({ length }, () => value);
const nest = (depth: number): object =>
  depth === 0 ? { name: { equals: 'x' } } : { not: nest(depth - 1) };
/** A condition on related rows inside of the most objects that are allowed. */
const widest = (depth: number): object =>
  depth === 0 ? { quests: { some: { name: { not: 'x' } } } } : { not: widest(depth - 1) };
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, {}]));
const uuid = '00000000-0000-4000-8000-000000000000';

describe('a filter with too many or invalid values is refused, and the error names the argument', () => {
  it.each<[string, object, string, RegExp]>([
    [
      'comparisons',
      { or: list(limits.maxFilterConditions + 1, { name: { equals: 'x' } }) },
      `filter.or[${limits.maxFilterConditions}].name`,
      /at most 100 comparisons/,
    ],
    [
      'comparisons of one column',
      { and: list(51, { name: { equals: 'x', not: 'y' } }) },
      'filter.and[50].name',
      /at most 100 comparisons/,
    ],
    [
      'levels',
      nest(limits.maxFilterDepth + 1),
      `filter${'.not'.repeat(limits.maxFilterDepth + 1)}`,
      /at most 6 levels/,
    ],
    [
      'values',
      { id: { in: list(limits.maxFilterValues + 1, uuid) } },
      'filter.id.in',
      /at most 500 values/,
    ],
    [
      'values of all lists',
      { or: list(40, { id: { in: list(475, uuid) } }) },
      'filter.or[1].id.in',
      /at most 500 values, in all lists together/,
    ],
    [
      'keys of a JSON object',
      { resourceAllocation: { equals: keys(limits.maxFilterValues + 1) } },
      'filter.resourceAllocation.equals',
      /at most 500 values/,
    ],
    [
      'empty filters',
      { or: list(limits.maxFilterConditions + 1) },
      `filter.or[${limits.maxFilterConditions}]`,
      /at most 100 comparisons/,
    ],
    [
      'characters',
      { name: { contains: 'x'.repeat(limits.maxFilterStringLength + 1) } },
      'filter.name.contains',
      /at most 1000 characters/,
    ],
    [
      'characters of a list',
      { targetSegments: { hasSome: ['x', 'x'.repeat(limits.maxFilterStringLength + 1)] } },
      'filter.targetSegments.hasSome[1]',
      /at most 1000 characters/,
    ],
    [
      'characters inside JSON',
      { resourceAllocation: { equals: { a: ['x'.repeat(limits.maxFilterStringLength + 1)] } } },
      'filter.resourceAllocation.equals.a[0]',
      /at most 1000 characters/,
    ],
    ['U+0000', { name: { equals: 'a\0b' } }, 'filter.name.equals', /U\+0000/],
    [
      'U+0000 inside JSON',
      { resourceAllocation: { path: ['a\0'], equals: 1 } },
      'filter.resourceAllocation.path[0]',
      /U\+0000/,
    ],
    [
      'U+0000 as a key of JSON',
      { resourceAllocation: { equals: { 'a\0': 1 } } },
      'filter.resourceAllocation.equals',
      /U\+0000/,
    ],
    ['null for a column', { name: null }, 'filter.name', /cannot contain null.*isNull/],
    [
      'null for an operator',
      { name: { equals: null } },
      'filter.name.equals',
      /cannot contain null/,
    ],
    ['null for or', { or: null }, 'filter.or', /cannot contain null/],
    ['null for a relation', { positioning: null }, 'filter.positioning', /cannot contain null/],
    ['null for some', { quests: { some: null } }, 'filter.quests.some', /cannot contain null/],
  ])('%s', async (_, filter, argument, message) => {
    const { data, errors } = await find(filter);
    expect(data).toEqual({ campaigns: null });
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toMatch(message);
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument });
  });
});

describe('a variable that would take long to read is refused before it is read', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['filters', { or: list(100_000) }, 'filter.or[999]', /at most 100 comparisons/],
    ['filters of related rows', { quests: { some: { and: list(90_000) } } }, '', /100 comparisons/],
    ['filters in filters', { or: list(400, { and: list(400) }) }, '', /100 comparisons/],
    ['comparisons', { or: list(60_000, { name: {} }) }, '', /100 comparisons/],
    ['unknown fields', keys(20_000), 'filter', /20000 fields are given where CampaignFilter has/],
    ['unknown operators', { name: keys(20_000) }, 'filter.name', /20000 fields .*StringFilter/],
    ['levels', nest(60), '', /nest at most 30 objects/],
  ])('%s', async (_, filter, argument, message) => {
    const { data, errors, status } = await find(filter);
    expect(status).toBe(400);
    expect(data).toBeUndefined();
    expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT']);
    expect(errors?.[0]?.message).toMatch(message);
    expect(errors?.[0]?.message.length).toBeLessThan(500);
    expect(errors?.[0]?.extensions.argument).toMatch(argument || /^filter\./);
  });
});

describe('a list that is too long is refused before it is read', () => {
  it.each<[string, string, unknown, string]>([
    [
      'of orders',
      'query ($v: [CampaignOrderBy!]) { campaigns(orderBy: $v) { totalCount } }',
      { field: 'NAME' },
      'v',
    ],
    ['of node ids', 'query ($v: [ID!]!) { nodes(nodeIds: $v) { nodeId } }', 'x', 'v'],
    [
      'of rows',
      'mutation ($v: [CampaignCreateInput!]!) { createCampaigns(inputs: $v) { affected } }',
      { name: 'x' },
      'v',
    ],
  ])('%s', async (_, query, item, argument) => {
    const { data, errors } = await world.ours.client.ask(query, {
      v: list(limits.maxListItems + 1, item),
    });
    expect(data).toBeUndefined();
    expect(errors?.[0]?.message).toMatch(/A list has at most 1000 items/);
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument });
  });

  it('inside of an input', async () => {
    const { errors } = await world.ours.client.ask(
      'mutation ($v: CampaignCreateInput!) { createCampaign(input: $v) { id } }',
      { v: { name: 'x', targetSegments: list(limits.maxListItems + 1, 'x') } },
    );
    expect(errors?.[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      argument: 'v.targetSegments',
    });
  });
});

describe('a filter at a limit is accepted', () => {
  it.each<[string, object]>([
    ['comparisons', { or: list(limits.maxFilterConditions, { name: { equals: 'x' } }) }],
    ['levels', nest(limits.maxFilterDepth)],
    ['values', { id: { in: list(limits.maxFilterValues, uuid) } }],
    ['characters', { name: { contains: 'x'.repeat(limits.maxFilterStringLength) } }],
    ['objects', { and: list(limits.maxFilterConditions, widest(limits.maxFilterDepth - 1)) }],
    ['no filter', null as never],
  ])('%s', async (_, filter) => {
    expect((await find(filter)).errors).toBeUndefined();
  });
});

describe('an extreme value in a filter is accepted or refused with BAD_USER_INPUT', () => {
  it.each<[string, object]>([
    ['BigInt', { totalReach: { equals: '9223372036854775808' } }],
    ['negative BigInt', { totalReach: { lt: '-9223372036854775809' } }],
    ['Decimal', { roiPercentage: { equals: '1e999' } }],
    ['small Decimal', { roiPercentage: { equals: '1e-999' } }],
    ['latest DateTime of JavaScript', { createdAt: { gt: '+275760-09-13T00:00:00.000Z' } }],
    ['late DateTime', { createdAt: { gt: '9999-12-31T23:59:59.999Z' } }],
    ['early DateTime', { createdAt: { lt: '0000-01-01T00:00:00.000Z' } }],
    ['early Date', { startDate: { lt: '0000-01-01' } }],
    ['late Date', { startDate: { gt: '9999-12-31' } }],
    ['half of a surrogate pair', { name: { contains: '\ud800' } }],
    ['half of a surrogate pair in a list', { targetSegments: { has: '\ud800' } }],
    ['half of a surrogate pair in JSON', { resourceAllocation: { equals: { a: '\ud800' } } }],
    ['half of a surrogate pair in a key', { resourceAllocation: { equals: { '\udc00': 1 } } }],
    ['half of a surrogate pair in a path', { resourceAllocation: { path: ['\udc00'], equals: 1 } }],
    ['a number in JSON', { resourceAllocation: { path: ['a'], gt: 1e308 } }],
    ['an object to compare', { resourceAllocation: { lt: { a: [] } } }],
    ['a list for has', { resourceAllocation: { has: [] } }],
    ['a Boolean to compare', { resourceAllocation: { gte: true } }],
    ['an empty path', { resourceAllocation: { path: [], equals: {} } }],
    ['a path alone', { resourceAllocation: { path: ['a'] } }],
    ['an emoji', { name: { startsWith: '\u{1F600}%' } }],
  ])('%s', async (_, filter) => {
    const { data, errors } = await find(filter);
    // A value outside of the type is refused.
    const codes = errors?.map(({ extensions }) => extensions.code) ?? [];
    expect(codes.filter((code) => code !== 'BAD_USER_INPUT')).toEqual([]);
    expect(data !== null || codes.length > 0).toBe(true);
  });
});

describe('the error about an unknown column suggests a similar one', () => {
  it.each(named(cases))('%s', async (_, { root, columns }) => {
    const known = columns.at(-1)?.[0] as string;
    const { errors } = await world.ours.client.ask(
      `{ ${root}(filter: { ${known}s: { equals: 1 } }) { totalCount } }`,
    );
    expect(errors?.[0]?.message).toMatch(new RegExp(`"${known}s".*Did you mean.*"${known}"`));
    expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('in a variable', async () => {
    const { errors } = await find({ nam: { equals: 'x' } });
    expect(errors?.[0]?.message).toMatch(/"nam".*Did you mean "name"/);
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
