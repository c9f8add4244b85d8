import { describe, expect, test } from 'vitest';
import type { Actor } from '../support/database.ts';
import { createTenant, expectRefusal, service } from '../support/tenant.ts';
import {
  call,
  database,
  invite,
  letExpire,
  membershipsOf,
  newAddress,
  seenBy,
  settle,
  setUp,
  signUp,
  statusOf,
} from './invitation-world.ts';

setUp();

describe('inviting', () => {
  test('stores the address in lower case, by default for a Viewer and 14 days', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const [sent] = await call(owner, 'invite_workspace_member($1, $2)', [
      tenant.workspaceId,
      ' Asha.Rao@Example.COM ',
    ]);
    expect(sent).toMatchObject({
      workspace_id: tenant.workspaceId,
      email: 'asha.rao@example.com',
      role: 'Viewer',
      invited_by: tenant.people.Owner,
      status: 'pending',
    });
    const [{ days } = {}] = await database.query(
      `select extract(day from expires_at - created_at)::int as days from gateway.invitation where id = $1`,
      [sent?.id],
    );
    expect(days).toBe(14);
  });

  test('has the same answer for unknown addresses, known ones, and members of other workspaces', async () => {
    const tenant = await createTenant(database);
    const elsewhere = await createTenant(database);
    const stranger = await signUp();
    const member = await signUp();
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      member.userId,
      elsewhere.workspaceId,
    ]);
    const invited = newAddress();
    await invite(elsewhere.actor('Owner'), invited);
    for (const email of [newAddress(), stranger.email, member.email, invited]) {
      const { id, ...rest } = await invite(tenant.actor('Owner'), email);
      expect(rest).toEqual({
        workspace_id: tenant.workspaceId,
        email,
        role: 'Viewer',
        invited_by: tenant.people.Owner,
        status: 'pending',
        created_at: expect.any(Date),
        expires_at: expect.any(Date),
        updated_at: expect.any(Date),
      });
      expect(id).toEqual(expect.any(String));
    }
    expect(await membershipsOf(stranger.userId)).toEqual([]);
    expect(await membershipsOf(member.userId)).toHaveLength(1);
  });

  test('refuses the address of a member, and one that is already invited', async () => {
    const tenant = await createTenant(database);
    const owner = tenant.actor('Owner');
    const colleague = await signUp(`Colleague-${newAddress()}`);
    await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
      colleague.userId,
      tenant.workspaceId,
    ]);
    await expectRefusal(invite(owner, colleague.email), 'CX002', /is a member/);
    const email = newAddress();
    const first = await invite(owner, email);
    await expectRefusal(invite(owner, email.toUpperCase()), 'CX002', /open invitation/);
    await letExpire(first.id);
    expect(await invite(owner, email)).toMatchObject({ status: 'pending' });
    expect(await statusOf(first.id)).toBe('expired');
  });

  test.each(['', ' ', 'asha', '@example.com', 'a b@example.com', `${'a'.repeat(250)}@example.com`])(
    'refuses %j',
    async (email) => {
      const tenant = await createTenant(database);
      await expectRefusal(invite(tenant.actor('Owner'), email), '22023', /^email/);
    },
  );

  test('is allowed for Owners of the workspace and trusted writers', async () => {
    const tenant = await createTenant(database);
    const foreign = await createTenant(database);
    const { workspaceId } = tenant;
    const others = (['Strategist', 'Creator', 'Analyst', 'Viewer'] as const).map(tenant.actor);
    for (const actor of [...others, { ...foreign.actor('Owner'), workspaceId }]) {
      await expectRefusal(invite(actor, newAddress()), '42501', /role Owner/);
    }
    const [sent] = await call(service, 'invite_workspace_member($1, $2)', [
      workspaceId,
      newAddress(),
    ]);
    expect(sent).toMatchObject({ invited_by: null, status: 'pending' });
  });
});

describe('who sees an invitation', () => {
  test('the person without a workspace, and Owners in theirs; nobody else', async () => {
    const tenant = await createTenant(database);
    const foreign = await createTenant(database);
    await database.query(`update user_profiles set full_name = 'Asha Rao' where id = $1`, [
      tenant.people.Owner,
    ]);
    const person = await signUp(`Person-${newAddress()}`);
    const { id } = await invite(tenant.actor('Owner'), person.email, 'Creator');
    const seen = {
      id,
      workspace_id: tenant.workspaceId,
      workspace_name: 'Workspace',
      email: person.email.toLowerCase(),
      role: 'Creator',
      inviter_name: 'Asha Rao',
      status: 'pending',
      is_received: true,
      created_at: expect.any(Date),
      expires_at: expect.any(Date),
    };
    expect(await seenBy({ userId: person.userId })).toEqual([seen]);
    expect(await seenBy(tenant.actor('Owner'))).toEqual([{ ...seen, is_received: false }]);
    expect(await seenBy({ userId: tenant.people.Owner })).toEqual([]);
    for (const actor of [
      tenant.actor('Strategist'),
      tenant.actor('Viewer'),
      foreign.actor('Owner'),
      { ...foreign.actor('Owner'), workspaceId: tenant.workspaceId },
      { workspaceId: tenant.workspaceId },
      { agent: 'nobody', scopes: ['*:write'], workspaceId: tenant.workspaceId },
    ]) {
      expect(await seenBy(actor)).toEqual([]);
    }
  });

  test('the person sees nothing of the workspace or its people before accepting', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    await invite(tenant.actor('Owner'), person.email);
    const profiles = (actor: Actor) => call(actor, 'user_profiles');
    const asMember = { userId: person.userId, workspaceId: tenant.workspaceId };
    expect(await profiles(asMember)).toMatchObject([{ id: person.userId }]);
    expect(await call(asMember, 'workspaces')).toEqual([]);
    expect(await profiles(tenant.actor('Owner'))).not.toContainEqual(
      expect.objectContaining({ id: person.userId }),
    );
  });

  test('the person with the confirmed address in auth.users, whatever the claims are', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const { id } = await invite(tenant.actor('Owner'), person.email);
    const impostor = await signUp();
    const claims = JSON.stringify({ sub: impostor.userId, email: person.email });
    const claimed = (sql: string) =>
      database.as({ userId: impostor.userId }, async (query) => {
        await query(`select set_config('request.jwt.claims', $1, true)`, [claims]);
        return query(sql);
      });
    expect(await claimed('select * from invitation')).toEqual([]);
    await expectRefusal(
      claimed(`select accept_invitation('${id}')`),
      'P0002',
      /no such open invitation/,
    );

    await database.query('alter table auth.users add column email_confirmed_at timestamptz');
    try {
      expect(await seenBy({ userId: person.userId })).toEqual([]);
      await expectRefusal(settle('accept', { userId: person.userId }, id), 'P0002', /no such/);
      await database.query('update auth.users set email_confirmed_at = now() where id = $1', [
        person.userId,
      ]);
      expect(await seenBy({ userId: person.userId })).toMatchObject([{ id }]);
    } finally {
      await database.query('alter table auth.users drop column email_confirmed_at');
    }
  });

  test('no client can read or write the table itself', async () => {
    const tenant = await createTenant(database);
    for (const sql of [
      'select from gateway.invitation',
      `insert into gateway.invitation (workspace_id, email) values ('${tenant.workspaceId}', 'a@example.com')`,
      `update gateway.invitation set status = 'accepted'`,
      'delete from gateway.invitation',
    ]) {
      const attempt = database.as(tenant.actor('Owner'), (query) => query(sql));
      await expectRefusal(attempt, '42501', /permission denied/);
    }
  });
});
