import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { seed } from '../../prisma/seed/index.ts';
import { databaseUrl, type TestServer } from './server.ts';

type Row = Record<string, unknown>;
/** Runs a statement and returns its rows. */
export type Query = <T extends object = Row>(sql: string, values?: unknown[]) => Promise<T[]>;

/** Who runs the SQL: a person or an agent in a workspace, or the trusted writers' role. */
export interface Actor {
  userId?: string | undefined;
  /** The agent's name, instead of a person. */
  agent?: string;
  /** What the agent may do, such as `alerts:write`. */
  scopes?: readonly string[];
  workspaceId?: string | undefined;
  /** Default `read committed`. */
  isolation?: 'repeatable read' | 'serializable' | undefined;
  /** Default `authenticated`. */
  role?: 'authenticated' | 'service_role';
}

export interface TestDatabase {
  /** The superuser's connection string. */
  url: string;
  /** Connection string of `codex_gateway`, as which the gateway logs in. */
  gatewayUrl: string;
  /** Runs a statement as the superuser. */
  query: Query;
  /** Runs a function in a transaction as the actor, and commits; rolls back when it throws. */
  as<T>(actor: Actor, run: (query: Query) => Promise<T>): Promise<T>;
  /** The same, but always rolls back. */
  rehearse<T>(actor: Actor, run: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Returns a new database: empty, migrated, or with the demo; used
 * over at most so many connections as people, and as trusted writers.
 */
export async function createTestDatabase(
  template: 'empty' | 'migrated' | 'demo' = 'migrated',
  connections?: number,
): Promise<TestDatabase> {
  const server = inject('testServer');
  const name = `${server.prefix}${randomBytes(6).toString('hex')}`;
  const maintenance = new pg.Client(server.url);
  await maintenance.connect();
  try {
    if (template === 'demo') await ensureDemoTemplate(maintenance, server);
    const source = template === 'empty' ? 'template1' : `${server.prefix}${template}`;
    await copyDatabase(maintenance, source, name);
  } finally {
    await maintenance.end();
  }
  return openDatabase(databaseUrl(server.url, name), server.gatewayPassword, connections);
}

/** Returns a handle of any database that the migrations were applied to. */
export function openDatabase(url: string, gatewayPassword: string, connections = 25): TestDatabase {
  const gatewayUrl = new URL(url);
  gatewayUrl.username = 'codex_gateway';
  gatewayUrl.password = gatewayPassword;
  const pool = createPool(url, connections);
  const gatewayPool = createPool(gatewayUrl.href, connections);

  const transaction = async <T>(actor: Actor, run: (query: Query) => Promise<T>, end: string) => {
    const { userId, agent, scopes, workspaceId, role = 'authenticated' } = actor;
    const { isolation = 'read committed' } = actor;
    const claims = userId || agent ? JSON.stringify({ sub: userId, agent, scopes, role }) : '';
    const client = await (role === 'authenticated' ? gatewayPool : pool).connect();
    try {
      await client.query(`begin isolation level ${isolation}`);
      await client.query(
        `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
                set_config('app.current_workspace_id', $3, true)`,
        [role, claims, workspaceId ?? ''],
      );
      const result = await run(queryOf(client));
      await client.query(end);
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  };

  return {
    url,
    gatewayUrl: gatewayUrl.href,
    query: queryOf(pool),
    as: (actor, run) => transaction(actor, run, 'commit'),
    rehearse: (actor, run) => transaction(actor, run, 'rollback'),
    close: async () => {
      await Promise.all([pool.end(), gatewayPool.end()]);
    },
  };
}

function createPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max, options: '-c timezone=UTC' });
  // When the server ends an idle connection, the test that used it does not fail.
  pool.on('error', () => {});
  return pool;
}

function queryOf(runner: pg.Pool | pg.PoolClient): Query {
  return async <T extends object>(sql: string, values?: unknown[]) =>
    (await runner.query<T & Row>(sql, values)).rows;
}

async function copyDatabase(client: pg.Client, from: string, to: string): Promise<void> {
  await client.query(`create database ${to} template ${from} strategy file_copy`);
}

/** Makes the template with the demo, unless another test file of the run has done so. */
async function ensureDemoTemplate(client: pg.Client, { url, prefix }: TestServer): Promise<void> {
  const [demo, unfinished] = [`${prefix}demo`, `${prefix}unfinished`];
  await client.query('select pg_advisory_lock(hashtext($1))', [demo]);
  const { rowCount } = await client.query('select from pg_database where datname = $1', [demo]);
  if (rowCount === 0) {
    await copyDatabase(client, `${prefix}migrated`, unfinished);
    await seed(databaseUrl(url, unfinished));
    await client.query(`alter database ${unfinished} rename to ${demo}`);
  }
  await client.query('select pg_advisory_unlock(hashtext($1))', [demo]);
}
