import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

const STATUSES = ['active', 'acknowledged', 'resolved', 'dismissed'] as const;
const STEPS: Record<string, { call: string; from: readonly string[] }> = {
  acknowledged: { call: 'acknowledge_alert($1)', from: ['active'] },
  resolved: { call: `resolve_alert($1, 'Fixed')`, from: ['acknowledged'] },
  dismissed: { call: `dismiss_alert($1, 'Noise')`, from: ['active', 'acknowledged'] },
};

let database: TestDatabase;
let tenant: Tenant;
let stranger: Tenant;
let analyst: Actor;

beforeAll(async () => {
  database = await createTestDatabase();
  [tenant, stranger] = [await createTenant(database), await createTenant(database)];
  analyst = tenant.actor('Analyst');
});
afterAll(() => database.close());

const alertOf = ({ workspaceId }: Tenant, values: Record<string, unknown> = {}) =>
  insert(database, 'system_alerts', {
    workspace_id: workspaceId,
    alert_type: 'anomaly',
    title: 'Unsubscribes spike',
    ...values,
  });

const call = (actor: Actor, expression: string, values: unknown[]) =>
  database.as(actor, (query) => query(`select * from ${expression}`, values));

describe('create_system_alert', () => {
  test('raises an active alert', async () => {
    const { workspaceId: workspace_id } = tenant;
    const campaign = await insert(database, 'campaigns', { workspace_id, name: 'Harvest' });
    expect(
      await call(
        analyst,
        `create_system_alert($1, 'anomaly', 'critical', 'Spike', campaign => $2, data_points => '{"n": 4}')`,
        [workspace_id, campaign],
      ),
    ).toMatchObject([
      {
        workspace_id,
        alert_type: 'anomaly',
        severity_level: 'critical',
        status: 'active',
        title: 'Spike',
        related_campaign_id: campaign,
        data_points: { n: 4 },
        created_by: tenant.people.Analyst,
        triggered_at: expect.any(Date),
        acknowledged_at: null,
      },
    ]);
  });

  test('refuses bad input, other roles, and references into another workspace', async () => {
    const create = (actor: Actor, rest: string, ...values: unknown[]) =>
      call(actor, `create_system_alert($1, ${rest})`, [tenant.workspaceId, ...values]);
    await expectRefusal(create(analyst, `'error', 'high', ' '`), '22023', /^title/);
    await expectRefusal(create(analyst, `'error', null, 'T'`), '22023', /^severity/);
    await expectRefusal(create(analyst, `null, 'high', 'T'`), '22023', /^type/);
    const viewer = create(tenant.actor('Viewer'), `'error', 'high', 'T'`);
    await expectRefusal(viewer, '42501', /role Analyst/);
    const foreign = create(stranger.actor('Owner'), `'error', 'high', 'T'`);
    await expectRefusal(foreign, '42501', /role Analyst/);
    const other = await insert(database, 'campaigns', {
      workspace_id: stranger.workspaceId,
      name: 'Theirs',
    });
    for (const campaign of [other, randomUUID()]) {
      const reference = create(analyst, `'error', 'high', 'T', campaign => $2`, campaign);
      await expectRefusal(reference, '23503', /related_campaign_id_fkey/);
    }
  });
});

describe('the steps of an alert', () => {
  const cases = STATUSES.flatMap((from) =>
    Object.entries(STEPS).map(([to, step]) => ({ from, to, step })),
  );
  test.each(cases)('from $from to $to', async ({ from, to, step }) => {
    const alert = await alertOf(tenant, { status: from });
    const stepped = call(analyst, step.call, [alert]);
    if (step.from.includes(from)) {
      expect(await stepped).toMatchObject([{ id: alert, status: to }]);
    } else {
      await expectRefusal(stepped, '55000', RegExp(`${from} to ${to}`));
    }
  });

  test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
    'plain SQL allows only the same steps: %s to %s',
    async (from, to) => {
      const alert = await alertOf(tenant, { status: from });
      const update = database.as(service, (query) =>
        query('update system_alerts set status = $2 where id = $1 returning status', [alert, to]),
      );
      if (from === to || STEPS[to]?.from.includes(from)) {
        expect(await update).toEqual([{ status: to }]);
      } else {
        await expectRefusal(update, '55000', RegExp(`${from} to ${to}`));
      }
    },
  );

  test('record who and when', async () => {
    const alert = await alertOf(tenant);
    const [acknowledged] = await call(analyst, 'acknowledge_alert($1, $2)', [
      alert,
      tenant.people.Owner,
    ]);
    // A person can acknowledge only in their own name.
    expect(acknowledged).toMatchObject({
      acknowledged_by: tenant.people.Analyst,
      acknowledged_at: expect.any(Date),
      resolved_at: null,
    });
    expect(await call(tenant.actor('Owner'), `resolve_alert($1, 'Fixed')`, [alert])).toMatchObject([
      {
        acknowledged_by: tenant.people.Analyst,
        acknowledged_at: acknowledged?.acknowledged_at,
        resolved_at: expect.any(Date),
        action_taken: 'Fixed',
      },
    ]);
    expect(
      await call(analyst, `dismiss_alert($1, 'Noise')`, [await alertOf(tenant)]),
    ).toMatchObject([
      {
        acknowledged_by: tenant.people.Analyst,
        acknowledged_at: expect.any(Date),
        resolved_at: expect.any(Date),
        action_taken: 'Noise',
      },
    ]);
    expect(
      await call(service, 'acknowledge_alert($1, $2)', [
        await alertOf(tenant),
        tenant.people.Creator,
      ]),
    ).toMatchObject([{ acknowledged_by: tenant.people.Creator }]);
  });

  test('succeed for one of many concurrent callers', async () => {
    const alert = await alertOf(tenant);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => call(analyst, 'acknowledge_alert($1)', [alert])),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('are allowed for Analysts of the workspace', async () => {
    const alert = await alertOf(tenant);
    const theirs = await alertOf(stranger);
    for (const { call: step } of Object.values(STEPS)) {
      await expectRefusal(call(tenant.actor('Viewer'), step, [alert]), '42501', /role Analyst/);
      await expectRefusal(call(analyst, step, [theirs]), 'P0002', /^there is no such alert$/);
      await expectRefusal(call(analyst, step, [randomUUID()]), 'P0002', /^there is no such alert$/);
    }
  });

  test('begin with active, except for imports of trusted writers', async () => {
    const create = (actor: Actor, status: string) =>
      database.as(actor, (query) =>
        query(
          `insert into system_alerts (workspace_id, alert_type, title, status)
           values ($1, 'error', 'T', $2) returning status`,
          [tenant.workspaceId, status],
        ),
      );
    await expectRefusal(create(analyst, 'resolved'), '55000', /new alert is active/);
    expect(await create(service, 'resolved')).toEqual([{ status: 'resolved' }]);
  });
});

test('get_critical_alerts lists active and unexpired alerts, critical first, then newest', async () => {
  const quiet = await createTenant(database);
  const add = (title: string, severity_level: string, rest = {}) =>
    alertOf(quiet, { title, severity_level, created_at: '2026-01-01', ...rest });
  await add('high', 'high');
  await add('newer high', 'high', { created_at: '2026-01-02' });
  await add('critical', 'critical');
  await add('medium', 'medium');
  await add('acknowledged', 'critical', { status: 'acknowledged' });
  await add('expired', 'critical', { expiry_date: '2026-01-02' });
  const read = async (actor: Actor) => {
    const rows = await call(actor, 'get_critical_alerts($1)', [quiet.workspaceId]);
    return rows.map(({ title }) => title);
  };
  expect(await read(quiet.actor('Viewer'))).toEqual(['critical', 'newer high', 'high']);
  expect(await read(service)).toEqual(['critical', 'newer high', 'high']);
  expect(await read(tenant.actor('Owner'))).toEqual([]);
});
