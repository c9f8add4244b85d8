import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addAgent } from '../subscriptions/world.ts';
import { type Client, type LiveApi, openLiveApi } from '../support/api.ts';
import type { Data } from '../support/data.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { attempt, perform } from '../support/mutations.ts';
import { type Listener, listen, listening } from '../support/subscribe.ts';
import { createTenant, insert, type Tenant } from '../support/tenant.ts';

let database: TestDatabase;
let api: LiveApi;
let listeners: Listener[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  api = await openLiveApi(database);
});
afterEach(async () => {
  for (const listener of listeners) listener.close();
  listeners = [];
  await listening(api, 0);
});
afterAll(async () => {
  await api?.close();
  await database?.close();
});

interface Somebody {
  userId: string;
  email: string;
  /** Sends no workspace header. */
  client: Client;
}

/** Somebody who has signed up, and is in no workspace. */
async function signUp(name = 'Asha Rao'): Promise<Somebody> {
  const userId = randomUUID();
  const email = `${userId}@example.com`;
  await database.query(
    'insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)',
    [userId, email, { full_name: name }],
  );
  return { userId, email, client: await api.as(userId) };
}

/** A stranger with a workspace of their own making. */
async function found(name: string): Promise<Somebody & { workspaceId: string; owner: Client }> {
  const stranger = await signUp('Mallory');
  const { id } = await perform(stranger.client, `createWorkspace(name: "${name}")`, '{ id }');
  return { ...stranger, workspaceId: id, owner: await api.as(stranger.userId, id) };
}

const INVITATION =
  '{ invitation { id workspaceId workspaceName email role inviterName status createdAt expiresAt } }';
const invite = (client: Client, email: string, role = 'VIEWER') =>
  perform(client, `inviteWorkspaceMember(email: "${email}", role: ${role})`, INVITATION);
const settle = (client: Client, step: 'accept' | 'decline' | 'revoke', id: string) =>
  attempt(client, `${step}Invitation(id: "${id}")`, '{ id invitation { status workspaceId } }');

const MINE = '{ viewer { invitations { id workspaceName inviterName role status } } }';
const mine = async (client: Client): Promise<Data[]> =>
  (await client.data(MINE)).viewer.invitations;
const placeOf = async (client: Client): Promise<Data> =>
  (await client.data('{ viewer { workspace { id } role memberships { role } } }')).viewer;

/** A person at work in a workspace, which their requests do not name. */
async function atWork(tenant: Tenant): Promise<Somebody> {
  const person = await signUp();
  await database.query('insert into user_workspaces (user_id, workspace_id) values ($1, $2)', [
    person.userId,
    tenant.workspaceId,
  ]);
  return person;
}

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

describe('an invitation', () => {
  it('is refused alike when it is unknown, foreign, settled, revoked or expired', async () => {
    const person = await signUp();
    const sent = async (then: (id: string, owner: Client) => Promise<unknown>) => {
      const { owner } = await found('Trap');
      const { invitation } = await invite(owner, person.email);
      await then(invitation.id, owner);
      return invitation.id;
    };
    const foreign = await invite((await found('Trap')).owner, (await signUp()).email);
    const ids = [
      randomUUID(),
      foreign.invitation.id,
      await sent((id) => settle(person.client, 'decline', id)),
      await sent((id, owner) => settle(owner, 'revoke', id)),
      await sent((id) =>
        database.query('update gateway.invitation set expires_at = now() where id = $1', [id]),
      ),
    ];
    for (const step of ['accept', 'decline'] as const) {
      for (const id of ids) {
        expect(await settle(person.client, step, id)).toEqual({
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
    expect(await mine(person.client)).toEqual([]);
    expect((await placeOf(person.client)).memberships).toEqual([]);
  });

  it('is listed for Owners of its workspace, who revoke it; nobody else sees it', async () => {
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
      const { errors } = await settle(client, 'revoke', invitation.id);
      expect(errors).toMatchObject([{ __typename: 'ForbiddenError' }]);
    }
    expect((await settle(agent, 'accept', invitation.id)).errors).toMatchObject([
      { __typename: 'ForbiddenError' },
    ]);
    expect(await settle(owner, 'revoke', invitation.id)).toMatchObject({
      invitation: { status: 'REVOKED' },
    });
    expect(await list(owner, 'PENDING')).toEqual([]);
    expect(await list(owner, 'REVOKED')).toEqual([{ ...listed, status: 'REVOKED' }]);
  });

  it('is accepted once, by however many requests, and the same key is answered the same', async () => {
    const { owner, workspaceId } = await found('Café');
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
    const told = answers.map(({ data }) => JSON.stringify(data?.acceptInvitation));
    expect(new Set(told)).toEqual(new Set([JSON.stringify(done), JSON.stringify(refused)]));
    const winners = told.filter((each) => each === JSON.stringify(done));
    expect([1, 3]).toContain(winners.length);
    expect(await placeOf(person.client)).toMatchObject({ role: 'ANALYST', memberships: [{}] });
  });

  it('is sent and accepted by no rehearsal', async () => {
    const { owner } = await found('Café');
    const person = await signUp();
    await perform(owner, `inviteWorkspaceMember(email: "${person.email}", dryRun: true)`, '{ id }');
    expect(await mine(person.client)).toEqual([]);
    const { invitation } = await invite(owner, person.email);
    await perform(
      person.client,
      `acceptInvitation(id: "${invitation.id}", dryRun: true)`,
      '{ id }',
    );
    expect(await mine(person.client)).toHaveLength(1);
    expect((await placeOf(person.client)).memberships).toEqual([]);
  });

  it('lists no more than a page', async () => {
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
    subscription.told().map(({ operation, node }) => [operation, node?.status ?? null]);

  it('tells a person without any workspace, and the Owner, of each step', async () => {
    const { owner } = await found('Café');
    const person = await signUp();
    const bystander = await signUp();
    const [personal, owners, others] = [
      await follow(person.client),
      await follow(owner),
      await follow(bystander.client),
    ];
    const { invitation } = await invite(owner, person.email);
    await eventually(() => steps(personal)).toEqual([['CREATED', 'PENDING']]);
    await settle(owner, 'revoke', invitation.id);
    const again = await invite(owner, person.email);
    await settle(person.client, 'accept', again.invitation.id);
    for (const each of [personal, owners]) {
      await eventually(() => steps(each)).toEqual([
        ['CREATED', 'PENDING'],
        ['UPDATED', 'REVOKED'],
        ['CREATED', 'PENDING'],
        ['UPDATED', 'ACCEPTED'],
      ]);
    }
    expect(personal.told()[0]).toMatchObject({
      id: invitation.id,
      node: { workspaceName: 'Café' },
    });
    expect(others.results).toEqual([]);

    const cursor = personal.told()[1]?.cursor;
    const resumed = await follow(await api.as(bystander.userId), { after: cursor });
    await invite(owner, bystander.email);
    await eventually(() => steps(resumed)).toEqual([['CREATED', 'PENDING']]);
  });

  it('tells of what SQL does, as soon as it is committed', async () => {
    const tenant = await createTenant(database);
    const person = await signUp();
    const told = await follow(person.client);
    const id = await insert(database, 'gateway.invitation', {
      workspace_id: tenant.workspaceId,
      email: person.email,
    });
    await eventually(() => steps(told)).toEqual([['CREATED', 'PENDING']]);
    await database.query(`update gateway.invitation set expires_at = now() where id = $1`, [id]);
    await database.query('select gateway.expire_invitations()');
    await eventually(() => steps(told).at(-1)).toEqual(['UPDATED', 'EXPIRED']);
    await database.query('delete from workspaces where id = $1', [tenant.workspaceId]);
    await eventually(() => steps(told).at(-1)).toEqual(['LEFT', null]);
  });

  it('is not for agents', async () => {
    const tenant = await createTenant(database);
    const scout = `scout-${randomUUID()}`;
    await addAgent(database, scout, tenant.workspaceId);
    const listener = listen(api.url, await api.asAgent(scout, ['*:write'], tenant.workspaceId));
    listeners.push(listener);
    const subscription = listener.subscribe(CHANGED);
    await eventually(() => subscription.code()).toBe('FORBIDDEN');
  });

  it('is what a live query of them follows, too', async () => {
    const { owner } = await found('Café');
    const person = await signUp();
    const listener = listen(api.url, person.client);
    listeners.push(listener);
    const live = listener.subscribe('query @live { viewer { invitations { workspaceName } } }');
    await eventually(() => live.told().at(-1)).toEqual({ invitations: [] });
    const { invitation } = await invite(owner, person.email);
    await eventually(() => live.told().at(-1)).toEqual({
      invitations: [{ workspaceName: 'Café' }],
    });
    await settle(owner, 'revoke', invitation.id);
    await eventually(() => live.told().at(-1)).toEqual({ invitations: [] });
  });
});
