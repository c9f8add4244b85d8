import type { GraphQLError } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { Context } from '../context/context.ts';
import type { Quotas } from '../context/quotas.ts';
import type { SubscriptionHub } from '../subscriptions/hub.ts';
import type { Accelerators } from './accelerators.ts';
import { useAuthentication } from './authenticate-requests.ts';
import { corsOptions, useOriginVariance } from './cors.ts';
import { useCostLimit } from './cost.ts';
import { type DocumentCache, useDocumentCache } from './documents.ts';
import type { ExportSender } from './export/export-sender.ts';
import { useExports } from './export/exports.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { useGraphiQL } from './graphiql/graphiql.ts';
import { useHealth } from './health.ts';
import type { HttpStreams } from './http-streaming/http-streams.ts';
import { useHttpTransports } from './http-streaming/http-transports.ts';
import { useSingleConnection } from './http-streaming/single-connection.ts';
import { useIntrospection } from './introspection/introspection.ts';
import { useExactJson } from './json.ts';
import { useMetrics } from './metrics.ts';
import { MAX_BODY_BYTES, useJsonBodies, useOperationLimits } from './operation-limits.ts';
import { useSession } from './operation-session.ts';
import { usePersistedQueryRefusal } from './persisted-queries.ts';
import type { ContextOf } from './request-contexts.ts';
import { useRequestId } from './request-id-header.ts';
import { useRequestLimit } from './request-limit.ts';
import type { RootFieldWays } from './root-field-ways.ts';
import { ENDPOINT, STREAM_ENDPOINT, useKnownPaths } from './routes.ts';
import type { ServerContext } from './server-context.ts';
import { useFailureStatus } from './status.ts';
import { useSubscriptions } from './subscription-streams.ts';
import { useVariables } from './variables.ts';

export interface GraphQLServerOptions
  extends Omit<GatewayOptions, 'corsOrigins' | 'requestTimeoutMs' | 'exports'> {
  corsOrigins: readonly string[];
  requestTimeoutMs: number;
  contextOf: ContextOf;
  maskError: (error: unknown) => GraphQLError;
  quotas: Quotas;
  /** Null where subscriptions are refused. */
  hub: SubscriptionHub | null;
  streams: HttpStreams;
  /** Null where there are none. */
  exports: ExportSender | null;
  /** Null to execute every query field by field. */
  accelerators: Accelerators | null;
  documents: DocumentCache;
  ways: RootFieldWays;
}

/** Builds the Yoga that answers requests, with what each goes through, in order. */
export function createGraphQLServer(options: GraphQLServerOptions) {
  const { schema, metrics, graphiql, plugins = [], corsOrigins, contextOf, maskError } = options;
  const { quotas, streams, accelerators, ways, authenticate, exports: sender } = options;
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: `${ENDPOINT}{/stream}?`,
    context: contextOf,
    plugins: [
      useRequestId(),
      useOriginVariance(corsOrigins),
      useHealth(options.checkReadiness, options.logger),
      ...(metrics ? [useMetrics(metrics)] : []),
      ...(graphiql ? [useGraphiQL(ENDPOINT, graphiql)] : []),
      ...plugins,
      ...(sender ? [useExports({ schema, sender, authenticate, contextOf, maskError })] : []),
      useKnownPaths([ENDPOINT, STREAM_ENDPOINT]),
      useAuthentication(authenticate),
      useRequestLimit(),
      useJsonBodies(),
      useExactJson(),
      usePersistedQueryRefusal(),
      useOperationLimits(),
      useDocumentCache(options.documents),
      useVariables(),
      useSingleConnection({ path: STREAM_ENDPOINT, streams, quotas, contextOf }),
      useHttpTransports(streams, quotas),
      useCostLimit(maskError),
      useSubscriptions(options.hub, maskError),
      useIntrospection(schema),
      useSession({ timeoutMs: options.requestTimeoutMs, accelerators, ways }),
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
}
