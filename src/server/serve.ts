import { collectDefaultMetrics, Registry } from 'prom-client';
import { createAuthentication } from '../context/authentication.ts';
import { createDatabase, type Database } from '../context/database/client.ts';
import { runInSession } from '../context/session.ts';
import { type Env, EnvironmentError } from '../env.ts';
import { OtherLogError, type PostgresFeed } from '../realtime/postgres-feed.ts';
import { createFeed } from '../realtime/shared-feed.ts';
import { schema } from '../schema/index.ts';
import {
  createSubscriptionMetrics,
  type SubscriptionMetrics,
} from '../subscriptions/subscription-metrics.ts';
import type { ServedDatabase } from './database.ts';
import { useDemoSignIn } from './demo/plugin.ts';
import { type DemoTokenOptions, firstDemoPerson, signDemoToken } from './demo/sign-in.ts';
import { createExportPool } from './export/export-pool.ts';
import { createGateway } from './gateway.ts';
import { NotReadyError } from './health.ts';
import { createLogger, type Logger } from './logger.ts';
import {
  auditEntries,
  changes,
  idempotencyKeys,
  invitations,
  NOBODY,
  startUpkeep,
} from './upkeep.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const ROLES = {
  reader: 'This replica reads the change log for all replicas',
  follower: 'Another replica reads the change log for this one',
  alone: 'This replica reads the change log for itself',
};
const DAY_MS = 24 * 60 * 60 * 1000;

export interface RunningGateway {
  /** Where it answers, without a path. */
  url: string;
  /** Finishes running requests, then closes the database. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves if the embedded Postgres ends by itself. */
  databaseLost: Promise<void>;
}

/** Serves a database; resolves once the first answer is quick. Throws PortInUseError. */
export async function serve(
  env: Env,
  { connectionString, readiness, postgres }: ServedDatabase,
  demo: DemoTokenOptions | null,
): Promise<RunningGateway> {
  const logger = createLogger(env.LOG_LEVEL);
  let stopping: Promise<void> | undefined;
  const connections = {
    connectionString,
    onConnectionError: (error: Error) => {
      // The embedded Postgres hangs up on connections that are closing when it stops.
      if (!stopping) logger.warn({ err: error }, 'A database connection was lost');
    },
  };
  const database = createDatabase({ ...databaseSettings(env), ...connections });
  const exportPool = createExportPool(connections);
  const metrics = new Registry();
  const subscriptionMetrics = createSubscriptionMetrics(metrics);
  const feed = await openFeed(env, connectionString, logger, subscriptionMetrics);
  const gateway = createGateway({
    ...gatewaySettings(env, demo),
    schema,
    database,
    feed,
    exports: { pool: exportPool },
    subscriptionMetrics,
    ...(env.METRICS ? { metrics } : {}),
    logger,
    checkReadiness: readiness.check,
  });
  await warmUp(database);
  const { url } = await gateway.listen({ host: env.HOST, port: env.PORT });
  warnAboutSettings(env, logger);
  if (env.METRICS) collectDefaultMetrics({ register: metrics });
  const expiring = [
    idempotencyKeys(database),
    auditEntries(database),
    invitations(database),
    changes(feed, env.CHANGE_LOG_RETENTION * DAY_MS),
  ];
  const upkeep = startUpkeep(expiring, logger);

  const stop = async () => {
    await gateway.close();
    await upkeep.stop();
    await Promise.all([feed.close(), database.close(), exportPool.end(), readiness.close()]);
    await postgres?.stop();
  };
  return {
    url,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
    databaseLost: new Promise((resolve) => {
      postgres?.exited.then(() => {
        if (!stopping) resolve();
      });
    }),
  };
}

/** Follows the change log. Throws NotReadyError when the login may not read it. */
async function openFeed(
  env: Env,
  connectionString: string,
  logger: Logger,
  metrics: SubscriptionMetrics,
): Promise<PostgresFeed> {
  try {
    return await createFeed({
      connectionString,
      poolMode: env.DATABASE_POOL_MODE,
      directUrl: env.DATABASE_DIRECT_URL,
      natsUrl: env.NATS_URL,
      redisUrl: env.REDIS_URL,
      onRead: ({ lagMs }) => metrics.read(lagMs),
      onError: (error) => logger.warn({ err: error }, 'The change log could not be read'),
      onUnheard: () =>
        logger.warn(
          'Notifications do not arrive, so the change log is polled. Behind a pooler in transaction mode set DATABASE_POOL_MODE=transaction, and DATABASE_DIRECT_URL to be notified.',
        ),
      onBrokerError: (error) => logger.warn({ err: error }, 'The broker of the replicas failed'),
      onRoleChange: (role) => {
        metrics.role(role);
        logger.info({ role }, ROLES[role]);
      },
    });
  } catch (error) {
    if (error instanceof OtherLogError) {
      throw new NotReadyError(
        'change-log',
        'DATABASE_DIRECT_URL leads to another database than DATABASE_URL.',
        { cause: error },
      );
    }
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new NotReadyError(
      'change-log',
      'The role that the gateway logs in as may not read the change log: log in as codex_gateway, or GRANT codex_gateway TO it.',
      { cause: error },
    );
  }
}

function databaseSettings(env: Env) {
  return {
    maxConnections: env.DATABASE_POOL_SIZE,
    statementTimeoutMs: env.DATABASE_STATEMENT_TIMEOUT,
    timeBudgetMs: env.DATABASE_TIME_BUDGET,
    // A prepared name is known to its own session only.
    ...(env.DATABASE_POOL_MODE === 'transaction' ? { preparedStatements: 0 } : {}),
  };
}

function gatewaySettings(env: Env, demo: DemoTokenOptions | null) {
  return {
    authenticate: createAuthentication(authenticationOptions(env, demo)),
    accelerated: env.ACCELERATORS,
    ...graphiqlOptions(env, demo),
    corsOrigins: env.CORS_ORIGINS,
    requestTimeoutMs: env.REQUEST_TIMEOUT,
    limits: {
      person: env.PERSON_LIMITS,
      agent: env.AGENT_LIMITS,
      workspace: env.WORKSPACE_LIMITS,
    },
    unauthenticatedSockets: env.UNAUTHENTICATED_SOCKETS,
    plugins: demo ? [useDemoSignIn(demo)] : [],
  };
}

function authenticationOptions(env: Env, demo: DemoTokenOptions | null) {
  const secret = env.JWT_SECRET ?? demo?.secret;
  const serviceSecret = env.SERVICE_JWT_SECRET ?? demo?.serviceSecret;
  if (!secret && !env.JWT_JWKS_URL) {
    throw new EnvironmentError(
      'Set JWT_SECRET (HS256) or JWT_JWKS_URL (RS256, ES256, EdDSA): without one, nobody can sign in.',
    );
  }
  return {
    ...(secret ? { secret } : {}),
    ...(env.JWT_JWKS_URL ? { jwksUrl: env.JWT_JWKS_URL } : {}),
    ...(serviceSecret ? { serviceSecret } : {}),
    ...(env.JWT_ISSUER ? { issuer: env.JWT_ISSUER } : {}),
    audience: env.JWT_AUDIENCE,
    clockTolerance: env.JWT_CLOCK_TOLERANCE,
  };
}

function graphiqlOptions(env: Env, demo: DemoTokenOptions | null) {
  if (!(env.GRAPHIQL ?? env.NODE_ENV !== 'production')) return {};
  if (!demo) return { graphiql: {} };
  // Capitalised as people write it in the header editor, so that theirs replaces ours.
  const headers = async () => ({
    Authorization: `Bearer ${(await signDemoToken(firstDemoPerson, demo)).token}`,
  });
  return { graphiql: { headers } };
}

/** Prisma compiles WebAssembly at its first query, so no client should send that one. */
async function warmUp(database: Database): Promise<void> {
  await runInSession(NOBODY, () => database.prisma.campaign.findMany({ take: 1 }));
}

function warnAboutSettings(env: Env, logger: Logger): void {
  if (!env.JWT_ISSUER && env.DATABASE_URL) {
    logger.warn('JWT_ISSUER is not set: tokens of any issuer are accepted if the key fits');
  }
  if (env.DATABASE_POOL_MODE === 'transaction' && !env.DATABASE_DIRECT_URL) {
    logger.info('The change log is polled; to be notified instead, set DATABASE_DIRECT_URL');
    if (env.NATS_URL ?? env.REDIS_URL) {
      logger.warn(
        'Each replica reads the change log for itself: to share one reader by NATS or Redis, set DATABASE_DIRECT_URL',
      );
    }
  }
}
