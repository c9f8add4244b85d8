import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createSseClient } from 'graphql-sse';
import { Registry } from 'prom-client';
import { applyPatch, type Operation } from 'rfc6902';
import { expect } from 'vitest';
import { createPostgresFeed } from '../../../src/realtime/postgres-feed.ts';
import { schema } from '../../../src/schema/index.ts';
import { createSubscriptionMetrics } from '../../../src/subscriptions/subscription-metrics.ts';
import type { Data } from '../../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { caughtUp } from '../../support/log.ts';
import { createTenant, type Role, type Tenant } from '../../support/tenant.ts';
import { startGateway, type TestGateway, token } from '../support/gateway.ts';
import { connect, subscribe } from '../support/websocket.ts';

/** One result of a live query, as it was sent. */
export interface LiveResult {
  data?: Data;
  patch?: Operation[];
  revision?: number;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

/** A live query of one client. */
export interface Live {
  results: LiveResult[];
  /** The last result. */
  last(): LiveResult | undefined;
  /** The current data, after all patches, as a client computes it. */
  data(): Data;
  isOver(): boolean;
  end(): void;
}

export interface LiveWorld {
  database: TestDatabase;
  gateway: TestGateway;
  ours: Tenant;
  theirs: Tenant;
  headersOf(person: string, workspaceId: string): Promise<Record<string, string>>;
  /** Opens a live query, by default as the Owner of our workspace over a WebSocket. */
  open(query: string, options?: OpenOptions): Promise<Live>;
  /** Returns the answer to a query that is sent once. */
  ask(query: string, options?: OpenOptions): Promise<Data>;
  /** The number of executions of live queries so far. */
  executions(): Promise<number>;
  streams(): Promise<{ subscribers: number; groups: number }>;
  /** Resolves when all committed changes have been executed and sent. */
  settled(): Promise<void>;
  /** Ends all open live queries. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

export const TRANSPORTS = ['WebSocket', 'SSE', 'single connection', 'multipart'] as const;

export interface OpenOptions {
  role?: Role;
  tenant?: Tenant;
  transport?: (typeof TRANSPORTS)[number];
  variables?: Record<string, unknown>;
}

/** A gateway with live queries and two workspaces. */
export async function createLiveWorld(): Promise<LiveWorld> {
  const database = await createTestDatabase();
  const [ours, theirs] = [await createTenant(database), await createTenant(database)];
  const feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
  const metrics = createSubscriptionMetrics(new Registry());
  const gateway = await startGateway(database.gatewayUrl, {
    schema,
    feed,
    subscriptionMetrics: metrics,
    statementTimeoutMs: 10_000,
  });
  const readingOf = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
    (await metric.get()).values[0]?.value ?? 0;
  const headersOf = async (person: string, workspaceId: string) => ({
    authorization: `Bearer ${await token({ sub: person, exp: Math.floor(Date.now() / 1000) + 900 })}`,
    'x-workspace-id': workspaceId,
  });
  const headersFor = ({ role = 'Owner', tenant = ours }: OpenOptions) =>
    headersOf(tenant.people[role], tenant.workspaceId);
  let opened: CollectedResults[] = [];
  const leave = async () => {
    for (const live of opened) live.end();
    opened = [];
    while ((await readingOf(metrics.subscribers)) > 0) await delay(10);
  };
  return {
    database,
    gateway,
    ours,
    theirs,
    headersOf,
    async open(query, options = {}) {
      const { transport = 'WebSocket', variables } = options;
      const headers = await headersFor(options);
      const received = new CollectedResults();
      opened.push(received);
      if (transport === 'WebSocket')
        await bySocket(gateway.url, headers, query, variables, received);
      else if (transport === 'multipart') byParts(gateway.url, headers, query, variables, received);
      else byEvents(gateway.url, headers, query, variables, received, transport !== 'SSE');
      return received;
    },
    async ask(query, options = {}) {
      const { data, errors, text } = await gateway.ask(
        query,
        await headersFor(options),
        options.variables,
      );
      expect(errors, text).toBeUndefined();
      expect(data, text).toBeInstanceOf(Object);
      return data;
    },
    executions: () => readingOf(metrics.liveExecutions),
    streams: async () => ({
      subscribers: await readingOf(metrics.subscribers),
      groups: await readingOf(metrics.groups),
    }),
    async settled() {
      await caughtUp(feed, database);
      // The next execution starts at most one interval later.
      let before = -1;
      for (let same = 0; same < 4; ) {
        await delay(200);
        const now = await readingOf(metrics.liveExecutions);
        same = now === before ? same + 1 : 0;
        before = now;
      }
    },
    leave,
    async close() {
      await leave();
      await gateway.close();
      await feed.close();
      await database.close();
    },
  };
}

class CollectedResults implements Live {
  readonly results: LiveResult[] = [];
  onEnd = () => {};
  over = false;

  last() {
    return this.results.at(-1);
  }

  data() {
    // Results with errors are not part of the patched data, as in clients.
    let data: unknown = null;
    let revision = 0;
    for (const result of this.results) {
      if (result.revision === undefined) {
        data = result.errors ? data : result.data;
        continue;
      }
      revision += 1;
      expect(result.revision).toBe(revision);
      if (result.revision === 1) {
        data = structuredClone(result.data);
        continue;
      }
      const errors = applyPatch(data, result.patch ?? []).filter(Boolean);
      expect(errors).toEqual([]);
    }
    return data;
  }

  isOver() {
    return this.over;
  }

  end() {
    this.onEnd();
  }
}

type Variables = Record<string, unknown> | undefined;
type Headers = Record<string, string>;

async function bySocket(
  url: string,
  headers: Headers,
  query: string,
  variables: Variables,
  received: CollectedResults,
) {
  const client = await connect(url, headers);
  client.socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type === 'next') received.results.push(payload);
    if (type === 'error') received.results.push({ errors: payload });
    if (type === 'error' || type === 'complete') received.over = true;
  });
  client.socket.on('close', () => {
    received.over = true;
  });
  received.onEnd = () => client.socket.terminate();
  client.send(subscribe('live', query, variables));
}

function byEvents(
  url: string,
  headers: Headers,
  query: string,
  variables: Variables,
  received: CollectedResults,
  isSingle: boolean,
) {
  const client = createSseClient<boolean>({
    url: `${url}/graphql${isSingle ? '/stream' : ''}`,
    singleConnection: isSingle,
    headers,
    retryAttempts: 0,
  });
  const over = () => {
    received.over = true;
  };
  client.subscribe<Record<string, unknown>>(
    { query, ...(variables ? { variables } : {}) },
    {
      next: (result) => received.results.push(result as unknown as LiveResult),
      error: over,
      complete: over,
    },
  );
  received.onEnd = () => client.dispose();
}

function byParts(
  url: string,
  headers: Headers,
  query: string,
  variables: Variables,
  received: CollectedResults,
) {
  const aborting = new AbortController();
  received.onEnd = () => aborting.abort();
  const read = async () => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      signal: aborting.signal,
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'multipart/mixed;subscriptionSpec=1.0',
      },
      body: JSON.stringify({ query, variables }),
    });
    const decoder = new TextDecoder();
    let unread = '';
    const reader = response.body?.getReader();
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return;
      const lines = (unread + decoder.decode(chunk.value, { stream: true })).split('\r\n');
      unread = lines.pop() ?? '';
      for (const line of lines.filter((each) => each.startsWith('{"payload"'))) {
        received.results.push(JSON.parse(line).payload);
      }
    }
  };
  void read()
    .catch(() => {})
    .finally(() => {
      received.over = true;
    });
}
