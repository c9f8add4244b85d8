import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insert } from '../support/tenant.ts';
import { eventsFor, FIELDS, openTenantStage, type TenantStage } from './tenant-stage.ts';

let stage: TenantStage;
beforeAll(async () => {
  stage = await openTenantStage();
});
afterAll(() => stage?.close());

describe('a filter', () => {
  const CRITICAL = `subscription { systemAlertChanged(filter: {
    or: [{ severityLevel: { equals: CRITICAL } }, { not: { actionTaken: { isNull: true } } }]
  }) { ${FIELDS} } }`;

  it('sends UPDATED while a row matches, and LEFT when it no longer does', async () => {
    const id = await stage.alert();
    const update = (set: string) => () =>
      stage.run(`update system_alerts set ${set} where id = $1`, id);
    expect(await stage.eventsOf(CRITICAL, update(`title = 'Reach fell again'`))).toEqual([]);
    expect(await stage.eventsOf(CRITICAL, update(`severity_level = 'critical'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['severityLevel'] },
    ]);
    expect(await stage.eventsOf(CRITICAL, update(`title = 'Reach is low'`))).toEqual([
      { operation: 'UPDATED', node: { id }, changedColumns: ['title'] },
    ]);
    expect(
      await stage.eventsOf(CRITICAL, update(`severity_level = 'low', title = 'Reach is back'`)),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title', 'severityLevel'] }]);
    expect(await stage.eventsOf(CRITICAL, update(`title = 'All is well'`))).toEqual([]);
  });

  it('sends LEFT after a change of any column in the filter', async () => {
    const id = await stage.alert();
    expect(
      await stage.eventsOf(CRITICAL, () =>
        stage.run(`update system_alerts set action_taken = null, title = 'x' where id = $1`, id),
      ),
    ).toEqual([]);
    const taken = await stage.alert({ action_taken: 'Called' });
    expect(
      await stage.eventsOf(CRITICAL, () =>
        stage.run('update system_alerts set action_taken = null where id = $1', taken),
      ),
    ).toMatchObject([{ operation: 'LEFT' }]);
  });

  it('sends LEFT after a change of the foreign key of a relation in the filter', async () => {
    const [one, other] = [await stage.campaign(), await stage.campaign({ name: 'Other' })];
    const id = await stage.alert({ related_campaign_id: one });
    const document = `subscription { systemAlertChanged(filter: {
      relatedCampaign: { name: { equals: "Launch" } }
    }) { ${FIELDS} } }`;
    const update = (set: string) => () =>
      stage.run(`update system_alerts set ${set} where id = $1`, id);
    expect(await stage.eventsOf(document, update(`title = 'New title'`))).toMatchObject([
      { operation: 'UPDATED' },
    ]);
    expect(
      await stage.eventsOf(document, update(`related_campaign_id = '${other}'`)),
    ).toMatchObject([{ operation: 'LEFT', changedColumns: ['relatedCampaignId'] }]);
    expect(await stage.eventsOf(document, update(`title = 'Newer title'`))).toEqual([]);
  });

  it('on related rows sends LEFT only after a change of the row itself', async () => {
    const id = await stage.campaign();
    const document = `subscription { campaignChanged(filter: { alerts: { some: {} } }) { ${FIELDS} } }`;
    const rename = () => stage.run(`update campaigns set name = name || '!' where id = $1`, id);
    expect(await stage.eventsOf(document, rename)).toEqual([]);
    await stage.alert({ related_campaign_id: id });
    expect(await stage.eventsOf(document, rename)).toMatchObject([{ operation: 'UPDATED' }]);
    const story = async () => {
      await rename();
      await stage.run('delete from campaigns where id = $1', id);
    };
    expect(await stage.eventsOf(document, story)).toMatchObject([
      { operation: 'LEFT' },
      { operation: 'DELETED' },
    ]);
  });

  it('on updatedAt sends LEFT after any update', async () => {
    const id = await stage.alert();
    const document = `subscription { systemAlertChanged(filter: {
      updatedAt: { lt: "2001-01-01T00:00:00Z" }
    }) { ${FIELDS} } }`;
    expect(
      await stage.eventsOf(document, () =>
        stage.run(`update system_alerts set title = 'x' where id = $1`, id),
      ),
    ).toEqual([{ operation: 'LEFT', node: null, changedColumns: ['title'] }]);
  });

  it('sends LEFT for an update of a row that is deleted before it is read', async () => {
    const id = await stage.alert({ severity_level: 'critical' });
    const events = await stage.eventsOf(CRITICAL, async () => {
      await stage.run(`update system_alerts set title = 'x' where id = $1`, id);
      await stage.run('delete from system_alerts where id = $1', id);
    });
    expect(events.map(({ operation }) => operation)).toEqual(['LEFT', 'DELETED']);
  });

  it('sends only DELETED for a new row that is deleted before it is read', async () => {
    const events = await stage.eventsOf(CRITICAL, async () => {
      const id = await stage.alert({ severity_level: 'critical' });
      await stage.run('delete from system_alerts where id = $1', id);
    });
    expect(events.map(({ operation }) => operation)).toEqual(['DELETED']);
  });
});

describe('the argument operations', () => {
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
  ])('%s selects the events', async (operations, expected) => {
    const events = await stage.eventsOf(only(operations), story);
    expect(events.map(({ operation }) => operation)).toEqual(expected);
  });

  it('must not be empty', async () => {
    await expect(stage.owner.subscribe(only('[]'))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      argument: 'operations',
    });
  });
});

describe('a selection that would fail for every event is refused at the start', () => {
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

describe('a row that becomes private', () => {
  it('sends LEFT to members who may no longer see it', async () => {
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
    expect(await eventsFor(stage.owner, document, changes)).toEqual([
      { operation: 'LEFT', node: null, changedColumns: ['visibility'] },
    ]);
    const creator = await stage.as(people.Creator, workspaceId);
    expect(await eventsFor(creator, document, changes)).toMatchObject([
      { operation: 'UPDATED', node: { id } },
    ]);
  });
});
