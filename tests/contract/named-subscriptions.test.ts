import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insert } from '../support/tenant.ts';
import { eventsFor, FIELDS, openTenantStage, type TenantStage } from './tenant-stage.ts';

let stage: TenantStage;
beforeAll(async () => {
  stage = await openTenantStage();
});
afterAll(() => stage?.close());

describe('named subscriptions', () => {
  it('alertRaised sends new alerts that match its filter', async () => {
    let id = '';
    const story = async () => {
      id = await stage.alert({ severity_level: 'critical' });
      await stage.alert();
      await stage.run(`update system_alerts set status = 'acknowledged' where id = $1`, id);
    };
    expect(
      await stage.eventsOf(
        `subscription { alertRaised(filter: { severityLevel: { equals: CRITICAL } }) { ${FIELDS} } }`,
        story,
      ),
    ).toEqual([{ operation: 'CREATED', node: { id }, changedColumns: [] }]);
  });

  it('alertChanged sends changes of the status', async () => {
    const id = await stage.alert();
    const story = async () => {
      await stage.run(`update system_alerts set title = 'x' where id = $1`, id);
      await stage.run(`update system_alerts set status = 'acknowledged' where id = $1`, id);
    };
    const changes = await stage.changesBy(story);
    const received = (args: string) =>
      eventsFor(stage.owner, `subscription { alertChanged${args} { ${FIELDS} } }`, changes);
    expect(await received('')).toMatchObject([{ operation: 'UPDATED', node: { id } }]);
    expect(await received('(filter: { status: { equals: ACTIVE } })')).toMatchObject([
      { operation: 'LEFT', node: null },
    ]);
    // The alert did not match before the change either.
    expect(await received('(filter: { severityLevel: { equals: CRITICAL } })')).toEqual([]);
  });

  it('insightPublished and signalDetected send new insights and signals', async () => {
    const { workspaceId } = stage.tenant;
    let [signal, insight] = ['', ''];
    const changes = await stage.changesBy(async () => {
      signal = await insert(stage.database, 'intelligence_signals', {
        workspace_id: workspaceId,
        source_type: 'competitor',
        signal_category: 'market_trend',
        signal_title: 'A trend',
      });
      insight = await insert(stage.database, 'market_insights', {
        workspace_id: workspaceId,
        insight_title: 'An insight',
        insight_type: 'opportunity',
      });
    });
    expect(
      await eventsFor(stage.owner, `subscription { signalDetected { ${FIELDS} } }`, changes),
    ).toMatchObject([{ operation: 'CREATED', node: { id: signal } }]);
    expect(
      await eventsFor(stage.owner, `subscription { insightPublished { ${FIELDS} } }`, changes),
    ).toMatchObject([{ operation: 'CREATED', node: { id: insight } }]);
  });

  it('notificationReceived sends a notification only to its person', async () => {
    const document = `subscription { notificationReceived { ${FIELDS} } }`;
    const { people, workspaceId } = stage.tenant;
    const changes = await stage.changesBy(() =>
      insert(stage.database, 'user_notifications', {
        workspace_id: workspaceId,
        user_id: people.Viewer,
        notification_type: 'alert',
        title: 'Reach fell',
        message: 'Look at it.',
      }),
    );
    const viewer = await stage.as(people.Viewer, workspaceId);
    expect(changes).toMatchObject([{ readerId: people.Viewer }]);
    expect(await eventsFor(viewer, document, changes)).toMatchObject([{ operation: 'CREATED' }]);
    expect(await eventsFor(stage.owner, document, changes)).toEqual([]);

    const name = 'Scout';
    const agent = await insert(stage.database, 'agent_registry', {
      agent_name: name,
      agent_type: 'researcher',
    });
    await insert(stage.database, 'agent_assignments', {
      workspace_id: workspaceId,
      agent_id: agent,
    });
    const scout = await stage.asAgent(name, ['alerts:read'], workspaceId);
    await expect(scout.subscribe(document)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(scout.subscribe('subscription { alertRaised { cursor } }')).resolves.toMatchObject(
      { model: 'SystemAlert' },
    );
  });

  it('achievementUnlocked sends each unlock once', async () => {
    const document = `subscription { achievementUnlocked { ${FIELDS} } }`;
    const { people, workspaceId } = stage.tenant;
    const achievement = await insert(stage.database, 'achievements', {
      workspace_id: workspaceId,
      name: 'First light',
      badge_type: 'milestone',
      condition_type: 'count',
      condition_value: 10,
    });
    const as = (person: string) => stage.as(person, workspaceId);
    const record = (value: number) =>
      stage.changesBy(() =>
        stage.database.as({ role: 'service_role' }, (query) =>
          query('select * from record_achievement_progress($1, $2, $3)', [
            people.Analyst,
            achievement,
            value,
          ]),
        ),
      );
    const [progress, unlocked, later] = [await record(5), await record(10), await record(12)];
    const analyst = await as(people.Analyst);
    expect(progress.map(({ model }) => model)).toContain('UserAchievement');
    expect(await eventsFor(analyst, document, progress)).toEqual([]);
    expect(await eventsFor(analyst, document, unlocked)).toMatchObject([{ operation: 'UPDATED' }]);
    expect(await eventsFor(analyst, document, later)).toEqual([]);
    expect(await eventsFor(stage.owner, document, unlocked)).toHaveLength(1);
    await stage.run(
      `update user_achievements set visibility = 'private' where user_id = $1`,
      people.Analyst,
    );
    expect(await eventsFor(stage.owner, document, unlocked)).toEqual([]);
  });

  it('campaignStatusChanged sends changes of the status', async () => {
    const id = await stage.campaign();
    const changes = await stage.changesBy(async () => {
      await stage.run(`update campaigns set name = 'x' where id = $1`, id);
      await stage.run(`update campaigns set status = 'planning' where id = $1`, id);
    });
    const received = (args: string) =>
      eventsFor(
        stage.owner,
        `subscription { campaignStatusChanged${args} { ${FIELDS} } }`,
        changes,
      );
    expect(await received('')).toMatchObject([
      { operation: 'UPDATED', changedColumns: ['status'] },
    ]);
    expect(await received('(filter: { status: { equals: ACTIVE } })')).toMatchObject([
      { operation: 'LEFT' },
    ]);
  });

  it('agentExecutionRecorded sends each execution once', async () => {
    const agent = await insert(stage.database, 'agent_registry', {
      agent_name: 'Recorder',
      agent_type: 'researcher',
    });
    const record = () =>
      stage.database.as({ role: 'service_role' }, (query) =>
        query('select record_agent_execution($1, $2, 1.5, 10, 20, 0.01, true)', [
          stage.tenant.workspaceId,
          agent,
        ]),
      );
    const document =
      'subscription { agentExecutionRecorded { operation node { executionCount } } }';
    expect(await stage.eventsOf(document, record)).toEqual([
      { operation: 'CREATED', node: { executionCount: 1 } },
    ]);
    expect(await stage.eventsOf(document, record)).toEqual([
      { operation: 'UPDATED', node: { executionCount: 2 } },
    ]);
  });
});
