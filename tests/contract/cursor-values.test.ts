import { type GraphQLEnumType, isEnumType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { schema } from '../../src/schema/index.ts';
import { columnType } from '../../src/schema/model/columns.ts';
import { hostileJson, hostileScalars, SHAPES } from '../support/hostile.ts';
import { askAll } from './batch.ts';
import { type Case, cases, named } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 3, gaps: false });
});
afterAll(() => world?.close());

/** The number of values for each column. The next column of the same type gets other values. */
const VALUES_AT_ONCE = 4;
let turn = 0;

const encode = (json: string) => Buffer.from(json).toString('base64url');
const decode = (cursor: string): [string, ...unknown[]] =>
  JSON.parse(Buffer.from(cursor, 'base64url').toString());

/** The columns that a list can be ordered by, with their names in `orderBy`. */
function orderable({ name, columns }: Case) {
  const type = schema.getType(`${name}OrderField`) as GraphQLEnumType;
  return columns.flatMap(([column, described]) => {
    const value = type.getValues().find((each) => each.value === column);
    return value ? [{ field: value.name, column, described }] : [];
  });
}

const known = new Map<string, Promise<Map<string, string>>>();

/** The cursors of a list's first row, by the field of the order. */
function cursorsOf(list: Case): Promise<Map<string, string>> {
  const cursors = known.get(list.name) ?? readCursors(list);
  known.set(list.name, cursors);
  return cursors;
}

async function readCursors(list: Case): Promise<Map<string, string>> {
  const fields = orderable(list);
  const results = await askAll(
    world.client,
    fields.map(({ field }) => ({
      field: `${list.root}(first: 1, orderBy: [{ field: ${field} }]) { pageInfo { startCursor } }`,
    })),
  );
  return new Map(fields.map(({ field }, i) => [field, results[i]?.data.pageInfo.startCursor]));
}

describe('a cursor holds only values of the columns in its order', () => {
  it.each(named(cases))('%s', async (_, list) => {
    const { root } = list;
    const allowed = orderable(list).map(({ column }) => column);
    const data = await world.client.data(`{ ${root}(first: 1) { pageInfo { startCursor } } }`);
    const cursors = [data[root].pageInfo.startCursor, ...(await cursorsOf(list)).values()];
    for (const cursor of cursors) {
      const [signature, ...values] = decode(cursor);
      const columns = signature
        .slice(signature.indexOf(': ') + 2)
        .split(', ')
        .map((ordering) => ordering.split(' ')[0] as string);
      expect(allowed).toEqual(expect.arrayContaining(columns));
      expect(values).toHaveLength(columns.length);
    }
  });
});

describe('the values in a cursor are validated like arguments of their types', () => {
  it.each(named(cases))('%s', async (_, list) => {
    const cursors = await cursorsOf(list);
    const tried = orderable(list).flatMap(({ field, column, described }) => {
      const [signature, , ...rest] = decode(String(cursors.get(field)));
      const type = columnType(column, described);
      const values = [...hostileScalars(typeof type === 'string' ? type : 'enum'), ...SHAPES];
      turn += VALUES_AT_ONCE;
      return Array.from({ length: VALUES_AT_ONCE }, (_each, i) => {
        const { name, value } = values[(turn + i) % values.length] as (typeof values)[number];
        return { field, name, cursor: encode(hostileJson([signature, value, ...rest])) };
      });
    });
    const results = await askAll(
      world.client,
      tried.map(({ field, cursor }, i) => ({
        field: `${list.root}(${i % 2 ? 'last: 1, before' : 'first: 1, after'}: $0, orderBy: [{ field: ${field} }]) { nodes { id } }`,
        variables: [['String', cursor]],
      })),
    );
    for (const [i, { data, error }] of results.entries()) {
      const about = `${tried[i]?.field}: ${tried[i]?.name}`;
      const argument = i % 2 ? 'before' : 'after';
      // A valid value is a position in the order, even if no row has it.
      if (error) expect(error.extensions, about).toEqual({ code: 'BAD_USER_INPUT', argument });
      else expect(data, about).toMatchObject({ nodes: expect.any(Array) });
    }
  });
});

describe('an invalid cursor is refused', () => {
  const list = (cursor: string) => ({
    field: 'campaigns(first: 1, after: $0) { nodes { id } }',
    variables: [['String', cursor]] as [string, unknown][],
  });

  it.each([
    ['deep JSON', encode(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x00]).toString('base64url')],
    ['U+0000', '\0'],
    ['half of a surrogate pair', '\ud800'],
    ['a JSON object with __proto__', encode('{"__proto__": ["campaigns: createdAt desc last"]}')],
  ])('%s', async (_, cursor) => {
    const [result] = await askAll(world.client, [list(cursor)]);
    expect(result?.error?.message).toMatch(/is not a cursor of this API/);
    expect(result?.error?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'after' });
  });

  it('longer than the limit', async () => {
    const [result] = await askAll(world.client, [list('x'.repeat(limits.maxCursorLength + 1))]);
    expect(result?.error?.message).toMatch(/more than 65536 characters: order by shorter texts/);
    expect(result?.error?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'after' });
  });
});

it('there are orderable columns of every scalar type', () => {
  const types = new Set(
    cases.flatMap((list) =>
      orderable(list).map(({ column, described }) => {
        const type = columnType(column, described);
        return typeof type === 'string' ? type : 'enum';
      }),
    ),
  );
  expect([...types].sort()).toEqual(
    expect.arrayContaining(['BigInt', 'Boolean', 'Date', 'DateTime', 'Decimal', 'Float', 'Int']),
  );
  expect(isEnumType(schema.getType('CampaignOrderField'))).toBe(true);
});
