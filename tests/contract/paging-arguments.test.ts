import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/resolvers/limits.ts';
import { askAll } from './batch.ts';
import { type Case, cases, named } from './cases.ts';
import { createVariedWorld, type VariedWorld } from './varied.ts';

let world: VariedWorld;
beforeAll(async () => {
  world = await createVariedWorld({ rows: 101, gaps: false });
});
afterAll(() => world?.close());

const PAGE = '{ nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';

async function cursorOf(field: string): Promise<string> {
  const [result] = await askAll(world.client, [{ field: `${field} ${PAGE}` }]);
  return result?.data.pageInfo.startCursor;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (cursor: string) => JSON.parse(Buffer.from(cursor, 'base64url').toString());

type Refusal = [args: string, argument: string, message: RegExp];

/** Arguments that are refused, each with the invalid argument and the message. */
async function refusals(list: (args: string) => string, other: Case): Promise<Refusal[]> {
  const own = await cursorOf(list('(first: 1)'));
  const ofList = await cursorOf(`${other.root}(first: 1)`);
  const ofOrder = await cursorOf(list('(first: 1, orderBy: [{ field: ID }])'));
  const [from, ...values] = decode(own);
  const altered = encode([from, ...values.map(() => ({ $ne: null }))]);
  return [
    [`first: ${limits.maxPageSize + 1}`, 'first', /at most 100.*next page with a cursor/],
    [`last: ${limits.maxPageSize + 1}`, 'last', /at most 100/],
    ['first: -1', 'first', /must not be negative/],
    ['last: -1', 'last', /must not be negative/],
    ['first: 1, last: 1', 'last', /either "first" or "last"/],
    [`first: 1, after: "${own}", before: "${own}"`, 'before', /either "after" or "before"/],
    [`last: 1, after: "${own}"`, 'after', /goes with "first"/],
    [`first: 1, before: "${own}"`, 'before', /goes with "last"/],
    [`after: "${ofList}"`, 'after', /cursor of another list or order.*same orderBy/],
    [`last: 1, before: "${ofList}"`, 'before', /cursor of another list or order/],
    [`after: "${ofOrder}"`, 'after', /cursor of another list or order/],
    ['after: "garbage"', 'after', /is not a cursor of this API/],
    ['after: ""', 'after', /is not a cursor of this API/],
    [`after: "${own.slice(0, -6)}"`, 'after', /is not a cursor of this API/],
    [`after: "${encode([from])}"`, 'after', /cursor of another list or order/],
    [`after: "${encode({})}"`, 'after', /is not a cursor of this API/],
    [`after: "${altered}"`, 'after', /is not a cursor of this API/],
    [
      `orderBy: [${'{ field: ID } '.repeat(limits.maxOrderColumns + 1)}]`,
      'orderBy',
      /at most 5 entries/,
    ],
  ];
}

async function expectRefused(list: (args: string) => string, other: Case): Promise<void> {
  const refused = await refusals(list, other);
  const results = await askAll(
    world.client,
    refused.map(([args]) => ({ field: `${list(`(${args})`)} ${PAGE}` })),
  );
  for (const [i, [args, argument, message]] of refused.entries()) {
    const { error } = results[i] ?? {};
    expect(error?.message, args).toMatch(message);
    expect(error?.extensions, args).toEqual({ code: 'BAD_USER_INPUT', argument });
  }
}

describe('invalid paging arguments are refused, and the error names the argument', () => {
  it.each(named(cases))('%s', async (_, { name, root }) => {
    const other = cases.find((each) => each.name !== name) as Case;
    await expectRefused((args) => `${root}${args}`, other);
  });
});

describe('a relation refuses invalid arguments, and cursors of the list at the root', () => {
  it('Workspace.campaigns', async () => {
    const field = (args: string) => `workspace(id: "${world.workspaceId}") { campaigns${args}`;
    const own = await world.client.data(
      `{ own: ${field('(first: 1)')} ${PAGE} } all: campaigns(first: 1) ${PAGE} }`,
    );
    const ofRoot = own.all.pageInfo.startCursor;
    const ofRelation = own.own.campaigns.pageInfo.startCursor;
    expect(ofRoot).not.toBe(ofRelation);
    for (const [args, argument] of [
      ['first: 101', 'first'],
      ['first: 1, last: 1', 'last'],
      [`after: "${ofRoot}"`, 'after'],
      ['last: 1, before: "garbage"', 'before'],
    ]) {
      const { errors } = await world.client.ask(`{ own: ${field(`(${args})`)} ${PAGE} } }`);
      expect(
        errors?.map(({ extensions }) => extensions),
        args,
      ).toEqual([{ code: 'BAD_USER_INPUT', argument }]);
    }
  });
});

describe('the size of a page', () => {
  const large = cases.filter(
    ({ name }) => !['MetaLearnerState', 'GlobalStrategy', 'UserAchievement'].includes(name),
  );
  it.each(named(large))(
    'of %s is 25 by default, may be 0, and is at most 100',
    async (_, { root }) => {
      const [usual, none, noneLast, most, last] = await askAll(world.client, [
        { field: `${root} ${PAGE}` },
        { field: `${root}(first: 0) ${PAGE}` },
        { field: `${root}(last: 0) ${PAGE}` },
        { field: `${root}(first: 100) ${PAGE}` },
        { field: `${root}(last: 100) ${PAGE}` },
      ]);
      expect(usual?.data.nodes).toHaveLength(limits.defaultPageSize);
      expect(usual?.data.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
      const empty = { startCursor: null, endCursor: null };
      expect(none?.data).toEqual({
        nodes: [],
        pageInfo: { hasNextPage: true, hasPreviousPage: false, ...empty },
      });
      expect(noneLast?.data).toEqual({
        nodes: [],
        pageInfo: { hasNextPage: false, hasPreviousPage: true, ...empty },
      });
      expect(most?.data.nodes).toHaveLength(100);
      expect(most?.data.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
      expect(last?.data.nodes).toHaveLength(100);
      expect(last?.data.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    },
  );
});
