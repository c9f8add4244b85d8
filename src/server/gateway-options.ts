import type { GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Registry } from 'prom-client';
import type { Authenticate } from '../context/authentication.ts';
import type { Database } from '../context/database/client.ts';
import type { SessionPool } from '../context/database/pool.ts';
import type { HolderScope } from '../context/quotas.ts';
import type { Limits } from '../env.ts';
import type { Feed } from '../realtime/feed.ts';
import type { SubscriptionMetrics } from '../subscriptions/subscription-metrics.ts';
import type { GraphiQLOptions } from './graphiql/graphiql.ts';
import type { ReadinessCheck } from './health.ts';
import type { Logger } from './logger.ts';
import type { ServerContext } from './server-context.ts';

export interface GatewayOptions {
  schema: GraphQLSchema;
  database: Database;
  authenticate: Authenticate;
  logger: Logger;
  checkReadiness: ReadinessCheck;
  /**
   * The change log. Left out, subscriptions are refused, and cursors of histories are valid in this
   * process only.
   */
  feed?: Feed;
  /** Metrics of subscriptions. */
  subscriptionMetrics?: SubscriptionMetrics;
  /** Served at /metrics. Left out, there is no such path. */
  metrics?: Registry;
  /** Left out, there is no GraphiQL. */
  graphiql?: GraphiQLOptions;
  /** Origins whose pages may call the API. Default: none. */
  corsOrigins?: readonly string[];
  /** False to execute every query field by field. Default: what a statement can read, it does. */
  accelerated?: boolean;
  /** Default 30,000. */
  requestTimeoutMs?: number;
  /** Limits for each person, agent and workspace. */
  limits: Readonly<Record<HolderScope, Limits>>;
  /** Most WebSockets at a time that have not signed in. Default 2,000. */
  unauthenticatedSockets?: number;
  /** Left out, there are no exports. */
  exports?: {
    /** Their connections, one for each that runs. */
    pool: SessionPool;
    /** How long a client may take nothing of an export, in milliseconds. Default 30,000. */
    stallMs?: number;
  };
  /** Plugins that run before the gateway's own. */
  plugins?: readonly Plugin<object, ServerContext>[];
}
