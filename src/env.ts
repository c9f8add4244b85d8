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

const settings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  /** Port to listen on; 0 takes a free one. */
  PORT: number(0, 65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),

  /** Without it an embedded Postgres is used. */
  DATABASE_URL: postgresUrl,
  /** How the pooler that DATABASE_URL leads to gives connections away; without one, `session`. */
  DATABASE_POOL_MODE: z
    .enum(POOL_MODES, { error: 'must be session or transaction' })
    .default('session'),
  /** The same database, not through a pooler in transaction mode: for what needs a session. */
  DATABASE_DIRECT_URL: postgresUrl,
  /** Folder of the embedded Postgres. */
  DATA_DIR: z.string().default('.data'),
  /** Most connections to the database at a time. */
  DATABASE_POOL_SIZE: number(1, 1000).default(10),
  /** How long a single statement may run, in milliseconds. */
  DATABASE_STATEMENT_TIMEOUT: milliseconds.default(15_000),
  /** How long all statements of one request may run, added up, in milliseconds. */
  DATABASE_TIME_BUDGET: milliseconds.default(15_000),

  /** Key of HS256 tokens. */
  JWT_SECRET: secret,
  /** Key of the HS256 tokens of agents; without it none is taken. */
  SERVICE_JWT_SECRET: secret,
  /** Where the public keys of RS256, ES256 and EdDSA tokens are published. */
  JWT_JWKS_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().default('authenticated'),
  /** How far the issuer's clock may be off, in seconds. */
  JWT_CLOCK_TOLERANCE: number(0, 300).default(5),

  /** Whether /graphql shows GraphiQL to browsers; unset: everywhere but in production. */
  GRAPHIQL: flag.optional(),
  /** Whether demo people can sign in without a password on a local DATABASE_URL. */
  DEMO_SIGN_IN: flag.default(false),
  /** Origins whose pages may call the API, separated by commas; none by default. */
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
    ),
  /** Whether /metrics tells Prometheus how the gateway does. */
  METRICS: flag.default(false),
  /** Whether queries are answered by one statement where one can; false executes them field by field. */
  ACCELERATORS: flag.default(true),
  /** How many days a client may be away and still be told all that it missed. */
  CHANGE_LOG_RETENTION: number(1, 365).default(7),
  /** A NATS through which one replica tells the others of changes, instead of each reading them. */
  NATS_URL: z
    .url({ protocol: /^(nats|tls)$/, error: 'must look like nats://user:password@host:4222' })
    .optional(),
  /** The same through a Redis. */
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must look like redis://user:password@host:6379' })
    .optional(),
  /** How long a request may take, in milliseconds. */
  REQUEST_TIMEOUT: milliseconds.default(30_000),

  /** What one person may have at a time, in each gateway. */
  PERSON_LIMITS: limits({
    sockets: 100,
    streams: 100,
    subscriptions: 1_000,
    'live-queries': 200,
    distinct: 100,
    requests: 100,
  }),
  /** What one agent may have at a time, in all its workspaces together. */
  AGENT_LIMITS: limits({
    sockets: 1_000,
    streams: 1_000,
    subscriptions: 5_000,
    'live-queries': 1_000,
    distinct: 1_000,
    requests: 200,
  }),
  /** What all people and agents of one workspace may have at a time together. */
  WORKSPACE_LIMITS: limits({
    sockets: 2_000,
    streams: 2_000,
    subscriptions: 10_000,
    'live-queries': 2_000,
    distinct: 1_000,
    requests: 1_000,
  }),
  /** Most WebSockets at a time that have not said yet whose they are. */
  UNAUTHENTICATED_SOCKETS: number(1, 20_000).default(2_000),
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

function readProcessEnv(): Env {
  try {
    return readEnv(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** The settings of this process. Where they are wrong, it ends here and says why. */
export const env = readProcessEnv();
