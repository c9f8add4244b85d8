import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import { fillTables, readTables } from '../support/rows.ts';
import { createTenant, insert, service, type Tenant } from '../support/tenant.ts';
import {
  database,
  type Entry,
  historyOf,
  newCohort,
  setUp,
  strategist,
  tenant,
} from './audit-world.ts';

setUp();

describe('the log records', () => {
  test('who did what, with the whole row of an insert or delete', async () => {
    const id = await newCohort(strategist, 'Early');
    const person = { actor: strategist.userId, agent: null, role: 'authenticated' };
    const where = { workspace_id: tenant.workspaceId, table_name: 'cohorts' };
    await database.as(service, (query) =>
      query(`update cohorts set name = 'Late', health_score = 7 where id = $1`, [id]),
    );
    await database.as({ ...service, agent: 'intel-scout' }, (query) =>
      query('delete from cohorts where id = $1', [id]),
    );
    const whole = expect.objectContaining({ id, tags: [], created_at: expect.any(String) });
    expect(await historyOf(id)).toMatchObject([
      { ...where, ...person, operation: 'INSERT', before: null, after: whole },
      {
        ...where,
        operation: 'UPDATE',
        actor: null,
        role: 'service_role',
        before: { name: 'Early', health_score: null },
        after: { name: 'Late', health_score: 7 },
      },
      { ...where, operation: 'DELETE', agent: 'intel-scout', before: whole, after: null },
    ]);
    const [, update] = await historyOf(id);
    expect(Object.keys(update?.after ?? {})).toHaveLength(2);
  });

  test('every row of a statement once, with one transaction', async () => {
    const names = Array.from({ length: 100 }, () => randomUUID());
    const rows = await database.as(service, async (query) => {
      const made = await query(
        'insert into cohorts (workspace_id, name) select $1, unnest($2::text[]) returning id',
        [tenant.workspaceId, names],
      );
      await query(`update cohorts set tags = '{a}' where name = any($1)`, [names]);
      return made;
    });
    const entries = await database.query<Entry>(
      'select * from gateway.audit_log where row_id = any($1) order by id',
      [rows.map(({ id }) => id)],
    );
    expect(entries.map(({ operation }) => operation)).toEqual([
      ...names.map(() => 'INSERT'),
      ...names.map(() => 'UPDATE'),
    ]);
    expect(new Set(entries.map(({ txid }) => txid)).size).toBe(1);
    expect(entries.at(-1)?.after).toEqual({ tags: ['a'] });
  });

  test('nothing for statements without effect, or rolled back', async () => {
    const id = await newCohort(strategist);
    await database.as(strategist, (query) =>
      query('update cohorts set name = name where id = $1', [id]),
    );
    await database.rehearse(strategist, (query) =>
      query(`update cohorts set name = 'X' where id = $1`, [id]),
    );
    const campaign = await insert(database, 'campaigns', {
      workspace_id: tenant.workspaceId,
      name: 'C',
    });
    await insert(database, 'campaign_quests', {
      workspace_id: tenant.workspaceId,
      campaign_id: campaign,
      name: 'Q',
    });
    expect(await historyOf(id)).toHaveLength(1);
    expect(await historyOf(campaign)).toHaveLength(1);
  });

  test('an upsert as the resulting insert or update, and a cascade row by row', async () => {
    const id = await newCohort(service);
    await database.as(service, (query) =>
      query(
        `insert into cohorts (id, workspace_id, name) values ($1, $2, 'Other')
         on conflict (id) do update set name = excluded.name`,
        [id, tenant.workspaceId],
      ),
    );
    expect(await historyOf(id)).toMatchObject([
      { operation: 'INSERT' },
      { operation: 'UPDATE', before: { name: 'Cohort' }, after: { name: 'Other' } },
    ]);
    const gone = await createTenant(database);
    const signal = await insert(database, 'trends', { workspace_id: gone.workspaceId, topic: 'T' });
    await database.query('delete from workspaces where id = $1', [gone.workspaceId]);
    expect(await historyOf(signal)).toMatchObject([
      { operation: 'INSERT' },
      { operation: 'DELETE' },
    ]);
    expect(await historyOf(gone.workspaceId)).toMatchObject([
      { operation: 'INSERT', workspace_id: gone.workspaceId },
      { operation: 'DELETE' },
    ]);
  });

  test('a move to another workspace in both, with the parts that concern them', async () => {
    const other = await createTenant(database);
    const id = await newCohort(service, 'Wanderer');
    await database.as(service, (query) =>
      query('update cohorts set workspace_id = $2 where id = $1', [id, other.workspaceId]),
    );
    const seen = async (of: Tenant) =>
      (await historyOf(id, of.actor('Viewer'))).map(({ operation }) => operation);
    expect(await seen(tenant)).toEqual(['INSERT', 'DELETE']);
    expect(await seen(other)).toEqual(['INSERT']);
  });

  test('secrets as hidden, and large values shortened', async () => {
    const id = await insert(database, 'autopay_subscriptions', {
      workspace_id: tenant.workspaceId,
      user_id: tenant.people.Owner,
      merchant_subscription_id: 'M',
      plan: 'soar',
      billing_period: 'monthly',
      amount: 1,
      mobile_number: '+919876543210',
    });
    await database.query(
      `update autopay_subscriptions set mobile_number = '+910000000000' where id = $1`,
      [id],
    );
    const hidden = { mobile_number: { $hidden: true } };
    const history = await historyOf(id);
    expect(history).toMatchObject([
      { after: { ...hidden, amount: 1 } },
      { before: hidden, after: hidden },
    ]);
    expect(JSON.stringify(history)).not.toMatch(/98765|00000000/);

    const cohort = await newCohort(service);
    await database.query(
      'update cohorts set executive_summary = $2, demographics = $3 where id = $1',
      [cohort, 'é'.repeat(4000), { note: 'x'.repeat(4000) }],
    );
    const [, update] = await historyOf(cohort);
    expect(update?.after).toEqual({
      executive_summary: { $shortened: { bytes: 8000, start: 'é'.repeat(100) } },
      demographics: { $shortened: { bytes: 4012, start: expect.stringMatching(/^{"note": "x+$/) } },
    });
  });
});

test('all tables are audited', async () => {
  const filled = await createTenant(database);
  const { workspaceId } = filled;
  const userIds = Object.values(filled.people);
  const tables = await readTables(database.query);
  const made = await fillTables(database.query, tables, { workspaceId, userIds }, 1);
  made.set('workspaces', [{ id: workspaceId }]);
  made.set('user_profiles', [{ id: filled.people.Viewer }]);
  for (const { name, columns } of tables) {
    const moment = columns.find(
      ({ type, required, name }) =>
        type === 'timestamp with time zone' && required && name !== 'updated_at',
    );
    await database.query(
      `update ${name} set "${moment?.name}" = "${moment?.name}" - interval '1 day' where id = $1`,
      [made.get(name)?.[0]?.id],
    );
  }
  await database.query('delete from workspaces where id = $1', [workspaceId]);
  await database.query('delete from auth.users where id = any($1)', [userIds]);
  for (const { name } of tables) {
    await database.query(`delete from ${name} where id = $1`, [made.get(name)?.[0]?.id]);
  }

  const found: Record<string, unknown> = {};
  for (const { name } of tables) {
    const entries = await database.query<Entry>(
      'select operation from gateway.audit_log where table_name = $1 and row_id = $2 order by id',
      [name, made.get(name)?.[0]?.id],
    );
    found[name] = entries.map(({ operation }) => operation);
  }
  const all = ['INSERT', 'UPDATE', 'DELETE'];
  expect(found).toEqual(Object.fromEntries(TABLE_NAMES.map((name) => [name, all])));
});
