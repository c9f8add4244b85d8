import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/database/migrator.ts';
import { GATEWAY_FUNCTIONS } from '../../src/database/verify/change-log.ts';
import type { TestDatabase } from '../support/database.ts';
import { openDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, type Tenant } from '../support/tenant.ts';
import { Connection, type News, rowsOf } from './change-log.ts';
import { type Cluster, findPostgres15, query, startCluster } from './migrator-fixture.ts';
import { SUPABASE } from './supabase.ts';

const postgres15 = findPostgres15();

const SERVERS = ['the embedded Postgres', 'Postgres 15'] as const;

// As in a hosted Supabase project, the migrating role is no superuser.
describe.each(SERVERS)('on %s the change log', (name) => {
  const is15 = name === 'Postgres 15';
  let cluster: Cluster;
  let database: TestDatabase;
  let tenant: Tenant;
  let reader: Connection;

  beforeAll(async () => {
    if (is15 && !postgres15) return;
    cluster = await startCluster(is15 ? postgres15 : undefined, { max_prepared_transactions: '2' });
    const url = await cluster.createDatabase();
    const gatewayPassword = randomUUID();
    await query(url, SUPABASE);
    const operator = new URL(url);
    operator.username = 'operator';
    operator.password = 'secret';
    await migrate(operator.href);
    await query(url, `alter role codex_gateway login password '${gatewayPassword}'`);
    database = openDatabase(url, gatewayPassword);
    tenant = await createTenant(database);
    reader = await Connection.open(database.gatewayUrl);
  });
  afterAll(async () => {
    await reader?.close();
    await database?.close();
    await cluster?.stop();
  });

  const identity = async () =>
    (await reader.query<{ identity: string }>('select identity from gateway.open_change_log()'))[0]
      ?.identity;
  const news = async (seen: string) =>
    (await reader.query<News>('select * from gateway.changes_after($1, 100)', [seen]))[0] as News;
  const snapshot = async () =>
    (await reader.query<{ now: string }>('select gateway.change_snapshot()::text as now'))[0]
      ?.now as string;
  const insert = `insert into system_alerts (workspace_id, alert_type, title)
                  values ($1, 'error', 'Alert') returning id`;

  test.skipIf(is15 && !postgres15)('records what members write', async () => {
    await identity();
    const start = await snapshot();
    const [made] = await database.as(tenant.actor('Analyst'), (as) =>
      as(insert, [tenant.workspaceId]),
    );
    expect(rowsOf(await news(start))).toEqual([made?.id]);
  });

  test.skipIf(is15 && !postgres15)('knows its server, as far as the host shows it', async () => {
    const before = await identity();
    expect(await identity()).toBe(before);
    await database.query('revoke execute on function pg_control_system() from public');
    const without = await identity();
    expect(await identity()).toBe(without);
    const [{ cluster } = { cluster: '' }] = await database.query<{ cluster: string }>(
      'select cluster from gateway.change_log',
    );
    expect(cluster).toMatch(/^\/[0-9A-F]{8}\/\d+\/\d+$/);
    await database.query('grant execute on function pg_control_system() to public');
    expect(await identity()).not.toBe(without);
  });

  test.skipIf(is15 && !postgres15)(
    'delivers a prepared transaction once it is committed',
    async () => {
      await identity();
      const writer = await Connection.open(database.url);
      const prepare = async (name: string) => {
        const [made] = await writer.query<{ id: string }>(insert, [tenant.workspaceId]);
        await writer.query(`prepare transaction '${name}'`);
        return made?.id;
      };
      // There are readers that wait to be woken.
      await news(await snapshot());
      await writer.query('begin');
      await expectRefusal(prepare('loud'), '0A000', /NOTIFY/);

      await writer.query(`begin; set local gateway.wakes_readers = 'no'`);
      const prepared = await prepare('quiet');
      const start = await snapshot();
      const [other] = await writer.query<{ id: string }>(insert, [tenant.workspaceId]);
      const between = await news(start);
      expect(rowsOf(between)).toEqual([other?.id]);
      await writer.query(`commit prepared 'quiet'`);
      expect(rowsOf(await news(between.snapshot))).toEqual([prepared]);
      await writer.close();
    },
  );

  // A hosted project gives its roles privileges on everything new in public.
  test.skipIf(is15 && !postgres15)(
    'can only be used through the functions of the gateway',
    async () => {
      const statements = [
        'select from gateway.change',
        'select row_id from gateway.change',
        `insert into gateway.change (table_name, row_id, operation) values ('t', '1', 'INSERT')`,
        'update gateway.change set row_id = row_id',
        'delete from gateway.change',
        'truncate gateway.change',
        'select from gateway.change_log',
        `update gateway.change_log set trimmed_xid = '1'`,
        'select last_value from gateway.readers_awake_until',
        `select setval('gateway.readers_listen_until', 1)`,
        `select gateway.changes_after('1:1:', 1)`,
        `select gateway.changes_between('1:1:', '2:2:', 0, 1)`,
        'select gateway.keep_readers_awake(1)',
        'select gateway.open_change_log()',
        'select gateway.trim_change_log()',
        `select gateway.workspace_roles('{}')`,
        'select gateway.wake_readers()',
      ];
      for (const name of GATEWAY_FUNCTIONS.filter((name) => !name.includes('change_snapshot'))) {
        expect(statements.join()).toContain(name.slice(0, name.indexOf('(')));
      }
      const claims = JSON.stringify({ sub: tenant.people.Owner, role: 'authenticated' });
      const client = await Connection.open(database.url);
      for (const role of ['anon', 'authenticated', 'service_role']) {
        for (const sql of statements) {
          await client.query(`begin; set local role ${role}`);
          await client.query(
            `select set_config('request.jwt.claims', $1, true), set_config('app.current_workspace_id', $2, true)`,
            [claims, tenant.workspaceId],
          );
          await expect(client.query(sql), `${role}: ${sql}`).rejects.toMatchObject({
            code: '42501',
          });
          await client.query('rollback');
        }
      }
      await client.close();
      for (const sql of statements.slice(0, 10)) {
        await expect(reader.query(sql), sql).rejects.toMatchObject({ code: '42501' });
      }
    },
  );
});
