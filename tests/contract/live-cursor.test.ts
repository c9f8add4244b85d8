import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/realtime/change.ts';
import { createPostgresFeed, type PostgresFeed } from '../../src/realtime/postgres-feed.ts';
import { schema } from '../../src/schema/index.ts';
import { type Answer, startGateway, type TestGateway, token } from '../server/support/gateway.ts';
import { openApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let feed: PostgresFeed;
let gateway: TestGateway;
let tenant: Tenant;
let sent: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  feed = await createPostgresFeed({ connectionString: database.gatewayUrl });
  gateway = await startGateway(database.gatewayUrl, {
    schema,
    feed,
    statementTimeoutMs: 10_000,
    onStatement: (sql) => sent.push(sql),
  });
});
afterAll(async () => {
  await gateway?.close();
  await feed?.close();
  await database?.close();
});

async function ask(query: string, variables: object = {}): Promise<Answer> {
  const bearer = await token({
    sub: tenant.people.Owner,
    exp: Math.floor(Date.now() / 1000) + 600,
  });
  const headers = { authorization: `Bearer ${bearer}`, 'x-workspace-id': tenant.workspaceId };
  // A transaction may end after its answer.
  const count = (pattern: RegExp) => sent.filter((sql) => pattern.test(sql)).length;
  await eventually(() => count(/^BEGIN/) - count(/^(COMMIT|ROLLBACK)$/)).toBe(0);
  sent = [];
  return gateway.ask(query, headers, variables);
}

async function read(query: string, variables?: object): Promise<Data> {
  const { data, errors, text } = await ask(query, variables);
  if (errors || !data) throw new Error(text);
  return data;
}

const raise = (title: string) =>
  insert(database, 'system_alerts', {
    workspace_id: tenant.workspaceId,
    alert_type: 'performance',
    title,
  });

/** The committed changes to alerts after a cursor. */
async function changesAfter(cursor: string): Promise<Change[]> {
  const { workspaceId } = tenant;
  const { systemAlerts } = await read('{ systemAlerts(first: 1) { liveCursor } }');
  const [after, until] = [cursor, systemAlerts.liveCursor].map((text) =>
    feed.open(text, workspaceId, 'after'),
  ) as [ReturnType<PostgresFeed['open']>, ReturnType<PostgresFeed['open']>];
  await feed.reach(until);
  const found: Change[] = [];
  const filter = { models: ['SystemAlert'], workspaceId, readerId: null };
  for await (const { changes } of feed.replay(after, until, filter)) found.push(...changes);
  return found;
}

const LIST = '{ systemAlerts(first: 100) { totalCount liveCursor nodes { id } } }';

describe('liveCursor', () => {
  it('is followed by the changes that the list does not contain, even uncommitted ones', async () => {
    const before = await raise('Before');
    let committed: (() => void) | undefined;
    let onInserted: ((id: string) => void) | undefined;
    const inserted = new Promise<string>((resolve) => {
      onInserted = resolve;
    });
    const writing = database.as({ role: 'service_role' }, async (query) => {
      const [row] = await query<{ id: string }>(
        `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'performance', 'During')
         returning id`,
        [tenant.workspaceId],
      );
      onInserted?.(row?.id ?? '');
      await new Promise<void>((resolve) => {
        committed = resolve;
      });
    });
    const during = await inserted;
    const { systemAlerts } = await read(LIST);
    const after = await raise('After');
    committed?.();
    await writing;

    const listed = systemAlerts.nodes.map(({ id }: { id: string }) => id);
    expect(listed).toContain(before);
    expect(listed).not.toContain(during);
    const changes = await changesAfter(systemAlerts.liveCursor);
    expect(changes.map(({ rowId }) => rowId).sort()).toEqual([during, after].sort());
  });

  it('leaves no gap between the list and the changes during concurrent writes', async () => {
    await database.query('delete from system_alerts');
    const start = (await read(LIST)).systemAlerts.liveCursor;
    let stop = false;
    const writer = async () => {
      while (!stop) {
        await database
          .as({ role: 'service_role' }, async (query) => {
            await query(
              `insert into system_alerts (workspace_id, alert_type, title) values ($1, 'performance', 'One')`,
              [tenant.workspaceId],
            );
            await delay(Math.random() * 30);
            if (Math.random() < 0.3) throw new Error('Rolled back');
          })
          .catch(() => {});
      }
    };
    const writers = [writer(), writer(), writer(), writer()];
    const lists: { totalCount: number; liveCursor: string; nodes: { id: string }[] }[] = [];
    while (lists.length < 40 && (lists.at(-1)?.totalCount ?? 0) < 95) {
      lists.push((await read(LIST)).systemAlerts);
      await delay(20);
    }
    stop = true;
    await Promise.all(writers);

    const all = (await changesAfter(start)).map(({ rowId }) => rowId).sort();
    expect(all.length).toBeGreaterThan(lists.length);
    for (const { totalCount, liveCursor, nodes } of lists.filter(({ totalCount: n }) => n <= 100)) {
      const listed = nodes.map(({ id }) => id);
      expect(listed).toHaveLength(totalCount);
      const followed = (await changesAfter(liveCursor)).map(({ rowId }) => rowId);
      expect([...listed, ...followed].sort()).toEqual(all);
    }
  });

  it('is read in one transaction with the rest of the operation', async () => {
    const { one, two, ...rest } = await read(`
      query { one: systemAlerts { totalCount ...Live }  two: agents { totalCount at: liveCursor }
              campaigns { nodes { moves { totalCount liveCursor } alerts { nodes { id } } } } }
      fragment Live on SystemAlertConnection { liveCursor }`);
    expect(rest.campaigns.nodes).toEqual([]);
    expect(two.at).toBe(one.liveCursor);
    const [memberships, begin, ...others] = sent;
    expect(memberships).toMatch(/viewer_memberships/);
    expect(begin).toBe('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await eventually(() => sent.at(-1)).toBe('ROLLBACK');
    expect(others.filter((sql) => /^BEGIN/.test(sql))).toEqual([]);
    expect(sent.filter((sql) => /change_snapshot/.test(sql))).toHaveLength(1);
  });

  it('is the same in a relation, and reads no rows by itself', async () => {
    await insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name: 'Launch' });
    const { campaigns, systemAlerts } = await read(
      '{ campaigns { nodes { moves { liveCursor } } } systemAlerts { liveCursor } }',
    );
    expect(campaigns.nodes[0].moves.liveCursor).toBe(systemAlerts.liveCursor);
    expect(sent.filter((sql) => /"moves"|"system_alerts"/.test(sql))).toEqual([]);
  });

  it('opens no transaction for an operation that does not select it', async () => {
    await read('{ systemAlerts { totalCount nodes { id } } }');
    expect(sent.filter((sql) => /^(BEGIN|SAVEPOINT|ROLLBACK|COMMIT)/.test(sql))).toEqual([]);
  });

  it('is returned even if another field fails', async () => {
    await database.query('revoke select on campaigns from authenticated');
    const { data, errors } = await ask(
      `{ campaign(id: "${tenant.workspaceId}") { id } systemAlerts { totalCount liveCursor } }`,
    );
    await database.query('grant select on campaigns to authenticated');
    expect(errors).toMatchObject([{ path: ['campaign'], extensions: { code: 'FORBIDDEN' } }]);
    expect(data).toMatchObject({
      campaign: null,
      systemAlerts: { totalCount: expect.any(Number) },
    });
  });

  it('is refused in mutations', async () => {
    const id = await insert(database, 'campaigns', {
      workspace_id: tenant.workspaceId,
      name: 'Another',
    });
    const { errors } = await ask(
      `mutation { updateCampaign(id: "${id}", input: { name: "Renamed" }) { campaign { moves { liveCursor } } } }`,
    );
    expect(errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', argument: 'liveCursor' } },
    ]);
  });

  it('is SERVICE_UNAVAILABLE if the gateway does not read the change log', async () => {
    const api = await openApi(database);
    const client = await api.as(tenant.people.Owner, tenant.workspaceId);
    const { errors } = await client.ask('{ systemAlerts { liveCursor } }');
    expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    await api.close();
  });
});
