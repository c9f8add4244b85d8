import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../src/realtime/change.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';
import { changesBy, openStage, type Stage, type Subscriber, type Told } from './changes.ts';

let database: TestDatabase;
let stage: Stage;
let tenant: Tenant;
let us: Subscriber;
beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  stage = openStage(database);
  us = await stage.as(tenant.people.Owner, tenant.workspaceId);
});
afterAll(async () => {
  await stage?.close();
  await database?.close();
});

/** What a subscription tells of the changes that the log has of `work`, each read at the end. */
async function toldOf(
  document: string,
  work: () => Promise<unknown>,
  subscriber = us,
): Promise<Told[]> {
  return toldTo(subscriber, document, await changesBy(database, work));
}

async function toldTo(subscriber: Subscriber, document: string, changes: readonly Change[]) {
  const source = await subscriber.subscribe(document);
  const told = await subscriber.tell(
    document,
    changes.filter((change) => source.includes(change)),
  );
  return told.filter((each) => each !== undefined);
}

const FIELDS = 'operation node { id } changedColumns';
const run = (sql: string, ...values: unknown[]) => database.query(sql, values);
const alert = (values: Record<string, unknown> = {}) =>
  insert(database, 'system_alerts', {
    workspace_id: tenant.workspaceId,
    alert_type: 'performance',
    title: 'Reach fell',
    ...values,
  });
const campaign = (values: Record<string, unknown> = {}) =>
  insert(database, 'campaigns', { workspace_id: tenant.workspaceId, name: 'Launch', ...values });

describe('a row and a filter', () => {
  const CRITICAL = `subscription { systemAlertChanged(filter: {
    or: [{ severityLevel: { equals: CRITICAL } }, { not: { actionTaken: { isNull: true } } }]
  }) { ${FIELDS} } }`;

  it('it enters, changes and leaves', async () => {
    const id = await alert();
    const update = (set: string) => () => run(`update system_alerts set ${set} where id = $1`, id);
    expect(await toldOf(CRITICAL, update(`title = 'Reach fell again'`))).toEqual([]);
    expect(await toldOf(CRITICAL, update(`severity_level = 'critical'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['severityLevel'] },
    ]);
    expect(await toldOf(CRITICAL, update(`title = 'Reach is low'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['title'] },
    ]);
    expect(
      await toldOf(CRITICAL, update(`severity_level = 'low', title = 'Reach is back'`)),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title', 'severityLevel'] }]);
    expect(await toldOf(CRITICAL, update(`title = 'All is well'`))).toEqual([]);
  });

  it('is told to have left by any column that the filter has', async () => {
    const id = await alert();
    expect(
      await toldOf(CRITICAL, () =>
        run(`update system_alerts set action_taken = null, title = 'x' where id = $1`, id),
      ),
    ).toEqual([]);
    const taken = await alert({ action_taken: 'Called' });
    expect(
      await toldOf(CRITICAL, () =>
        run('update system_alerts set action_taken = null where id = $1', taken),
      ),
    ).toMatchObject([{ operation: 'LEFT' }]);
  });

  it('by the key of a relation, too', async () => {
    const [one, other] = [await campaign(), await campaign({ name: 'Other' })];
    const id = await alert({ related_campaign_id: one });
    const document = `subscription { systemAlertChanged(filter: {
      relatedCampaign: { name: { equals: "Launch" } }
    }) { ${FIELDS} } }`;
    const update = (set: string) => () => run(`update system_alerts set ${set} where id = $1`, id);
    expect(await toldOf(document, update(`title = 'New title'`))).toMatchObject([
      { operation: 'UPDATED' },
    ]);
    expect(await toldOf(document, update(`related_campaign_id = '${other}'`))).toMatchObject([
      { operation: 'LEFT', changedColumns: ['relatedCampaignId'] },
    ]);
    expect(await toldOf(document, update(`title = 'Newer title'`))).toEqual([]);
  });

  it('but not by rows that refer to it, which change by themselves', async () => {
    const id = await campaign();
    const document = `subscription { campaignChanged(filter: { alerts: { some: {} } }) { ${FIELDS} } }`;
    const rename = () => run(`update campaigns set name = name || '!' where id = $1`, id);
    expect(await toldOf(document, rename)).toEqual([]);
    await alert({ related_campaign_id: id });
    expect(await toldOf(document, rename)).toMatchObject([{ operation: 'UPDATED' }]);
    const story = async () => {
      await rename();
      await run('delete from campaigns where id = $1', id);
    };
    expect(await toldOf(document, story)).toMatchObject([
      { operation: 'LEFT' },
      { operation: 'DELETED' },
    ]);
  });

  it('and by updatedAt, which every update changes', async () => {
    const id = await alert();
    const document = `subscription { systemAlertChanged(filter: {
      updatedAt: { lt: "2001-01-01T00:00:00Z" }
    }) { ${FIELDS} } }`;
    expect(
      await toldOf(document, () => run(`update system_alerts set title = 'x' where id = $1`, id)),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title'] }]);
  });

  it('that is gone when its update is told has left as well', async () => {
    const id = await alert({ severity_level: 'critical' });
    const told = await toldOf(CRITICAL, async () => {
      await run(`update system_alerts set title = 'x' where id = $1`, id);
      await run('delete from system_alerts where id = $1', id);
    });
    expect(told.map(({ operation }) => operation)).toEqual(['LEFT', 'DELETED']);
  });

  it('that is gone when its insert is told is told by its deletion only', async () => {
    const told = await toldOf(CRITICAL, async () => {
      const id = await alert({ severity_level: 'critical' });
      await run('delete from system_alerts where id = $1', id);
    });
    expect(told.map(({ operation }) => operation)).toEqual(['DELETED']);
  });
});

describe('operations', () => {
  const only = (operations: string) =>
    `subscription { systemAlertChanged(operations: ${operations}, filter: { status: { equals: ACTIVE } })
       { operation } }`;
  const story = async () => {
    const id = await alert();
    await run(`update system_alerts set title = 'x' where id = $1`, id);
    const left = await alert();
    await run(`update system_alerts set status = 'dismissed' where id = $1`, left);
    await run('delete from system_alerts where id = $1', left);
  };

  it.each([
    ['[CREATED]', ['CREATED']],
    ['[UPDATED]', ['UPDATED']],
    ['[LEFT]', ['LEFT']],
    ['[DELETED, DELETED]', ['DELETED']],
    ['[UPDATED, LEFT]', ['UPDATED', 'LEFT']],
    ['null', ['CREATED', 'UPDATED', 'LEFT', 'DELETED']],
  ])('%s', async (operations, expected) => {
    const told = await toldOf(only(operations), story);
    expect(told.map(({ operation }) => operation)).toEqual(expected);
  });

  it('none are refused', async () => {
    await expect(us.subscribe(only('[]'))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'operations',
    });
  });
});

describe('what cannot be told is refused at once', () => {
  it.each([
    [
      'systemAlertChanged { node { notifications(first: 1000) { nodes { id } } } }',
      'BAD_USER_INPUT',
      'first',
    ],
    [
      'campaignChanged { node { moves(filter: { name: null }) { nodes { id } } } }',
      'BAD_USER_INPUT',
      'filter.name',
    ],
    ['campaignChanged { node { moves { liveCursor } } }', 'BAD_USER_INPUT', 'liveCursor'],
    [
      'campaignChanged { ...Moves } } fragment Moves on CampaignChange { node { moves { liveCursor } }',
      'BAD_USER_INPUT',
      'liveCursor',
    ],
  ])('%s', async (field, code, argument) => {
    await expect(us.subscribe(`subscription { ${field} }`)).rejects.toMatchObject({
      code,
      argument,
    });
  });

  it('a subscription of which each event would read too much', async () => {
    const document = `subscription ($first: Int!) { campaignChanged { node {
      moves(first: $first) { nodes { campaign { moves(first: $first) { nodes { campaign { moves(first: $first) { nodes { id } } } } } } } }
    } } }`;
    await expect(us.subscribe(document, { first: 100 })).rejects.toMatchObject({
      code: 'QUERY_TOO_COMPLEX',
    });
    await expect(us.subscribe(document, { first: 2 })).resolves.toMatchObject({
      model: 'Campaign',
    });
  });
});

describe('named events', () => {
  it('alertRaised', async () => {
    let id = '';
    const story = async () => {
      id = await alert({ severity_level: 'critical' });
      await alert();
      await run(`update system_alerts set status = 'acknowledged' where id = $1`, id);
    };
    expect(
      await toldOf(
        `subscription { alertRaised(filter: { severityLevel: { equals: CRITICAL } }) { ${FIELDS} } }`,
        story,
      ),
    ).toEqual([{ operation: 'CREATED', node: { id }, changedColumns: [] }]);
  });

  it('alertChanged', async () => {
    const id = await alert();
    const story = async () => {
      await run(`update system_alerts set title = 'x' where id = $1`, id);
      await run(`update system_alerts set status = 'acknowledged' where id = $1`, id);
    };
    const changes = await changesBy(database, story);
    const told = (args: string) =>
      toldTo(us, `subscription { alertChanged${args} { ${FIELDS} } }`, changes);
    expect(await told('')).toMatchObject([{ operation: 'UPDATED', node: { id } }]);
    expect(await told('(filter: { status: { equals: ACTIVE } })')).toMatchObject([
      { operation: 'LEFT', node: null },
    ]);
    // Its severity is as it was, and was not asked for then either.
    expect(await told('(filter: { severityLevel: { equals: CRITICAL } })')).toEqual([]);
  });

  it('insightPublished and signalDetected', async () => {
    const { workspaceId } = tenant;
    let [signal, insight] = ['', ''];
    const changes = await changesBy(database, async () => {
      signal = await insert(database, 'intelligence_signals', {
        workspace_id: workspaceId,
        source_type: 'competitor',
        signal_category: 'market_trend',
        signal_title: 'A trend',
      });
      insight = await insert(database, 'market_insights', {
        workspace_id: workspaceId,
        insight_title: 'An insight',
        insight_type: 'opportunity',
      });
    });
    expect(
      await toldTo(us, `subscription { signalDetected { ${FIELDS} } }`, changes),
    ).toMatchObject([{ operation: 'CREATED', node: { id: signal } }]);
    expect(
      await toldTo(us, `subscription { insightPublished { ${FIELDS} } }`, changes),
    ).toMatchObject([{ operation: 'CREATED', node: { id: insight } }]);
  });

  it('notificationReceived, by the person whom it is for', async () => {
    const document = `subscription { notificationReceived { ${FIELDS} } }`;
    const { people, workspaceId } = tenant;
    const changes = await changesBy(database, () =>
      insert(database, 'user_notifications', {
        workspace_id: workspaceId,
        user_id: people.Viewer,
        notification_type: 'alert',
        title: 'Reach fell',
        message: 'Look at it.',
      }),
    );
    const viewer = await stage.as(people.Viewer, workspaceId);
    expect(changes).toMatchObject([{ readerId: people.Viewer }]);
    expect(await toldTo(viewer, document, changes)).toMatchObject([{ operation: 'CREATED' }]);
    expect(await toldTo(us, document, changes)).toEqual([]);

    const name = 'Scout';
    const agent = await insert(database, 'agent_registry', {
      agent_name: name,
      agent_type: 'researcher',
    });
    await insert(database, 'agent_assignments', { workspace_id: workspaceId, agent_id: agent });
    const scout = await stage.asAgent(name, ['alerts:read'], workspaceId);
    await expect(scout.subscribe(document)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(scout.subscribe('subscription { alertRaised { cursor } }')).resolves.toMatchObject(
      { model: 'SystemAlert' },
    );
  });

  it('achievementUnlocked, once an unlock', async () => {
    const document = `subscription { achievementUnlocked { ${FIELDS} } }`;
    const { people, workspaceId } = tenant;
    const achievement = await insert(database, 'achievements', {
      workspace_id: workspaceId,
      name: 'First light',
      badge_type: 'milestone',
      condition_type: 'count',
      condition_value: 10,
    });
    const as = (person: string) => stage.as(person, workspaceId);
    const record = (value: number) =>
      changesBy(database, () =>
        database.as({ role: 'service_role' }, (query) =>
          query('select * from record_achievement_progress($1, $2, $3)', [
            people.Analyst,
            achievement,
            value,
          ]),
        ),
      );
    const [began, unlocked, later] = [await record(5), await record(10), await record(12)];
    const analyst = await as(people.Analyst);
    expect(began.map(({ model }) => model)).toContain('UserAchievement');
    expect(await toldTo(analyst, document, began)).toEqual([]);
    expect(await toldTo(analyst, document, unlocked)).toMatchObject([{ operation: 'UPDATED' }]);
    expect(await toldTo(analyst, document, later)).toEqual([]);
    expect(await toldTo(us, document, unlocked)).toHaveLength(1);
    await run(
      `update user_achievements set visibility = 'private' where user_id = $1`,
      people.Analyst,
    );
    expect(await toldTo(us, document, unlocked)).toEqual([]);
  });

  it('campaignStatusChanged', async () => {
    const id = await campaign();
    const changes = await changesBy(database, async () => {
      await run(`update campaigns set name = 'x' where id = $1`, id);
      await run(`update campaigns set status = 'planning' where id = $1`, id);
    });
    const told = (args: string) =>
      toldTo(us, `subscription { campaignStatusChanged${args} { ${FIELDS} } }`, changes);
    expect(await told('')).toMatchObject([{ operation: 'UPDATED', changedColumns: ['status'] }]);
    expect(await told('(filter: { status: { equals: ACTIVE } })')).toMatchObject([
      { operation: 'LEFT' },
    ]);
  });

  it('agentExecutionRecorded, once an execution', async () => {
    const agent = await insert(database, 'agent_registry', {
      agent_name: 'Recorder',
      agent_type: 'researcher',
    });
    const record = () =>
      database.as({ role: 'service_role' }, (query) =>
        query('select record_agent_execution($1, $2, 1.5, 10, 20, 0.01, true)', [
          tenant.workspaceId,
          agent,
        ]),
      );
    const document =
      'subscription { agentExecutionRecorded { operation node { executionCount } } }';
    expect(await toldOf(document, record)).toEqual([
      { operation: 'CREATED', node: { executionCount: 1 } },
    ]);
    expect(await toldOf(document, record)).toEqual([
      { operation: 'UPDATED', node: { executionCount: 2 } },
    ]);
  });
});

describe('a row that moves out of sight', () => {
  it('of those who may not see it any more', async () => {
    const { people, workspaceId } = tenant;
    const achievement = await insert(database, 'achievements', {
      workspace_id: workspaceId,
      name: 'Hidden',
      badge_type: 'milestone',
      condition_type: 'count',
    });
    const id = await insert(database, 'user_achievements', {
      workspace_id: workspaceId,
      user_id: people.Creator,
      achievement_id: achievement,
    });
    const document = `subscription { userAchievementChanged { ${FIELDS} } }`;
    const changes = await changesBy(database, () =>
      run(`update user_achievements set visibility = 'private' where id = $1`, id),
    );
    expect(await toldTo(us, document, changes)).toEqual([
      { operation: 'LEFT', node: null, changedColumns: ['visibility'] },
    ]);
    const creator = await stage.as(people.Creator, workspaceId);
    expect(await toldTo(creator, document, changes)).toMatchObject([
      { operation: 'UPDATED', node: { id } },
    ]);
  });
});
