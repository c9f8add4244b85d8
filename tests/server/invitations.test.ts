import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { attempt, perform } from '../support/mutations.ts';
import { createTenant } from '../support/tenant.ts';
import {
  addMember,
  api,
  changeInvitation,
  database,
  INVITATION,
  invitationsOf,
  invite,
  MINE,
  membershipsOf,
  setUp,
  signUp,
  signUpOwner,
} from './inviting-world.ts';

setUp();

describe('an invitation by a stranger', () => {
  it('changes no membership and reveals no profile until it is accepted', async () => {
    const person = await addMember(await createTenant(database));
    const before = await membershipsOf(person.client);
    const stranger = await signUpOwner('Trap');
    const { invitation } = await invite(stranger.owner, person.email.toUpperCase());

    expect(await membershipsOf(person.client)).toEqual(before);
    const profile = `{ userProfile(id: "${person.userId}") { fullName } }`;
    expect(await stranger.owner.data(profile)).toEqual({ userProfile: null });
    expect(await invitationsOf(person.client)).toEqual([
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

    expect(await changeInvitation(person.client, 'accept', invitation.id)).toMatchObject({
      errors: [],
    });
    expect(await membershipsOf(person.client)).toEqual({
      ...before,
      memberships: [{ role: 'VIEWER' }, { role: 'VIEWER' }],
    });
    expect(await stranger.owner.data(profile)).toEqual({ userProfile: { fullName: 'Asha Rao' } });
    expect((await membershipsOf(named)).workspace).toEqual({ id: stranger.workspaceId });
  });

  it('gives the same answer with the same statements for any address', async () => {
    const stranger = await signUpOwner('Trap');
    const member = await addMember(await createTenant(database));
    const invited = await signUp();
    await invite((await signUpOwner('Another')).owner, invited.email);
    const addresses = [
      `${randomUUID()}@example.com`,
      (await signUp()).email,
      member.email,
      invited.email,
    ];
    const answers = [];
    for (const email of addresses) {
      api.statements();
      const { text } = await stranger.owner.ask(
        `mutation { inviteWorkspaceMember(email: "${email}") { id ${INVITATION.slice(1, -1)} errors { message } } }`,
      );
      const masked = text
        .replaceAll(email, 'ADDRESS')
        .replaceAll(/"id":"[^"]*"/g, 'ID')
        .replaceAll(/"\d{4}-[^"]*Z"/g, 'MOMENT');
      answers.push({ masked, statements: api.statements() });
    }
    expect(answers[0]?.masked).toContain('"status":"PENDING"');
    for (const each of answers) expect(each).toEqual(answers[0]);
  });

  it('is the only way to add a member: no mutation creates or moves a membership', async () => {
    const stranger = await signUpOwner('Trap');
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

  it('is refused with an error at the invalid argument', async () => {
    const { owner, email } = await signUpOwner('Trap');
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

  it('is limited in number for each workspace', async () => {
    const { owner, workspaceId, userId } = await signUpOwner('Trap');
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

describe('a request without a workspace header', () => {
  it('keeps its workspace when a trusted writer adds its sender to another one', async () => {
    const tenant = await createTenant(database);
    const { client, userId } = await addMember(tenant);
    const cohort = 'mutation { createCohort(input: { name: "Mine" }) { errors { __typename } } }';
    expect((await client.data(cohort)).createCohort.errors).toMatchObject([{}]);
    await database.query(
      `insert into user_workspaces (user_id, workspace_id, role) values ($1, $2, 'Owner')`,
      [userId, (await createTenant(database)).workspaceId],
    );
    expect(await membershipsOf(client)).toEqual({
      workspace: { id: tenant.workspaceId },
      role: 'VIEWER',
      memberships: [{ role: 'VIEWER' }, { role: 'OWNER' }],
    });
    expect((await client.data(cohort)).createCohort.errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
  });

  it('keeps its workspace when its sender creates another one', async () => {
    const { client, workspaceId } = await signUpOwner('First');
    await perform(client, 'createWorkspace(name: "Second")', '{ id }');
    expect((await membershipsOf(client)).workspace).toEqual({ id: workspaceId });
  });
});
