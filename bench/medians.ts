import { cpus } from 'node:os';
import type { Measured, ServerFacts, Turn } from './measure.ts';
import { type Counts, countKey } from './same-answers.ts';
import type { ServerName } from './servers/start-server.ts';
import { median, medianRatio } from './statistics.ts';

/** What was measured of one server at one request: medians of the rounds, times in milliseconds. */
export interface Result {
  /** What is varied, in a measurement of growth. */
  series?: string;
  request: string;
  title: string;
  server: ServerName;
  connections: number;
  requestsPerSecond: number;
  /** Requests a second, as a ratio to the other server's in the same round; null without it. */
  toPostgraphile: number | null;
  toBare: number | null;
  p50: number;
  p95: number;
  p99: number;
  serverCpuMs: number;
  postgresCpuMs: number;
  statements: number | null;
  roundTrips: number | null;
  bytes: number;
}

export interface Results {
  at: string;
  machine: { cpu: string; cores: number; platform: string };
  versions: Record<string, string>;
  scale: number;
  rows: number;
  rounds: number;
  seconds: number;
  servers: readonly ServerFacts[];
  results: readonly Result[];
}

/** Returns one result for each server, request and number of connections. */
export function resultsOf(measured: readonly Measured[], counts: Counts): Result[] {
  return measured.map(({ request, server, connections, turns }) => {
    const rates = (name: ServerName) =>
      measured
        .find(
          (other) =>
            other.request === request && other.connections === connections && other.server === name,
        )
        ?.turns.map(({ requestsPerSecond }) => requestsPerSecond);
    const middle = (key: keyof Turn) => median(turns.map((turn) => turn[key]));
    const ratio = (name: ServerName) => {
      const others = rates(name);
      return others ? medianRatio(rates(server) ?? [], others) : null;
    };
    const count = counts.get(countKey(request, server));
    return {
      request: request.name,
      title: request.title,
      server,
      connections,
      requestsPerSecond: middle('requestsPerSecond'),
      toPostgraphile: ratio('postgraphile'),
      toBare: ratio('bare'),
      p50: middle('p50'),
      p95: middle('p95'),
      p99: middle('p99'),
      serverCpuMs: middle('serverCpuMs'),
      postgresCpuMs: middle('postgresCpuMs'),
      statements: count?.statements ?? null,
      roundTrips: count?.roundTrips ?? null,
      bytes: middle('bytes'),
    };
  });
}

export function machine(): Results['machine'] {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    platform: `${process.platform} ${process.arch}`,
  };
}
