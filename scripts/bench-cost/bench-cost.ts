import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'graphql';
import pg from 'pg';
import { pino } from 'pino';
import { seed } from '../../prisma/seed/index.ts';
import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { createDatabase } from '../../src/context/database/client.ts';
import type { Identity } from '../../src/context/identity.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrator.ts';
import { env } from '../../src/env.ts';
import { limits } from '../../src/resolvers/limits.ts';
import { costOf } from '../../src/schema/cost/operation.ts';
import { schema } from '../../src/schema/index.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { documents, knownIds, type Measured } from './documents.ts';

const USAGE = `Usage: npm run bench:cost [-- --scale 10 --rounds 5]

Measures how much CPU of the gateway and the database operations take, and what they cost in
points: on a Postgres of its own with the demo data of a scale, one operation at a time. Printed are
medians, and the microseconds of CPU for each point. Linux only: it reads /proc.
`;

const PASSWORD = 'bench';
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean' },
  },
});

if (values.help) process.stdout.write(USAGE);
else await bench(Number(values.scale), Number(values.rounds));

async function bench(scale: number, rounds: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-cost-'));
  const server = await startEmbeddedPostgres({
    dataDir,
    durable: false,
    // Workers would hide what a statement takes.
    settings: { max_parallel_workers_per_gather: '0' },
  });
  try {
    const url = new URL(server.url());
    await migrate(url.href);
    await seed(url.href, { scale, seed: 1 });
    const owner = new pg.Client(url.href);
    await owner.connect();
    await owner.query('VACUUM ANALYZE');
    await owner.query(`ALTER ROLE codex_gateway LOGIN PASSWORD '${PASSWORD}'`);
    await owner.end();
    const known = await knownIds(url.href);
    url.username = 'codex_gateway';
    url.password = PASSWORD;
    await measureAll(url.href, documents(known), rounds);
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true });
  }
}

async function measureAll(
  connectionString: string,
  all: readonly Measured[],
  rounds: number,
): Promise<void> {
  const database = createDatabase({ connectionString, statementTimeoutMs: 120_000 });
  const person: Identity = {
    kind: 'person',
    id: demoPeople[0]?.id as string,
    expiresAt: new Date(Date.now() + 86_400_000),
  };
  const gateway = createGateway({
    schema,
    database,
    authenticate: async () => person,
    logger: pino({ level: 'error' }),
    checkReadiness: async () => {},
    limits: { person: env.PERSON_LIMITS, agent: env.AGENT_LIMITS, workspace: env.WORKSPACE_LIMITS },
    requestTimeoutMs: 120_000,
  });
  const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const ask = async ({ query, variables }: Measured) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer bench',
        'x-workspace-id': demoWorkspaces[0]?.id as string,
      },
      body: JSON.stringify({ query, variables }),
    });
    return response.text();
  };

  print(['document', 'points', 'gateway ms', 'database ms', 'all ms', 'µs a point']);
  for (const measured of all) {
    const cost = costOf({
      schema,
      document: parse(measured.query),
      variableValues: measured.variables,
    });
    const answer = await ask(measured);
    if (cost === null || cost > limits.maxCost || answer.startsWith('{"errors"')) {
      print([measured.name, points(cost ?? 0), answer.slice(0, 100)]);
      continue;
    }
    await ask(measured);
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round += 1) samples.push(await sample(() => ask(measured)));
    const [gatewayMs, databaseMs, wallMs] = [0, 1, 2].map((i) =>
      median(samples.map((each) => each[i] as number)),
    );
    const used = (gatewayMs as number) + (databaseMs as number);
    const times = [gatewayMs, databaseMs, wallMs].map((ms) => (ms as number).toFixed(1));
    print([measured.name, points(cost), ...times, ((used * 1_000) / cost).toFixed(0)]);
  }
  await gateway.close(1_000);
  await database.close();
}

/** Milliseconds of the gateway's CPU, of the database's, and in all. */
type Sample = [gateway: number, database: number, wall: number];

async function sample(run: () => Promise<unknown>): Promise<Sample> {
  const [before, cpu, start] = [databaseCpu(), process.cpuUsage(), performance.now()];
  await run();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return [(user + system) / 1_000, databaseCpu() - before, wall];
}

/** CPU time of the database's processes for the gateway, in milliseconds. */
function databaseCpu(): number {
  let nanoseconds = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!title.startsWith('postgres: codex_gateway')) continue;
      nanoseconds += Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ', 1)[0]);
    } catch {
      // It has ended.
    }
  }
  return nanoseconds / 1e6;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}

function points(cost: number): string {
  return cost.toLocaleString('en');
}

function print([name = '', ...cells]: readonly string[]): void {
  process.stdout.write(`${name.padEnd(48)}${cells.map((cell) => cell.padStart(12)).join('')}\n`);
}
