import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, expectRefusal, insert, service, type Tenant } from '../support/tenant.ts';

interface Machine {
  column: string;
  noun: string;
  /** Required columns besides the workspace. */
  values?: Record<string, unknown>;
  /** The expected steps, beginning with the status of new rows. */
  steps: Record<string, readonly string[]>;
}

const MACHINES: Record<string, Machine> = {
  campaign_quests: {
    column: 'status',
    noun: 'quest',
    values: { name: 'Q' },
    steps: {
      pending: ['in_progress', 'blocked', 'on_hold'],
      in_progress: ['completed', 'blocked', 'on_hold'],
      blocked: ['pending', 'in_progress'],
      on_hold: ['pending', 'in_progress'],
      completed: [],
    },
  },
  moves: {
    column: 'status',
    noun: 'move',
    values: { name: 'M' },
    steps: {
      Planning: ['OODA_Observe', 'Killed'],
      OODA_Observe: ['OODA_Orient', 'Killed'],
      OODA_Orient: ['OODA_Decide', 'Killed'],
      OODA_Decide: ['OODA_Act', 'Killed'],
      OODA_Act: ['Complete', 'OODA_Observe', 'Killed'],
      Complete: [],
      Killed: [],
    },
  },
  move_anomalies: {
    column: 'status',
    noun: 'anomaly',
    steps: {
      Open: ['Acknowledged', 'Ignored'],
      Acknowledged: ['Resolved', 'Ignored'],
      Resolved: [],
      Ignored: [],
    },
  },
  experiments: {
    column: 'status',
    noun: 'experiment',
    values: { hypothesis: 'H' },
    steps: { running: ['completed', 'stopped', 'failed'], completed: [], stopped: [], failed: [] },
  },
  assets: {
    column: 'status',
    noun: 'asset',
    values: { name: 'A', type: 'video' },
    steps: {
      draft: ['review', 'archived'],
      review: ['approved', 'draft', 'archived'],
      approved: ['published', 'archived'],
      published: ['archived'],
      archived: [],
    },
  },
  intelligence_signals: {
    column: 'action_status',
    noun: 'signal',
    values: { source_type: 'trend', signal_category: 'market_trend', signal_title: 'S' },
    steps: {
      new: ['acknowledged', 'actioned', 'archived'],
      acknowledged: ['actioned', 'archived'],
      actioned: ['archived'],
      archived: [],
    },
  },
};

let database: TestDatabase;
let tenant: Tenant;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  const workspace_id = tenant.workspaceId;
  const cohort = await insert(database, 'cohorts', { workspace_id, name: 'C' });
  const campaign = await insert(database, 'campaigns', { workspace_id, name: 'C' });
  const move = await insert(database, 'moves', { workspace_id, name: 'M', primary_icp_id: cohort });
  Object.assign(MACHINES.moves?.values ?? {}, { primary_icp_id: cohort });
  Object.assign(MACHINES.campaign_quests?.values ?? {}, { campaign_id: campaign });
  Object.assign(MACHINES.move_anomalies ?? {}, { values: { move_id: move } });
});
afterAll(() => database.close());

const machines = Object.entries(MACHINES).map(([table, machine]) => ({ table, machine }));

describe.each(machines)('$table', ({ table, machine }) => {
  const { column, noun, steps } = machine;
  const statuses = Object.keys(steps);
  const [first = ''] = statuses;
  const begin = (status: string) =>
    insert(database, table, {
      workspace_id: tenant.workspaceId,
      ...machine.values,
      [column]: status,
    });
  const create = (actor: Actor, status: string) => {
    const values = { workspace_id: tenant.workspaceId, ...machine.values, [column]: status };
    const places = Object.keys(values).map((_, n) => `$${n + 1}`);
    return database.rehearse(actor, (query) =>
      query(
        `insert into ${table} (${Object.keys(values)}) values (${places}) returning ${column} as status`,
        Object.values(values),
      ),
    );
  };
  const step = (actor: Actor, id: string, to: string) =>
    database.as(actor, (query) =>
      query(`update ${table} set ${column} = $2 where id = $1 returning ${column} as status`, [
        id,
        to,
      ]),
    );

  test('offers the next statuses', async () => {
    for (const from of statuses) {
      const [row] = await database.rehearse(tenant.actor('Viewer'), (query) =>
        query('select gateway.next_statuses($1, $2) as next', [table, from]),
      );
      expect(row?.next).toEqual(steps[from]);
    }
  });

  test.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))(
    'allows only its steps for every writer: %s to %s',
    async (from, to) => {
      for (const actor of [tenant.actor('Owner'), service]) {
        const id = await begin(from);
        if (from === to || steps[from]?.includes(to)) {
          expect(await step(actor, id, to)).toEqual([{ status: to }]);
        } else {
          await expectRefusal(
            step(actor, id, to),
            '55000',
            RegExp(`${noun} cannot go from ${from} to ${to}`),
          );
        }
      }
    },
  );

  test('begins with the first status, except for imports of trusted writers', async () => {
    for (const status of statuses) {
      expect(await create(service, status)).toEqual([{ status }]);
      if (status === first)
        expect(await create(tenant.actor('Owner'), status)).toEqual([{ status }]);
      else
        await expectRefusal(
          create(tenant.actor('Owner'), status),
          '55000',
          RegExp(`new ${noun} is ${first}`),
        );
    }
  });

  test('is updated by an upsert that names a later status', async () => {
    const id = await begin(first);
    const values = { id, workspace_id: tenant.workspaceId, ...machine.values };
    const next = steps[first]?.[0];
    const places = Object.keys(values).map((_, n) => `$${n + 2}`);
    const upserted = await database.as(tenant.actor('Owner'), (query) =>
      query(
        `insert into ${table} (${column}, ${Object.keys(values)}) values ($1, ${places})
         on conflict (id) do update set ${column} = excluded.${column} returning ${column} as status`,
        [next, ...Object.values(values)],
      ),
    );
    expect(upserted).toEqual([{ status: next }]);
  });
});

test('the times of steps are kept', async () => {
  const cases: [table: string, from: string, to: string, moment: string][] = [
    ['assets', 'approved', 'published', 'published_at'],
    ['experiments', 'running', 'stopped', 'completed_at'],
    ['move_anomalies', 'Acknowledged', 'Resolved', 'resolved_at'],
  ];
  for (const [table, from, to, moment] of cases) {
    const workspace_id = tenant.workspaceId;
    const id = await insert(database, table, {
      workspace_id,
      ...MACHINES[table]?.values,
      status: from,
    });
    expect(
      await database.as(tenant.actor('Owner'), (query) =>
        query(`update ${table} set status = $2 where id = $1 returning ${moment} as moment`, [
          id,
          to,
        ]),
      ),
    ).toEqual([{ moment: expect.any(Date) }]);
  }
});

test('the error of a refused step lists the allowed ones', async () => {
  const id = await insert(database, 'assets', {
    workspace_id: tenant.workspaceId,
    ...MACHINES.assets?.values,
  });
  await expect(
    database.query(`update assets set status = 'published' where id = $1`, [id]),
  ).rejects.toMatchObject({
    column: 'status',
    detail: 'From draft it can go to review, archived.',
  });
});

test('only the owner of the tables can change the steps', async () => {
  for (const actor of [tenant.actor('Owner'), service]) {
    const change = database.rehearse(actor, (query) => query('delete from gateway.status_steps'));
    await expectRefusal(change, '42501', /permission denied/);
  }
});
