import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TABLE_NAMES } from '../../src/database/verify/expected-tables.ts';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillTables, readTables } from '../support/rows.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let tenant: Tenant;
let strategist: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  strategist = tenant.actor('Strategist');
});
afterAll(() => database.close());

interface Entry {
  operation: string;
  actor: string | null;
  agent: string | null;
  role: string;
  workspace_id: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  txid: string;
}

const historyOf = (rowId: unknown, actor?: Actor) => {
  const sql = 'select * from gateway.audit_log where row_id = $1 order by id';
  return actor
    ? database.rehearse(actor, (query) => query<Entry>(sql, [rowId]))
    : database.query<Entry>(sql, [rowId]);
};

const COHORT = `insert into cohorts (workspace_id, name) values ($1, $2) returning id`;

async function newCohort(actor: Actor, name = 'Cohort'): Promise<unknown> {
  await database.query('update workspaces set cohorts_limit = 1000 where id = $1', [
    tenant.workspaceId,
  ]);
  const [row] = await database.as(actor, (query) => query(COHORT, [tenant.workspaceId, name]));
  return row?.id;
}

describe('the log tells', () => {
  test('who did what, with the row as it was made and as it was deleted', async () => {
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

  test('every row of a statement, once, under one transaction', async () => {
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

  test('nothing of what changes nothing, or is rolled back', async () => {
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

  test('an upsert as what it came to, and a cascade row by row', async () => {
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

  test('a move to another workspace to each of them, as far as it concerns them', async () => {
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

  test('secrets and large values only in outline', async () => {
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

describe('an entry is read', () => {
  const seenBy = async (id: string) => {
    const roles = ['Owner', 'Analyst', 'Viewer'] as const;
    const seers = await Promise.all(roles.map((role) => seen(tenant.actor(role), id)));
    return roles.filter((_, n) => seers[n]);
  };

  const seen = async (actor: Actor, id: unknown) => (await historyOf(id, actor)).length;

  test('by members in the workspace of the row, and by agents that act there', async () => {
    const id = await newCohort(strategist);
    const stranger = await createTenant(database);
    expect(await seen(tenant.actor('Viewer'), id)).toBe(1);
    expect(await seen(service, id)).toBe(1);
    const agent_id = await insert(database, 'agent_registry', {
      agent_name: 'intel-scout',
      agent_type: 'intelligence',
    });
    const agent = { agent: 'intel-scout', scopes: ['*:read'], workspaceId: tenant.workspaceId };
    expect(await seen(agent, id)).toBe(0);
    await insert(database, 'agent_assignments', { workspace_id: tenant.workspaceId, agent_id });
    expect(await seen(agent, id)).toBe(1);
    const outsiders: Actor[] = [
      stranger.actor('Owner'),
      { userId: stranger.people.Owner, workspaceId: tenant.workspaceId },
      { userId: tenant.people.Owner },
      { workspaceId: tenant.workspaceId },
    ];
    for (const actor of outsiders) expect(await seen(actor, id)).toBe(0);
  });

  test('by the person alone, where the row belongs to a person', async () => {
    const { workspaceId: workspace_id, people } = tenant;
    const user_id = people.Viewer;
    const achievement_id = await insert(database, 'achievements', {
      workspace_id,
      name: 'First',
      badge_type: 'milestone',
      condition_type: 'count',
    });
    const achieved = (person: string, visibility: string) =>
      insert(database, 'user_achievements', {
        workspace_id,
        user_id: person,
        achievement_id,
        visibility,
      });
    const notification = await insert(database, 'user_notifications', {
      workspace_id,
      user_id,
      notification_type: 'message',
      title: 'T',
      message: 'M',
    });
    expect(await seenBy(notification)).toEqual(['Viewer']);
    expect(await seenBy(await achieved(user_id, 'private'))).toEqual(['Viewer']);
    expect(await seenBy(await achieved(people.Analyst, 'public'))).toEqual([
      'Owner',
      'Analyst',
      'Viewer',
    ]);
    const onboarding = await insert(database, 'onboarding_responses', { user_id });
    expect(await seenBy(onboarding)).toEqual(['Viewer']);
    const subscription = await insert(database, 'subscriptions', { user_id, workspace_id });
    expect(await seenBy(subscription)).toEqual(['Viewer']);
    expect(await seenBy(user_id)).toEqual(['Owner', 'Analyst', 'Viewer']);
    const stranger = await createTenant(database);
    expect(await seen(stranger.actor('Owner'), user_id)).toBe(0);
  });

  test('by Owners and agents with their scope alone, where it is billing', async () => {
    const { workspaceId: workspace_id, people } = tenant;
    const agent = 'history agent';
    const agent_id = await insert(database, 'agent_registry', {
      agent_name: agent,
      agent_type: 'researcher',
    });
    await insert(database, 'agent_assignments', { workspace_id, agent_id });
    const paid = { workspace_id, user_id: people.Viewer, amount: 1 };
    const merchant_subscription_id = randomUUID();
    const rows = [
      await insert(database, 'billing_history', { ...paid, merchant_transaction_id: 'T' }),
      await insert(database, 'autopay_subscriptions', {
        ...{ ...paid, merchant_subscription_id, plan: 'ascent', mobile_number: '1' },
        ...{ billing_period: 'monthly', billing_frequency: 'MONTHLY', start_date: '2026-01-01' },
      }),
      await insert(database, 'autopay_payments', {
        ...{ ...paid, merchant_subscription_id, payment_id: 'P' },
      }),
    ];
    for (const id of rows) {
      expect(await seenBy(id)).toEqual(['Owner']);
      const by = (...scopes: string[]) => seen({ agent, scopes, workspaceId: workspace_id }, id);
      expect([await by('*:read', '*:write'), await by('billing:read')]).toEqual([0, 1]);
    }
  });

  test('by every signed-in person, where the row belongs to everybody', async () => {
    const maneuver = await insert(database, 'maneuver_types', { name: 'M', category: 'Recon' });
    expect(await seen({ userId: randomUUID() }, maneuver)).toBe(1);
    expect(await seen({}, maneuver)).toBe(0);
  });
});

describe('the log is append-only', () => {
  test.each([
    [
      'insert',
      `insert into gateway.audit_log (table_name, row_id, operation) values ('t', '1', 'INSERT')`,
    ],
    ['update', `update gateway.audit_log set actor = null`],
    ['delete', 'delete from gateway.audit_log'],
    ['truncate', 'truncate gateway.audit_log'],
  ])('for people and trusted writers: no %s', async (_, sql) => {
    for (const actor of [tenant.actor('Owner'), service]) {
      const write = database.rehearse(actor, (query) => query(sql));
      await expectRefusal(write, '42501', /permission denied/);
    }
  });

  test.each([
    'update gateway.audit_log set actor = null',
    'delete from gateway.audit_log',
    'truncate gateway.audit_log',
  ])('for its owner: %s', (sql) => expectRefusal(database.query(sql), '42501', /append-only/));

  test('until trimmed by trusted writers: what is older than 365 days', async () => {
    const old = randomUUID();
    const add = (age: string) =>
      database.query(
        `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
         values (now() - $1::interval, 'cohorts', $2, 'INSERT')`,
        [age, old],
      );
    await add('366 days');
    await add('364 days');
    const trim = (actor: Actor, keep = '') =>
      database.as(actor, (query) =>
        query(`select gateway.trim_audit_log(${keep})::int as trimmed`),
      );
    await expectRefusal(trim(tenant.actor('Owner')), '42501', /permission denied/);
    await expectRefusal(trim(service, `'-1 day'`), '22023', /^keep/);
    expect(await trim(service)).toEqual([{ trimmed: 1 }]);
    expect(await historyOf(old)).toHaveLength(1);
    expect(await trim(service, `'300 days'`)).toEqual([{ trimmed: 1 }]);
    await expectRefusal(database.query('delete from gateway.audit_log'), '42501', /append-only/);
  });

  test('a page at a time, and by one session at a time', async () => {
    await database.query(
      `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
       select now() - interval '400 days', 'cohorts', n::text, 'INSERT' from generate_series(1, 10001) as n`,
    );
    const trim = 'select gateway.trim_audit_log()::int as trimmed';
    await database.rehearse(service, async (query) => {
      expect(await query(trim)).toEqual([{ trimmed: 10_000 }]);
      expect(await database.query(trim)).toEqual([{ trimmed: 0 }]);
    });
    expect(await database.query(trim)).toEqual([{ trimmed: 10_000 }]);
    expect(await database.query(trim)).toEqual([{ trimmed: 1 }]);
  });

  test('by gateways: nothing that is still kept, whoever asks', async () => {
    const [old, kept] = [randomUUID(), randomUUID()];
    for (const [row, age] of [
      [old, '366 days'],
      [kept, '364 days'],
    ]) {
      await database.query(
        `insert into gateway.audit_log (occurred_at, table_name, row_id, operation)
         values (now() - $1::interval, 'cohorts', $2, 'INSERT')`,
        [age, row],
      );
    }
    const expired = await database.as(tenant.actor('Viewer'), (query) =>
      query('select gateway.expire_audit_log()::int as trimmed'),
    );
    expect(expired).toEqual([{ trimmed: 1 }]);
    expect(await historyOf(old)).toHaveLength(0);
    expect(await historyOf(kept)).toHaveLength(1);
  });
});
