import { z } from 'zod';

const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((value) => value === 'true');
const number = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const milliseconds = number(1, 86_400_000);

/**
 * How a pooler gives its connections to Postgres away: for as long as a client is connected, or for
 * a transaction each.
 */
export const POOL_MODES = ['session', 'transaction'] as const;
export type PoolMode = (typeof POOL_MODES)[number];

const postgresUrl = z
  .url({
    protocol: /^postgres(ql)?$/,
    error: 'must look like postgresql://user:password@host:5432/database',
  })
  .optional();

/** What a person, an agent or a workspace may have only so much of at a time. */
export const RESOURCES = [
  'sockets',
  'streams',
  'subscriptions',
  'live-queries',
  'distinct',
  'requests',
] as const;
export type Resource = (typeof RESOURCES)[number];
/** How much of each at a time. */
export type Limits = Readonly<Record<Resource, number>>;

const isResource = (name: string): name is Resource => RESOURCES.some((each) => each === name);

/** A list such as `sockets=200,requests=50`; what it does not name keeps its default. */
const limits = (defaults: Limits) =>
  z
    .string()
    .default('')
    .transform((list, context): Limits => {
      const read: Record<Resource, number> = { ...defaults };
      for (const item of list.split(',').filter((each) => each.trim() !== '')) {
        const [, name = '', value] = /^\s*([a-z-]+)\s*=\s*(\d{1,7})\s*$/.exec(item) ?? [];
        if (isResource(name) && Number(value) > 0) read[name] = Number(value);
        else {
          context.addIssue({
            code: 'custom',
            message: `must be a list such as sockets=200,requests=50, of ${RESOURCES.join(', ')} and numbers from 1`,
          });
          return z.NEVER;
        }
      }
      return read;
    });

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]+$/;

const secret = z.string().min(32, 'must have at least 32 characters').optional();

const SEE_LIMITS = '[see below](#limits-for-each-person-agent-and-workspace)';

/** The settings. `npm run docs:settings` writes their table, so that descriptions are Markdown. */
export const settings = z.object({
  PORT: number(0, 65_535).default(4000).describe('port to listen on; 0 takes a free one'),
  HOST: z.string().default('127.0.0.1').describe('address to listen on'),
  NODE_ENV: z
    .enum(['development', 'production', 'test'])
    .default('development')
    .describe('`production` switches GraphiQL off and needs `DATABASE_URL`'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('log messages of this severity and above'),

  DATABASE_URL: postgresUrl.describe(
    '`postgresql://user:password@host:5432/database`; without it the embedded Postgres',
  ),
  DATA_DIR: z
    .string()
    .default('.data')
    .describe("folder of the embedded Postgres and of its demo tokens' secret"),
  DATABASE_POOL_MODE: z
    .enum(POOL_MODES, { error: 'must be session or transaction' })
    .default('session')
    .describe('mode of the [pooler](#behind-a-pooler) that `DATABASE_URL` leads to'),
  DATABASE_DIRECT_URL: postgresUrl.describe(
    'the same database, not through a pooler in transaction mode: for migrations and for [following changes](#behind-a-pooler)',
  ),
  DATABASE_POOL_SIZE: number(1, 1000)
    .default(10)
    .describe(
      'largest number of connections for requests; exports have two more, readiness one, and the change log four',
    ),
  DATABASE_STATEMENT_TIMEOUT: milliseconds
    .default(15_000)
    .describe('milliseconds that one statement may run'),
  DATABASE_TIME_BUDGET: milliseconds
    .default(15_000)
    .describe('milliseconds that all statements of a request may run, added up'),

  JWT_SECRET: secret.describe('key of HS256 tokens'),
  JWT_JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('where the public keys of RS256, ES256 and EdDSA tokens are published'),
  JWT_ISSUER: z
    .string()
    .optional()
    .meta({ description: 'whose tokens are accepted', default: 'any' }),
  JWT_AUDIENCE: z.string().default('authenticated').describe('the audience that tokens must name'),
  JWT_CLOCK_TOLERANCE: number(0, 300)
    .default(5)
    .describe("seconds that the issuer's clock may be off"),
  SERVICE_JWT_SECRET: secret.describe(
    "key of agents' tokens (HS256), another one than `JWT_SECRET`; without it agents are refused",
  ),

  GRAPHIQL: flag.optional().meta({
    description: 'whether browsers are shown GraphiQL at `/graphql`',
    default: 'on, except in production',
  }),
  DEMO_SIGN_IN: flag
    .default(false)
    .describe('whether demo people may sign in on a `DATABASE_URL` of this machine'),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((origin) => origin.trim() || []))
    .pipe(
      z.array(
        z.string().regex(ORIGIN, {
          error: 'must be origins as browsers send them, such as https://app.example:8443',
        }),
      ),
    )
    .describe(
      'origins whose pages may call the API, such as `https://app.example`, separated by commas; they may read `x-request-id`, `www-authenticate`, `retry-after` and `content-disposition`',
    ),
  METRICS: flag
    .default(false)
    .describe(
      'whether `/metrics` serves Prometheus ([subscriptions](subscriptions.md#metrics), [limits](#limits-for-each-person-agent-and-workspace))',
    ),
  CHANGE_LOG_RETENTION: number(1, 365)
    .default(7)
    .describe(
      'days that the [change log](#change-log) is kept: a client may be offline for that long without losing changes',
    ),
  ACCELERATORS: flag
    .default(true)
    .describe('`false`: every query is executed field by field ([performance](performance.md))'),
  REQUEST_TIMEOUT: milliseconds.default(30_000).describe('milliseconds that a request may take'),
  NATS_URL: z
    .url({ protocol: /^(nats|tls)$/, error: 'must look like nats://user:password@host:4222' })
    .optional()
    .describe(
      '`nats://user:password@host:4222`, or `tls://…`: the NATS server that connects [replicas](#replicas)',
    ),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must look like redis://user:password@host:6379' })
    .optional()
    .describe(
      '`redis://user:password@host:6379`, or `rediss://…`: the same with a Redis server; set only one of the two',
    ),

  PERSON_LIMITS: limits({
    sockets: 100,
    streams: 100,
    subscriptions: 1_000,
    'live-queries': 200,
    distinct: 100,
    requests: 100,
  }).meta({
    description:
      'limits for each person, such as `sockets=200,requests=50`; those that you leave out keep their default',
    default: SEE_LIMITS,
  }),
  AGENT_LIMITS: limits({
    sockets: 1_000,
    streams: 1_000,
    subscriptions: 5_000,
    'live-queries': 1_000,
    distinct: 1_000,
    requests: 200,
  }).meta({
    description: 'the same for each agent, in all its workspaces together',
    default: SEE_LIMITS,
  }),
  WORKSPACE_LIMITS: limits({
    sockets: 2_000,
    streams: 2_000,
    subscriptions: 10_000,
    'live-queries': 2_000,
    distinct: 1_000,
    requests: 1_000,
  }).meta({
    description: 'the same for all people and agents of a workspace together',
    default: SEE_LIMITS,
  }),
  UNAUTHENTICATED_SOCKETS: number(1, 20_000)
    .default(2_000)
    .describe(
      'largest number of WebSockets that have not sent a valid token yet; one more closes the oldest of them',
    ),
});

const schema = settings
  .refine(
    ({ JWT_SECRET, SERVICE_JWT_SECRET }) => !JWT_SECRET || JWT_SECRET !== SERVICE_JWT_SECRET,
    { path: ['SERVICE_JWT_SECRET'], error: 'must not be JWT_SECRET' },
  )
  .refine(({ NODE_ENV, DATABASE_URL }) => NODE_ENV !== 'production' || DATABASE_URL, {
    path: ['DATABASE_URL'],
    error:
      'must be set in production: the embedded database and its demo people are for development',
  })
  .refine(({ DATABASE_URL, DATABASE_DIRECT_URL }) => !DATABASE_DIRECT_URL || DATABASE_URL, {
    path: ['DATABASE_DIRECT_URL'],
    error: 'must not be set without DATABASE_URL, which requests use',
  })
  .refine(({ NATS_URL, REDIS_URL }) => !NATS_URL || !REDIS_URL, {
    path: ['REDIS_URL'],
    error: 'must not be set besides NATS_URL: replicas meet at one broker',
  });

export type Env = z.output<typeof schema>;

/** The environment has values that the gateway cannot work with; the message lists all of them. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** Returns the settings in `source`; an empty value counts as unset. Throws EnvironmentError. */
export function readEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const values = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  // Values are left out: they may be secrets.
  const problems = result.error.issues.map(
    ({ path, message }) => `  ${path.join('.')}: ${message}`,
  );
  throw new EnvironmentError(`Fix these environment variables:\n${problems.join('\n')}`);
}

/** Returns how to reach the database where a session is needed; undefined for the embedded one. */
export function directUrl({ DATABASE_DIRECT_URL, DATABASE_URL }: Env): string | undefined {
  return DATABASE_DIRECT_URL ?? DATABASE_URL;
}

/** Returns a variable that is no setting of the gateway; undefined if it is empty or not set. */
export function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

function readProcessEnv(): Env {
  try {
    return readEnv(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(process.exitCode ?? 1);
  }
}

/** The settings of this process. Where they are wrong, it ends here and says why. */
export const env = readProcessEnv();
