import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { race, refusals, rounds, successes } from '../support/race.ts';
import { createTenant, expectRefusal, service } from '../support/tenant.ts';
import {
  database,
  invite,
  letExpire,
  membershipsOf,
  settle,
  setUp,
  signUp,
  statusOf,
} from './invitation-world.ts';

setUp();

describe('closing an invitation', () => {
  test('accepting makes the person a member with its role, once', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Analyst');
    expect(await settle('accept', person, id)).toMatchObject([{ id, status: 'accepted' }]);
    expect(await membershipsOf(person.userId)).toEqual([
      { workspace_id: tenant.workspaceId, role: 'Analyst' },
    ]);
    await expectRefusal(settle('accept', person, id), 'P0002', /no such open invitation/);
  });

  test('accepting keeps the role of a person who has become a member meanwhile', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Owner');
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      person.userId,
      tenant.workspaceId,
    ]);
    expect(await settle('accept', person, id)).toMatchObject([{ status: 'accepted' }]);
    expect(await membershipsOf(person.userId)).toMatchObject([{ role: 'Viewer' }]);
  });

  test('declining and revoking make nobody a member', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const person = await signUp();
    const declined = await invite(owner, person.email);
    expect(await settle('decline', person, declined.id)).toMatchObject([{ status: 'declined' }]);
    const revoked = await invite(owner, person.email);
    expect(await settle('revoke', owner, revoked.id)).toMatchObject([{ status: 'revoked' }]);
    expect(await membershipsOf(person.userId)).toEqual([]);
  });

  test('unknown, foreign, closed and expired ones, and those of deleted workspaces, have the same error', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const person = await signUp();
    const sent = async (then: (id: string) => Promise<unknown>) => {
      const gone = await createTenant(database);
      const { id } = await invite(gone.actor('Owner'), person.email);
      await then(id);
      return id;
    };
    const foreign = await invite(owner, (await signUp()).email);
    const ids = [
      randomUUID(),
      foreign.id,
      await sent((id) => settle('decline', person, id)),
      await sent((id) => settle('revoke', service, id)),
      await sent(letExpire),
      await sent((id) =>
        database.query(
          'delete from workspaces where id = (select workspace_id from gateway.invitation where id = $1)',
          [id],
        ),
      ),
    ];
    for (const id of ids) {
      for (const step of ['accept', 'decline'] as const) {
        await expectRefusal(
          settle(step, person, id),
          'P0002',
          /^there is no such open invitation for you$/,
        );
      }
    }
    expect(await membershipsOf(person.userId)).toEqual([]);
    const theirs = await createTenant(database);
    for (const id of [...ids.filter((each) => each !== foreign.id), randomUUID()]) {
      await expectRefusal(settle('revoke', owner, id), 'P0002', /no such open invitation/);
    }
    await expectRefusal(settle('revoke', theirs.actor('Owner'), foreign.id), 'P0002', /no such/);
    for (const actor of [tenant.actor('Strategist'), { userId: tenant.people.Owner }, person]) {
      await expectRefusal(settle('revoke', actor, foreign.id), '42501', /role Owner/);
    }
    expect(await statusOf(foreign.id)).toBe('pending');
  });

  test('only one of concurrent acceptances, refusals and revocations succeeds', async () => {
    await rounds(async () => {
      const tenant = await createTenant(database);
      const owner = tenant.actor('Owner');
      const person = await signUp();
      const { id } = await invite(owner, person.email);
      const steps = [
        ['accept', person] as const,
        ['decline', person] as const,
        ['revoke', owner] as const,
      ];
      const results = await race((caller) => {
        const [step, actor] = steps[caller % steps.length] as (typeof steps)[number];
        return settle(step, actor, id);
      });
      const [[winner] = []] = successes(results);
      expect(successes(results)).toHaveLength(1);
      expect(refusals(results)).toEqual(['P0002']);
      expect(await statusOf(id)).toBe(winner?.status);
      expect(await membershipsOf(person.userId)).toHaveLength(
        winner?.status === 'accepted' ? 1 : 0,
      );
    });
  });
});
