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
import { textsIn, visibilityOf } from './visibility.ts';
import {
  createLiveWorld,
  deleteAll,
  insertAll,
  type LiveWorld,
  type Participant,
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

/** The selection of a relation: the ids of its rows. */
function related({ name, type }: Field): string[] {
  const to = getNamedType(type);
  const fields = fieldsOf(to).map((field) => field.name);
  // Views and histories are tested by their own queries.
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
  // Its values change with time.
  .filter(({ name }) => name !== 'trendOpportunities')
  .map(({ name, type }) => `${name} { ${leavesOf(getNamedType(type)).join(' ')} }`);

/** A few aggregates: of rows that all members see, that one person sees, and of workspaces. */
const AGGREGATES = ['systemAlerts', 'userNotifications', 'workspaces'];
const isLeftOut = ({ name }: Field) =>
  /Aggregate$/.test(name) && !AGGREGATES.some((list) => name === `${list}Aggregate`);

/** Every query without a required argument, a search, and one of all overviews of a workspace. */
const queries = [
  ...fieldsOf(schema.getQueryType())
    .filter(({ args }) => !args.some(({ name }) => /^(id|nodeId|nodeIds|text)$/.test(name)))
    .filter((field) => !isLeftOut(field))
    .map((field) => `{ ${selectionOf(field)} }`),
  '{ search(text: "title") { totals { totalCount } edges { score node { ... on SystemAlert { nodeId title } } } } }',
  `{ workspaces(first: 3) { nodes { ${overviews.join(' ')} } } }`,
  // Rows that others decide on.
  '{ campaigns(first: 20, orderBy: [{ alerts: { count: DESC } }]) { edges { cursor node { id } } } }',
  '{ alerts: systemAlerts(first: 20, filter: { notifications: { aggregate: { count: { gt: 0 } } } }) { nodes { id } } }',
  '{ moves: systemAlerts(first: 20, orderBy: [{ relatedCampaign: { name: ASC } }]) { edges { cursor } } }',
];

/** Two roles are enough, since roles differ only in what they may write. */
const READERS = ['Owner', 'Viewer', 'agent', 'outsider', 'their Owner'];

interface Reader {
  who: Participant;
  listener: Listener;
  live: Map<string, Subscription>;
}

let world: LiveWorld;
let targets: Target[];
let readers: Reader[];
/** The texts that a reader must not receive, by its name. */
const secrets = new Map<string, ReadonlySet<string>>();

beforeAll(async () => {
  world = await createLiveWorld();
  targets = await targetsOf(world);
  const chosen = world.participants.filter(({ name }) => READERS.includes(name));
  for (const who of chosen) secrets.set(who.name, (await visibilityOf(world, who)).secrets);
  readers = chosen.map((who) => {
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

/** The live results that differ from those of the same query now. */
async function outdated(): Promise<string[]> {
  const found = await Promise.all(
    readers.map(async ({ who, live }) => {
      const own: string[] = [];
      for (const [query, subscription] of live) {
        const last = JSON.stringify(shown(subscription.results.at(-1) ?? {}));
        const fresh = JSON.stringify(shown((await who.client.ask(query)) as Result));
        if (last !== fresh) own.push(`${who.name}, ${query}: ${last} is ${fresh}`);
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

describe.sequential('the last result of each live query is that of the query now', () => {
  const counts = () =>
    readers.map(({ live }) => [...live.values()].map(({ results }) => results.length));
  let before: number[][];

  it('at the start', async () => {
    expect(readers).toHaveLength(READERS.length);
    expect(queries.length).toBeGreaterThan(60);
    expect(overviews.length).toBeGreaterThan(2);
    await expectUpToDate();
    before = counts();
  }, 120_000);

  it.each([
    ['changed', updateAll],
    ['deleted', deleteAll],
    ['inserted again', insertAll],
  ])(
    'after all rows are %s',
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

  it('and no reader receives a text of rows that it may not see', () => {
    for (const { who, listener } of readers) {
      expect(textsIn(listener.raw(), secrets.get(who.name) ?? []), who.name).toEqual([]);
    }
  });
});
