import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, joinOf, named } from './cases.ts';
import {
  type Check,
  type ColumnCheck,
  columnChecks,
  disagreements,
  distributeChecks,
  OTHER_PATH,
  preferNullable,
  type RelationChecks,
  relations,
  throughRelation,
  withNegation,
} from './checks.ts';
import { randomChecks } from './random-filters.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

/** The most kinds of comparisons that are tested in one relation. */
const KINDS_PER_RELATION = 60;

let world: VariedWorld;
/** The comparisons of columns, by model. */
const comparisons = new Map<string, ColumnCheck[]>();
let shares: RelationChecks[];
beforeAll(async () => {
  world = await createVariedWorld();
  // JSON's null is a value for Postgres but a missing value for clients.
  await world.writeUnchecked(
    `update cohorts set demographics = 'null' where id in (select id from cohorts limit 2)`,
  );
  for (const shown of cases) comparisons.set(shown.name, await columnChecks(world, shown, 'a'));
  shares = await distributeChecks(world, KINDS_PER_RELATION);
});
afterAll(() => world?.close());

describe('a filter on a column finds the same rows as SQL', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    expect(await disagreements(world, shown, comparisons.get(shown.name) ?? [])).toEqual([]);
  });
});

describe('a negated filter on a column finds the rows for which the filter is false', () => {
  const negated = new Set<string>();
  it.each(named(cases))('%s', async (_, shown) => {
    const all = comparisons.get(shown.name) ?? [];
    const checks = [preferNullable(all), ...all.filter(({ kind }) => !negated.has(kind))];
    for (const { kind } of checks) negated.add(kind);
    expect(await disagreements(world, shown, checks.flatMap(withNegation))).toEqual([]);
  });
});

describe('filters combined by and, or and not find the same rows as SQL', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const ids = await world.readAsClient<{ id: string }>(
      `select id::text as id from ${shown.table} order by id limit 3`,
    );
    const [one, two, three] = [0, 1, 2].map((n) => {
      const id = ids[n % ids.length]?.id as string;
      return { filter: { id: { equals: id } }, sql: `a.id = '${id}'` };
    }) as [Check, Check, Check];
    expect(
      await disagreements(world, shown, [
        { filter: {}, sql: 'true' },
        { filter: { and: [] }, sql: 'true' },
        { filter: { not: { and: [] } }, sql: 'false' },
        { filter: { or: [] }, sql: 'false' },
        { filter: { not: { or: [] } }, sql: 'true' },
        { filter: { or: [one.filter, two.filter] }, sql: `${one.sql} or ${two.sql}` },
        { filter: { and: [one.filter, two.filter] }, sql: `${one.sql} and ${two.sql}` },
        { filter: { not: one.filter }, sql: `not ${one.sql}` },
        { filter: { ...one.filter, not: two.filter }, sql: `${one.sql} and not ${two.sql}` },
        {
          filter: { not: { or: [one.filter, { and: [two.filter, three.filter] }] } },
          sql: `not (${one.sql} or (${two.sql} and ${three.sql}))`,
        },
        {
          filter: { or: [{ not: { not: one.filter } }, { or: [] }, { and: [three.filter, {}] }] },
          sql: `${one.sql} or ${three.sql}`,
        },
      ]),
    ).toEqual([]);
  });
});

const anyRelated = ({ name }: Case, relation: (typeof relations)[number][2]) =>
  `exists (select from ${caseOf(relation.to).table} b where ${joinOf(name, relation)})`;

describe('a filter on related rows and its negation find the same rows as SQL', () => {
  it.each(relations.map(([model, name], i) => [`${model.name}.${name}`, i] as const))(
    '%s',
    async (_, i) => {
      const { model, name, relation, conditions } = shares[i] as RelationChecks;
      const checks = conditions.flatMap((condition) =>
        throughRelation(model.name, name, relation, condition),
      );
      const any = anyRelated(model, relation);
      const unconditional = relation.isList
        ? [
            { filter: { [name]: { some: {} } }, sql: any },
            { filter: { [name]: { every: {} } }, sql: 'true' },
            { filter: { [name]: { none: {} } }, sql: `not ${any}` },
          ]
        : [{ filter: { [name]: {} }, sql: any }];
      checks.push(...unconditional.flatMap(withNegation));
      expect(await disagreements(world, model, checks)).toEqual([]);
    },
  );
});

describe('every kind of comparison is tested in a relation', () => {
  it.each([
    ['to one row', false],
    ['to many rows', true],
  ])('%s', (_, isList) => {
    const made = new Set(
      shares
        .filter(({ relation }) => relation.isList === isList)
        .flatMap(({ conditions }) => conditions.map(({ kind }) => kind)),
    );
    const reached = relations.filter(([, , relation]) => relation.isList === isList);
    const missing = reached
      .flatMap(([, , { to }]) => (comparisons.get(to) ?? []).map(({ kind }) => kind))
      .filter((kind) => !made.has(kind) && !kind.includes(OTHER_PATH));
    expect([...new Set(missing)]).toEqual([]);
  });
});

describe('a random filter with many parts finds the same rows as SQL', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const checks = await randomChecks(world, shown, 4);
    expect(await disagreements(world, shown, checks)).toEqual([]);
  });
});

describe('a filter with both every and none finds only rows without related rows', () => {
  it.each(named(cases.filter(({ many }) => many.length > 0)))('%s', async (_, shown) => {
    const checks = shares
      .filter(({ model, relation }) => model === shown && relation.isList)
      .flatMap(({ name, relation, conditions }) =>
        conditions.slice(0, 2).map(({ filter }) => ({
          filter: { [name]: { every: filter, none: filter } },
          sql: `not ${anyRelated(shown, relation)}`,
        })),
      );
    expect(await disagreements(world, shown, checks)).toEqual([]);
  });
});

describe('a filter on a relation of a relation is refused', () => {
  const related = cases.filter(({ one, many }) => one.length + many.length > 0);
  it.each(named(related))('%s', async (_, shown) => {
    const paths = [...shown.one, ...shown.many].flatMap(([name, { to, isList }]) => {
      const { one, many } = caseOf(to);
      return [...one, ...many].slice(0, 2).map(([next]) => {
        const filter = isList ? { [name]: { some: { [next]: {} } } } : { [name]: { [next]: {} } };
        return { filter, path: `filter.${name}${isList ? '.some' : ''}.${next}` };
      });
    });
    const results = await askAll(
      world.client,
      paths.map(({ filter }) => ({
        field: `${shown.root}(filter: $0) { totalCount }`,
        variables: [[`${shown.name}Filter`, filter]],
      })),
    );
    expect(
      results.map(({ error }) => [error?.extensions.code, error?.extensions.argument]),
    ).toEqual(paths.map(({ path }) => ['BAD_USER_INPUT', path]));
  });
});
