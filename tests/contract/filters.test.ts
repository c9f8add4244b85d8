import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, joinOf, named } from './cases.ts';
import {
  type Check,
  type ColumnCheck,
  columnChecks,
  disagreements,
  ELSEWHERE,
  type RelationChecks,
  relations,
  shareOut,
  telling,
  throughRelation,
  withNegation,
} from './checks.ts';
import { randomChecks } from './random-filters.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

/** Kinds of comparisons that are made through one relation. */
const KINDS_EACH = 60;

let world: VariedWorld;
/** By model. */
const comparisons = new Map<string, ColumnCheck[]>();
let shares: RelationChecks[];
beforeAll(async () => {
  world = await createVariedWorld();
  // JSON's own null is a value for Postgres, and none for clients.
  await world.plant(
    `update cohorts set demographics = 'null' where id in (select id from cohorts limit 2)`,
  );
  for (const shown of cases) comparisons.set(shown.name, await columnChecks(world, shown, 'a'));
  shares = await shareOut(world, KINDS_EACH);
});
afterAll(() => world?.close());

describe('a filter on a column finds what SQL finds', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    expect(await disagreements(world, shown, comparisons.get(shown.name) ?? [])).toEqual([]);
  });
});

describe('a filter on a column, negated, finds the rows of which it is false', () => {
  const negated = new Set<string>();
  it.each(named(cases))('%s', async (_, shown) => {
    const all = comparisons.get(shown.name) ?? [];
    const checks = [telling(all), ...all.filter(({ kind }) => !negated.has(kind))];
    for (const { kind } of checks) negated.add(kind);
    expect(await disagreements(world, shown, checks.flatMap(withNegation))).toEqual([]);
  });
});

describe('and, or and not combine filters', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const ids = await world.seen<{ id: string }>(
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

describe('a filter on related rows finds what SQL finds, and so does its negation', () => {
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

describe('every kind of comparison is made through a relation to one row, and to many', () => {
  it.each([false, true])('%s', (isList) => {
    const made = new Set(
      shares
        .filter(({ relation }) => relation.isList === isList)
        .flatMap(({ conditions }) => conditions.map(({ kind }) => kind)),
    );
    const reached = relations.filter(([, , relation]) => relation.isList === isList);
    const missing = reached
      .flatMap(([, , { to }]) => (comparisons.get(to) ?? []).map(({ kind }) => kind))
      .filter((kind) => !made.has(kind) && !kind.includes(ELSEWHERE));
    expect([...new Set(missing)]).toEqual([]);
  });
});

describe('a filter of many parts finds what SQL finds', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    const checks = await randomChecks(world, shown, 4);
    expect(await disagreements(world, shown, checks)).toEqual([]);
  });
});

describe('both every and none of the related rows match only where there are none', () => {
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

describe('a filter reaches one relation far', () => {
  const related = cases.filter(({ one, many }) => one.length + many.length > 0);
  it.each(named(related))('%s', async (_, shown) => {
    const paths = [...shown.one, ...shown.many].flatMap(([name, { to, isList }]) => {
      const { one, many } = caseOf(to);
      return [...one, ...many].slice(0, 2).map(([next]) => {
        const filter = isList ? { [name]: { some: { [next]: {} } } } : { [name]: { [next]: {} } };
        return { filter, path: `filter.${name}${isList ? '.some' : ''}.${next}` };
      });
    });
    const told = await askAll(
      world.client,
      paths.map(({ filter }) => ({
        field: `${shown.root}(filter: $0) { totalCount }`,
        variables: [[`${shown.name}Filter`, filter]],
      })),
    );
    expect(told.map(({ error }) => [error?.extensions.code, error?.extensions.argument])).toEqual(
      paths.map(({ path }) => ['BAD_USER_INPUT', path]),
    );
  });
});
