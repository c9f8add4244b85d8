import { randomBytes } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { Registry } from 'prom-client';
import type { Quotas } from '../context/quotas.ts';
import { createSeal, type Seal } from '../context/seal.ts';
import type { Feed } from '../realtime/feed.ts';
import { SubscriptionHub } from '../subscriptions/hub.ts';
import { createSubscriptionMetrics } from '../subscriptions/subscription-metrics.ts';
import { createAccelerators } from './accelerators.ts';
import { createDocumentCache } from './documents.ts';
import { createErrorMask } from './error-mask.ts';
import { MOST_EXPORT_MS, MOST_EXPORTS } from './export/export-pool.ts';
import { ExportSender } from './export/export-sender.ts';
import { ExportSlots } from './export/export-slots.ts';
import { FastLane } from './fast-lane/fast-lane.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { createGraphQLServer } from './graphql-server.ts';
import { createHttpServer, type HttpServer } from './http.ts';
import { HttpStreams } from './http-streaming/http-streams.ts';
import { createQuotas } from './quota-metrics.ts';
import { createRequestContexts } from './request-contexts.ts';
import { createRequestListener } from './request-listener.ts';
import { createRootFieldWays } from './root-field-ways.ts';
import { ENDPOINT } from './routes.ts';
import { createWebSockets } from './websocket/websocket.ts';
import { registerWebSockets } from './websocket/websocket-metrics.ts';

/**
 * Builds the HTTP server: `/graphql` and `/export/*` for people and agents with a token, `/health/*` for
 * everybody.
 */
export function createGateway(options: GatewayOptions): HttpServer {
  const { schema, database, authenticate, logger, metrics, feed } = options;
  const { corsOrigins = [], requestTimeoutMs = 30_000 } = options;
  const maskError = createErrorMask(logger);
  const ownKey = randomBytes(32);
  const seal = createSeal(() => feed?.key() ?? ownKey);
  const quotas = createQuotas(options.limits, metrics);
  const hub = feed ? createHub(options, feed, { seal, maskError, quotas }) : null;
  const streams = new HttpStreams();
  const accelerators = options.accelerated === false ? null : createAccelerators(schema);
  const documents = createDocumentCache();
  const ways = createRootFieldWays(metrics, options.graphiql !== undefined);
  const lane =
    accelerators &&
    new FastLane({
      path: ENDPOINT,
      schema,
      accelerators,
      database,
      documents,
      authenticate,
      maskError,
      ways,
      corsOrigins,
      timeoutMs: requestTimeoutMs,
    });
  const exports = options.exports ? createExports(options.exports, maskError, metrics) : null;
  const yoga = createGraphQLServer({
    ...options,
    exports,
    corsOrigins,
    requestTimeoutMs,
    contextOf: createRequestContexts({ database, seal, feed, lane }),
    maskError,
    quotas,
    hub,
    streams,
    accelerators,
    documents,
    ways,
  });
  const webSockets = createWebSockets({
    path: ENDPOINT,
    yoga,
    authenticate,
    maskError,
    quotas,
    maxUnauthenticated: options.unauthenticatedSockets ?? 2_000,
  });
  if (metrics) registerWebSockets(metrics, webSockets.statistics);
  const listener = createRequestListener({ lane, yoga, streams, exports, quotas });
  const server = createHttpServer(listener, logger, requestTimeoutMs, webSockets);
  return {
    ...server,
    close: (graceMs) => {
      hub?.close();
      streams.close();
      return server.close(graceMs);
    },
  };
}

function createExports(
  { pool, stallMs = 30_000 }: NonNullable<GatewayOptions['exports']>,
  maskError: (error: unknown) => GraphQLError,
  metrics: Registry | undefined,
): ExportSender {
  const slots = new ExportSlots(MOST_EXPORTS, metrics);
  return new ExportSender({ pool, slots, maskError, stallMs, mostMs: MOST_EXPORT_MS });
}

function createHub(
  { schema, database, logger, subscriptionMetrics }: GatewayOptions,
  feed: Feed,
  parts: { seal: Seal; maskError: (error: unknown) => GraphQLError; quotas: Quotas },
): SubscriptionHub {
  return new SubscriptionHub({
    ...parts,
    schema,
    database,
    feed,
    metrics: subscriptionMetrics ?? createSubscriptionMetrics(new Registry()),
    onError: (error) => logger.error({ err: error }, 'A subscription failed'),
  });
}
