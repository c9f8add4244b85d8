import { setTimeout as delay } from 'node:timers/promises';
import { Connection, statusOf } from './http-client.ts';
import { quantile } from './statistics.ts';

export interface Load {
  port: number;
  /** Requests as bytes, sent in turn. */
  requests: readonly Buffer[];
  connections: number;
}

/** The results of some seconds of load; times in milliseconds. */
export interface LoadResult {
  requests: number;
  seconds: number;
  requestsPerSecond: number;
  p50: number;
  p95: number;
  p99: number;
  /** Mean size of an answer with its head. */
  bytes: number;
}

const OK = 200;
const ERRORS = Buffer.from('\r\n\r\n{"errors"');

/**
 * Sends one request after the other on each connection until `seconds` have passed, or `most` requests
 * have been answered. Throws for an answer that is an error.
 */
export async function run(
  { port, requests, connections }: Load,
  { seconds = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY },
): Promise<LoadResult> {
  const latencies: number[] = [];
  const open = Array.from({ length: connections }, () => new Connection(port));
  let next = 0;
  let bytes = 0;
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  const worker = async (connection: Connection) => {
    for (;;) {
      const sent = performance.now();
      if (sent >= end || next >= most) return;
      const request = requests[next % requests.length];
      next += 1;
      if (!request) throw new Error('There is nothing to send');
      const answer = await connection.exchange(request);
      if (statusOf(answer) !== OK || answer.includes(ERRORS)) throw new Error(answer.toString());
      latencies.push(performance.now() - sent);
      bytes += answer.length;
    }
  };
  try {
    await Promise.all(open.map(worker));
  } finally {
    for (const connection of open) connection.close();
  }
  const took = (performance.now() - begun) / 1_000;
  // CPU that the server uses after the last answer counts too.
  await delay(20);
  return {
    requests: latencies.length,
    seconds: took,
    requestsPerSecond: latencies.length / took,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
    bytes: bytes / latencies.length,
  };
}
