import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Listener,
  listen,
  listening,
  quiet,
  type Subscription,
  type Transport,
} from '../support/subscribe.ts';
import { type Document, documents } from './documents.ts';
import { nodeIdOf, type Sight, sightOf, textsIn } from './sight.ts';
import {
  createLiveWorld,
  deleteAll,
  insertAll,
  type LiveWorld,
  type Somebody,
  type Target,
  type ToldOperation,
  targetsOf,
  updateAll,
} from './world.ts';

const CODES = { workspace: 'WORKSPACE_REQUIRED', person: 'FORBIDDEN' };
/** Whoever is not here listens over a socket. */
const TRANSPORTS: Record<string, Transport> = { Analyst: 'SSE', Viewer: 'multipart' };

/** Somebody who subscribes to all that there is. */
interface Audience {
  who: Somebody;
  listener: Listener;
  subscriptions: Map<Document, Subscription>;
  refused: Map<Document, Subscription>;
}

let world: LiveWorld;
let targets: Target[];
let cursors: Map<string, string>;
let sights: Map<string, Sight>;
let live: Audience[];

/** Why somebody may not subscribe; null if they may. */
function refusalOf({ field, shown }: Document, { actor }: Somebody): string | null {
  if (field === 'notificationReceived' && actor.agent) return CODES.person;
  return !actor.workspaceId && shown.tenancy === 'workspace' ? CODES.workspace : null;
}

async function subscribeAll(after: (who: Somebody) => string | undefined): Promise<Audience[]> {
  const audiences = world.everybody.map((who): Audience => {
    const listener = listen(world.api.url, who.client, TRANSPORTS[who.name]);
    const subscriptions = new Map<Document, Subscription>();
    const refused = new Map<Document, Subscription>();
    for (const document of documents) {
      const subscription = listener.subscribe(document.text, { after: after(who) });
      (refusalOf(document, who) ? refused : subscriptions).set(document, subscription);
    }
    return { who, listener, subscriptions, refused };
  });
  const admitted = audiences.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0);
  await listening(world.api, admitted);
  return audiences;
}

/** What each row's changes tell somebody, in the order of the rows. */
function expectedOf({ shown, tells }: Document, who: Somebody, changed: readonly ToldOperation[]) {
  const visible = sights.get(who.name)?.ids.get(shown.table);
  const rows = targets.filter(({ table, id }) => table === shown.table && visible?.has(id));
  return changed
    .filter((operation) => tells.includes(operation))
    .flatMap((operation) => rows.map(({ table, id }) => `${operation} ${nodeIdOf(table, id)}`));
}

const toldOf = (subscription: Subscription) =>
  subscription.told().map((told) => `${told?.operation} ${told?.nodeId}`);

/** Waits until all have been told what is theirs, and holds them to it. */
async function expectTold(audiences: readonly Audience[], ...changed: ToldOperation[]) {
  const wrong = () =>
    audiences.flatMap(({ who, subscriptions }) =>
      [...subscriptions].flatMap(([document, subscription]) => {
        const expected = expectedOf(document, who, changed);
        const told = toldOf(subscription);
        return [
          ...expected.filter((each) => !told.includes(each)).map((each) => `missing ${each}`),
          ...told.filter((each, i) => !expected.includes(each) || told.indexOf(each) < i),
          ...(subscription.isOver() ? ['ended'] : []),
          ...subscription.results
            .flatMap(({ errors }) => errors ?? [])
            .map(({ message }) => message),
        ].map((each) => `${who.name}, ${document.field}: ${each}`);
      }),
    );
  await vi
    .waitUntil(() => wrong().length === 0, { timeout: 60_000, interval: 250 })
    .catch(() => expect(wrong()).toEqual([]));
}

beforeAll(async () => {
  world = await createLiveWorld();
  targets = await targetsOf(world);
  sights = new Map();
  for (const who of world.everybody) sights.set(who.name, await sightOf(world, who));
  cursors = new Map();
  for (const { name, client } of world.everybody) {
    const { agents } = await client.data('{ agents { liveCursor } }');
    cursors.set(name, agents.liveCursor);
  }
  live = await subscribeAll(() => undefined);
}, 120_000);
afterAll(async () => {
  for (const { listener } of live ?? []) listener.close();
  await world?.close();
});

it('subscribes to all that the schema has', () => {
  const fields = Object.keys(schema.getSubscriptionType()?.getFields() ?? {});
  // Invitations are no rows of a table, and have tests of their own.
  const tried = new Set([...documents.map(({ field }) => field), 'invitationChanged']);
  expect([...tried].sort()).toEqual(fields.sort());
});

it('changes rows of every kind that each may and may not see', () => {
  const tables = new Set(targets.map(({ table }) => table));
  for (const { name, actor } of world.everybody) {
    const { ids, secrets } = sights.get(name) as Sight;
    for (const table of tables) {
      const rows = targets.filter((target) => target.table === table);
      const seen = rows.filter(({ id }) => ids.get(table)?.has(id));
      const isShared = documents.some(
        ({ shown }) => shown.table === table && shown.tenancy === 'other',
      );
      if (!isShared) expect(seen.length, `${name}: ${table}`).toBeLessThan(rows.length);
      if (isShared) expect(seen.length, `${name}: ${table}`).toBe(rows.length);
      if (actor.userId === world.ours.people.Owner) expect(seen.length, table).toBeGreaterThan(0);
    }
    expect(secrets.size).toBeGreaterThan(500);
  }
});

it('refuses who may not subscribe', async () => {
  for (const { who, refused } of live) {
    for (const [document, subscription] of refused) {
      await eventually(() => subscription.code()).toBe(refusalOf(document, who));
    }
  }
});

describe.sequential('everybody is told of what is in their sight, and of nothing else', () => {
  const changed: ToldOperation[] = [];

  it.each([
    ['UPDATED', updateAll],
    ['DELETED', deleteAll],
    ['CREATED', insertAll],
  ] as const)(
    '%s',
    async (operation, change) => {
      await change(world, targets);
      changed.push(operation);
      await expectTold(live, ...changed);
      await quiet(live.map(({ listener }) => listener));
      await expectTold(live, ...changed);
    },
    120_000,
  );

  it('not one byte of other rows', async () => {
    await expectNoSecrets(live);
  });

  it('and when the past is told again', async () => {
    for (const { listener } of live) listener.close();
    await listening(world.api, 0);
    const again = await subscribeAll(({ name }) => cursors.get(name));
    await expectTold(again, ...changed);
    await quiet(again.map(({ listener }) => listener));
    await expectTold(again, ...changed);
    await expectNoSecrets(again);
    for (const { listener } of again) listener.close();
  }, 120_000);
});

async function expectNoSecrets(audiences: readonly Audience[]): Promise<void> {
  for (const { who, listener } of audiences) {
    const before = sights.get(who.name) as Sight;
    const now = await sightOf(world, who);
    const known = new Set([...before.known, ...now.known]);
    const secrets = new Set([...before.secrets, ...now.secrets].filter((text) => !known.has(text)));
    const raw = listener.raw();
    expect(textsIn(raw, secrets), who.name).toEqual([]);
    // The search finds what is there.
    const own = [...now.known].filter((text) => !text.includes(' '));
    expect(textsIn(raw, own).length, who.name).toBeGreaterThan(who.actor.workspaceId ? 100 : 10);
  }
}
