import { Registry } from 'prom-client';
import type { Feed } from '../../src/realtime/feed.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { schema } from '../../src/schema/index.ts';
import { createSubscriptionMetrics } from '../../src/subscriptions/subscription-metrics.ts';
import { type Answer, agentToken, startGateway, token } from '../server/support/gateway.ts';
import type { Data } from './data.ts';
import type { TestDatabase } from './database.ts';

/** A person or an agent at the API: their token, and the workspace that their requests name. */
export interface Client {
  /** What they sign in with. */
  headers: Record<string, string>;
  /** Sends an operation, with an idempotency key if given, and returns the whole answer. */
  ask(query: string, variables?: object, key?: string): Promise<Answer>;
  /** Sends an operation that must succeed and returns its data. */
  data(query: string, variables?: object): Promise<Data>;
}

export interface Api {
  url: string;
  as(userId: string, workspaceId?: string): Promise<Client>;
  asAgent(agent: string, scopes: readonly string[], workspaceId?: string): Promise<Client>;
  /** SQL statements since the last call, in order. */
  statements(): string[];
  /** Cuts off requests that do not end in time (default: one second). */
  close(graceMs?: number): Promise<void>;
}

/** An API with subscriptions. */
export interface LiveApi extends Api {
  feed: PostgresFeed;
  /** Lines of the log, oldest first. */
  log: readonly Record<string, unknown>[];
  /** The number of subscriptions, and of their groups. */
  open(): Promise<{ subscribers: number; groups: number }>;
}

/** Serves the API over a test database, through real HTTP. */
export async function openApi(
  database: TestDatabase,
  maxConnections = 3,
  options: GatewayChanges = {},
): Promise<Api> {
  const { api } = await serve(database, { maxConnections, ...options });
  return api;
}

/** The same, with subscriptions; a test may intercept the feed. */
export async function openLiveApi(
  database: TestDatabase,
  {
    wrapped = (feed: Feed): Feed => feed,
    ...options
  }: GatewayChanges & { wrapped?(feed: Feed): Feed } = {},
): Promise<LiveApi> {
  const feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
  const subscriptionMetrics = createSubscriptionMetrics(new Registry());
  const { api, log } = await serve(database, {
    maxConnections: 5,
    feed: wrapped(feed),
    subscriptionMetrics,
    ...options,
  });
  const { subscribers, groups } = subscriptionMetrics;
  const read = async (gauge: typeof groups) => (await gauge.get()).values[0]?.value ?? 0;
  return {
    ...api,
    feed,
    log,
    open: async () => ({ subscribers: await read(subscribers), groups: await read(groups) }),
    async close() {
      await api.close();
      await feed.close();
    },
  };
}

/** Other options of the gateway. */
export type GatewayChanges = NonNullable<Parameters<typeof startGateway>[1]>;

async function serve(database: TestDatabase, options: GatewayChanges) {
  let recorded: string[] = [];
  const gateway = await startGateway(database.gatewayUrl, {
    schema,
    statementTimeoutMs: 10_000,
    onStatement: (sql) => recorded.push(sql),
    ...options,
  });
  const client = (bearer: string, workspaceId: string | undefined): Client => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
    };
    const ask: Client['ask'] = (query, variables, key) =>
      gateway.ask(query, { ...headers, ...(key ? { 'idempotency-key': key } : {}) }, variables);
    return {
      headers,
      ask,
      async data(query, variables) {
        const answer = await ask(query, variables);
        if (answer.errors || !answer.data) {
          throw new Error(`The operation failed: ${answer.text}\n${JSON.stringify(gateway.log)}`);
        }
        return answer.data;
      },
    };
  };
  const api: Api = {
    url: gateway.url,
    as: async (userId, workspaceId) =>
      client(await token({ sub: userId, exp: Math.floor(Date.now() / 1000) + 600 }), workspaceId),
    asAgent: async (agent, scopes, workspaceId) =>
      client(await agentToken({ agent, scopes }), workspaceId),
    statements() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    close: (graceMs) => gateway.close(graceMs),
  };
  return { api, log: gateway.log };
}
