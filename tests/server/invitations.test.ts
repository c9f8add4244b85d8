import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { createTenant } from '../support/tenant.ts';
import {
  api,
  atWork,
  database,
  found,
  INVITATION,
  invite,
  MINE,
  mine,
  placeOf,
  settle,
  setUp,
  signUp,
} from './inviting-world.ts';

setUp();

describe('a stranger who invites', () => {
  it('makes nobody a member: requests go on where they did, and the profile is not shown', async () => {
    const person = await atWork(await createTenant(database));
    const before = await placeOf(person.client);
    const stranger = await found('Trap');
    const { invitation } = await invite(stranger.owner, person.email.toUpperCase());

    expect(await placeOf(person.client)).toEqual(before);
    const profile = `{ userProfile(id: "${person.userId}") { fullName } }`;
    expect(await stranger.owner.data(profile)).toEqual({ userProfile: null });
    expect(await mine(person.client)).toEqual([
      {
        id: invitation.id,
        workspaceName: 'Trap',
        inviterName: 'Mallory',
        role: 'VIEWER',
        status: 'PENDING',
      },
    ]);
    const named = await api.as(person.userId, stranger.workspaceId);
    expect((await named.ask(MINE)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');

    expect(await settle(person.client, 'accept', invitation.id)).toMatchObject({ errors: [] });
    expect(await placeOf(person.client)).toEqual({
      ...before,
      memberships: [{ role: 'VIEWER' }, { role: 'VIEWER' }],
    });
    expect(await stranger.owner.data(profile)).toEqual({ userProfile: { fullName: 'Asha Rao' } });
    expect((await placeOf(named)).workspace).toEqual({ id: stranger.workspaceId });
  });

  it('is answered alike, with as many statements, whoever has the address', async () => {
    const stranger = await found('Trap');
    const member = await atWork(await createTenant(database));
    const invited = await signUp();
    await invite((await found('Another')).owner, invited.email);
    const addresses = [
      `${randomUUID()}@example.com`,
      (await signUp()).email,
      member.email,
      invited.email,
    ];
    const told = [];
    for (const email of addresses) {
      api.statements();
      const { text } = await stranger.owner.ask(
        `mutation { inviteWorkspaceMember(email: "${email}") { id ${INVITATION.slice(1, -1)} errors { message } } }`,
      );
      const masked = text
        .replaceAll(email, 'ADDRESS')
        .replaceAll(/"id":"[^"]*"/g, 'ID')
        .replaceAll(/"\d{4}-[^"]*Z"/g, 'MOMENT');
      told.push({ masked, statements: api.statements() });
    }
    expect(told[0]?.masked).toContain('"status":"PENDING"');
    for (const each of told) expect(each).toEqual(told[0]);
  });

  it('has no other way to make somebody a member, or to move a membership to them', async () => {
    const stranger = await found('Trap');
    const person = await signUp();
    for (const call of [
      `createWorkspaceMember(input: { userId: "${person.userId}" })`,
      `createWorkspaceMembers(inputs: [{ userId: "${person.userId}" }])`,
      `upsertWorkspaceMember(key: { userId: "${person.userId}" })`,
      `updateWorkspaceMember(id: "${randomUUID()}", input: { userId: "${person.userId}" })`,
      `inviteMember(email: "${person.email}")`,
    ]) {
      const answer = await stranger.owner.ask(`mutation { ${call} { errors { message } } }`);
      expect(answer.errors?.[0]?.extensions.code, call).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });

  it('is told what is wrong, at the argument', async () => {
    const { owner, email } = await found('Trap');
    const wrong = async (address: string) =>
      (await attempt(owner, `inviteWorkspaceMember(email: "${address}")`, '{ id }')).errors;
    expect(await wrong('asha')).toMatchObject([
      {
        __typename: 'ValidationError',
        path: ['email'],
        message: expect.stringMatching(/must be an address/),
      },
    ]);
    expect(await wrong(email)).toEqual([
      {
        __typename: 'ConflictError',
        path: ['email'],
        message: 'The person with this address is a member of the workspace.',
      },
    ]);
    await invite(owner, 'leela@example.com');
    expect(await wrong('leela@example.com')).toEqual([
      {
        __typename: 'ConflictError',
        path: ['email'],
        message:
          'This address has an open invitation to the workspace: revoke that one to send another.',
      },
    ]);
  });

  it('is bounded', async () => {
    const { owner, workspaceId, userId } = await found('Trap');
    await database.query(
      `insert into gateway.invitation (workspace_id, email) select $1, n || '@example.com' from generate_series(1, 100) as n`,
      [workspaceId],
    );
    const { data } = await owner.ask(`mutation {
      inviteWorkspaceMember(email: "one-more@example.com") {
        errors { __typename message path ... on LimitReachedError { limit current } }
      }
    }`);
    expect(data?.inviteWorkspaceMember).toEqual({
      errors: [
        {
          __typename: 'LimitReachedError',
          message: 'A workspace has at most 100 open invitations.',
          path: ['email'],
          limit: 100,
          current: 100,
        },
      ],
    });
    await database.query(
      `with w as (insert into workspaces (name) select 'Mine' from generate_series(2, 100) returning id)
       insert into user_workspaces (user_id, workspace_id, role) select $1, id, 'Owner' from w`,
      [userId],
    );
    const { errors } = await attempt(owner, 'createWorkspace(name: "One more")', '{ id }');
    expect(errors).toMatchObject([{ __typename: 'LimitReachedError' }]);
  });
});

describe('a request that names no workspace', () => {
  it('goes on where it did when a trusted writer makes its sender a member elsewhere', async () => {
    const tenant = await createTenant(database);
    const { client, userId } = await atWork(tenant);
    const cohort = 'mutation { createCohort(input: { name: "Mine" }) { errors { __typename } } }';
    expect((await client.data(cohort)).createCohort.errors).toMatchObject([{}]);
    await database.query(
      `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Owner')`,
      [userId, (await createTenant(database)).workspaceId],
    );
    expect(await placeOf(client)).toEqual({
      workspace: { id: tenant.workspaceId },
      role: 'VIEWER',
      memberships: [{ role: 'VIEWER' }, { role: 'OWNER' }],
    });
    expect((await client.data(cohort)).createCohort.errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
  });

  it('goes on where it did when its sender creates another workspace', async () => {
    const { client, workspaceId } = await found('First');
    await perform(client, 'createWorkspace(name: "Second")', '{ id }');
    expect((await placeOf(client)).workspace).toEqual({ id: workspaceId });
  });
});
