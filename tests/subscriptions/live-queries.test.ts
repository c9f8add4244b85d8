import { type GraphQLField, getNamedType, isLeafType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { views } from '../contract/cases.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Result,
  type Subscription,
} from '../support/subscribe.ts';
import { sightOf, textsIn } from './sight.ts';
import {
  createLiveWorld,
  deleteAll,
  insertAll,
  type LiveWorld,
  type Somebody,
  type Target,
  targetsOf,
  updateAll,
} from './world.ts';

type Field = GraphQLField<unknown, unknown>;

const fieldsOf = (type: unknown): Field[] =>
  isObjectType(type) ? Object.values(type.getFields()) : [];
const leavesOf = (type: unknown) =>
  fieldsOf(type)
    .filter((field) => isLeafType(getNamedType(field.type)) && field.name !== 'liveCursor')
    .map(({ name }) => name);

/** What a row shows, and the ids of what it leads to. */
function related({ name, type }: Field): string[] {
  const to = getNamedType(type);
  const fields = fieldsOf(to).map((field) => field.name);
  // Of views and histories, which are read again after every change, there is a query of its own.
  if (fields.includes('totalCount')) return [`${name}(first: 1) { totalCount nodes { nodeId } }`];
  return fields.includes('nodeId') ? [`${name} { nodeId }`] : [];
}

function selectionOf(field: Field): string {
  const first = field.args.some(({ name }) => name === 'first') ? '(first: 20)' : '';
  const to = getNamedType(field.type);
  const nodes = fieldsOf(to).find(({ name }) => name === 'nodes');
  if (nodes) return `${field.name}${first} { totalCount ${selectionOf(nodes)} }`;
  const isLong = ['Workspace', 'Viewer'].includes(to.name);
  const more = isLong ? [] : fieldsOf(to).flatMap(related);
  return `${field.name}${first} { ${[...leavesOf(to), ...more].join(' ')} }`;
}

const overviews = fieldsOf(schema.getType('Workspace'))
  .filter(({ type }) => views.has(getNamedType(type).name))
  // Worth less with every second.
  .filter(({ name }) => name !== 'trendOpportunities')
  .map(({ name, type }) => `${name} { ${leavesOf(getNamedType(type)).join(' ')} }`);

/** Every query that needs no argument, and one of all that the workspace sums up. */
const queries = [
  ...fieldsOf(schema.getQueryType())
    .filter(({ args }) => !args.some(({ name }) => /^(id|nodeId|nodeIds)$/.test(name)))
    .map((field) => `{ ${selectionOf(field)} }`),
  `{ workspaces(first: 3) { nodes { ${overviews.join(' ')} } } }`,
];

/** All that a role adds is what it may write: two of them show that. */
const READERS = ['Owner', 'Viewer', 'agent', 'outsider', 'their Owner'];

interface Reader {
  who: Somebody;
  listener: Listener;
  live: Map<string, Subscription>;
}

let world: LiveWorld;
let targets: Target[];
let readers: Reader[];
/** What must not be told, by the reader's name. */
const secrets = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  world = await createLiveWorld();
  targets = await targetsOf(world);
  const everybody = world.everybody.filter(({ name }) => READERS.includes(name));
  for (const who of everybody) secrets.set(who.name, (await sightOf(world, who)).secrets);
  readers = everybody.map((who) => {
    const listener = listen(world.api.url, who.client);
    const live = queries.map(
      (query) => [query, listener.subscribe(`query @live ${query}`)] as const,
    );
    return { who, listener, live: new Map(live) };
  });
  await listening(world.api, readers.length * queries.length);
}, 120_000);
afterAll(async () => {
  for (const { listener } of readers ?? []) listener.close();
  await world?.close();
});

const shown = ({ data, errors = [] }: Result) => ({
  data,
  codes: errors.map(({ extensions }) => extensions.code),
});

/** What is not as it would be read now. */
async function outdated(): Promise<string[]> {
  const found = await Promise.all(
    readers.map(async ({ who, live }) => {
      const own: string[] = [];
      for (const [query, subscription] of live) {
        const told = JSON.stringify(shown(subscription.results.at(-1) ?? {}));
        const fresh = JSON.stringify(shown((await who.client.ask(query)) as Result));
        if (told !== fresh) own.push(`${who.name}, ${query}: ${told} is ${fresh}`);
        if (subscription.isOver()) own.push(`${who.name}, ${query}: it has ended`);
      }
      return own;
    }),
  );
  return found.flat();
}

async function expectUpToDate() {
  await quiet(
    readers.map(({ listener }) => listener),
    1_500,
  );
  const until = Date.now() + 20_000;
  let found = await outdated();
  while (found.length > 0 && Date.now() < until) found = await outdated();
  expect(found.slice(0, 3)).toEqual([]);
}

describe.sequential('everybody has the answers that they would get now', () => {
  const counts = () =>
    readers.map(({ live }) => [...live.values()].map(({ results }) => results.length));
  let before: number[][];

  it('to begin with', async () => {
    expect(readers).toHaveLength(READERS.length);
    expect(queries.length).toBeGreaterThan(60);
    expect(overviews.length).toBeGreaterThan(2);
    await expectUpToDate();
    before = counts();
  }, 120_000);

  it.each([
    ['changed', updateAll],
    ['deleted', deleteAll],
    ['there again', insertAll],
  ])(
    'once all rows are %s',
    async (_, change) => {
      await change(world, targets);
      await expectUpToDate();
      const after = counts();
      const owner = readers.findIndex(({ who }) => who.name === 'Owner');
      const changed = queries.filter(
        (_query, i) => (after[owner]?.[i] ?? 0) > (before[owner]?.[i] ?? 0),
      );
      expect(changed.length).toBeGreaterThan(50);
      before = after;
    },
    180_000,
  );

  it('and were told nothing that is none of theirs', () => {
    for (const { who, listener } of readers) {
      expect(textsIn(listener.raw(), secrets.get(who.name) ?? []), who.name).toEqual([]);
    }
  });
});
