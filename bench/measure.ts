import type { BenchDatabase } from './bench-database.ts';
import { bytesOf, callsOf } from './calls.ts';
import { type LoadResult, run } from './load.ts';
import type { Options } from './options.ts';
import { type BenchRequest, page } from './requests.ts';
import { firstBody } from './same-answers.ts';
import { type ServerName, type ServerProcess, startServer } from './servers/start-server.ts';
import { usageOf } from './usage.ts';

/** A turn of one server at one request; times in milliseconds. */
export interface Turn extends LoadResult {
  /** CPU time of the server's process, a request. */
  serverCpuMs: number;
  /** CPU time of Postgres' processes, a request. */
  postgresCpuMs: number;
}

/** All turns of a server at a request, a round each. */
export interface Measured {
  request: BenchRequest;
  server: ServerName;
  connections: number;
  turns: Turn[];
}

export interface ServerFacts {
  server: ServerName;
  startMs: number;
  rssAtStart: number;
  rssWarm: number;
  /** How many requests it had answered by then. */
  warmUp: number;
}

type Settings = Pick<Options, 'servers' | 'connections' | 'rounds' | 'seconds' | 'warmUp'>;

const WARM_UP_CONNECTIONS = 10;
/** Warm-up before a turn, as a part of it: another server has filled the caches. */
const LEAD_IN = 0.2;

/** Lets the servers take turns at each request, all of them on the same database. */
export async function measure(
  database: BenchDatabase,
  requests: readonly BenchRequest[],
  settings: Settings,
  onProgress: (step: string) => void,
): Promise<{ measured: Measured[]; facts: ServerFacts[] }> {
  const servers: ServerProcess[] = [];
  const facts: ServerFacts[] = [];
  try {
    for (const name of settings.servers) {
      onProgress(`Starting and warming up: ${name}`);
      const server = await startServer(
        name,
        database.url,
        database.subject,
        firstBody(name, database),
        requests,
      );
      servers.push(server);
      facts.push(await warmUp(server, database, requests, settings.warmUp));
    }
    const measured = requests.flatMap((request) =>
      connectionsFor(request, settings.connections).flatMap((connections) =>
        settings.servers.map((server): Measured => ({ request, server, connections, turns: [] })),
      ),
    );
    for (let round = 0; round < settings.rounds; round += 1) {
      onProgress(`Round ${round + 1} of ${settings.rounds}`);
      for (const each of inTurn(measured, settings.servers.length, round)) {
        const server = servers.find(({ name }) => name === each.server);
        if (server) each.turns.push(await takeTurn(server, database, each, settings.seconds));
      }
    }
    return { measured, facts };
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** So that it is not always the same server that runs after another one. */
function inTurn(measured: readonly Measured[], servers: number, round: number): Measured[] {
  return measured.map((_, index) => {
    const first = index - (index % servers);
    return measured[first + ((index + round) % servers)] as Measured;
  });
}

function connectionsFor(
  { mostConnections = Number.POSITIVE_INFINITY }: BenchRequest,
  all: readonly number[],
) {
  return [...new Set(all.map((connections) => Math.min(connections, mostConnections)))];
}

async function warmUp(
  server: ServerProcess,
  { subject }: BenchDatabase,
  requests: readonly BenchRequest[],
  most: number,
): Promise<ServerFacts> {
  const { rssBytes: rssAtStart } = await usageOf(server.pid);
  // Every request, and mostly the lists of 50 rows.
  const calls = await Promise.all(
    [page(50), ...requests.filter(({ writes }) => !writes)].map((request) =>
      callsOf(request, server, subject),
    ),
  );
  const load = { port: server.port, connections: WARM_UP_CONNECTIONS };
  await run(
    { ...load, requests: bytesOf(calls.flatMap((each) => each.slice(0, 1))) },
    { most: most / 2 },
  );
  await run({ ...load, requests: bytesOf(calls[0] ?? []) }, { most: most / 2 });
  const { rssBytes: rssWarm } = await usageOf(server.pid);
  return { server: server.name, startMs: server.startMs, rssAtStart, rssWarm, warmUp: most };
}

async function takeTurn(
  server: ServerProcess,
  database: BenchDatabase,
  { request, connections }: Measured,
  seconds: number,
): Promise<Turn> {
  const requests = bytesOf(await callsOf(request, server, database.subject));
  const usage = async () => Promise.all([usageOf(server.pid), usageOf(database.pid)]);
  const load = { port: server.port, requests, connections };
  await run(load, { seconds: seconds * LEAD_IN });
  const [serverBefore, postgresBefore] = await usage();
  const result = await run(load, { seconds });
  const [serverAfter, postgresAfter] = await usage();
  if (request.writes) await database.reset();
  return {
    ...result,
    serverCpuMs: (serverAfter.cpuMs - serverBefore.cpuMs) / result.requests,
    postgresCpuMs: (postgresAfter.cpuMs - postgresBefore.cpuMs) / result.requests,
  };
}
