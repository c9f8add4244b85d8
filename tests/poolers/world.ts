import { demoPeople, demoWorkspaces } from '../../prisma/seed/people.ts';
import { type PoolMode, readEnv } from '../../src/env.ts';
import type { RunningGateway } from '../../src/server/serve.ts';
import { start } from '../../src/server/start.ts';
import { type Answer, ISSUER, SECRET, token } from '../server/support/gateway.ts';
import type { Client } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';

/** A person of the demo in their workspace. */
export interface Person extends Client {
  workspaceId: string;
}

/** The demo, behind a PgBouncer. */
export interface PooledWorld {
  database: TestDatabase;
  bouncer: PgBouncer;
  /** Starts a gateway that connects through PgBouncer; `settings` override the defaults. */
  open(settings?: Record<string, string>): Promise<PooledGateway>;
  close(): Promise<void>;
}

export interface PooledGateway extends RunningGateway {
  /** Signs in as the owner of a demo workspace, by default of the first. */
  owner(workspace?: number): Promise<Person>;
}

/** Starts PgBouncer in front of the demo, whose database has other defaults than the gateway needs. */
export async function createPooledWorld(mode: PoolMode, poolSize?: number): Promise<PooledWorld> {
  const database = await createTestDatabase('demo');
  const [current] = await database.query<{ name: string }>('select current_database() as name');
  for (const setting of [
    `timezone = 'Asia/Kolkata'`,
    `datestyle = 'SQL, DMY'`,
    'extra_float_digits = -5',
  ]) {
    await database.query(`alter database ${current?.name} set ${setting}`);
  }
  const bouncer = await startPgBouncer(mode, [database.gatewayUrl, database.url], poolSize);
  const gateways: PooledGateway[] = [];
  return {
    database,
    bouncer,
    async open(settings = {}) {
      const env = readEnv({
        DATABASE_URL: bouncer.url(database.gatewayUrl),
        DATABASE_POOL_MODE: mode,
        JWT_SECRET: SECRET,
        JWT_ISSUER: ISSUER,
        LOG_LEVEL: 'silent',
        PORT: '0',
        ...settings,
      });
      const running = await start(env, null, () => {});
      const gateway = {
        ...running,
        owner: (workspace = 0) => ownerOf(running.url, workspace),
      };
      gateways.push(gateway);
      return gateway;
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await bouncer.close();
      await database.close();
    },
  };
}

async function ownerOf(url: string, workspace: number): Promise<Person> {
  const { id: workspaceId = '', slug } = demoWorkspaces[workspace] ?? {};
  const owner = demoPeople.find(({ memberships }) =>
    memberships.some((each) => each.workspace === slug && each.role === 'Owner'),
  );
  const exp = Math.floor(Date.now() / 1000) + 600;
  const headers = {
    authorization: `Bearer ${await token({ sub: owner?.id, exp })}`,
    'x-workspace-id': workspaceId,
  };
  const ask: Client['ask'] = async (query, variables, key) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        ...(key ? { 'idempotency-key': key } : {}),
      },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const answer: Pick<Answer, 'data' | 'errors'> = JSON.parse(text);
    return { ...answer, status: response.status, headers: response.headers, text };
  };
  return {
    headers,
    workspaceId,
    ask,
    async data(query, variables) {
      const answer = await ask(query, variables);
      if (answer.errors || !answer.data) throw new Error(`The operation failed: ${answer.text}`);
      return answer.data;
    },
  };
}
