import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { addAgent } from '../subscriptions/world.ts';
import type { Client } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { perform } from '../support/mutations.ts';
import { listen, listening } from '../support/subscribe.ts';
import { createTenant, insert } from '../support/tenant.ts';
import {
  api,
  changeInvitation,
  database,
  invitationsOf,
  invite,
  listeners,
  membershipsOf,
  setUp,
  signUp,
  signUpOwner,
} from './inviting-world.ts';

setUp();

describe('an invitation', () => {
  it('is refused with the same error if it is unknown, foreign, declined, revoked or expired', async () => {
    const person = await signUp();
    const sent = async (then: (id: string, owner: Client) => Promise<unknown>) => {
      const { owner } = await signUpOwner('Trap');
      const { invitation } = await invite(owner, person.email);
      await then(invitation.id, owner);
      return invitation.id;
    };
    const foreign = await invite((await signUpOwner('Trap')).owner, (await signUp()).email);
    const ids = [
      randomUUID(),
      foreign.invitation.id,
      await sent((id) => changeInvitation(person.client, 'decline', id)),
      await sent((id, owner) => changeInvitation(owner, 'revoke', id)),
      await sent((id) =>
        database.query('update gateway.invitation set expires_at = now() where id = $1', [id]),
      ),
    ];
    for (const step of ['accept', 'decline'] as const) {
      for (const id of ids) {
        expect(await changeInvitation(person.client, step, id)).toEqual({
          id: null,
          invitation: null,
          errors: [
            {
              __typename: 'NotFoundError',
              message: 'There is no such open invitation for you.',
              path: ['id'],
            },
          ],
        });
      }
    }
    expect(await invitationsOf(person.client)).toEqual([]);
    expect((await membershipsOf(person.client)).memberships).toEqual([]);
  });

  it('is listed only for Owners of its workspace, who can revoke it', async () => {
    const tenant = await createTenant(database);
    const owner = await api.as(tenant.people.Owner, tenant.workspaceId);
    const { invitation } = await invite(owner, 'farah@example.com', 'CREATOR');
    const scout = `scout-${randomUUID()}`;
    await addAgent(database, scout, tenant.workspaceId);
    const LIST = `query ($id: UUID!, $status: InvitationStatus) {
      workspace(id: $id) { invitations(status: $status) { email role status } }
      viewer { invitations { id } }
    }`;
    const list = async (client: Client, status?: string) => {
      const { workspace, viewer } = await client.data(LIST, { id: tenant.workspaceId, status });
      expect(viewer.invitations).toEqual([]);
      return workspace.invitations;
    };
    const listed = { email: 'farah@example.com', role: 'CREATOR' };
    expect(await list(owner)).toEqual([{ ...listed, status: 'PENDING' }]);
    const strategist = await api.as(tenant.people.Strategist, tenant.workspaceId);
    const agent = await api.asAgent(scout, ['*:write'], tenant.workspaceId);
    for (const client of [strategist, agent]) {
      expect(await list(client)).toEqual([]);
      const { errors } = await changeInvitation(client, 'revoke', invitation.id);
      expect(errors).toMatchObject([{ __typename: 'ForbiddenError' }]);
    }
    expect((await changeInvitation(agent, 'accept', invitation.id)).errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
    expect(await changeInvitation(owner, 'revoke', invitation.id)).toMatchObject({
      invitation: { status: 'REVOKED' },
    });
    expect(await list(owner, 'PENDING')).toEqual([]);
    expect(await list(owner, 'REVOKED')).toEqual([{ ...listed, status: 'REVOKED' }]);
  });

  it('is accepted once by many requests, and requests with one key get the same answer', async () => {
    const { owner, workspaceId } = await signUpOwner('Café');
    const person = await signUp();
    const { invitation } = await invite(owner, person.email, 'ANALYST');
    const ACCEPT = `mutation { acceptInvitation(id: "${invitation.id}") {
      invitation { status workspaceId } errors { __typename }
    } }`;
    const done = { invitation: { status: 'ACCEPTED', workspaceId }, errors: [] };
    const refused = { invitation: null, errors: [{ __typename: 'NotFoundError' }] };
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => person.client.ask(ACCEPT, {}, n < 3 ? key : undefined)),
    );
    const payloads = answers.map(({ data }) => JSON.stringify(data?.acceptInvitation));
    expect(new Set(payloads)).toEqual(new Set([JSON.stringify(done), JSON.stringify(refused)]));
    const winners = payloads.filter((each) => each === JSON.stringify(done));
    expect([1, 3]).toContain(winners.length);
    expect(await membershipsOf(person.client)).toMatchObject({
      role: 'ANALYST',
      memberships: [{}],
    });
  });

  it('is neither sent nor accepted in a dry run', async () => {
    const { owner } = await signUpOwner('Café');
    const person = await signUp();
    await perform(owner, `inviteWorkspaceMember(email: "${person.email}", dryRun: true)`, '{ id }');
    expect(await invitationsOf(person.client)).toEqual([]);
    const { invitation } = await invite(owner, person.email);
    await perform(
      person.client,
      `acceptInvitation(id: "${invitation.id}", dryRun: true)`,
      '{ id }',
    );
    expect(await invitationsOf(person.client)).toHaveLength(1);
    expect((await membershipsOf(person.client)).memberships).toEqual([]);
  });

  it('is listed in pages of at most 100', async () => {
    const { client } = await signUp();
    for (const first of [-1, 101]) {
      const { errors } = await client.ask(`{ viewer { invitations(first: ${first}) { id } } }`);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'first' });
    }
  });
});

describe('invitationChanged', () => {
  const CHANGED = `subscription ($after: String) { invitationChanged(after: $after) {
    operation id changedColumns cursor node { workspaceName status }
  } }`;

  async function follow(client: Client, variables?: object) {
    const { subscribers } = await api.open();
    const listener = listen(api.url, client);
    listeners.push(listener);
    const subscription = listener.subscribe(CHANGED, variables);
    await listening(api, subscribers + 1);
    return subscription;
  }
  const steps = (subscription: Awaited<ReturnType<typeof follow>>) =>
    subscription.received().map(({ operation, node }) => [operation, node?.status ?? null]);

  it('sends each step to the invited person and to the Owner', async () => {
    const { owner } = await signUpOwner('Café');
    const person = await signUp();
    const bystander = await signUp();
    const [personal, owners, others] = [
      await follow(person.client),
      await follow(owner),
      await follow(bystander.client),
    ];
    const { invitation } = await invite(owner, person.email);
    // A change is sent with the row as it is then, so each step waits for the one before it.
    const arrived = async (count: number) => {
      for (const each of [personal, owners]) {
        await eventually(() => steps(each).length).toBe(count);
      }
    };
    await arrived(1);
    await changeInvitation(owner, 'revoke', invitation.id);
    await arrived(2);
    const again = await invite(owner, person.email);
    await arrived(3);
    await changeInvitation(person.client, 'accept', again.invitation.id);
    for (const each of [personal, owners]) {
      await eventually(() => steps(each)).toEqual([
        ['CREATED', 'PENDING'],
        ['UPDATED', 'REVOKED'],
        ['CREATED', 'PENDING'],
        ['UPDATED', 'ACCEPTED'],
      ]);
    }
    expect(personal.received()[0]).toMatchObject({
      id: invitation.id,
      node: { workspaceName: 'Café' },
    });
    expect(others.results).toEqual([]);

    const cursor = personal.received()[1]?.cursor;
    const resumed = await follow(await api.as(bystander.userId), { after: cursor });
    await invite(owner, bystander.email);
    await eventually(() => steps(resumed)).toEqual([['CREATED', 'PENDING']]);
  });

  it('sends changes that are made in SQL', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const subscription = await follow(person.client);
    const id = await insert(database, 'gateway.invitation', {
      workspace_id: tenant.workspaceId,
      email: person.email,
    });
    await eventually(() => steps(subscription)).toEqual([['CREATED', 'PENDING']]);
    await database.query(`update gateway.invitation set expires_at = now() where id = $1`, [id]);
    await database.query('select gateway.expire_invitations()');
    await eventually(() => steps(subscription).at(-1)).toEqual(['UPDATED', 'EXPIRED']);
    await database.query('delete from workspaces where id = $1', [tenant.workspaceId]);
    await eventually(() => steps(subscription).at(-1)).toEqual(['LEFT', null]);
  });

  it('is forbidden for agents', async () => {
    const tenant = await createTenant(database);
    const scout = `scout-${randomUUID()}`;
    await addAgent(database, scout, tenant.workspaceId);
    const listener = listen(api.url, await api.asAgent(scout, ['*:write'], tenant.workspaceId));
    listeners.push(listener);
    const subscription = listener.subscribe(CHANGED);
    await eventually(() => subscription.code()).toBe('FORBIDDEN');
  });

  it('updates a live query of invitations', async () => {
    const { owner } = await signUpOwner('Café');
    const person = await signUp();
    const listener = listen(api.url, person.client);
    listeners.push(listener);
    const live = listener.subscribe('query @live { viewer { invitations { workspaceName } } }');
    await eventually(() => live.received().at(-1)).toEqual({ invitations: [] });
    const { invitation } = await invite(owner, person.email);
    await eventually(() => live.received().at(-1)).toEqual({
      invitations: [{ workspaceName: 'Café' }],
    });
    await changeInvitation(owner, 'revoke', invitation.id);
    await eventually(() => live.received().at(-1)).toEqual({ invitations: [] });
  });
});
