import type { GraphQLInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { askAll } from './batch.ts';
import { type Case, cases, named } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 4 });
});
afterAll(() => world?.close());

/** A filter in a document, and the types of its variables, none of which is sent. */
interface UnsentFilter {
  filter: string;
  types: Record<string, string>;
}

const fieldType = (input: string, field: string) => {
  const type = schema.getType(input) as GraphQLInputObjectType;
  return String(type.getFields()[field]?.type);
};

/** Filters on a column whose variables all have no value. */
function emptyFilters(model: string, column: string): UnsentFilter[] {
  const comparisons = fieldType(`${model}Filter`, column);
  const operand = { $v: fieldType(comparisons, 'equals') };
  const condition = `{ ${column}: { equals: $v } }`;
  return [
    { filter: condition, types: operand },
    { filter: `{ not: ${condition} }`, types: operand },
    { filter: `{ or: [${condition}, ${condition}] }`, types: operand },
    { filter: `{ and: [{ or: [{ not: ${condition} }] }] }`, types: operand },
    { filter: `{ ${column}: $c }`, types: { $c: comparisons } },
    { filter: `{ not: { ${column}: $c } }`, types: { $c: comparisons } },
    { filter: '$f', types: { $f: `${model}Filter` } },
    { filter: '{ not: $f }', types: { $f: `${model}Filter` } },
    { filter: '{ and: $l }', types: { $l: `[${model}Filter!]` } },
    { filter: '{ not: { or: $l } }', types: { $l: `[${model}Filter!]` } },
  ];
}

/** The same filters on related rows, a different one for each relation. */
function throughRelations({ one, many }: Case): UnsentFilter[] {
  const pick = (to: string, i: number) => {
    const filters = emptyFilters(to, 'id');
    return filters[i % filters.length] as UnsentFilter;
  };
  const toOne = one.map(([name, { to }], i): UnsentFilter => {
    const { filter, types } = pick(to, i);
    return { filter: `{ ${name}: ${filter} }`, types };
  });
  const toMany = many.flatMap(([name, { to }], i): UnsentFilter[] => {
    const { filter, types } = pick(to, i);
    const quantifiers = ['some', 'every', 'none'];
    return [
      { filter: `{ ${name}: $r }`, types: { $r: `${to}RelationFilter` } },
      ...quantifiers.map((each) => ({ filter: `{ ${name}: { ${each}: ${filter} } }`, types })),
    ];
  });
  return [...toOne, ...toMany].flatMap(({ filter, types }) => [
    { filter, types },
    { filter: `{ not: ${filter} }`, types },
  ]);
}

/** A request for `askAll`, which names variables by number and does not send undefined ones. */
function count({ root }: Case, { filter, types }: UnsentFilter) {
  const numbered = Object.keys(types).reduce(
    (text, name, i) => text.replaceAll(name, `$${i}`),
    filter,
  );
  return {
    field: `${root}(filter: ${numbered}) { totalCount }`,
    variables: Object.values(types).map((type): [string, unknown] => [type, undefined]),
  };
}

async function totals(shown: Case, filters: readonly UnsentFilter[]) {
  const results = await askAll(
    world.client,
    filters.map((each) => count(shown, each)),
  );
  return results.map(({ data, error }, i) => [
    filters[i]?.filter,
    data?.totalCount ?? error?.message ?? null,
  ]);
}

describe('a filter without the values of its variables matches all rows', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const column = shown.columns.at(-1)?.[0] as string;
    const filters = [...emptyFilters(shown.name, column), ...throughRelations(shown)];
    const [[, total]] = (await totals(shown, [{ filter: '{}', types: {} }])) as [[string, number]];
    expect(total).toBeGreaterThan(0);
    expect(await totals(shown, filters)).toEqual(filters.map(({ filter }) => [filter, total]));
  });
});

describe('the other conditions of a filter still apply', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const column = shown.columns.at(-1)?.[0] as string;
    const empty = emptyFilters(shown.name, column);
    const nothing = '{ id: { in: [] } }';
    const filters = empty.flatMap(({ filter, types }) => [
      { filter: `{ or: [${filter}, ${nothing}] }`, types },
      { filter: `{ and: [${filter}, ${nothing}] }`, types },
      { filter: `{ or: [${nothing}], not: ${filter} }`, types },
      { filter: `{ not: { or: [${filter}, { not: ${nothing} }] } }`, types },
    ]);
    // A list must not contain a variable without a value.
    const possible = filters.filter(({ filter }) => !filter.includes('[$f'));
    expect(await totals(shown, possible)).toEqual(possible.map(({ filter }) => [filter, 0]));
  });
});

describe('an empty filter in a variable', () => {
  const total = async (filter: object) => {
    const { campaigns } = await world.client.data(
      'query ($filter: CampaignFilter) { campaigns(filter: $filter) { totalCount } }',
      { filter },
    );
    return campaigns.totalCount;
  };
  it.each<[string, object]>([
    ['a column without a comparison', { name: {} }],
    ['that, negated', { not: { name: {} } }],
    ['an empty filter, negated', { not: {} }],
    ['empty filters', { or: [{}, {}] }],
    ['a path without a comparison', { resourceAllocation: { path: ['a'] } }],
    ['related rows without a condition', { quests: {} }],
    ['related rows with an empty one', { quests: { some: { name: {} } } }],
    ['and with an empty path', { positioning: { not: { and: [{ name: {} }] } } }],
  ])('matches all rows: %s', async (_, filter) => {
    expect(await total(filter)).toBe(await total({}));
  });

  it('on a relation requires any related row', async () => {
    const [row] = await world.readAsClient<{ n: number }>(
      `select count(*)::int as n from campaigns a
       where exists (select from campaign_quests where campaign_id = a.id)`,
    );
    expect(row?.n).toBeLessThan(await total({}));
    expect(await total({ quests: { some: {} } })).toBe(row?.n);
  });

  it('is refused if it is null', async () => {
    const { errors } = await world.client.ask(
      'query ($n: String) { campaigns(filter: { name: { equals: $n } }) { totalCount } }',
      { n: null },
    );
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'filter.name.equals',
    });
  });
});

describe('a comparison is ignored if a part of its JSON operand was not sent', () => {
  it.each([
    '{ resourceAllocation: { equals: { a: $v } } }',
    '{ resourceAllocation: { has: $v } }',
    '{ not: { resourceAllocation: { has: [1, { a: [$v] }] } } }',
  ])('%s', async (filter) => {
    const { all, left } = await world.client.data(
      `query ($v: JSON) {
        all: campaigns { totalCount }
        left: campaigns(filter: ${filter}) { totalCount }
      }`,
    );
    expect(left).toEqual(all);
  });
});

describe('filters of lists of related rows work the same', () => {
  it.each([
    ['rows', 'nodes { id }'],
    ['count', 'totalCount'],
  ])('%s', async (_, selection) => {
    const { campaigns } = await world.client.data(
      `query ($n: String, $f: CampaignQuestFilter) { campaigns { nodes {
        all: quests { ${selection} }
        left: quests(filter: { not: { name: { equals: $n } }, and: [{ campaign: { name: { equals: $n } } }, { not: $f }] }) { ${selection} }
      } } }`,
    );
    for (const { all, left } of campaigns.nodes) expect(left).toEqual(all);
  });
});
