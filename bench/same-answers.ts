import { setTimeout as delay } from 'node:timers/promises';
import type { BenchDatabase } from './bench-database.ts';
import { bodyOf, callsOf } from './calls.ts';
import { difference, normalized } from './compare-answers.ts';
import { type Traffic, tapWire } from './counting-proxy.ts';
import { send } from './http-client.ts';
import { type BenchRequest, one } from './requests.ts';
import { type ServerName, startServer, TITLES } from './servers/start-server.ts';

/** What a request takes, by its title and the server's name. */
export type Counts = Map<string, Traffic>;

const COUNTED = 11;
/** Until what is sent behind the answer has been sent, in milliseconds. */
const SETTLED_MS = 5;

export const countKey = (request: BenchRequest, server: ServerName) => `${request.title} ${server}`;

/**
 * Throws unless all servers answer each request with the same data. Returns how many statements and
 * round trips each takes: the least of some, since what a server reads by itself meanwhile does not count.
 */
export async function verify(
  database: BenchDatabase,
  servers: readonly ServerName[],
  requests: readonly BenchRequest[],
): Promise<Counts> {
  const counts: Counts = new Map();
  const expected = new Map<BenchRequest, { server: ServerName; data: unknown }>();
  for (const server of servers) {
    const wire = await tapWire(database.url);
    const process = await startServer(
      server,
      wire.url,
      database.subject,
      firstBody(server, database),
      requests,
    );
    try {
      for (const request of requests) {
        const calls = await callsOf(request, process, database.subject);
        const taken: Traffic[] = [];
        for (let n = 0; n < COUNTED; n += 1) {
          const call = calls[0];
          if (!call) throw new Error(`${request.title} sends nothing`);
          const before = wire.traffic();
          const { body } = await send(call);
          await delay(SETTLED_MS);
          const after = wire.traffic();
          taken.push({
            statements: after.statements - before.statements,
            roundTrips: after.roundTrips - before.roundTrips,
          });
          if (n > 0) continue;
          const data = request.shape?.(normalized(body)) ?? normalized(body);
          const first = expected.get(request);
          if (!first) expected.set(request, { server, data });
          else assertEqual(request, first, { server, data });
        }
        const [statements, roundTrips] = [
          taken.map((each) => each.statements),
          taken.map((each) => each.roundTrips),
        ];
        counts.set(countKey(request, server), {
          statements: Math.min(...statements),
          roundTrips: Math.min(...roundTrips),
        });
        if (request.writes) await database.reset();
      }
    } finally {
      await process.stop();
      wire.close();
    }
  }
  return counts;
}

/** Returns what a server is asked until it answers. */
export function firstBody(server: ServerName, { subject }: BenchDatabase): string {
  return bodyOf(one, server, one.variables(subject)[0] ?? {});
}

function assertEqual(
  { name, title }: BenchRequest,
  first: { server: ServerName; data: unknown },
  other: { server: ServerName; data: unknown },
): void {
  const where = difference(first.data, other.data);
  if (where === null) return;
  throw new Error(
    `${name} (${title}): ${TITLES[first.server]} and ${TITLES[other.server]} answer differently, at ${where}`,
  );
}
