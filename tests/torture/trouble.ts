import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Cluster, Replica } from './cluster.ts';
import type { Random } from './random.ts';
import type { TorturedBroker } from './tortured-broker.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** How long transaction ids are wasted before a crash. */
const WASTE_MS = 50;
/** How long a broker does not answer. */
const FROZEN_MS = 3_000;
const ROLES = ['Strategist', 'Creator', 'Analyst', 'Viewer'];

export interface TroubleOptions {
  cluster: Cluster;
  wires: readonly Wire[];
  world: World;
  random: Random;
  /** How long to wait between two troubles, on average, in milliseconds. */
  everyMs: number;
  /** Whether Postgres is crashed, too. */
  immediate: boolean;
  signal: AbortSignal;
  onEvent(event: string): void;
}

type Trouble = [name: string, make: () => Promise<unknown>];

/** Makes one trouble after the other, until it is stopped. */
export async function makeTrouble(options: TroubleOptions): Promise<void> {
  const { random, everyMs, signal, onEvent } = options;
  // Each one once before any is repeated.
  let bag: Trouble[] = [];
  while (!signal.aborted) {
    await delay(random.around(everyMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (bag.length === 0) bag = random.shuffled(troublesOf(options));
    const [name, make] = bag.pop() as Trouble;
    onEvent(name);
    await make();
  }
}

function troublesOf(options: TroubleOptions): Trouble[] {
  const { cluster, wires, random, immediate, onEvent } = options;
  const end = (signal: 'SIGKILL' | 'SIGTERM') => async () => {
    const [replica] = random.shuffled(cluster.liveReplicas);
    // Of several, one keeps running.
    if (replica && (cluster.replicas.length === 1 || cluster.liveReplicas.length > 1)) {
      await restart(replica, signal, onEvent);
    }
  };
  const crash: Trouble = [
    'Postgres crashed',
    async () => {
      void wasteTransactionIds(cluster.url);
      await delay(WASTE_MS);
      await cluster.restartPostgres('immediate');
    },
  ];
  return [
    ['feed cut off', () => terminate(cluster.url, `application_name = 'codex-gateway-feed'`)],
    ['gateways cut off', () => terminate(cluster.url, `usename = 'codex_gateway'`)],
    ['one backend terminated', () => terminate(cluster.url, 'true order by random() limit 1')],
    ['all backends terminated', () => terminate(cluster.url, 'true')],
    ['Postgres restarted', () => cluster.restartPostgres('fast')],
    ...(immediate ? [crash] : []),
    ['gateway killed', end('SIGKILL')],
    ['gateway stopped', end('SIGTERM')],
    ['all clients cut off', async () => random.pick(wires).cutAll()],
    ...(cluster.broker ? brokerTroubles(cluster.broker, random) : []),
    ['role changed', () => changeRole(options)],
  ];
}

function brokerTroubles(broker: TorturedBroker, random: Random): Trouble[] {
  const freeze = async () => {
    broker.freeze(true);
    await delay(random.around(FROZEN_MS));
    broker.freeze(false);
  };
  return [
    ['broker cut off', async () => broker.cut()],
    ['broker killed', () => broker.restart()],
    ['broker frozen', freeze],
  ];
}

/** The next trouble does not wait for it to answer again. */
async function restart(
  replica: Replica,
  signal: 'SIGKILL' | 'SIGTERM',
  onEvent: (event: string) => void,
): Promise<void> {
  const started = replica.end(signal).then(() => replica.start());
  void started.then(() => onEvent('gateway back'));
}

async function terminate(url: string, which: string): Promise<void> {
  await execute(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where backend_type = 'client backend' and pid <> pg_backend_pid() and ${which}`,
  );
}

/** Takes transaction ids until the server crashes, which forgets the last ones. */
async function wasteTransactionIds(url: string): Promise<void> {
  await execute(url, `do $$ begin loop perform pg_current_xact_id(); rollback; end loop; end $$`);
}

/** Moves a person to the group of another role, which receives the same changes. */
async function changeRole({ cluster, world, random }: TroubleOptions): Promise<void> {
  const { id, people } = random.pick(world.workspaces);
  await execute(
    cluster.url,
    'update user_workspaces set role = $1 where workspace_id = $2 and user_id = $3',
    [random.pick(ROLES), id, people.Analyst.personId],
  );
}

async function execute(url: string, sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  // One trouble may make another one fail.
  try {
    await client.connect();
    await client.query(sql, values);
  } catch {
  } finally {
    await client.end().catch(() => {});
  }
}
