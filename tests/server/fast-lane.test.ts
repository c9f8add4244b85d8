import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { agentToken, limits, startGateway, type TestGateway, token } from './support/gateway.ts';

const ORIGIN = 'https://app.example';
const CAMPAIGNS = 'query ($first: Int = 2) { campaigns(first: $first) { nodes { name } } }';

let database: TestDatabase;
let gateway: TestGateway;
/** A gateway without accelerators. */
let plain: TestGateway;
let ours: Tenant;
let theirs: Tenant;
let statements: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase('migrated');
  [ours, theirs] = [await createTenant(database), await createTenant(database)];
  for (const { workspaceId } of [ours, theirs]) {
    await insert(database, 'campaigns', { workspace_id: workspaceId, name: workspaceId });
  }
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: true,
    corsOrigins: [ORIGIN],
    onStatement: (sql) => void statements.push(sql),
  });
  plain = await startGateway(database.gatewayUrl, {
    schema,
    accelerated: false,
    corsOrigins: [ORIGIN],
  });
});
afterAll(async () => {
  await gateway?.close();
  await plain?.close();
  await database?.close();
});

const headersOf = async (sub: string, workspaceId?: string) => ({
  authorization: `Bearer ${await token({ sub })}`,
  ...(workspaceId ? { 'x-workspace-id': workspaceId } : {}),
});

/** Sends a query. Returns the answer with its number of statements. */
async function counted(query: string, headers: Record<string, string>, variables?: object) {
  statements = [];
  const answer = await gateway.ask(query, headers, variables);
  return { ...answer, statements: statements.length };
}

/** Locks the table while `run` runs, then calls the function that it returns. */
async function lockingCampaigns(
  run: (waitForLock: () => Promise<void>) => Promise<() => Promise<void>>,
): Promise<void> {
  const waiting = async () => {
    const rows = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length;
  };
  const finish = await database.rehearse({ role: 'service_role' }, async (query) => {
    await query('lock table campaigns in access exclusive mode');
    return run(() => eventually(waiting).toBe(1));
  });
  await finish();
}

describe('a query that was sent before', () => {
  it('takes one statement, which also checks the membership', async () => {
    const headers = await headersOf(ours.people.Viewer, ours.workspaceId);
    const first = await counted(CAMPAIGNS, headers);
    const again = await counted(CAMPAIGNS, headers);
    expect([first.statements, again.statements]).toEqual([2, 1]);
    expect(again.data).toEqual({ campaigns: { nodes: [{ name: ours.workspaceId }] } });
    expect(again.text).toBe(first.text);
  });

  it('takes one statement without a workspace header', async () => {
    const headers = await headersOf(ours.people.Viewer);
    await counted(CAMPAIGNS, headers);
    const again = await counted(CAMPAIGNS, headers);
    expect(again.statements).toBe(1);
    expect(again.data).toEqual({ campaigns: { nodes: [{ name: ours.workspaceId }] } });
  });

  it.each([
    ['application/json', 'application/json', 'application/json; charset=utf-8'],
    ['application/json; charset=utf-8', '*/*', 'application/json; charset=utf-8'],
    [
      'application/json',
      'application/graphql-response+json, application/json;q=0.9',
      'application/graphql-response+json; charset=utf-8',
    ],
  ])(
    'has the headers of an executed answer if it is sent as %s and accepts %s',
    async (contentType, accept, type) => {
      const headers = {
        ...(await headersOf(ours.people.Viewer, ours.workspaceId)),
        'content-type': contentType,
        accept,
        origin: ORIGIN,
        'x-request-id': 'my-request',
      };
      await counted(CAMPAIGNS, headers);
      const again = await counted(CAMPAIGNS, headers);
      const executed = await plain.ask(CAMPAIGNS, headers);
      expect(again.statements).toBe(1);
      expect(again.headers.get('content-type')).toBe(type);
      const headersOfAnswer = ({ headers: all }: { headers: Headers }) =>
        Object.fromEntries(
          [...all].filter(([name]) => !['date', 'content-length'].includes(name)).sort(),
        );
      expect(headersOfAnswer(again)).toEqual(headersOfAnswer(executed));
    },
  );

  it.each([
    ['gzip', 'gzip'],
    ['gzip;q=0.5, br', 'br'],
    ['identity', null],
  ])('gets a long answer compressed if it accepts %s', async (accepted, encoding) => {
    const headers = {
      ...(await headersOf(ours.people.Viewer, ours.workspaceId)),
      'accept-encoding': accepted,
    };
    const long = `{ ${Array.from({ length: 20 }, (_, n) => `${'a'.repeat(900)}${n}: campaigns { nodes { name } }`).join(' ')} }`;
    const executed = await plain.ask(long, headers);
    for (let n = 0; n < 2; n += 1) {
      const answer = await gateway.ask(long, headers);
      expect(answer.text).toBe(executed.text);
      expect(answer.text.length).toBeGreaterThan(16_384);
      expect(answer.headers.get('content-encoding')).toBe(encoding);
      expect(executed.headers.get('content-encoding')).toBe(encoding);
      expect(answer.headers.get('vary')).toBe('Origin, Accept-Encoding');
    }
    const short = await gateway.ask(CAMPAIGNS, headers);
    expect(short.headers.get('content-encoding')).toBeNull();
  });

  it('gets a header in development, and a metric, with how each field was answered', async () => {
    const metrics = new Registry();
    const development = await startGateway(database.gatewayUrl, { schema, graphiql: {}, metrics });
    try {
      const headers = await headersOf(ours.people.Viewer, ours.workspaceId);
      const query = '{ viewer { email } mine: campaigns { nodes { name } } }';
      const mixed = await development.ask(query, headers);
      expect(mixed.headers.get('x-answered-by')).toBe('viewer=executed, mine=compiled');
      await development.ask(CAMPAIGNS, headers);
      const compiled = await development.ask(CAMPAIGNS, headers);
      expect(compiled.headers.get('x-answered-by')).toBe('campaigns=compiled');
      expect(await metrics.metrics()).toMatch(/codex_root_fields_total\{way="compiled"\} 3\n/);
    } finally {
      await development.close();
    }
    expect(
      (await gateway.ask(CAMPAIGNS, await headersOf(ours.people.Viewer))).headers.get(
        'x-answered-by',
      ),
    ).toBeNull();
  });

  it('gets the same errors as an executed query', async () => {
    const headers = await headersOf(ours.people.Viewer, ours.workspaceId);
    for (const variables of [{ first: 2 }, { first: -1 }, { first: 1_000 }, { first: 'two' }]) {
      for (let n = 0; n < 2; n += 1) {
        const answer = await gateway.ask(CAMPAIGNS, headers, variables);
        const executed = await plain.ask(CAMPAIGNS, headers, variables);
        expect([answer.status, answer.data, answer.errors]).toEqual([
          executed.status,
          executed.data,
          executed.errors,
        ]);
      }
    }
  });

  it('counts against the quotas of its person and workspace', async () => {
    const one = limits({ person: { requests: 1 } });
    const small = await startGateway(database.gatewayUrl, { schema, limits: one });
    try {
      const headers = await headersOf(ours.people.Viewer, ours.workspaceId);
      for (let n = 0; n < 2; n += 1) {
        expect((await small.ask(CAMPAIGNS, headers)).errors).toBeUndefined();
      }
      await lockingCampaigns(async (waitForLock) => {
        const first = small.ask(CAMPAIGNS, headers);
        await waitForLock();
        const second = await small.ask(CAMPAIGNS, headers);
        expect(second.errors?.[0]?.extensions.code).toBe('TOO_MANY_REQUESTS');
        return async () => expect((await first).errors).toBeUndefined();
      });
    } finally {
      await small.close();
    }
  });
});

describe('each request checks the access again', () => {
  const expectAnswer = async (headers: Record<string, string>) => {
    for (let n = 0; n < 2; n += 1) {
      expect((await gateway.ask(CAMPAIGNS, headers)).data).toEqual({
        campaigns: { nodes: [{ name: ours.workspaceId }] },
      });
    }
  };

  it.each([true, false])(
    'of a person who was removed, with a workspace header: %s',
    async (isNamed) => {
      const person = randomUUID();
      await database.query('insert into auth.users (id) values ($1)', [person]);
      await insert(database, 'user_workspaces', {
        user_id: person,
        workspace_id: ours.workspaceId,
      });
      const headers = await headersOf(person, isNamed ? ours.workspaceId : undefined);
      await expectAnswer(headers);
      await database.query('delete from user_workspaces where user_id = $1', [person]);
      const { errors, text } = await gateway.ask(CAMPAIGNS, headers);
      expect(errors?.[0]?.extensions.code).toBe(isNamed ? 'FORBIDDEN' : 'WORKSPACE_REQUIRED');
      expect(text).not.toContain(ours.workspaceId);
    },
  );

  it('of a person without the header whose first workspace has changed', async () => {
    const person = randomUUID();
    await database.query('insert into auth.users (id) values ($1)', [person]);
    const join = (workspaceId: string, joinedAt: string) =>
      insert(database, 'user_workspaces', {
        user_id: person,
        workspace_id: workspaceId,
        joined_at: joinedAt,
      });
    await join(ours.workspaceId, '2026-02-01');
    const headers = await headersOf(person);
    await expectAnswer(headers);
    await join(theirs.workspaceId, '2026-01-01');
    expect((await gateway.ask(CAMPAIGNS, headers)).data).toEqual({
      campaigns: { nodes: [{ name: theirs.workspaceId }] },
    });
  });

  it('of an agent that was deactivated', async () => {
    const name = `agent-${randomUUID()}`;
    const agentId = await insert(database, 'agent_registry', {
      agent_name: name,
      agent_type: 'researcher',
    });
    await insert(database, 'agent_assignments', {
      agent_id: agentId,
      workspace_id: ours.workspaceId,
      assignment_status: 'active',
    });
    const bearer = await agentToken({ agent: name, scopes: ['*:read'] });
    const headers = { authorization: `Bearer ${bearer}`, 'x-workspace-id': ours.workspaceId };
    await expectAnswer(headers);
    await database.query('update agent_registry set is_active = false where id = $1', [agentId]);
    const { errors } = await gateway.ask(CAMPAIGNS, headers);
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  it('of a token that has expired', async () => {
    const exp = Math.floor(Date.now() / 1000) + 1;
    const headers = {
      authorization: `Bearer ${await token({ sub: ours.people.Viewer, exp })}`,
      'x-workspace-id': ours.workspaceId,
    };
    await expectAnswer(headers);
    // Expired tokens are accepted for five seconds, since clocks differ.
    await new Promise((resolve) => setTimeout(resolve, exp * 1000 + 6_500 - Date.now()));
    expect((await gateway.ask(CAMPAIGNS, headers)).status).toBe(401);
  });
});
