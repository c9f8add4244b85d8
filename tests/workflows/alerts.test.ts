import { afterEach, describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { meetIn, PLACES, type Team } from './team.ts';

let team: Team;
afterEach(() => team?.close());

describe.each(PLACES)('in %s', (place) => {
  it('an alert is raised, notified, acknowledged and resolved', async () => {
    team = await meetIn(place);
    const { analyst, strategist, viewer } = team;

    const raise = `raiseAlert(title: "Unsubscribes doubled", type: ANOMALY, severity: CRITICAL,
      message: "The second letter drives readers away", dataPoints: { yesterday: 40, today: 83 })`;
    const critical = async () => {
      const { criticalAlerts } = await strategist.data('{ criticalAlerts { id severityLevel } }');
      return criticalAlerts as { id: string; severityLevel: string }[];
    };
    const before = await critical();

    const { systemAlert: rehearsed } = await perform(
      analyst,
      raise.replace(/\)$/, ', dryRun: true)'),
      '{ systemAlert { status } }',
    );
    expect(rehearsed).toEqual({ status: 'ACTIVE' });
    expect(await critical()).toEqual(before);

    const { systemAlert: alert } = await perform(
      analyst,
      raise,
      '{ systemAlert { id status allowedTransitions dataPoints createdBy { id } } }',
    );
    expect(alert).toMatchObject({
      status: 'ACTIVE',
      allowedTransitions: ['ACKNOWLEDGED', 'DISMISSED'],
      dataPoints: { yesterday: 40, today: 83 },
      createdBy: { id: analyst.userId },
    });
    expect(await critical()).toEqual([{ id: alert.id, severityLevel: 'CRITICAL' }, ...before]);

    const sent = await perform(
      analyst,
      `sendNotification(userId: $to, type: ALERT, title: "Unsubscribes doubled", message: "Please look",
        alertId: $alert, priority: URGENT)`,
      '{ id userNotification { id } }',
      { to: ['UUID!', strategist.userId], alert: ['UUID', alert.id] },
    );
    // Only the recipient sees it, not the sender.
    expect(sent).toMatchObject({ id: expect.any(String), userNotification: null });
    const { unreadNotifications } = await strategist.data(
      '{ unreadNotifications(first: 1) { id isRead relatedAlert { id title } } }',
    );
    expect(unreadNotifications).toEqual([
      { id: sent.id, isRead: false, relatedAlert: { id: alert.id, title: 'Unsubscribes doubled' } },
    ]);

    const on = (client: typeof analyst, call: string) =>
      attempt(
        client,
        `${call.replace(')', ', id: $id)').replace('(, ', '(')}`,
        `{ systemAlert { status allowedTransitions acknowledgedBy { id } acknowledgedAt resolvedAt actionTaken } }`,
        { id: ['UUID!', alert.id] },
      );
    expect((await on(viewer, 'acknowledgeAlert()')).errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
    expect((await on(analyst, 'resolveAlert()')).errors).toMatchObject([
      { __typename: 'InvalidTransitionError', path: ['id'] },
    ]);
    expect(await on(strategist, 'acknowledgeAlert()')).toMatchObject({
      systemAlert: {
        status: 'ACKNOWLEDGED',
        allowedTransitions: ['RESOLVED', 'DISMISSED'],
        acknowledgedBy: { id: strategist.userId },
        acknowledgedAt: expect.any(String),
        resolvedAt: null,
      },
      errors: [],
    });
    expect((await on(analyst, 'acknowledgeAlert()')).errors).toMatchObject([
      { message: 'An alert cannot go from acknowledged to acknowledged.' },
    ]);
    expect(await on(strategist, 'resolveAlert(actionTaken: "One letter a week")')).toMatchObject({
      systemAlert: {
        status: 'RESOLVED',
        allowedTransitions: [],
        acknowledgedBy: { id: strategist.userId },
        resolvedAt: expect.any(String),
        actionTaken: 'One letter a week',
      },
    });
    expect(await critical()).toEqual(before);

    const read = () =>
      perform(
        strategist,
        'markNotificationRead(id: $id)',
        '{ userNotification { isRead readAt } }',
        {
          id: ['UUID!', sent.id],
        },
      );
    const { userNotification: first } = await read();
    expect(first).toMatchObject({ isRead: true, readAt: expect.any(String) });
    expect((await read()).userNotification).toEqual(first);
    const foreign = await attempt(analyst, 'markNotificationRead(id: $id)', '{ id }', {
      id: ['UUID!', sent.id],
    });
    expect(foreign.errors).toMatchObject([{ __typename: 'NotFoundError', path: ['id'] }]);

    const { systemAlert: resolved } = await viewer.data(
      `query ($id: UUID!) { systemAlert(id: $id) {
        history(first: 2) { nodes { operation after actor { id } } pageInfo { hasNextPage } } } }`,
      { id: alert.id },
    );
    expect(resolved.history).toMatchObject({
      nodes: [
        { operation: 'UPDATE', after: { status: 'RESOLVED' }, actor: { id: strategist.userId } },
        { operation: 'UPDATE', after: { status: 'ACKNOWLEDGED' } },
      ],
      pageInfo: { hasNextPage: true },
    });
  });
});
