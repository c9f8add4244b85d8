// Measures how soon subscribers get a committed change: the time from the writer's confirmation of the
// commit to the first and to the last client. The gateway, its clients and Postgres are processes of
// their own on this machine.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import pg from 'pg';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { startEmbeddedDatabase } from '../../src/server/database.ts';
import type { Arrival, Close, Collect, Open } from './clients.ts';
import {
  BARE,
  GATEWAY,
  leaveToServer,
  PORT,
  readGauges,
  SECRET,
  settledGauges,
  startServer,
  stopServer,
} from './measured-server.ts';

const { values: options } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1,100,1000,5000,10000' },
    groups: { type: 'string', default: '1,10' },
    rates: { type: 'string', default: '1,10,100' },
    /** How long each cell of the table writes. */
    seconds: { type: 'string', default: '8' },
    /** Subscribers that are each executed on their own, for comparison; 0 for none. */
    naive: { type: 'string', default: '100,1000' },
    /** Subscribers of a minimal server, as a lower bound; 0 for none. */
    bare: { type: 'string', default: '1,1000' },
    /** A core for the server alone, where there is `taskset`; `any` leaves all to the scheduler. */
    core: { type: 'string', default: '0' },
  },
});
const numbers = (list: string) => list.split(',').map(Number).filter(Boolean);

/** Most deliveries for one cell of the table: more take minutes. */
const MAX_DELIVERIES = 300_000;
/** Least number of events for each cell: quantiles of a few mean nothing. */
const MIN_EVENTS = 40;
/** Events for a new server before it is measured: its code is compiled as it is used. */
const WARM_UP = { events: 600, rate: 100 };
/** With an execution for each subscriber it is too slow for more. */
const NAIVE_RATES = [1, 10];
const QUERY = `subscription ($other: String) {
  alertRaised(filter: { title: { not: $other } }) {
    operation nodeId cursor occurredAt
    node { id title severityLevel status createdAt }
  }
}`;

interface Cell {
  subscribers: number;
  groups: number;
  rate: number;
}

const cores = availableParallelism();
// Else the result depends on the other processes that the scheduler runs on its core.
const pinned = leaveToServer(options.core) ? ['taskset', '-c', options.core] : [];
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'codex-bench-'));
const database = await startEmbeddedDatabase(folder, () => {});
const writer = new pg.Client(database.postgres.url());
await writer.connect();
let server = await start(GATEWAY);
const clients = fork(join(root, 'scripts/bench-push/clients.ts'), {
  execArgv: ['--import', 'tsx'],
});
let events = 0;
const rates = numbers(options.rates);

try {
  print(
    `${cpus()[0]?.model}, ${cores} cores, ${pinned.length > 0 ? 'one for the server alone' : 'shared by all processes'}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  print(
    `${options.seconds} s a row, at most ${MAX_DELIVERIES.toLocaleString('en')} deliveries; times in ms\n`,
  );
  print(
    row(
      '',
      'clients',
      'groups',
      'rate',
      'first p50',
      'p99',
      'last p50',
      'p99',
      'CPU/event',
      'KB/client',
      'resident',
      'loop p99',
      'missing',
    ),
  );
  for (const subscribers of numbers(options.subscribers)) {
    for (const groups of numbers(options.groups)) {
      if (groups > subscribers) continue;
      await restart(GATEWAY);
      await measure('', subscribers, groups, rates);
      if (groups > 1 || !numbers(options.bare).includes(subscribers)) continue;
      await restart(BARE);
      await measure('bare', subscribers, groups, rates);
    }
  }
  for (const subscribers of numbers(options.naive)) {
    await restart(GATEWAY);
    await measure(
      'naive',
      subscribers,
      subscribers,
      rates.filter((rate) => NAIVE_RATES.includes(rate)),
    );
  }
} finally {
  clients.disconnect();
  await stopServer(server);
  await writer.end();
  await database.readiness.close();
  await database.postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Opens subscribers, and prints a line for each rate. */
async function measure(
  name: string,
  subscribers: number,
  groups: number,
  rates: readonly number[],
): Promise<void> {
  const before = await settledGauges(server);
  await open(subscribers, groups);
  const after = await settledGauges(server);
  const each = (gauge: 'usedBytes' | 'residentBytes') =>
    // With a few subscribers, other memory would be most of it.
    subscribers >= 1_000 ? ((after[gauge] - before[gauge]) / subscribers / 1024).toFixed(1) : '';
  for (const rate of rates) {
    const figures = await run({ subscribers, groups, rate });
    print(
      row(
        name,
        subscribers,
        groups,
        rate,
        ...figures.times,
        figures.cpu,
        each('usedBytes'),
        each('residentBytes'),
        figures.loop,
        figures.missing,
      ),
    );
  }
  await send({ kind: 'close' });
  await delay(1_000);
}

/** Begins with a server that has handled some events, and keeps nothing of other rows. */
async function restart(command: readonly string[]): Promise<void> {
  await stopServer(server);
  server = await start(command);
  await open(20, 2);
  await run({ subscribers: 20, groups: 2, rate: WARM_UP.rate }, WARM_UP.events);
  await send({ kind: 'close' });
  await delay(1_000);
}

async function open(subscribers: number, groups: number): Promise<void> {
  await send({
    kind: 'open',
    port: PORT,
    token: await token(),
    workspaceId: demoWorkspaces[0]?.id as string,
    query: QUERY,
    variables: Array.from({ length: subscribers }, (_, n) => ({ other: `group ${n % groups}` })),
  });
  await delay(1_500);
}

async function run(
  { subscribers, rate }: Cell,
  wanted = Math.max(MIN_EVENTS, rate * Number(options.seconds)),
) {
  const count = Math.min(wanted, Math.floor(MAX_DELIVERIES / subscribers));
  const before = await readGauges();
  const committed = new Map<number, bigint>();
  const begun = performance.now();
  for (let n = 0; n < count; n += 1) {
    events += 1;
    await writer.query(
      `INSERT INTO system_alerts (workspace_id, title, alert_type, severity_level)
       VALUES ($1, $2, 'performance', 'medium')`,
      [demoWorkspaces[0]?.id, `event ${events}`],
    );
    committed.set(events, process.hrtime.bigint());
    await delay(Math.max(0, begun + ((n + 1) * 1000) / rate - performance.now()));
  }
  const arrivals = (await send({
    kind: 'collect',
    events: count,
    patienceMs: 30_000,
  })) as Arrival[];
  const after = await readGauges();
  const since = (event: number, moment: string) =>
    Number(BigInt(moment) - (committed.get(event) as bigint)) / 1e6;
  const first = arrivals.map((each) => since(each.event, each.first));
  const last = arrivals.map((each) => since(each.event, each.last));
  const delivered = arrivals.reduce((sum, each) => sum + each.clients, 0);
  return {
    times: [first, last].flatMap((all) => [quantile(all, 0.5), quantile(all, 0.99)]),
    cpu: (((after.cpuSeconds - before.cpuSeconds) * 1000) / count).toFixed(1),
    loop: after.loopDelayP99Ms.toFixed(0),
    missing: count * subscribers - delivered,
  };
}

function start(command: readonly string[]) {
  return startServer(command, pinned, {
    DATABASE_URL: database.connectionString,
    BARE_DATABASE_URL: database.postgres.url(),
  });
}

async function send(message: Open | Collect | Close): Promise<unknown> {
  clients.send(message);
  const [answer] = await once(clients, 'message');
  return answer;
}

function token(): Promise<string> {
  return new SignJWT({ role: 'authenticated', email: demoPeople[0]?.email })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(demoPeople[0]?.id as string)
    .setAudience('authenticated')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function quantile(values: readonly number[], q: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]?.toFixed(1) ?? '';
}

function row(name: string, ...columns: (string | number)[]): string {
  return name.padEnd(6) + columns.map((column) => String(column).padStart(10)).join('');
}
