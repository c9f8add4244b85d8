import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { Registry } from 'prom-client';
import type { Authenticate } from '../context/authentication.ts';
import { type Context, createContext, type LiveCursors } from '../context/context.ts';
import type { Database } from '../context/database/client.ts';
import { GatewayError } from '../context/errors.ts';
import type { Scope } from '../context/quotas.ts';
import { currentRequestId } from '../context/request-id.ts';
import { RequestInFlight } from '../context/request-in-flight.ts';
import { createSeal } from '../context/seal.ts';
import type { Work } from '../context/work.ts';
import type { Limits } from '../env.ts';
import type { Feed } from '../realtime/feed.ts';
import { parseSnapshot } from '../realtime/position.ts';
import { SubscriptionHub } from '../subscriptions/hub.ts';
import {
  createSubscriptionMetrics,
  type SubscriptionMetrics,
} from '../subscriptions/subscription-metrics.ts';
import { createAccelerators } from './accelerators.ts';
import { useAuthentication } from './authenticate-requests.ts';
import { corsOptions, useOriginVariance } from './cors.ts';
import { useCostLimit } from './cost.ts';
import { Departures } from './departures.ts';
import { createDocumentCache, useDocumentCache } from './documents.ts';
import { createErrorMask } from './error-mask.ts';
import { FastLane } from './fast-lane/fast-lane.ts';
import { type GraphiQLOptions, useGraphiQL } from './graphiql/graphiql.ts';
import { type ReadinessCheck, useHealth } from './health.ts';
import { createHttpServer, type HttpServer } from './http.ts';
import { HttpStreams } from './http-streaming/http-streams.ts';
import { useHttpTransports } from './http-streaming/http-transports.ts';
import { useSingleConnection } from './http-streaming/single-connection.ts';
import { useIntrospection } from './introspection/introspection.ts';
import { useExactJson } from './json.ts';
import type { Logger } from './logger.ts';
import { useMetrics } from './metrics.ts';
import { MAX_BODY_BYTES, useJsonBodies, useOperationLimits } from './operation-limits.ts';
import { useSession } from './operation-session.ts';
import { usePersistedQueryRefusal } from './persisted-queries.ts';
import { createQuotas } from './quota-metrics.ts';
import { useRequestId } from './request-id-header.ts';
import { useRequestsInFlight } from './requests-in-flight.ts';
import { createRootFieldWays } from './root-field-ways.ts';
import { useKnownPaths } from './routes.ts';
import { sendAnswer } from './send-answer.ts';
import type { ServerContext } from './server-context.ts';
import { useFailureStatus } from './status.ts';
import { useSubscriptions } from './subscription-streams.ts';
import { useVariables } from './variables.ts';
import { createWebSockets } from './websocket/websocket.ts';
import { registerWebSockets } from './websocket/websocket-metrics.ts';

const ENDPOINT = '/graphql';
/** The path at which clients get the results of several operations in one response. */
const STREAM_ENDPOINT = `${ENDPOINT}/stream`;

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
  limits: Readonly<Record<Scope, Limits>>;
  /** Most WebSockets at a time that have not signed in. Default 2,000. */
  unauthenticatedSockets?: number;
  /** Plugins that run before the gateway's own. */
  plugins?: readonly Plugin<object, ServerContext>[];
}

/** Builds the HTTP server: `/graphql` for people and agents with a token, `/health/*` for everybody. */
export function createGateway(options: GatewayOptions): HttpServer {
  const { schema, database, authenticate, logger, checkReadiness, graphiql } = options;
  const { corsOrigins = [], requestTimeoutMs = 30_000, plugins = [], feed } = options;
  const maskError = createErrorMask(logger);
  const ownKey = randomBytes(32);
  const seal = createSeal(() => feed?.key() ?? ownKey);
  const quotas = createQuotas(options.limits, options.metrics);
  const hub = feed
    ? new SubscriptionHub({
        schema,
        database,
        seal,
        feed,
        maskError,
        quotas,
        metrics: options.subscriptionMetrics ?? createSubscriptionMetrics(new Registry()),
        onError: (error) => logger.error({ err: error }, 'A subscription failed'),
      })
    : null;
  const streams = new HttpStreams();
  const accelerators = options.accelerated === false ? null : createAccelerators(schema);

  const liveCursors: LiveCursors | null = feed
    ? {
        seal: (snapshot, workspaceId) => feed.seal({ seen: parseSnapshot(snapshot) }, workspaceId),
      }
    : null;

  const documents = createDocumentCache();
  const ways = createRootFieldWays(options.metrics, graphiql !== undefined);
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

  const contextOf = async (request: ServerContext): Promise<Context> => {
    const { identity, inFlight, work, workspaceHeader = null, idempotencyHeader = null } = request;
    if (!identity) throw new GatewayError('UNAUTHENTICATED', 'Sign in first.', { status: 401 });
    const context = await createContext({
      requestId: currentRequestId() ?? '',
      identity,
      workspaceHeader,
      idempotencyHeader,
      database,
      seal,
      liveCursors,
      work,
    });
    if (context.workspace) inFlight?.enter(context.workspace.id);
    lane?.remember(identity, workspaceHeader, context);
    return context;
  };

  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: `${ENDPOINT}{/stream}?`,
    context: contextOf,
    plugins: [
      useRequestId(),
      useOriginVariance(corsOrigins),
      useHealth(checkReadiness, logger),
      ...(options.metrics ? [useMetrics(options.metrics)] : []),
      ...(graphiql ? [useGraphiQL(ENDPOINT, graphiql)] : []),
      ...plugins,
      useKnownPaths([ENDPOINT, STREAM_ENDPOINT]),
      useAuthentication(authenticate),
      useRequestsInFlight(),
      useJsonBodies(),
      useExactJson(),
      usePersistedQueryRefusal(),
      useOperationLimits(),
      useDocumentCache(documents),
      useVariables(),
      useSingleConnection({
        path: STREAM_ENDPOINT,
        streams,
        quotas,
        contextOf,
      }),
      useHttpTransports(streams, quotas),
      useCostLimit(maskError),
      useSubscriptions(hub, maskError),
      useIntrospection(schema),
      useSession({ timeoutMs: requestTimeoutMs, accelerators, ways }),
      useFailureStatus(),
    ],
    maskedErrors: { maskError },
    cors: corsOptions(corsOrigins),
    maxRequestBodySize: MAX_BODY_BYTES,
    // `useDocumentCache` replaces it: Yoga's cache is not bounded in bytes.
    parserAndValidationCache: false,
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    // The error mask logs.
    logging: false,
  });

  const departures = new Departures();
  const handle = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    departures.during(request.socket, async (work) => {
      const inFlight = new RequestInFlight(quotas);
      try {
        const context: ServerContext & { work: Work } = { response, inFlight, work };
        if (lane?.takes(request) && (await lane.answer(request, response, context))) return;
        const answer = await yoga.handleNodeRequestAndResponse(request, response, context);
        const stream = streams.of(answer);
        if (stream) await streams.begin(answer, stream, request, response);
        else await sendAnswer(answer, request, response);
      } finally {
        inFlight.end();
      }
    });

  const webSockets = createWebSockets({
    path: ENDPOINT,
    yoga,
    authenticate,
    maskError,
    quotas,
    maxUnauthenticated: options.unauthenticatedSockets ?? 2_000,
  });
  if (options.metrics) registerWebSockets(options.metrics, webSockets.statistics);
  const server = createHttpServer(handle, logger, requestTimeoutMs, webSockets);
  return {
    ...server,
    close: (graceMs) => {
      hub?.close();
      streams.close();
      return server.close(graceMs);
    },
  };
}
