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
import { nodeIdOf, textsIn, type Visibility, visibilityOf } from './visibility.ts';
import {
  createLiveWorld,
  deleteAll,
  insertAll,
  type LiveWorld,
  type Operation,
  type Participant,
  type Target,
  targetsOf,
  updateAll,
} from './world.ts';

const CODES = { workspace: 'WORKSPACE_REQUIRED', person: 'FORBIDDEN' };
/** The transports of participants; the default is a WebSocket. */
const TRANSPORTS: Record<string, Transport> = { Analyst: 'SSE', Viewer: 'multipart' };

/** A participant that subscribes to everything. */
interface Observer {
  who: Participant;
  listener: Listener;
  subscriptions: Map<Document, Subscription>;
  refused: Map<Document, Subscription>;
}

let world: LiveWorld;
let targets: Target[];
let cursors: Map<string, string>;
let visibilities: Map<string, Visibility>;
let live: Observer[];

/** The code that refuses a subscription; null if it is allowed. */
function refusalOf({ field, shown }: Document, { actor }: Participant): string | null {
  if (field === 'notificationReceived' && actor.agent) return CODES.person;
  return !actor.workspaceId && shown.tenancy === 'workspace' ? CODES.workspace : null;
}

async function subscribeAll(after: (who: Participant) => string | undefined): Promise<Observer[]> {
  const observers = world.participants.map((who): Observer => {
    const listener = listen(world.api.url, who.client, TRANSPORTS[who.name]);
    const subscriptions = new Map<Document, Subscription>();
    const refused = new Map<Document, Subscription>();
    for (const document of documents) {
      const subscription = listener.subscribe(document.text, { after: after(who) });
      (refusalOf(document, who) ? refused : subscriptions).set(document, subscription);
    }
    return { who, listener, subscriptions, refused };
  });
  const accepted = observers.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0);
  await listening(world.api, accepted);
  return observers;
}

/** The events that a participant must receive, in the order of the rows. */
function expectedOf(
  { shown, operations }: Document,
  who: Participant,
  changed: readonly Operation[],
) {
  const visible = visibilities.get(who.name)?.ids.get(shown.table);
  const rows = targets.filter(({ table, id }) => table === shown.table && visible?.has(id));
  return changed
    .filter((operation) => operations.includes(operation))
    .flatMap((operation) => rows.map(({ table, id }) => `${operation} ${nodeIdOf(table, id)}`));
}

const eventsOf = (subscription: Subscription) =>
  subscription.received().map((event) => `${event?.operation} ${event?.nodeId}`);

/** Waits until each observer has received exactly the events that it must receive. */
async function expectEvents(observers: readonly Observer[], ...changed: Operation[]) {
  const wrong = () =>
    observers.flatMap(({ who, subscriptions }) =>
      [...subscriptions].flatMap(([document, subscription]) => {
        const expected = expectedOf(document, who, changed);
        const events = eventsOf(subscription);
        return [
          ...expected.filter((each) => !events.includes(each)).map((each) => `missing ${each}`),
          ...events.filter((each, i) => !expected.includes(each) || events.indexOf(each) < i),
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
  visibilities = new Map();
  for (const who of world.participants) visibilities.set(who.name, await visibilityOf(world, who));
  cursors = new Map();
  for (const { name, client } of world.participants) {
    const { agents } = await client.data('{ agents { liveCursor } }');
    cursors.set(name, agents.liveCursor);
  }
  live = await subscribeAll(() => undefined);
}, 120_000);
afterAll(async () => {
  for (const { listener } of live ?? []) listener.close();
  await world?.close();
});

it('tests every subscription of the schema', () => {
  const fields = Object.keys(schema.getSubscriptionType()?.getFields() ?? {});
  // Invitations are not rows of a table. They have their own tests.
  const tested = new Set([...documents.map(({ field }) => field), 'invitationChanged']);
  expect([...tested].sort()).toEqual(fields.sort());
});

it('has rows in every table that a participant sees, and rows that it does not see', () => {
  const tables = new Set(targets.map(({ table }) => table));
  for (const { name, actor } of world.participants) {
    const { ids, secrets } = visibilities.get(name) as Visibility;
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

it('refuses subscriptions that are not allowed', async () => {
  for (const { who, refused } of live) {
    for (const [document, subscription] of refused) {
      await eventually(() => subscription.code()).toBe(refusalOf(document, who));
    }
  }
});

describe.sequential('each participant receives the events of the rows that it sees, and no others', () => {
  const changed: Operation[] = [];

  it.each([
    ['UPDATED', updateAll],
    ['DELETED', deleteAll],
    ['CREATED', insertAll],
  ] as const)(
    'when all rows are %s',
    async (operation, change) => {
      await change(world, targets);
      changed.push(operation);
      await expectEvents(live, ...changed);
      await quiet(live.map(({ listener }) => listener));
      await expectEvents(live, ...changed);
    },
    120_000,
  );

  it('and receives no text of other rows', async () => {
    await expectNoSecrets(live);
  });

  it('in a replay', async () => {
    for (const { listener } of live) listener.close();
    await listening(world.api, 0);
    const again = await subscribeAll(({ name }) => cursors.get(name));
    await expectEvents(again, ...changed);
    await quiet(again.map(({ listener }) => listener));
    await expectEvents(again, ...changed);
    await expectNoSecrets(again);
    for (const { listener } of again) listener.close();
  }, 120_000);
});

async function expectNoSecrets(observers: readonly Observer[]): Promise<void> {
  for (const { who, listener } of observers) {
    const before = visibilities.get(who.name) as Visibility;
    const now = await visibilityOf(world, who);
    const known = new Set([...before.known, ...now.known]);
    const secrets = new Set([...before.secrets, ...now.secrets].filter((text) => !known.has(text)));
    const raw = listener.raw();
    expect(textsIn(raw, secrets), who.name).toEqual([]);
    // The search works: it finds the texts of rows that the participant sees.
    const own = [...now.known].filter((text) => !text.includes(' '));
    expect(textsIn(raw, own).length, who.name).toBeGreaterThan(who.actor.workspaceId ? 100 : 10);
  }
}
