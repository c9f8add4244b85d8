import {
  type GraphQLArgument,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isObjectType,
  isRequiredArgument,
  parse,
  parseValue,
  valueFromASTUntyped,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { costOf } from '../../src/schema/cost/operation.ts';
import { schema } from '../../src/schema/index.ts';
import { type Case, caseOf, cases, named } from '../contract/cases.ts';
import { call, literal, type Reader, reached, readers } from './readers.ts';

function priceOf(document: string, variableValues: Record<string, unknown> = {}): number {
  const cost = costOf({ schema, document: parse(document), variableValues });
  if (cost === null) throw new TypeError(`The variables do not fit: ${document}`);
  return cost;
}

/** Returns how much a field adds to the price of the document that reaches its type. */
function added({ document }: Reader, selection: string): number {
  const of = (selected: string) => priceOf(document.replace('@', selected));
  return of(`__typename ${selection}`) - of('__typename');
}

/** Returns the titles of the fields for which it does not hold. */
function failing(some: readonly Reader[], holds: (reader: Reader) => boolean): string[] {
  return some.filter((reader) => !holds(reader)).map(({ title }) => title);
}

it('every type of the schema is reached', () => {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !type.name.startsWith('__'),
  );
  expect(types.filter((type) => !reached.has(type as GraphQLObjectType))).toEqual([]);
  expect(readers.length).toBeGreaterThan(1_000);
});

/** Fields that are read with their parents, and errors. */
const AT_HAND = new RegExp(
  `^(${[
    'Query\\.viewer',
    '\\w+Edge\\.node',
    '\\w+Payload\\.(errors|results)',
    '(AuditEntry|Search)Connection\\.pageInfo',
    '\\w+Aggregate\\.groups',
    '\\w+Group\\.(between|distinct|key|previous|values)',
    '\\w+GroupKey\\.\\w+Key',
    '\\w+GroupValues\\.\\w+',
  ].join('|')})$`,
);

/** Selects rows of a field's type. */
function rowsOf({ field }: Reader): string {
  const to = getNamedType(field.type);
  return isObjectType(to) && 'nodes' in to.getFields()
    ? '{ nodes { __typename } }'
    : '{ __typename }';
}

it('every field that leads to rows has a price', () => {
  const all = readers.filter(({ title }) => !AT_HAND.test(title));
  expect(
    failing(all, (reader) => added(reader, `${call(reader.field)} ${rowsOf(reader)}`) >= 1),
  ).toEqual([]);
});

it('each alias has a price, and merged fields have one together', () => {
  // The fields of a connection share its rows.
  const all = readers.filter(({ title }) => !/Connection\./.test(title));
  expect(
    failing(all, (reader) => {
      const field = `${call(reader.field)} ${rowsOf(reader)}`;
      const once = added(reader, field);
      const twice = added(reader, `a: ${field} b: ${field}`);
      const merged = added(reader, `${field} ${field}`);
      // Prices are rounded up.
      return twice >= 2 * once - 2 && merged === once;
    }),
  ).toEqual([]);
});

describe('what is read for each row is priced for each row', () => {
  const below = ({ one, many, people, links }: Case) => [
    ...[...one, ...people].map(([name]) => `${name} { id }`),
    ...links.map(([name]) => `${name} { id }`),
    ...many.flatMap(([name]) => [
      `${name}(first: 1) { nodes { id } }`,
      `${name} { totalCount }`,
      `${name}(first: 1, filter: { id: { in: [] } }) { nodes { id } }`,
    ]),
    'history(first: 1) { nodes { operation } }',
  ];

  it.each(named(cases))('%s', (_, shown) => {
    for (const field of below(shown)) {
      const of = (rows: number, inner: string) =>
        priceOf(`{ ${shown.root}(first: ${rows}) { nodes { id ${inner} } } }`);
      const [few, many] = [10, 100].map((rows) => of(rows, field) - of(rows, '')) as [
        number,
        number,
      ];
      expect(few, field).toBeGreaterThan(0);
      expect(many - few, field).toBeGreaterThanOrEqual(90 * 0.5);
    }
  });

  it.each(named(cases.filter(({ many }) => many.length > 0)))('%s, two lists deep', (_, shown) => {
    for (const [name, { to }] of shown.many) {
      for (const inner of below(caseOf(to))) {
        const of = (rows: number, field: string) =>
          priceOf(
            `{ ${shown.root}(first: 10) { nodes { ${name}(first: ${rows}) { nodes { id ${field} } } } } }`,
          );
        const [few, many] = [1, 10].map((rows) => of(rows, inner) - of(rows, '')) as [
          number,
          number,
        ];
        expect(many - few, `${name} ${inner}`).toBeGreaterThanOrEqual(10 * 9 * 0.5);
      }
    }
  });
});

describe('every condition of a filter has a price', () => {
  const filterOf = (name: string) => schema.getType(name);

  /** Every condition that a filter takes, on columns. */
  function conditionsOf(name: string): string[] {
    const type = filterOf(name);
    if (!isInputObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap(({ name: column, type: of }) => {
      const operators = getNamedType(of);
      if (!isInputObjectType(operators) || 'and' in operators.getFields()) return [];
      return Object.values(operators.getFields())
        .filter(
          (operator) => operator.name !== 'path' && !isInputObjectType(getNamedType(operator.type)),
        )
        .map((operator) => `{ ${column}: { ${operator.name}: ${literal(operator.type)} } }`);
    });
  }

  it.each(named(cases))('%s', (_, { name, root, one, many }) => {
    const of = (filter: string, variables = {}) => [
      priceOf(`{ ${root}(filter: ${filter}) { totalCount } }`, variables),
      priceOf(`{ ${root}(filter: ${filter}) { nodes { id } } }`, variables),
    ];
    const conditions = conditionsOf(`${name}Filter`);
    expect(conditions.length).toBeGreaterThan(5);
    const [none] = of('{ and: [] }') as [number, number];
    for (const condition of conditions) {
      const [counted, read] = of(condition) as [number, number];
      expect(counted, condition).toBeGreaterThan(none);
      expect(read, condition).toBeGreaterThan(none);
      const variables = { filter: valueFromASTUntyped(parseValue(condition)) };
      const document = `query ($filter: ${name}Filter) { ${root}(filter: $filter) { totalCount } }`;
      expect(priceOf(document, variables), condition).toBe(counted);
    }
    const [condition = ''] = conditions;
    const [single] = of(condition) as [number, number];
    const inside = [
      `{ not: ${condition} }`,
      `{ or: [${condition}] }`,
      `{ and: [{ not: { or: [${condition}] } }] }`,
    ];
    for (const filter of inside) expect(of(filter)[0], filter).toBe(single);
    expect(of(`{ or: [${condition}, ${condition}] }`)[0]).toBe(2 * single - none);
    for (const [relation, { isList }] of [...one, ...many]) {
      const filter = isList
        ? `{ ${relation}: { some: { id: { in: [] } } } }`
        : `{ ${relation}: { id: { in: [] } } }`;
      expect(of(filter)[0], filter).toBeGreaterThan(of('{ id: { in: [] } }')[0] as number);
    }
  });

  it('that depends on the number of values and characters', () => {
    const of = (filter: object) =>
      priceOf('query ($filter: CohortFilter) { cohorts(filter: $filter) { totalCount } }', {
        filter,
      });
    const values = (n: number) => ({ name: { in: Array.from({ length: n }, (_, i) => `${i}`) } });
    expect(of(values(500)) - of(values(1))).toBe(499);
    const text = (n: number) => ({ name: { contains: 'x'.repeat(n) } });
    expect(of(text(1_000)) - of(text(1))).toBe(2 * 999);
    const path = (n: number) => ({ demographics: { path: Array(n).fill('a'), equals: 1 } });
    expect(of(path(50))).toBeGreaterThan(of(path(1)));
  });

  it('for each row that has a list with the filter', () => {
    const of = (rows: number, filter: string) =>
      priceOf(
        `{ campaigns(first: ${rows}) { nodes { alerts(filter: ${filter}) { totalCount nodes { id } } } } }`,
      );
    const text = (rows: number) =>
      of(rows, '{ title: { contains: "x" } }') - of(rows, '{ and: [] }');
    // Once for its count, and once for its page.
    expect(text(100) - text(1)).toBeGreaterThanOrEqual(99 * 2);
  });
});

describe('a write is priced by its rows', () => {
  const mutations = readers.filter(({ title }) => title.startsWith('Mutation.'));
  const taking = (name: string) =>
    mutations.filter(({ field }) => field.args.some((arg) => arg.name === name));
  const priceWith = ({ field }: Reader, name: string, value: string) => {
    const args = field.args
      .filter((arg) => arg.name === name || isRequiredArgument(arg))
      .map((arg) => `${arg.name}: ${arg.name === name ? value : literal(arg.type)}`);
    return priceOf(`mutation { ${field.name}(${args.join(', ')}) { __typename } }`);
  };

  it('for every kind of write', () => {
    expect(mutations.length).toBeGreaterThan(300);
    const cheap = mutations.filter(
      (reader) => added(reader, `${call(reader.field)} { __typename }`) < 100,
    );
    expect(cheap.map(({ title }) => title)).toEqual([]);
  });

  it('by those that are given', () => {
    const bulks = taking('inputs');
    expect(bulks.length).toBeGreaterThan(40);
    const few = bulks.filter((reader) => {
      const inputs = reader.field.args.find(({ name }) => name === 'inputs') as GraphQLArgument;
      const row = literal(getNamedType(inputs.type));
      const of = (rows: number) =>
        priceWith(reader, 'inputs', `[${Array(rows).fill(row).join(' ')}]`);
      return of(100) - of(1) < 99 * 25;
    });
    expect(few.map(({ title }) => title)).toEqual([]);
  });

  it('by those that a filter may choose, unless they are refused anyway', () => {
    const bulks = taking('atMost');
    expect(bulks.length).toBeGreaterThan(80);
    const wrong = bulks.filter((reader) => {
      const [one, many, tooMany] = ['1', '500', '2147483647'].map((most) =>
        priceWith(reader, 'atMost', most),
      ) as [number, number, number];
      return many - one < 499 * 25 || tooMany !== one;
    });
    expect(wrong.map(({ title }) => title)).toEqual([]);
  });
});
