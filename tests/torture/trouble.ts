import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Cluster, Replica } from './cluster.ts';
import type { Random } from './random.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

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

type Trouble = [weight: number, name: string, make: () => Promise<unknown>];

/** Makes one trouble after the other, until it is told to stop. */
export async function makeTrouble(options: TroubleOptions): Promise<void> {
  const { random, everyMs, signal, onEvent } = options;
  // Each as often as it weighs.
  const troubles = troublesOf(options).flatMap((trouble) => Array(trouble[0]).fill(trouble));
  while (!signal.aborted) {
    await delay(random.around(everyMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const [, name, make]: Trouble = random.pick(troubles);
    onEvent(name);
    await make();
  }
}

function troublesOf(options: TroubleOptions): Trouble[] {
  const { cluster, wires, random, immediate, onEvent } = options;
  const end = (signal: 'SIGKILL' | 'SIGTERM') => async () => {
    const [replica] = cluster.liveReplicas.sort(() => random.next() - 0.5);
    if (replica) await restart(replica, signal, onEvent);
  };
  return [
    [4, 'feed cut off', () => terminate(cluster.url, `application_name = 'codex-gateway-feed'`)],
    [2, 'gateways cut off', () => terminate(cluster.url, `usename = 'codex_gateway'`)],
    [2, 'one backend terminated', () => terminate(cluster.url, 'true order by random() limit 1')],
    [1, 'all backends terminated', () => terminate(cluster.url, 'true')],
    [2, 'Postgres restarted', () => cluster.restartPostgres('fast')],
    [immediate ? 3 : 0, 'Postgres crashed', () => cluster.restartPostgres('immediate')],
    [2, 'gateway killed', end('SIGKILL')],
    [1, 'gateway stopped', end('SIGTERM')],
    [2, 'all clients cut off', async () => random.pick(wires).cutAll()],
    [3, 'role changed', () => changeRole(options)],
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

/** Somebody is moved to the group of another role, and is told everything as before. */
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
  // One trouble may spoil another.
  try {
    await client.connect();
    await client.query(sql, values);
  } catch {
  } finally {
    await client.end().catch(() => {});
  }
}
