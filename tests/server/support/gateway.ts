import { createSchema } from 'graphql-yoga';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import {
  type AuthenticationOptions,
  createAuthentication,
  SERVICE_TOKEN_TYPE,
} from '../../../src/context/authentication.ts';
import type { Context } from '../../../src/context/context.ts';
import { createDatabase } from '../../../src/context/database/client.ts';
import { GatewayError } from '../../../src/context/errors.ts';
import type { HolderScope } from '../../../src/context/quotas.ts';
import { requirePerson } from '../../../src/context/viewer.ts';
import { requireWorkspace } from '../../../src/context/workspace.ts';
import { type Limits, readEnv } from '../../../src/env.ts';
import { createGateway } from '../../../src/server/gateway.ts';
import type { GatewayOptions } from '../../../src/server/gateway-options.ts';
import { testEnv } from '../../support/env.ts';

export const SECRET = 'a secret of the tests, 32 bytes or more';
/** The secret for agents' tokens. */
export const SERVICE_SECRET = 'another secret of the tests, for agents';
export const ISSUER = 'https://issuer.example/auth/v1';
export const AUDIENCE = 'authenticated';
/** Internal texts that no answer may contain. */
export const INTERNAL = { message: 'the inner workings', sql: 'SELECT no_such_column' };

const typeDefs = /* GraphQL */ `
  type Query {
    me: String!
    workspace: String
    currentWorkspace: String
    setting: String
    sql(text: String!): String
    gatewayError: String
    internalError: String
    badNumber: Int
    hang: String
    half: Half!
    echo(number: Int!): Int
  }
  type Half {
    good: String
    bad: String
  }
  type Mutation {
    touch: String
  }
  type Subscription {
    ticks: String
  }
`;

const query = async (context: Context, text: string) => {
  const [row] = await context.database.query<{ value: string | null }>(text);
  return row?.value ?? null;
};

/** A small schema with a field for each outcome of a request. */
export const schema = createSchema<Context>({
  typeDefs,
  resolvers: {
    Query: {
      me: (_, __, context) => requirePerson(context).id,
      workspace: (_, __, context) => requireWorkspace(context).id,
      currentWorkspace: (_, __, { workspace }) => workspace?.id ?? null,
      setting: (_, __, context) =>
        query(
          context,
          "SELECT auth.uid() || ' ' || coalesce(current_workspace_id()::text, '-') AS value",
        ),
      sql: (_, { text }, context) => query(context, text),
      gatewayError: () => {
        throw new GatewayError('CONFLICT', 'Said to clients.', {
          argument: 'input.name',
          cause: new Error(INTERNAL.message),
        });
      },
      internalError: () => {
        throw new Error(INTERNAL.message);
      },
      badNumber: () => INTERNAL.message,
      hang: () => new Promise(() => {}),
      half: () => ({}),
      echo: (_, { number }) => number,
    },
    Half: {
      good: () => 'good',
      bad: () => {
        throw new Error(INTERNAL.message);
      },
    },
    Mutation: { touch: (_, __, context) => query(context, 'SELECT auth.uid()::text AS value') },
    Subscription: {
      ticks: {
        subscribe: async function* (_: unknown, __: unknown, context: Context) {
          for (let tick = 0; tick < 2; tick += 1) {
            yield { ticks: await query(context, 'SELECT auth.uid()::text AS value') };
          }
        },
      },
    },
  },
});

interface Claims {
  sub?: string | undefined;
  exp?: number | undefined;
  [claim: string]: unknown;
}

/** Returns a token that the test gateway trusts, with changed `claims`; undefined omits a claim. */
export async function token(claims: Claims = {}, secret = SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, exp: now + 60, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)))
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

/** Returns an agent's token that the test gateway trusts, with changed `claims`. */
export async function agentToken(claims: Claims, secret = SERVICE_SECRET): Promise<string> {
  const all = { aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 600, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)))
    .setProtectedHeader({ alg: 'HS256', typ: SERVICE_TOKEN_TYPE })
    .sign(new TextEncoder().encode(secret));
}

/** Returns the default limits with changes. */
export function limits(changed: Partial<Record<HolderScope, Partial<Limits>>> = {}) {
  const { PERSON_LIMITS, AGENT_LIMITS, WORKSPACE_LIMITS } = readEnv({});
  return {
    person: { ...PERSON_LIMITS, ...changed.person },
    agent: { ...AGENT_LIMITS, ...changed.agent },
    workspace: { ...WORKSPACE_LIMITS, ...changed.workspace },
  };
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: string[]; extensions: Record<string, unknown> }[];
}

export interface TestGateway {
  url: string;
  /** Lines of the log, oldest first. */
  log: Record<string, unknown>[];
  /** Sends a request unchanged. */
  send(path: string, init?: RequestInit): Promise<Answer>;
  /** Sends an operation. */
  ask(query: string, headers?: Record<string, string>, variables?: object): Promise<Answer>;
  /** Closes the gateway, and cuts off requests that do not end in time (default: one second). */
  close(graceMs?: number): Promise<void>;
}

/** Starts a gateway, by default on a free port. */
export async function startGateway(
  connectionString: string,
  options: Partial<GatewayOptions> & {
    authentication?: Partial<AuthenticationOptions>;
    statementTimeoutMs?: number;
    timeBudgetMs?: number;
    maxConnections?: number;
    preparedStatements?: number;
    onStatement?: (sql: string) => void;
    onRoundTrip?: () => void;
    port?: number;
  } = {},
): Promise<TestGateway> {
  const log: Record<string, unknown>[] = [];
  const { authentication, statementTimeoutMs = 2_000, onStatement, ...rest } = options;
  const {
    onRoundTrip,
    maxConnections = 3,
    timeBudgetMs,
    preparedStatements,
    port = 0,
    ...others
  } = rest;
  const database = createDatabase({
    connectionString,
    maxConnections,
    statementTimeoutMs,
    ...(timeBudgetMs ? { timeBudgetMs } : {}),
    ...(preparedStatements === undefined ? {} : { preparedStatements }),
    ...(onStatement ? { onStatement } : {}),
    ...(onRoundTrip ? { onRoundTrip } : {}),
  });
  const gateway = createGateway({
    schema,
    database,
    authenticate: createAuthentication({
      secret: SECRET,
      serviceSecret: SERVICE_SECRET,
      issuer: ISSUER,
      audience: AUDIENCE,
      ...authentication,
    }),
    logger: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    checkReadiness: async () => {},
    limits: limits(),
    accelerated: testEnv.accelerated,
    ...others,
  });
  const { url } = await gateway.listen({ host: '127.0.0.1', port });

  const send = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
    return { ...json, status: response.status, headers: response.headers, text };
  };
  return {
    url,
    log,
    send,
    ask: (query, headers = {}, variables) =>
      send('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      }),
    async close(graceMs = 1_000) {
      await gateway.close(graceMs);
      await database.close();
    },
  };
}
