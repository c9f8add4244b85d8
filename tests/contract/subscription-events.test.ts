import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insert } from '../support/tenant.ts';
import { FIELDS, openTenantStage, type TenantStage, toldTo } from './tenant-stage.ts';

let stage: TenantStage;
beforeAll(async () => {
  stage = await openTenantStage();
});
afterAll(() => stage?.close());

describe('a row and a filter', () => {
  const CRITICAL = `subscription { systemAlertChanged(filter: {
    or: [{ severityLevel: { equals: CRITICAL } }, { not: { actionTaken: { isNull: true } } }]
  }) { ${FIELDS} } }`;

  it('it enters, changes and leaves', async () => {
    const id = await stage.alert();
    const update = (set: string) => () =>
      stage.run(`update system_alerts set ${set} where id = $1`, id);
    expect(await stage.toldOf(CRITICAL, update(`title = 'Reach fell again'`))).toEqual([]);
    expect(await stage.toldOf(CRITICAL, update(`severity_level = 'critical'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['severityLevel'] },
    ]);
    expect(await stage.toldOf(CRITICAL, update(`title = 'Reach is low'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['title'] },
    ]);
    expect(
      await stage.toldOf(CRITICAL, update(`severity_level = 'low', title = 'Reach is back'`)),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title', 'severityLevel'] }]);
    expect(await stage.toldOf(CRITICAL, update(`title = 'All is well'`))).toEqual([]);
  });

  it('is told to have left by any column that the filter has', async () => {
    const id = await stage.alert();
    expect(
      await stage.toldOf(CRITICAL, () =>
        stage.run(`update system_alerts set action_taken = null, title = 'x' where id = $1`, id),
      ),
    ).toEqual([]);
    const taken = await stage.alert({ action_taken: 'Called' });
    expect(
      await stage.toldOf(CRITICAL, () =>
        stage.run('update system_alerts set action_taken = null where id = $1', taken),
      ),
    ).toMatchObject([{ operation: 'LEFT' }]);
  });

  it('by the key of a relation, too', async () => {
    const [one, other] = [await stage.campaign(), await stage.campaign({ name: 'Other' })];
    const id = await stage.alert({ related_campaign_id: one });
    const document = `subscription { systemAlertChanged(filter: {
      relatedCampaign: { name: { equals: "Launch" } }
    }) { ${FIELDS} } }`;
    const update = (set: string) => () =>
      stage.run(`update system_alerts set ${set} where id = $1`, id);
    expect(await stage.toldOf(document, update(`title = 'New title'`))).toMatchObject([
      { operation: 'UPDATED' },
    ]);
    expect(await stage.toldOf(document, update(`related_campaign_id = '${other}'`))).toMatchObject([
      { operation: 'LEFT', changedColumns: ['relatedCampaignId'] },
    ]);
    expect(await stage.toldOf(document, update(`title = 'Newer title'`))).toEqual([]);
  });

  it('but not by rows that refer to it, which change by themselves', async () => {
    const id = await stage.campaign();
    const document = `subscription { campaignChanged(filter: { alerts: { some: {} } }) { ${FIELDS} } }`;
    const rename = () => stage.run(`update campaigns set name = name || '!' where id = $1`, id);
    expect(await stage.toldOf(document, rename)).toEqual([]);
    await stage.alert({ related_campaign_id: id });
    expect(await stage.toldOf(document, rename)).toMatchObject([{ operation: 'UPDATED' }]);
    const story = async () => {
      await rename();
      await stage.run('delete from campaigns where id = $1', id);
    };
    expect(await stage.toldOf(document, story)).toMatchObject([
      { operation: 'LEFT' },
      { operation: 'DELETED' },
    ]);
  });

  it('and by updatedAt, which every update changes', async () => {
    const id = await stage.alert();
    const document = `subscription { systemAlertChanged(filter: {
      updatedAt: { lt: "2001-01-01T00:00:00Z" }
    }) { ${FIELDS} } }`;
    expect(
      await stage.toldOf(document, () =>
        stage.run(`update system_alerts set title = 'x' where id = $1`, id),
      ),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title'] }]);
  });

  it('that is gone when its update is told has left as well', async () => {
    const id = await stage.alert({ severity_level: 'critical' });
    const told = await stage.toldOf(CRITICAL, async () => {
      await stage.run(`update system_alerts set title = 'x' where id = $1`, id);
      await stage.run('delete from system_alerts where id = $1', id);
    });
    expect(told.map(({ operation }) => operation)).toEqual(['LEFT', 'DELETED']);
  });

  it('that is gone when its insert is told is told by its deletion only', async () => {
    const told = await stage.toldOf(CRITICAL, async () => {
      const id = await stage.alert({ severity_level: 'critical' });
      await stage.run('delete from system_alerts where id = $1', id);
    });
    expect(told.map(({ operation }) => operation)).toEqual(['DELETED']);
  });
});

describe('operations', () => {
  const only = (operations: string) =>
    `subscription { systemAlertChanged(operations: ${operations}, filter: { status: { equals: ACTIVE } })
       { operation } }`;
  const story = async () => {
    const id = await stage.alert();
    await stage.run(`update system_alerts set title = 'x' where id = $1`, id);
    const left = await stage.alert();
    await stage.run(`update system_alerts set status = 'dismissed' where id = $1`, left);
    await stage.run('delete from system_alerts where id = $1', left);
  };

  it.each([
    ['[CREATED]', ['CREATED']],
    ['[UPDATED]', ['UPDATED']],
    ['[LEFT]', ['LEFT']],
    ['[DELETED, DELETED]', ['DELETED']],
    ['[UPDATED, LEFT]', ['UPDATED', 'LEFT']],
    ['null', ['CREATED', 'UPDATED', 'LEFT', 'DELETED']],
  ])('%s', async (operations, expected) => {
    const told = await stage.toldOf(only(operations), story);
    expect(told.map(({ operation }) => operation)).toEqual(expected);
  });

  it('none are refused', async () => {
    await expect(stage.owner.subscribe(only('[]'))).rejects.toMatchObject({
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
    await expect(stage.owner.subscribe(`subscription { ${field} }`)).rejects.toMatchObject({
      code,
      argument,
    });
  });
});

describe('a row that moves out of sight', () => {
  it('of those who may not see it any more', async () => {
    const { people, workspaceId } = stage.tenant;
    const achievement = await insert(stage.database, 'achievements', {
      workspace_id: workspaceId,
      name: 'Hidden',
      badge_type: 'milestone',
      condition_type: 'count',
    });
    const id = await insert(stage.database, 'user_achievements', {
      workspace_id: workspaceId,
      user_id: people.Creator,
      achievement_id: achievement,
    });
    const document = `subscription { userAchievementChanged { ${FIELDS} } }`;
    const changes = await stage.changesBy(() =>
      stage.run(`update user_achievements set visibility = 'private' where id = $1`, id),
    );
    expect(await toldTo(stage.owner, document, changes)).toEqual([
      { operation: 'LEFT', node: null, changedColumns: ['visibility'] },
    ]);
    const creator = await stage.as(people.Creator, workspaceId);
    expect(await toldTo(creator, document, changes)).toMatchObject([
      { operation: 'UPDATED', node: { id } },
    ]);
  });
});
