import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { createTestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { limits, startGateway, token } from './gateway.ts';
import { createLiveStreams, PERSON } from './live-streams.ts';

/** The limit of one person for each resource, and a larger number of repetitions of each end. */
export const LIMIT = 2;
const TIMES = 3;
export const LARGE = `{ sql(text: "SELECT repeat('x', 5000000) AS value") }`;
export const SLOW = '{ sql(text: "SELECT pg_sleep(0.2)::text AS value") }';

/** A way to end something that is counted. */
export type End = [name: string, end: () => Promise<unknown>];
export type QuotaStage = Awaited<ReturnType<typeof openQuotaStage>>;

/** Opens a gateway with the limit `LIMIT` for each resource of a person. */
export async function openQuotaStage() {
  const live = createLiveStreams();
  const metrics = new Registry();
  let started = 0;
  const database = await createTestDatabase();
  const all = { requests: LIMIT, sockets: LIMIT, streams: LIMIT };
  const gateway = await startGateway(database.gatewayUrl, {
    metrics,
    limits: limits({ person: all }),
    requestTimeoutMs: 400,
    plugins: [
      live.plugin,
      {
        onExecute() {
          started += 1;
        },
      },
    ],
  });
  const authorization = `Bearer ${await token({ sub: PERSON, exp: Math.floor(Date.now() / 1000) + 600 })}`;

  async function inUse(): Promise<Record<string, number>> {
    const all = await metrics.getSingleMetric('codex_quota_in_use')?.get();
    return Object.fromEntries(
      (all?.values ?? []).map(({ labels, value }) => [String(labels.resource), value]),
    );
  }

  const send = (body: string, headers: Record<string, string> = {}, method = 'POST') =>
    gateway.send('/graphql', {
      method,
      headers: { authorization, 'content-type': 'application/json', ...headers },
      ...(method === 'GET' ? {} : { body }),
    });

  const ask = (query: string, headers: Record<string, string> = {}) =>
    send(JSON.stringify({ query }), headers);

  return {
    authorization,
    database,
    gateway,
    live,
    inUse,
    send,
    ask,
    /** The number of operations that have started. */
    started: () => started,
    /** Calls `run`, and waits until the next operation has started. */
    async untilStarted(run: () => void): Promise<void> {
      const before = started;
      run();
      await eventually(() => started).toBeGreaterThan(before);
    },
    /** Repeats an end, and expects that nothing is counted after it. */
    async expectNoneCounted(end: End[1]): Promise<void> {
      for (let n = 0; n < TIMES; n += 1) {
        await end();
        await eventually(inUse).toEqual({});
      }
      expect((await ask('{ me }')).data).toEqual({ me: PERSON });
    },
    async close(): Promise<void> {
      await gateway.close();
      await database.close();
    },
  };
}
