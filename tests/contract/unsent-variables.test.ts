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

/** A filter as a document has it, and the types of its variables, none of which is sent. */
interface Written {
  filter: string;
  types: Record<string, string>;
}

const fieldType = (input: string, field: string) => {
  const type = schema.getType(input) as GraphQLInputObjectType;
  return String(type.getFields()[field]?.type);
};

/** What can be written of a column of a model without a value for any variable. */
function emptyFilters(model: string, column: string): Written[] {
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

/** The same with conditions on related rows: each relation has one of them, in turn. */
function throughRelations({ one, many }: Case): Written[] {
  const pick = (to: string, i: number) => {
    const filters = emptyFilters(to, 'id');
    return filters[i % filters.length] as Written;
  };
  const toOne = one.map(([name, { to }], i): Written => {
    const { filter, types } = pick(to, i);
    return { filter: `{ ${name}: ${filter} }`, types };
  });
  const toMany = many.flatMap(([name, { to }], i): Written[] => {
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

/** As `askAll` takes them: variables are named by their number, and undefined ones are not sent. */
function count({ root }: Case, { filter, types }: Written) {
  const numbered = Object.keys(types).reduce(
    (text, name, i) => text.replaceAll(name, `$${i}`),
    filter,
  );
  return {
    field: `${root}(filter: ${numbered}) { totalCount }`,
    variables: Object.values(types).map((type): [string, unknown] => [type, undefined]),
  };
}

async function totals(shown: Case, written: readonly Written[]) {
  const told = await askAll(
    world.client,
    written.map((each) => count(shown, each)),
  );
  return told.map(({ data, error }, i) => [
    written[i]?.filter,
    data?.totalCount ?? error?.message ?? null,
  ]);
}

describe('a filter none of whose variables was sent leaves all rows', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const column = shown.columns.at(-1)?.[0] as string;
    const written = [...emptyFilters(shown.name, column), ...throughRelations(shown)];
    const [[, total]] = (await totals(shown, [{ filter: '{}', types: {} }])) as [[string, number]];
    expect(total).toBeGreaterThan(0);
    expect(await totals(shown, written)).toEqual(written.map(({ filter }) => [filter, total]));
  });
});

describe('what is left of a filter is what it says', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const column = shown.columns.at(-1)?.[0] as string;
    const empty = emptyFilters(shown.name, column);
    const nobody = '{ id: { in: [] } }';
    const written = empty.flatMap(({ filter, types }) => [
      { filter: `{ or: [${filter}, ${nobody}] }`, types },
      { filter: `{ and: [${filter}, ${nobody}] }`, types },
      { filter: `{ or: [${nobody}], not: ${filter} }`, types },
      { filter: `{ not: { or: [${filter}, { not: ${nobody} }] } }`, types },
    ]);
    // An item of a list may not be missing.
    const possible = written.filter(({ filter }) => !filter.includes('[$f'));
    expect(await totals(shown, possible)).toEqual(possible.map(({ filter }) => [filter, 0]));
  });
});

describe('a variable holds what a client has left of its filter', () => {
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
  ])('%s leaves all rows', async (_, filter) => {
    expect(await total(filter)).toBe(await total({}));
  });

  it('an empty object asks for any related row', async () => {
    const [row] = await world.seen<{ n: number }>(
      `select count(*)::int as n from campaigns a
       where exists (select from campaign_quests where campaign_id = a.id)`,
    );
    expect(row?.n).toBeLessThan(await total({}));
    expect(await total({ quests: { some: {} } })).toBe(row?.n);
  });

  it('null is refused, unlike a variable that was not sent', async () => {
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

describe('a part of a JSON operand that was not sent leaves the comparison out', () => {
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

describe('the same holds for lists of related rows', () => {
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
