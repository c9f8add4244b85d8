import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrator.ts';
import { createPostgresFeed } from '../src/realtime/postgres-feed.ts';
import { findPostgres15 } from '../tests/database/migrator-fixture.ts';

const USAGE = `Usage: npm run bench:writes [-- --rounds 7 --seconds 2 --writers 1,8,32]

Measures how fast rows are inserted into system_alerts without the change log, with it, and with a
gateway that follows it: on a Postgres of its own (15, where it is installed) with default settings,
which syncs to disk. In each round everything is measured once, in turn; printed are medians.
`;

const MODES = ['without', 'with', 'followed'] as const;
type Mode = (typeof MODES)[number];

/** So many writers, each of which inserts so many rows a transaction. */
interface Load {
  writers: number;
  rows: number;
}

const WARM_UP_MS = 200;
const PASSWORD = 'bench';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    writers: { type: 'string', default: '1,8,32' },
    // For the process that acts as the gateway.
    follow: { type: 'string' },
    help: { type: 'boolean' },
  },
});

if (values.help) process.stdout.write(USAGE);
else if (values.follow) await follow(values.follow);
else await bench();

/** Follows the log until the parent ends. */
async function follow(url: string): Promise<void> {
  const feed = await createPostgresFeed({ connectionString: url });
  process.once('disconnect', () => void feed.close());
  process.send?.('ready');
}

async function bench(): Promise<void> {
  const installation = findPostgres15();
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-writes-'));
  const server = await startEmbeddedPostgres({ dataDir, ...(installation && { installation }) });
  try {
    await measureAll(server.url());
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true });
  }
}

async function measureAll(url: string): Promise<void> {
  await migrate(url);
  const owner = await connect(url);
  const workspaceId = randomUUID();
  await owner.query(`INSERT INTO workspaces (id, name) VALUES ($1, 'Bench')`, [workspaceId]);
  await owner.query(`ALTER ROLE codex_gateway LOGIN PASSWORD '${PASSWORD}'`);
  // Emptied between loads, like everything else that grows.
  await owner.query('ALTER TABLE gateway.audit_log DISABLE TRIGGER refuse_change');
  const gatewayUrl = new URL(url);
  gatewayUrl.username = 'codex_gateway';
  gatewayUrl.password = PASSWORD;

  const numbers = values.writers.split(',').map(Number);
  const loads = [1, 100].flatMap((rows) => numbers.map((writers): Load => ({ writers, rows })));
  const clients = await Promise.all(
    Array.from({ length: Math.max(...numbers) }, () => connect(url)),
  );
  const rates = new Map<string, number[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const load of loads) {
      for (const mode of rotated(MODES, round)) {
        const setting = mode === 'without' ? 'DISABLE TRIGGER' : 'ENABLE ALWAYS TRIGGER';
        await owner.query(`ALTER TABLE system_alerts ${setting} log_insert`);
        // The last one's reader is expected for some seconds more.
        await owner.query(`SELECT setval('gateway.readers_listen_until', 0)`);
        const follower = mode === 'followed' ? await startFollower(gatewayUrl.href) : undefined;
        const rate = await measure(clients.slice(0, load.writers), load.rows, workspaceId);
        await follower?.stop();
        const key = keyOf(load, mode);
        rates.set(key, [...(rates.get(key) ?? []), rate]);
      }
      await owner.query('TRUNCATE system_alerts CASCADE');
      await owner.query('TRUNCATE gateway.change, gateway.audit_log');
    }
  }

  const { rows } = await owner.query<{ version: string; fsync: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync`,
  );
  process.stdout.write(
    `Postgres ${rows[0]?.version}, fsync ${rows[0]?.fsync}, ${values.rounds} rounds of ${values.seconds} s; rows a second\n\n`,
  );
  process.stdout.write(table(loads, rates));
  await Promise.all([owner, ...clients].map((client) => client.end()));
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  // When the server stops after a failure, that failure is reported.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function startFollower(url: string): Promise<{ stop(): Promise<void> }> {
  const child = fork(fileURLToPath(import.meta.url), ['--follow', url]);
  await once(child, 'message');
  return {
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** Returns rows a second. */
async function measure(clients: pg.Client[], rows: number, workspaceId: string): Promise<number> {
  const insert = {
    name: `insert ${rows}`,
    text: `INSERT INTO system_alerts (workspace_id, alert_type, severity_level, title, message)
           SELECT $1, 'performance', 'high', 'Reach is falling', 'Reach fell by a fifth within a day'
           FROM generate_series(1, ${rows})`,
    values: [workspaceId],
  };
  let committed = 0;
  let running = true;
  const writing = clients.map(async (client) => {
    while (running) {
      await client.query(insert);
      committed += rows;
    }
  });
  await sleep(WARM_UP_MS);
  const [start, before] = [performance.now(), committed];
  await sleep(Number(values.seconds) * 1000);
  const rate = ((committed - before) / (performance.now() - start)) * 1000;
  running = false;
  await Promise.all(writing);
  return rate;
}

function table(loads: Load[], rates: ReadonlyMap<string, number[]>): string {
  const lines = loads.map((load) => {
    const [without = 0, ...others] = MODES.map((mode) =>
      median(rates.get(keyOf(load, mode)) ?? []),
    );
    const ratios = others.map((rate) => `${Math.round(rate)} (${(rate / without).toFixed(2)})`);
    return [load.writers, load.rows, Math.round(without), ...ratios];
  });
  const header = ['writers', 'rows each', 'without log', 'with log', 'with log, followed'];
  return [header, ...lines]
    .map((cells) => `${cells.map((cell) => String(cell).padStart(18)).join('')}\n`)
    .join('');
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, n) => items[(n + by) % items.length] as T);
}

function keyOf({ writers, rows }: Load, mode: Mode): string {
  return `${writers} ${rows} ${mode}`;
}
