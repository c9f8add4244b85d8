import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { check, lostFrom, Outstanding, type Verdicts } from './checker.ts';
import type { Cluster } from './cluster.ts';
import { CONNECTIONS } from './connections.ts';
import { GraphqlWriter } from './graphql-writer.ts';
import { Ledger } from './ledger.ts';
import { NaiveReader, NOT_CUT_OFF, OVER_COLUMNS } from './naive-readers.ts';
import { Random } from './random.ts';
import { resolveUnsure } from './resolve.ts';
import { SqlWriter } from './sql-writer.ts';
import { KINDS, Subscription } from './subscriptions.ts';
import { notifications } from './tables.ts';
import { makeTrouble } from './trouble.ts';
import { Wire } from './wire.ts';
import { createWorld, type Reader, type World } from './world.ts';

/** How long to wait without a missing delivery once all troubles are over. */
const PATIENCE_MS = 30_000;
/** How long to wait for repeated deliveries. */
const QUIET_MS = 700;

export interface TortureOptions {
  /** Determines everything random, except for the scheduling of processes. */
  seed: string;
  /** How long to write, in milliseconds. */
  durationMs: number;
  /** Stops writing after so many deliveries. */
  deliveries?: number;
  /** How many clients each subscription has. Default 1. */
  devices?: number;
  sqlWriters: number;
  graphqlWriters: number;
  /** How long writers wait between transactions, on average, in milliseconds. */
  pauseMs: number;
  /** How long to wait between two troubles, on average, in milliseconds. */
  troubleMs: number;
  /** Whether Postgres is crashed, too. */
  immediate: boolean;
  /** Whether to also read the log in ways that lose changes, to show that this would be noticed. */
  naively?: boolean;
  onProgress?(line: string): void;
}

export interface TortureReport extends Verdicts {
  seed: string;
  seconds: number;
  changes: number;
  rolledBack: number;
  /** Changes whose outcome their writers do not know, and those of them that were committed. */
  unsure: [all: number, committed: number];
  subscriptions: number;
  /** How many changes naive readers lost. */
  lostNaively: Record<string, number>;
  /** How often each event happened. */
  events: Record<string, number>;
}

/** Tortures an otherwise idle cluster in new workspaces, and returns a report. */
export async function torture(cluster: Cluster, options: TortureOptions): Promise<TortureReport> {
  const { seed, onProgress = () => {} } = options;
  const random = new Random(seed);
  const begun = Date.now();
  const events = new Map<string, number>();
  const onEvent = (event: string) => void events.set(event, (events.get(event) ?? 0) + 1);
  const problems: string[] = [];
  const note = (who: string) => (error: unknown) => {
    problems.push(`${who}: ${(error as Error).stack}`);
  };

  const world = await createWorld(cluster.url);
  const ledger = new Ledger();
  const wires = await Promise.all(
    cluster.replicas.map(({ port }, i) => Wire.open(port, random.of(`wire ${i}`))),
  );
  const cursors = new Map<string, Promise<string>>();
  const subscriptions: [way: string, subscriptions: Subscription[]][] = [];
  for (let device = 0; device < (options.devices ?? 1); device += 1) {
    const part = random.of(`subscriptions ${device}`);
    subscriptions.push(...(await subscribeAll(cluster, world, part, cursors)));
  }
  if (cluster.broker) {
    cluster.broker.random = random.of('broker');
    cluster.broker.onEvent = (event) => onEvent(`${cluster.broker?.kind}: ${event}`);
  }
  const listening = new AbortController();
  const writing = new AbortController();
  setMaxListeners(0, listening.signal);

  const connections = subscriptions.map(async ([way, own], i) => {
    const [first] = own;
    const run = CONNECTIONS[way];
    if (!first || !run) return;
    const part = random.of(`client ${i}`);
    const gateways = part.shuffled(wires.map(({ url }) => url));
    const count = (event: string) => onEvent(`${way}: ${event}`);
    const { signal } = listening;
    const settings = { reader: first.reader, subscriptions: own, random: part, gateways, signal };
    await run({ ...settings, onEvent: count }).catch(note(`${way} of ${first.reader.name}`));
  });
  const all = subscriptions.flatMap(([, own]) => own);
  const delivered = () => all.reduce((sum, subscription) => sum + subscription.received.length, 0);

  const writers = [
    ...Array.from({ length: options.sqlWriters }, (_, i) => `sql${i}`),
    ...Array.from({ length: options.graphqlWriters }, (_, i) => `graphql${i}`),
  ].map(async (name) => {
    const { pauseMs } = options;
    const settings = { name, random: random.of(name), ledger, world, pauseMs };
    const { signal } = writing;
    const writer = name.startsWith('sql')
      ? new SqlWriter(() => cluster.url, { ...settings, signal })
      : new GraphqlWriter(() => cluster.liveReplicas.map(({ port }) => port), {
          ...settings,
          signal,
        });
    await writer.run().catch(note(name));
  });
  const naive = (options.naively ? [...OVER_COLUMNS, NOT_CUT_OFF] : []).map(
    (naivety) => new NaiveReader(naivety),
  );
  const following = naive.map((reader) => reader.follow(() => cluster.url, listening.signal));
  const trouble = makeTrouble({
    cluster,
    wires,
    world,
    random: random.of('trouble'),
    everyMs: options.troubleMs,
    immediate: options.immediate,
    signal: writing.signal,
    onEvent,
  }).catch(note('trouble'));

  const { durationMs, deliveries = Number.POSITIVE_INFINITY } = options;
  for (let second = 0; Date.now() - begun < durationMs && delivered() < deliveries; second += 1) {
    if (second % 20 === 19)
      onProgress(`${delivered()} delivered, ${ledger.committed.length} committed`);
    await delay(Math.min(1_000, durationMs));
  }
  writing.abort();
  await Promise.all([...writers, trouble]);
  for (const wire of wires) wire.calm();
  for (const replica of cluster.replicas) while (!replica.isUp) await delay(50);

  const unsure = ledger.unsure.flat().length;
  const resolved = await resolveUnsure(cluster.url, ledger);
  const outstanding = new Outstanding(all, ledger);
  let [before, since] = [Number.POSITIVE_INFINITY, Date.now()];
  for (let left = outstanding.count(); left > 0; left = outstanding.count()) {
    if (left < before) [before, since] = [left, Date.now()];
    if (Date.now() - since > PATIENCE_MS) break;
    await delay(300);
  }
  await delay(QUIET_MS);
  const verdicts = await check(all, ledger, cluster.url);
  listening.abort();
  await Promise.all([...connections, ...following]);
  for (const wire of wires) wire.close();

  for (const replica of cluster.replicas) {
    problems.push(...replica.deaths.splice(0));
    for (const error of replica.takeErrors()) onEvent(`logged: ${error}`);
  }
  for (const { statistics } of wires) {
    for (const [event, count] of Object.entries(statistics)) {
      events.set(event, (events.get(event) ?? 0) + count);
    }
  }
  return {
    ...verdicts,
    problems: [...problems, ...verdicts.problems],
    seed,
    seconds: Math.round((Date.now() - begun) / 1000),
    changes: ledger.committed.length,
    rolledBack: ledger.rolledBack,
    unsure: [unsure, resolved],
    subscriptions: all.length,
    lostNaively: Object.fromEntries(naive.map(({ name, keys }) => [name, lostFrom(keys, ledger)])),
    events: Object.fromEntries([...events].sort()),
  };
}

/** Subscriptions of all kinds, for readers of all roles, by the kind of their client. */
async function subscribeAll(
  cluster: Cluster,
  { workspaces }: World,
  random: Random,
  cursors: Map<string, Promise<string>>,
): Promise<[way: string, subscriptions: Subscription[]][]> {
  const ways = random.shuffled(Object.keys(CONNECTIONS));
  const all: [string, Subscription[]][] = [];
  const gateway = `http://127.0.0.1:${cluster.replicas[0]?.port}/graphql`;
  for (const { id, people, agent } of workspaces) {
    const others = workspaces.filter((workspace) => workspace.id !== id).map((each) => each.id);
    for (const [i, reader] of [...Object.values(people), agent].entries()) {
      const kinds = KINDS.filter(({ table }) => reader.personId || table !== notifications);
      const own = await Promise.all(
        kinds.map(async (kind) => {
          const { list } = kind.table.options;
          const key = `${id} ${reader.name} ${list}`;
          const cursor = cursors.get(key) ?? liveCursor(gateway, reader, list);
          cursors.set(key, cursor);
          return new Subscription(kind, reader, await cursor, random, others);
        }),
      );
      // Each reader has two kinds of clients, each with half of the subscriptions.
      const half = Math.ceil(own.length / 2);
      const mixed = random.shuffled(own);
      all.push([ways[(2 * i) % ways.length] ?? '', mixed.slice(0, half)]);
      all.push([ways[(2 * i + 1) % ways.length] ?? '', mixed.slice(half)]);
    }
  }
  return all;
}

async function liveCursor(gateway: string, reader: Reader, list: string): Promise<string> {
  const response = await fetch(gateway, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await reader.headers()) },
    body: JSON.stringify({ query: `{ ${list}(first: 1) { liveCursor } }` }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, { liveCursor: string }>;
    errors?: unknown;
  };
  const cursor = data?.[list]?.liveCursor;
  if (!cursor) throw new Error(`No cursor of ${list}: ${JSON.stringify(errors)}`);
  return cursor;
}
