import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Relation } from '../../src/generated/catalog.ts';
import { askAll } from './batch.ts';
import { type Case, caseOf, cases, joinOf, named, sqlName } from './cases.ts';
import { conditionsOn } from './operators.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

/** A filter, and the SQL over `a` that says the same. */
interface Check {
  filter: object;
  sql: string;
}

let world: VariedWorld;
let sqlTypes: Map<string, string>;
beforeAll(async () => {
  world = await createVariedWorld();
  // JSON's own null is a value for Postgres, and none for clients.
  await world.plant(
    `update cohorts set demographics = 'null' where id in (select id from cohorts limit 2)`,
  );
  const types = await world.plant<{ column: string; type: string }>(`
    select attrelid::regclass || '.' || attname as column, format_type(atttypid, null) as type
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0`);
  sqlTypes = new Map(types.map(({ column, type }) => [column, type]));
});
afterAll(() => world?.close());

/** Returns those of the filters that find other rows than SQL does. */
async function disagreements({ name, root, table }: Case, checks: readonly Check[]) {
  const told = await askAll(
    world.client,
    checks.map(({ filter }) => ({
      field: `${root}(filter: $0, first: 100) { nodes { id } }`,
      variables: [[`${name}Filter`, filter]],
    })),
  );
  const sets = await world.seen<{ ids: string[] }>(
    `${checks
      .map(
        ({ sql }, n) =>
          `select ${n} as n, array(select a.id::text from ${table} a where ${sql}) as ids`,
      )
      .join(' union all ')} order by n`,
  );
  return checks.flatMap(({ filter, sql }, n) => {
    const { data, error } = told[n] ?? {};
    const found = data?.nodes.map(({ id }: { id: string }) => id).sort();
    const meant = sets[n]?.ids.sort();
    const same = JSON.stringify(found) === JSON.stringify(meant);
    return same ? [] : [{ filter: JSON.stringify(filter), sql, error, found, meant }];
  });
}

async function columnChecks({ name, table, columns }: Case): Promise<Check[]> {
  const sql = columns.map(([column, { isList }]) => {
    const c = sqlName(name, column);
    return isList ? `array_agg(to_jsonb(${c}))` : `to_jsonb(array_agg(distinct ${c}::text))`;
  });
  const [stored] = await world.seen<{ values: ((string | string[] | null)[] | null)[] }>(
    `select jsonb_build_array(${sql.join(', ')}) as values from ${table}`,
  );
  const first = (isList: boolean) =>
    columns.find(
      ([, column]) =>
        column.type === 'String' && column.nativeType !== 'Uuid' && column.isList === isList,
    )?.[0];
  const thorough = [first(false), first(true), 'demographics'];
  return columns.flatMap(([column, details], i) => {
    const known = (stored?.values[i] ?? []).filter((value) => value !== null);
    const type = sqlTypes.get(`${table}.${details.column}`) as string;
    return conditionsOn(
      `a.${sqlName(name, column)}`,
      type,
      details,
      known,
      thorough.includes(column),
    ).map(({ operators, sql }) => ({ filter: { [column]: operators }, sql }));
  });
}

describe('a filter on a column finds what SQL finds', () => {
  it.each(named(cases))('%s', async (_, shown) => {
    expect(await disagreements(shown, await columnChecks(shown))).toEqual([]);
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
    const last = shown.columns.at(-1)?.[0] as string;
    expect(
      await disagreements(shown, [
        { filter: {}, sql: 'true' },
        { filter: { and: [] }, sql: 'true' },
        { filter: { or: [] }, sql: 'false' },
        { filter: { not: {} }, sql: 'false' },
        { filter: { [last]: {} }, sql: 'true' },
        { filter: { not: { [last]: {} } }, sql: 'false' },
        { filter: { not: { and: [] } }, sql: 'false' },
        { filter: { or: [{}, one.filter] }, sql: 'true' },
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

async function relationChecks(shown: Case, name: string, relation: Relation): Promise<Check[]> {
  const { table } = caseOf(relation.to);
  const rows = await world.seen<{ id: string }>(`select id::text as id from ${table} order by id`);
  const ids = rows.filter((_, n) => n % 2 === 0).map(({ id }) => id);
  const inside = { id: { in: ids } };
  const quoted = ids.map((id) => `'${id}'`).join(', ');
  const related = (condition: string) =>
    `exists (select from ${table} b where ${joinOf(shown.name, relation)} and ${condition})`;
  const matches = `b.id in (${quoted})`;
  if (!relation.isList) {
    return [
      { filter: { [name]: inside }, sql: related(matches) },
      { filter: { [name]: { not: inside } }, sql: related(`not ${matches}`) },
      { filter: { [name]: {} }, sql: related('true') },
      { filter: { [name]: { or: [] } }, sql: 'false' },
      { filter: { not: { [name]: {} } }, sql: `not ${related('true')}` },
      { filter: { not: { [name]: inside } }, sql: `not ${related(matches)}` },
    ];
  }
  return [
    { filter: { [name]: { some: inside } }, sql: related(matches) },
    { filter: { [name]: { some: {} } }, sql: related('true') },
    { filter: { [name]: { every: inside } }, sql: `not ${related(`not ${matches}`)}` },
    { filter: { [name]: { none: inside } }, sql: `not ${related(matches)}` },
    { filter: { [name]: { none: {} } }, sql: `not ${related('true')}` },
    {
      filter: { [name]: { some: inside, none: { not: inside } } },
      sql: `${related(matches)} and not ${related(`not ${matches}`)}`,
    },
    { filter: { [name]: {} }, sql: 'true' },
    { filter: { not: { [name]: {} } }, sql: 'false' },
  ];
}

describe('a filter on a relation finds what SQL finds', () => {
  const related = cases.filter(({ one, many }) => one.length + many.length > 0);
  it.each(named(related))('%s', async (_, shown) => {
    const checks = await Promise.all(
      [...shown.one, ...shown.many].map(([name, to]) => relationChecks(shown, name, to)),
    );
    expect(await disagreements(shown, checks.flat())).toEqual([]);
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
